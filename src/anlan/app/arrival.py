"""What a live system makes of a batch: known from this turn on, and nothing twice.

`known` is the instant of the turn that takes an observation in, whatever the source says: a turn before
it did not have it, so that what was decided then is computed again from the very same rows. A source
that tells again what is held already (a retry, a feed read anew after a restart) tells nothing new.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from anlan.assess.grid import instant
from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.ports.clock import Clock
from anlan.ports.lake import Lake
from anlan.ports.source import Batch

#: one value of one moment: indicator, place, event, at
_Moment = tuple[str, str, str, datetime]
_Content = tuple[float | None, float | None, float | None]


class Archive(Lake, Protocol):
    """A lake that can also tell every revision, with what a slice leaves out."""

    def revisions(self, indicator: str) -> tuple[Observation, ...]: ...


def arrive(batch: Batch, lake: Archive, clock: Clock) -> tuple[Batch, int]:
    """(the batch as of now, how many of its observations are repetitions and were left out). One is a
    repetition where it equals the newest revision of its moment, by value and by point. Several
    revisions of one moment keep their order: each is known an instant after the one before it."""
    instants = [clock.now()]
    newest: dict[_Moment, _Content] = {}
    for indicator in dict.fromkeys(item.indicator for item in batch.observations):
        newest.update(_held(lake, [o for o in batch.observations if o.indicator == indicator], instants[0]))
    depths = _Depths(lake)
    revisions: dict[_Moment, int] = {}
    kept: list[Observation] = []
    for item in batch.observations:
        moment = (item.indicator, item.place, item.event, item.at)
        content = _content(item)
        if newest.get(moment) == content and (item.point is None or depths.same(moment, item.point)):
            continue
        newest[moment] = content
        if item.point is not None:
            depths.brought[moment] = item.point.depth_km
        number = revisions.get(moment, 0)
        revisions[moment] = number + 1
        if number == len(instants):
            instants.append(clock.now())
        kept.append(replace(item, known=instants[number]))
    repeated = len(batch.observations) - len(kept)
    return replace(batch, known=instants[-1], observations=tuple(kept)), repeated


class _Depths:
    """The depth of the newest revision of an event: what was brought, else what is held. A slice has no
    depth, so what is held is looked up once, and only for events that are told again."""

    def __init__(self, lake: Archive) -> None:
        self.brought: dict[_Moment, float | None] = {}
        self._lake = lake
        self._kept: dict[str, dict[_Moment, float | None]] = {}

    def same(self, moment: _Moment, point: Point) -> bool:
        if moment in self.brought:
            return self.brought[moment] == point.depth_km
        indicator = moment[0]
        if indicator not in self._kept:
            self._kept[indicator] = _depths(self._lake, indicator)
        return self._kept[indicator].get(moment) == point.depth_km


def _held(lake: Lake, items: Sequence[Observation], now: datetime) -> Iterator[tuple[_Moment, _Content]]:
    """The newest revisions that the lake holds around these observations."""
    indicator = items[0].indicator
    slice = lake.read(
        indicator,
        known=now,
        places=sorted({item.place for item in items}),
        since=min(item.at for item in items),
        until=max(item.at for item in items) + timedelta(microseconds=1),
    )
    for place, event, at, value, lon, lat in zip(
        slice.place, slice.event, slice.at, slice.value, slice.lon, slice.lat, strict=True
    ):
        moment = (indicator, str(place), str(event), instant(at))
        yield moment, (_number(value), _number(lon), _number(lat))


def _depths(lake: Archive, indicator: str) -> dict[_Moment, float | None]:
    """The depth of the newest revision of every event."""
    newest: dict[_Moment, tuple[datetime, float | None]] = {}
    for item in lake.revisions(indicator):
        moment = (indicator, item.place, item.event, item.at)
        if moment not in newest or item.known >= newest[moment][0]:
            newest[moment] = (item.known, item.point.depth_km if item.point else None)
    return {moment: depth for moment, (_, depth) in newest.items()}


def _content(item: Observation) -> _Content:
    point = item.point
    return (
        None if item.value is None else item.value + 0.0,
        None if point is None else point.lon,
        None if point is None else point.lat,
    )


def _number(value: float) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number
