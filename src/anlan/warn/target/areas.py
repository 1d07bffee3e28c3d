"""Recipients with areas of their own (subscriptions), against alert areas: who has ground in common.

The rule is the predicate `intersects` of the OGC simple features: a boundary in common is enough. The tree of
Shapely does it: nothing of our own was faster on subscriptions as people draw them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from anlan.packs.drawing import Circle
from anlan.warn.ground import around
from anlan.warn.target.points import Matches, checked


class Areas:
    """Recipients with areas, keyed by their place in the order given."""

    def __init__(self, shapes: Sequence[BaseGeometry]) -> None:
        """InvalidValue for a shape that is not a valid polygon or multipolygon, or has none."""
        self._shapes = checked(shapes, "recipients")
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def within_each(self, areas: Sequence[BaseGeometry | Circle]) -> Matches:
        """Keys of the recipients that each area meets, in ascending order. A circle counts as the polygon
        that covers it: nobody is missed, and some within a hundredth of the radius beyond it may be met."""
        asked = checked([around(one) if isinstance(one, Circle) else one for one in areas], "areas")
        first, second = self._tree.query(asked, predicate="intersects")
        order = np.lexsort((second, first))
        begins = np.searchsorted(first[order], np.arange(len(asked) + 1))
        return Matches(begins.astype(np.int64), second[order].astype(np.int32))
