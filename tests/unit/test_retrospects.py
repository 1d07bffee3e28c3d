"""What pages looked at last is kept, and no more than there is room for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from anlan.app.retrospects import Retrospects, size
from anlan.ports.desk import PlaceSeries, Retrospect

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def seen(places: int, times: int = 100, tested: int = 25) -> Retrospect:
    blank = np.zeros(tested)
    one = PlaceSeries(np.zeros(times), blank, blank, blank.astype(np.int8), blank.astype(np.int16))
    axis = tuple(T0 + n * timedelta(days=1) for n in range(times))
    return Retrospect(T0, axis, tuple(range(tested)), {f"x/{n}": one for n in range(places)})


def test_the_oldest_leave_when_there_is_no_room_and_the_newest_stays() -> None:
    assert size(seen(3)) == 600
    kept, made = Retrospects(most=1000), []

    def ask(key: str, places: int) -> Retrospect:
        return kept.get(key, lambda: made.append(key) or seen(places))  # type: ignore[func-returns-value]

    a = ask("a", 2)
    ask("b", 2)
    assert ask("a", 2) is a and made == ["a", "b"]
    # `b` was looked at longest ago
    ask("c", 2)
    assert ask("a", 2) is a and made == ["a", "b", "c"]
    ask("b", 2)
    assert made == ["a", "b", "c", "b"]
    large = ask("d", 50)
    assert ask("d", 50) is large and made[-1] == "d"
    ask("a", 2)
    assert made[-1] == "a"
