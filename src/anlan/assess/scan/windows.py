"""Windows in time: which spans of periods are scanned, and their groups.

A group is a rectangle of spans [from, to): `from` in [from0, from1] and `to` in [to0, to1]. All its
spans lie within [from0, to1) and contain [from1, to0), so two sums bound them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: a group of spans is cut up while its longest and its shortest span differ by more than this many
#: standard deviations of the count
SPREAD = 1.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Spans of `shortest` to `longest` periods of `periods`; `alive`: only those that reach the last
    period (prospective); `whole`: also the span of all periods (purely spatial)."""

    periods: int
    shortest: int
    longest: int
    alive: bool = False
    whole: bool = False

    def holds(self, start: int, end: int) -> bool:
        """Whether [start, end) is scanned."""
        if self.whole and start == 0 and end == self.periods:
            return True
        if self.alive and end != self.periods:
            return False
        return start >= 0 and end <= self.periods and self.shortest <= end - start <= self.longest

    def spans(self) -> list[tuple[int, int]]:
        """Every span, by start and then by end."""
        return [
            (start, end)
            for start in range(self.periods)
            for end in range(start + 1, self.periods + 1)
            if self.holds(start, end)
        ]

    def starts(self) -> list[int]:
        """First period of each span that ends with the last one, the shortest span first."""
        return [start for start in range(self.periods - 1, -1, -1) if self.holds(start, self.periods)]

    def span_array(self) -> npt.NDArray[np.int64]:
        """Every span, [n_spans, 2]."""
        return np.array(self.spans(), dtype=np.int64).reshape(-1, 2)

    def groups(self, cases: float) -> npt.NDArray[np.int64]:
        """Rectangles [n_groups, 4] (from0, from1, to0, to1) that together hold every span once, for
        zones with so many cases over all periods."""
        found: list[tuple[int, int, int, int]] = []
        if self.whole and not self.shortest <= self.periods <= self.longest:
            found.append((0, 0, self.periods, self.periods))
        ends = (self.periods, self.periods) if self.alive else (1, self.periods)
        todo = [(0, self.periods - 1, *ends)]
        while todo:
            from0, from1, to0, to1 = todo.pop()
            if to1 - from0 < self.shortest or max(to0 - from1, 1) > self.longest:
                continue
            more = ((to1 - from0) - max(to0 - from1, 0)) * cases / self.periods
            spread = SPREAD * math.sqrt((to1 - from0) * cases / self.periods)
            if (from0 == from1 and to0 == to1) or (to0 > from1 and more <= spread):
                found.append((from0, from1, to0, to1))
            elif from1 - from0 >= to1 - to0:
                middle = (from0 + from1) // 2
                todo += [(middle + 1, from1, to0, to1), (from0, middle, to0, to1)]
            else:
                middle = (to0 + to1) // 2
                todo += [(from0, from1, middle + 1, to1), (from0, from1, to0, middle)]
        return np.array(sorted(found), dtype=np.int64).reshape(-1, 4)

    def grains(self, cases: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], list[float]]:
        """Groups for zones of any size: all rectangles, where each set of them begins [n_sets + 1], and
        the most cases of a zone that each set but the last is for, up to `cases`."""
        sets: list[npt.NDArray[np.int64]] = []
        limits: list[float] = []
        limit = 1.0
        while True:
            sets.append(self.groups(limit))
            if limit >= cases or (sets[-1][:, [0, 2]] == sets[-1][:, [1, 3]]).all():
                break
            limits.append(limit)
            limit *= 4.0
        offset = np.cumsum([0, *(len(one) for one in sets)])
        return np.concatenate(sets), offset.astype(np.int64), limits
