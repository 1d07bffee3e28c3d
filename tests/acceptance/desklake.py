"""Observations in memory with both of their times, for a desk in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from deskpack import NOW

from anlan.ports.lake import Slice

DAY = timedelta(days=1)
#: (place, day before now, days until it was known, value): a wave in Beijing whose third day was first
#: reported as 20 and revised to 36 two days later, quiet elsewhere, a day that Tianjin never reported
WAVE = {4: 7.0, 3: 36.0, 2: 36.0, 1: 36.0, 0: 27.0}
PLACES = ("cn/110000", "cn/120000", "cn/130000", "cn/650000")


def rows() -> list[tuple[str, datetime, datetime, float]]:
    start = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for place in PLACES:
        for back in range(60):
            at = start - back * DAY
            if place == "cn/120000" and back in (6, 7):
                continue
            value = WAVE.get(back, float(back % 3)) if place == "cn/110000" else float((back * 5) % 4)
            known = min(NOW, at + DAY)
            if place == "cn/110000" and back == 3:
                found.append((place, at, known, 20.0))
                known = min(NOW, at + 3 * DAY)
            found.append((place, at, known, value))
    return found


class DeskLake:
    """The reading side of anlan.ports.lake.Lake."""

    def __init__(self) -> None:
        self.rows = rows()

    def read(
        self,
        indicator: str,
        *,
        known: datetime,
        places: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Slice:
        newest: dict[tuple[str, datetime], tuple[datetime, float]] = {}
        for place, at, learnt, value in sorted(self.rows, key=lambda row: row[2]):
            inside = (since is None or at >= since) and (until is None or at < until)
            if indicator == "covid-cases" and learnt <= known and inside and (not places or place in places):
                newest[place, at] = (learnt, value)
        ordered = sorted(newest.items())
        blank = np.full(len(ordered), np.nan)
        return Slice(
            np.array([place for (place, _), _ in ordered], dtype=object),
            np.array([""] * len(ordered), dtype=object),
            _instants([at for (_, at), _ in ordered]),
            _instants([learnt for _, (learnt, _) in ordered]),
            np.array([value for _, (_, value) in ordered], dtype=np.float64),
            blank,
            blank,
        )

    def learnt(self, indicator: str, place: str) -> list[datetime]:
        return sorted({known for at_place, _, known, _ in self.rows if at_place == place})


def _instants(values: Sequence[datetime]) -> Any:
    return np.array([v.astimezone(UTC).replace(tzinfo=None) for v in values], dtype="datetime64[us]")
