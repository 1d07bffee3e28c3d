"""Clocks. Nothing below this package reads the wall."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from anlan.model.time import utc

TICK = timedelta(microseconds=1)


class WallClock:
    """The wall's time, strictly increasing: two turns never share an instant, so that what was known
    at one is exactly what the journal says."""

    def __init__(self, not_before: datetime | None = None) -> None:
        self._last = not_before or datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + TICK)
            return self._last


class VirtualClock:
    """Time as told: replay, backtest, exercise, tests. It never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = utc(start, "clock.start")

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> None:
        """Move to `instant`; ValueError backwards."""
        if utc(instant, "clock.set") < self._now:
            raise ValueError(f"time does not go back: {instant} < {self._now}")
        self._now = instant


class ContinuedClock:
    """Goes on from where a replay ended, at the wall's pace: the running clocks of its end state run."""

    def __init__(self, start: datetime) -> None:
        self._start = utc(start, "clock.start")
        self._wall = WallClock()
        self._began = self._wall.now()

    def now(self) -> datetime:
        return self._start + (self._wall.now() - self._began)
