"""What the duty page shows: what needs me now, what is in force, what comes, what changed."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from anlan.acts.access import shown
from anlan.assess.multiplicity import ranking
from anlan.model.assessment import Assessment
from anlan.model.entry import Entry
from anlan.model.errors import UnknownPlace
from anlan.model.incident import Incident, Report, Task
from anlan.model.indicator import SourceDef
from anlan.model.mute import Mute
from anlan.model.pack import Pack
from anlan.model.review import Lesson
from anlan.model.roster import WatchState
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.warning import Delivery, Warning
from anlan.ports.desk import Desk
from anlan.warn.group import Card, cards
from anlan.warn.in_force import SILENT
from anlan.warn.mute import muted, quiet
from anlan.web.budget import OverBudget, over_budget
from anlan.web.drafts import Drafts, together
from anlan.web.shift import Changed, drawn_together
from anlan.web.stopped import Stopped, stopped
from anlan.web.subjects import places_of

T = TypeVar("T")

SHOWN = 50
CHANGES_SHOWN = 25
# So many entries that say something are looked at for what changed, among at most so many: a storm mutes and
# lets go of its gusts by the thousand. A long shift reads the journal.
CHANGES_READ = 500
CHANGES_MOST = 5000
SOON = timedelta(hours=24)
# Entries of these nouns say nothing that a shift must know.
QUIET = ("marker", "handover", "mute", "notice", "digest", "relayed")


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """The first rows of a list, and how many there are in all; `at_least`: there may be more."""

    rows: tuple[T, ...]
    total: int
    at_least: bool = False

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of thing that waits; `mine` when the reader's roles can deal with it."""

    key: str
    mine: bool
    rows: Rows[Any]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message in force with dead letters: how many of each status."""

    warning: Warning
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Duty:
    """The duty page. Every list is sorted by urgency: most severe first, then soonest; what `changed` by the
    newest, drawn together from so many `entries` of the journal."""

    to_approve: Rows[Warning]
    to_submit: Rows[Drafts]
    unanswered: Rows[Delivery]
    undelivered: Rows[Undelivered]
    watches: Rows[WatchState]
    new_watches: Rows[WatchState]
    overdue_tasks: Rows[Task]
    overdue_reports: Rows[Report]
    unconfirmed: Rows[Card]
    muted: Rows[Card]
    hushed: Mapping[str, list[Mute]]
    in_force: Rows[Warning]
    incidents: Rows[Incident]
    next_tasks: Rows[Task]
    next_reports: Rows[Report]
    expiring: Rows[Warning]
    lessons: Rows[Lesson]
    overdue_lessons: Rows[Lesson]
    silent: Rows[SourceState]
    stopped: Rows[Stopped]
    handover: Entry | None
    changed: Rows[Changed]
    sources: tuple[tuple[SourceDef, SourceState | None], ...]
    entries: int = 0
    over: tuple[OverBudget, ...] = ()

    @property
    def beyond(self) -> frozenset[str]:
        """Risks beyond the number a day that their domain declares."""
        return frozenset(id for one in self.over for id in one.beyond)

    def queues(self, able: Callable[[str], bool]) -> list[Queue]:
        """What waits for somebody, the most pressing first; `able` says whether the reader has a role
        for an act at all."""
        waiting: tuple[tuple[str, str, Rows[Any]], ...] = (
            ("approve", "warning.approve", self.to_approve),
            ("unanswered", "delivery.answer", self.unanswered),
            ("undelivered", "delivery.send_again", self.undelivered),
            ("watches", "shift.add", self.watches),
            ("silent", "assessment.confirm", self.silent),
            ("stopped", "assessment.confirm", self.stopped),
            ("overdue_reports", "report.file", self.overdue_reports),
            ("overdue_tasks", "task.done", self.overdue_tasks),
            ("unconfirmed", "assessment.confirm", self.unconfirmed),
            ("submit", "warning.submit", self.to_submit),
            ("overdue_lessons", "lesson.done", self.overdue_lessons),
        )
        return [Queue(key, able(act), rows) for key, act, rows in waiting if rows.total]


def in_force(warnings: Iterable[Warning], now: datetime) -> list[Warning]:
    """Published warnings that hold now: not superseded, cancelled or expired; most severe first."""
    held = [
        w
        for w in warnings
        if w.status == "approved" and w.change != "cancel" and w.sent is not None and w.expires > now
    ]
    return sorted(held, key=lambda w: (w.level, w.expires, w.id))


def duty(desk: Desk, state: State, visible: Callable[[str], bool], now: datetime) -> Duty:
    """Everything the caller may see, as at `now`."""

    def seen(id: str) -> bool:
        return any(visible(place) for place in places_of(state, id))

    warnings = [w for w in state.warnings.values() if any(visible(place) for place in w.places)]
    held = in_force(warnings, now)
    tasks = [t for t in state.tasks.values() if t.status in ("open", "overdue") and seen(t.id)]
    reports = [
        r for r in state.reports.values() if r.status in ("owed", "late") and r.filed is None and seen(r.id)
    ]
    alarmed = [stands for stands in state.watches.values() if stands.status in ("gap", "unreachable")]
    handover = desk.last_handover()
    changed, whole = _changes(desk, state, visible, handover.seq if handover else 0)
    told = drawn_together(changed, state, desk.pack, visible, now)
    lessons = [item for item in state.lessons.values() if item.status == "open" and seen(item.id)]
    unconfirmed = [
        a
        for a in state.assessments.values()
        if a.verdict == "open" and (a.level is not None or a.state == "unknown") and visible(a.place)
    ]
    pressing = pressing_order(unconfirmed, state, desk.pack, now)
    on = quiet(state)
    hushed = {a.id: found for a in unconfirmed if (found := muted(a, state, on))} if on else {}
    heard = [a for a in unconfirmed if a.id not in hushed]
    grouped = cards(heard, state, desk.pack, now, order=pressing)
    over = over_budget(
        (a for a in state.assessments.values() if a.id not in hushed and visible(a.place)),
        {a.id: pressing[a.id] for a in heard},
        desk.pack,
        now,
    )
    drafts = together(
        (w for w in warnings if w.status in ("draft", "returned")),
        (a for a in state.assessments.values() if a.verdict in ("open", "confirmed") and visible(a.place)),
        state,
        desk.pack,
        now,
        hushed,
    )
    kept_quiet = cards((a for a in unconfirmed if a.id in hushed), state, desk.pack, now, hushed)
    return Duty(
        to_approve=_first(
            (w for w in warnings if w.status == "submitted"),
            lambda w: (w.level, w.submitted or w.drafted, w.id),
        ),
        to_submit=Rows(tuple(drafts[:SHOWN]), len(drafts)),
        unanswered=_first(
            (
                d
                for d in map(state.deliveries.__getitem__, state.unanswered)
                if _stands(state, d.warning) and seen(d.id)
            ),
            lambda d: (d.answer_by or d.due, d.id),
        ),
        undelivered=_first(
            (one for one in undelivered(state, now) if any(visible(place) for place in one.warning.places)),
            lambda one: (one.warning.level, one.warning.expires, one.warning.id),
        ),
        watches=_first(
            (stands for stands in alarmed if not _new(stands)), lambda stands: (stands.since, stands.id)
        ),
        new_watches=_first((stands for stands in alarmed if _new(stands)), lambda stands: stands.id),
        overdue_tasks=_first((t for t in tasks if t.due <= now), lambda t: (t.due, t.id)),
        overdue_reports=_first((r for r in reports if r.due <= now), lambda r: (r.due, r.id)),
        unconfirmed=Rows(tuple(grouped[:SHOWN]), len(grouped)),
        muted=Rows(tuple(kept_quiet[:SHOWN]), len(kept_quiet)),
        hushed=hushed,
        over=tuple(over),
        in_force=_first(held, lambda w: (w.level, w.expires, w.id)),
        incidents=_first(
            (i for i in state.incidents.values() if i.status == "open" and visible(i.place)),
            lambda i: (i.level, i.opened, i.id),
        ),
        next_tasks=_first((t for t in tasks if t.due > now), lambda t: (t.due, t.id)),
        next_reports=_first((r for r in reports if r.due > now), lambda r: (r.due, r.id)),
        expiring=_first((w for w in held if w.expires <= now + SOON), lambda w: (w.expires, w.id)),
        lessons=_first((x for x in lessons if x.due > now), lambda x: (x.due, x.id)),
        silent=_first(
            (x for x in state.sources.values() if x.source in desk.pack.sources and x.status in SILENT),
            lambda x: (x.since, x.source),
        ),
        stopped=Rows(*stopped(desk, visible, now, SHOWN)),
        overdue_lessons=_first((x for x in lessons if x.due <= now), lambda x: (x.due, x.id)),
        handover=handover,
        changed=Rows(tuple(told[:CHANGES_SHOWN]), len(told), not whole),
        entries=len(changed),
        sources=tuple((source, state.sources.get(id)) for id, source in sorted(desk.pack.sources.items())),
    )


def _new(stands: WatchState) -> bool:
    """Nobody has entered a shift of the watch yet: it is to be set up, and nobody has left it."""
    return any(reason.code == "no_shift" for reason in stands.reasons)


def undelivered(state: State, now: datetime) -> list[Undelivered]:
    """The messages in force of which copies are dead letters."""
    found: dict[str, Counter[str]] = {}
    for id, status in state.dead.items():
        found.setdefault(state.deliveries[id].warning, Counter())[status] += 1
    return [
        Undelivered(warning, counts)
        for id, counts in found.items()
        if (warning := state.warnings[id]).status == "approved" and warning.expires > now
    ]


def pressing_order(risks: list[Assessment], state: State, pack: Pack, now: datetime) -> dict[str, int]:
    """The place of each risk in the order of surprise times people exposed; what is unknown is not taken
    for small."""
    p, people = np.full(len(risks), np.nan), np.full(len(risks), np.nan)
    living: dict[str, int | None] = {}
    for row, risk in enumerate(risks):
        stated = [state.findings[id].p_value for id in risk.findings if id in state.findings]
        known = [value for value in stated if value is not None]
        if known:
            p[row] = min(known)
        if risk.place not in living:
            try:
                living[risk.place] = pack.place(risk.place, now).population
            except UnknownPlace:
                living[risk.place] = None
        population = living[risk.place]
        if population is not None:
            people[row] = population
    return {risks[row].id: order for order, row in enumerate(ranking(p, people).tolist())}


def _stands(state: State, warning: str) -> bool:
    """The message has not been followed by another, nor run out: only then is an answer waited for."""
    found = state.warnings.get(warning)
    return found is not None and found.status == "approved"


def _without_heartbeats(entries: Iterable[Entry]) -> list[Entry]:
    """Entries of a source only where its status changed: that it brought something again is no news."""
    told: dict[str, str] = {}
    kept = []
    for entry in entries:
        if isinstance(entry.value, SourceState):
            before = told.get(entry.subject, "fresh")
            told[entry.subject] = entry.value.status
            if entry.value.status == before:
                continue
        kept.append(entry)
    return kept


def _changes(
    desk: Desk, state: State, visible: Callable[[str], bool], since: int
) -> tuple[list[Entry], bool]:
    """What a shift must know of the entries after `since`, in order, and whether all of them were looked
    at: of a long time, the newest."""
    found: list[Entry] = []
    start = state.head
    while start > since and len(found) < CHANGES_READ and state.head - start < CHANGES_MOST:
        end, start = start, max(since, start - CHANGES_READ)
        found[:0] = [
            entry
            for entry in desk.changes(start, end - start)
            if entry.kind.partition(".")[0] not in QUIET and shown(entry, state, visible)
        ]
    return _without_heartbeats(found), start == since


def _first(items: Iterable[T], order: Callable[[T], Any], most: int = SHOWN) -> Rows[T]:
    every = list(items)
    return Rows(tuple(heapq.nsmallest(most, every, key=order)), len(every))
