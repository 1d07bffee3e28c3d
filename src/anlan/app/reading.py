"""What readers of the running system see: the fold that nobody changes any more, the journal, the lake."""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Literal

from anlan.app.explain import explain
from anlan.app.house import RunningHouse
from anlan.app.reports import PlaceReports
from anlan.app.retrospects import Retrospects
from anlan.app.shown import as_if_sent, shown
from anlan.assess.grid import instant, instant64
from anlan.assess.retrospect import later, retrospect
from anlan.assess.surveys.registry import is_survey
from anlan.model.entry import Entry
from anlan.model.errors import NotFound
from anlan.model.indicator import Rule
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning
from anlan.ports.clock import Clock
from anlan.ports.desk import ClustersSeen, PlaceSeries, Retrospect, Shown, Unreported
from anlan.warn.unmet import unmet


class Reading:
    """The reading part of the desk; see `anlan.ports.desk.Desk`. Nothing here waits for a change."""

    def __init__(self, house: RunningHouse) -> None:
        self.house = house
        self._shown: State = house.state.still()
        self._retrospects = Retrospects()
        self._reports = PlaceReports()

    @property
    def pack(self) -> Pack:
        return self.house.pack

    @property
    def clock(self) -> Clock:
        return self.house.clock

    @property
    def zone(self) -> tzinfo:
        return self.house.zone

    @property
    def mode(self) -> str:
        return self.house.config.mode

    def state(self) -> State:
        return self._shown

    def entries(self, risk: str) -> Sequence[Entry]:
        thread = self._shown.assessments.get(risk)
        return self.house.thread_entries(thread) if thread else ()

    def changes(self, after: int, limit: int | None = None) -> Sequence[Entry]:
        until = None if limit is None else after + limit
        return tuple(self.house.journal.read(after=after, until=until))

    def as_known(self, known: datetime, tables: Collection[str]) -> State:
        now = self._shown
        until = self.house.journal.upto(known)
        if until >= now.head:
            return now
        held = {subject: value for name in tables for subject, value in getattr(now, name).items()}
        numbers = self.house.journal.newest_of(list(held), until)
        then = State(head=until)
        # what has not changed since is at hand; only the rest is read
        changed = [seq for seq, newest in numbers.values() if seq != newest]
        before = {entry.subject: entry.value for entry in self.house.journal.numbered(changed)}
        for subject, value in held.items():
            if subject in numbers:
                then.put(subject, before.get(subject, value))
        return then

    def last_handover(self) -> Entry | None:
        newest = list(self._shown.handovers)
        if not newest:
            return None
        found = self.house.journal.by_subject(newest[-1])
        return found[-1] if found else None

    def series(self, indicator: str, place: str) -> Sequence[tuple[datetime, float | None]]:
        now = self.house.clock.now()
        slice = self.house.lake.read(indicator, known=now, places=[place])
        return [
            (instant(at), None if math.isnan(value) else float(value))
            for at, value in zip(slice.at, slice.value, strict=True)
        ]

    def unreported(self) -> Sequence[Unreported]:
        return self._reports.unreported(self.house, self._shown, self.house.clock.now())

    def retrospect(
        self, rule: str, known: datetime, periods: int, places: Sequence[str] | None = None
    ) -> Retrospect:
        chosen, pack, lake = self._series_rule(rule), self.pack, self.house.lake
        wanted = None if places is None else tuple(places)
        # the lake's number first: what comes meanwhile makes the next look a new one
        key = (lake.version(), pack.digest, rule, known, periods, wanted)
        return self._retrospects.get(key, lambda: retrospect(chosen, pack, lake, known, periods, wanted))

    def later(self, seen: Retrospect, rule: str, place: str) -> PlaceSeries:
        now = self.house.clock.now()
        return later(seen, self._rule(rule), self.pack, self.house.lake, place, now)

    def clusters(
        self,
        indicator: str,
        places: Sequence[str],
        known: datetime,
        timing: Literal["prospective", "retrospective"],
    ) -> ClustersSeen:
        measured = self.pack.indicators.get(indicator)
        if measured is None:
            raise NotFound("no such indicator", where="indicator", found=repr(indicator))
        from anlan.assess.clusters_seen import clusters_seen  # its kernels are slow to import

        return clusters_seen(measured, self.pack, self.house.lake, places, known, timing)

    def learnt(self, indicator: str, place: str) -> Sequence[datetime]:
        known = self.house.lake.learnt(indicator, place)
        return [instant(at) for at in known[known <= instant64(self.house.clock.now())]]

    def _series_rule(self, id: str) -> Rule:
        """A rule that looks at each series by itself."""
        rule = self._rule(id)
        if is_survey(rule):
            raise NotFound("the rule looks at no single series", where="rule", found=repr(id))
        return rule

    def _rule(self, id: str) -> Rule:
        try:
            return self.pack.rules[id]
        except KeyError:
            raise NotFound("no such rule", where="rule", found=repr(id)) from None

    def cap(self, warning_id: str) -> bytes:
        warning = self._shown.warnings.get(warning_id)
        if warning is None:
            raise NotFound("no such warning", where="warning", found=warning_id)
        if warning.digest:
            return self._seen().published(warning)
        return self._seen().render(as_if_sent(warning, self.house.clock.now()))

    def received(self, digest: str) -> bytes:
        return self.house.messages.read(digest)

    def quarantined(self) -> Sequence[Quarantined]:
        return self.house.lake.quarantined()

    def explain(self, id: str) -> Mapping[str, Any]:
        return explain(self._seen(), id)

    def _seen(self) -> RunningHouse:
        """The house with the fold that readers see."""
        seen = copy.copy(self.house)
        seen.state = self._shown
        return seen

    def shown(self, warning: Warning) -> Sequence[Shown]:
        return shown(self._seen(), warning)

    def unmet(self, warning: Warning) -> Sequence[Text]:
        profiles, seen = self.house.config.profiles, self._seen()
        if not profiles or warning.digest:
            return ()
        sent = as_if_sent(warning, self.house.clock.now())
        return unmet(sent, seen.render(sent), profiles, to_be_signed=seen.signs(sent))

    def versions(self, warning_id: str) -> Sequence[Entry]:
        return tuple(self.house.journal.by_subject(warning_id))

    def story(self, delivery: str) -> Sequence[Entry]:
        self._delivery(delivery)
        return self.house.delivery_entries(delivery)

    def _delivery(self, id: str) -> Delivery:
        try:
            return self.house.state.deliveries[id]
        except KeyError:
            raise NotFound("no such delivery", where="delivery", found=id) from None
