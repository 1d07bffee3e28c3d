"""What was worked out for the last pages, kept for their charts: one look, one computation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from anlan.ports.desk import Retrospect


class Retrospects:
    """The newest retrospects by what they follow from; `most` values in all (8 bytes each) are kept, the
    newest whatever its size. Who reads one changes nothing in it."""

    def __init__(self, most: int = 4_000_000) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[Hashable, Retrospect] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, work: Callable[[], Retrospect]) -> Retrospect:
        """The one under `key`, which says all that it follows from; worked out where it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = work()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += size(made)
            while self._size > self._most and len(self._kept) > 1:
                _, out = self._kept.popitem(last=False)
                self._size -= size(out)
        return made


def size(seen: Retrospect) -> int:
    """Values that a retrospect holds, at most."""
    parts = sum(len(one.children) + 1 for one in seen.sums.values())
    return len(seen.series) * (len(seen.times) + 4 * len(seen.tested)) + parts * len(seen.times)
