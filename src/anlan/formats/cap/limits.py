"""How much of a message is looked at: past these bounds it is refused, or told so.

What one message may hold protects the service; whoever needs more sends several."""

from __future__ import annotations

#: characters of a text, and the elements to which that does not apply: lists, content and geometry are
#: bounded by the size of the document and a number of points
MAX_TEXT = 50_000
UNLIMITED = ("derefUri", "polygon", "references", "addresses", "value")
#: points of one polygon; polygons and circles of a message
MAX_POINTS = 10_000
MAX_SHAPES = 20_000
MAX_INFOS = 1000
#: about so many characters of a headline are shown (CAP 1.2, section 3.2.2): no bound, but told
MAX_HEADLINE = 160
