"""What each place last reported, kept in memory: read once, then only where something came."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress

import numpy as np

from anlan.app.house import RunningHouse
from anlan.assess.grid import instant, instant64
from anlan.model.errors import StoreUnavailable
from anlan.model.indicator import Indicator
from anlan.model.observation import Observation
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.monitor.reports import Reports, newest, renewed, rows, stopped, stuck
from anlan.monitor.silence import patience
from anlan.ports.desk import PlaceReport, Unreported

#: a place that has reported nothing for so long, or for so many periods, is taken for closed
CLOSED, PERIODS = timedelta(days=400), 4
#: states of a source that goes on
GOES_ON = ("fresh", "failing")


class PlaceReports:
    """By indicator; read by whoever looks, renewed by the observations that turns took in."""

    def __init__(self) -> None:
        self._kept: dict[str, Reports] = {}
        self._touched: dict[str, set[str]] = {}
        self._told: dict[str, tuple[Reports, tuple[int, int], Unreported]] = {}
        self._reading, self._hearing = threading.Lock(), threading.Lock()

    def hear(self, observations: Iterable[Observation]) -> None:
        """These may be in the lake since now. Waits for no reader."""
        with self._hearing:
            for one in observations:
                self._touched.setdefault(one.indicator, set()).add(one.place)

    def unreported(self, house: RunningHouse, state: State, now: datetime) -> tuple[Unreported, ...]:
        """As `anlan.ports.desk.Desk.unreported`."""
        found = []
        for indicator in house.pack.indicators.values():
            limits = [
                limit
                for id, source in house.pack.sources.items()
                if indicator.id in source.indicators
                and _goes_on(state.sources.get(id))
                and house.watched(id, now)
                and (limit := patience(source, indicator)) is not None
            ]
            if not limits:
                continue
            try:
                one = self._look(house, indicator, now, max(limits))
            except (StoreUnavailable, OSError):
                # whoever looks must see the rest; a lake that takes nothing in soon makes its sources late
                continue
            if one.silent or one.stuck:
                found.append(one)
        return tuple(found)

    def _look(self, house: RunningHouse, indicator: Indicator, now: datetime, limit: timedelta) -> Unreported:
        back = _look_back(indicator)
        reports = self._reports(house, indicator, back)
        stands = instant64(now)
        counted = reports.at > stands - np.timedelta64(back)
        stops = stopped(reports, stands, limit)
        still = stuck(reports, indicator.frequency or limit, indicator.frozen_after)
        # time alone only adds places to what has stopped, and only takes them from what counts: the same
        # numbers of the same reports are the same places
        key = (int(counted.sum()), int(stops.sum()))
        last = self._told.get(indicator.id)
        if last is not None and last[0] is reports and last[1] == key:
            return last[2]
        told = Unreported(
            indicator.id,
            tuple(compress(reports.places, counted.tolist())),
            _told(reports, rows(reports, counted & stops)),
            _told(reports, rows(reports, counted & ~stops & still)),
        )
        self._told[indicator.id] = (reports, key, told)
        return told

    def _reports(self, house: RunningHouse, indicator: Indicator, back: timedelta) -> Reports:
        with self._reading:
            kept = self._kept.get(indicator.id)
            with self._hearing:
                places = self._touched.pop(indicator.id, set())
            if kept is not None and not places:
                return kept
            # after what was heard: all of that is known by now
            now = house.clock.now()
            try:
                if kept is None:
                    read = newest(house.lake.read(indicator.id, known=now, since=now - back))
                else:
                    since = _renewed_from(kept, places, now - back, indicator)
                    slice = house.lake.read(indicator.id, known=now, places=sorted(places), since=since)
                    read = renewed(kept, newest(slice))
            except BaseException:
                with self._hearing:
                    self._touched.setdefault(indicator.id, set()).update(places)
                raise
            self._kept[indicator.id] = read
            return read


def _told(reports: Reports, chosen: Sequence[int]) -> tuple[PlaceReport, ...]:
    at, since, same = (
        [one.replace(tzinfo=UTC) for one in column[chosen].tolist()]
        for column in (reports.at, reports.since, reports.same)
    )
    value = reports.value[chosen].tolist()
    places = [reports.places[row] for row in chosen]
    return tuple(map(PlaceReport, places, at, since, value, same))


def _goes_on(state: SourceState | None) -> bool:
    return state is not None and state.status in GOES_ON


def _look_back(indicator: Indicator) -> timedelta:
    step, limit = indicator.frequency or CLOSED, indicator.frozen_after or CLOSED
    return max(CLOSED, PERIODS * step, 2 * limit)


def _renewed_from(kept: Reports, places: set[str], back: datetime, indicator: Indicator) -> datetime:
    """From which period on some places are read anew: all that decides whether they stand still, too."""
    held = [n for n, place in enumerate(kept.places) if place in places]
    if len(held) < len(places):
        return back
    oldest = instant(kept.at[held].min()) - (indicator.frozen_after or timedelta(0))
    return max(back, oldest)
