"""What differs between two messages that bear one name, or between the bytes of one that came by two ways."""

from __future__ import annotations

import difflib
import re

#: so many lines of each are compared, of which so many that differ are told
COMPARED, TOLD = 2000, 100
_BETWEEN = re.compile(r">\s*<")


def differing(ours: str, theirs: str) -> tuple[str, ...]:
    """The elements that one has and the other has not, in order: with `- ` what is only in the first, with
    `+ ` what is only in the second. Space between elements says nothing; where nothing else differs, and
    where they differ only beyond the lines that are compared, the outcome is empty."""
    first, second = (_BETWEEN.sub(">\n<", text).splitlines()[:COMPARED] for text in (ours, theirs))
    said: list[str] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, first, second).get_opcodes():
        if what != "equal":
            said += [f"- {line.strip()}" for line in first[a:b]]
            said += [f"+ {line.strip()}" for line in second[c:d]]
    return tuple(said[:TOLD])
