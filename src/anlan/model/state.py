"""What is the case now: the fold of the journal."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeAlias

from anlan.model.assessment import Assessment
from anlan.model.contact import ContactTest
from anlan.model.delivery import DEAD, TO_SEND
from anlan.model.entry import Entry, Handover, Marker, Value
from anlan.model.finding import Finding
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.mailing import Mailing
from anlan.model.mute import Mute, Silence
from anlan.model.notice import Digest, Notice
from anlan.model.relayed import SENT_AHEAD, Relayed
from anlan.model.review import Lesson, Review
from anlan.model.roster import Shift, WatchState
from anlan.model.sourcestate import SourceState
from anlan.model.warning import Delivery, Warning


@dataclass(slots=True)
class State:
    """The newest value of everything, by id. Nothing here that the journal does not give; `apply` and
    `put` are the only ways it changes."""

    head: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    assessments: dict[str, Assessment] = field(default_factory=dict)
    warnings: dict[str, Warning] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    mailings: dict[str, Mailing] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    stand_downs: dict[str, StandDown] = field(default_factory=dict)
    reviews: dict[str, Review] = field(default_factory=dict)
    lessons: dict[str, Lesson] = field(default_factory=dict)
    sources: dict[str, SourceState] = field(default_factory=dict)
    handovers: dict[str, Handover] = field(default_factory=dict)
    markers: dict[str, Marker] = field(default_factory=dict)
    shifts: dict[str, Shift] = field(default_factory=dict)
    watches: dict[str, WatchState] = field(default_factory=dict)
    contact_tests: dict[str, ContactTest] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    digests: dict[str, Digest] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    mutes: dict[str, Mute] = field(default_factory=dict)
    relayed: dict[str, Relayed] = field(default_factory=dict)
    # id -> when a message that is held for it says that it was sent
    ahead: dict[str, datetime] = field(default_factory=dict)
    # (rule, place, event) -> id of the newest finding: what the next one is a change against
    latest: dict[tuple[str, str, str], str] = field(default_factory=dict)
    # Deliveries by what is to be done about them, so that nobody looks through all there ever were.
    # warning -> ids of its deliveries, each with its number in the order in which all came to be
    copies: dict[str, dict[str, int]] = field(default_factory=dict)
    # id -> when it is to be handed over
    to_send: dict[str, datetime] = field(default_factory=dict)
    # id -> id of the earlier delivery that it waits for
    held: dict[str, str] = field(default_factory=dict)
    # id -> when its ladder next has something to do
    wakes: dict[str, datetime] = field(default_factory=dict)
    # id -> by when an answer was or is due that has not come, while the message stands
    unanswered: dict[str, datetime] = field(default_factory=dict)
    # id -> status of a dead letter, while its message stands
    dead: dict[str, str] = field(default_factory=dict)
    # recipient -> id of the delivery that was last tried there
    tried: dict[str, str] = field(default_factory=dict)

    def apply(self, entry: Entry) -> None:
        """Take one entry in; entries must come in order of `seq`."""
        if entry.seq != self.head + 1:
            raise ValueError(f"entry {entry.seq} follows {self.head}")
        self.head = entry.seq
        self.put(entry.subject, entry.value)

    def put(self, subject: str, value: Value) -> Callable[[], None]:
        """The newest value of a subject, before it has a number in the journal. Returns what takes it
        back; several are taken back last to first."""
        tables: dict[type, dict[str, Any]] = {
            Finding: self.findings,
            Assessment: self.assessments,
            Warning: self.warnings,
            Delivery: self.deliveries,
            Mailing: self.mailings,
            Incident: self.incidents,
            Task: self.tasks,
            Report: self.reports,
            StandDown: self.stand_downs,
            Review: self.reviews,
            Lesson: self.lessons,
            SourceState: self.sources,
            Handover: self.handovers,
            Marker: self.markers,
            Shift: self.shifts,
            WatchState: self.watches,
            ContactTest: self.contact_tests,
            Notice: self.notices,
            Digest: self.digests,
            Silence: self.silences,
            Mute: self.mutes,
            Relayed: self.relayed,
        }
        back: list[_Before] = []
        if isinstance(value, Delivery):
            # before the table has it: its number is how many there are
            self._index(value, back)
        _set(tables[type(value)], subject, value, back)
        if isinstance(value, Finding):
            _set(self.latest, (value.rule, value.place, value.event), value.id, back)
        elif isinstance(value, Mailing):
            for delivery in self._of(value):
                self._index(delivery, back)
                _set(self.deliveries, delivery.id, delivery, back)
        elif isinstance(value, Relayed):
            if value.held == SENT_AHEAD:
                _set(self.ahead, subject, value.sent, back)
            else:
                _drop(self.ahead, subject, back)
        elif isinstance(value, Warning) and value.status != "approved":
            # nothing is waited for any more
            for id in self.copies.get(value.id, ()):
                for table in (self.wakes, self.unanswered, self.dead):
                    _drop(table, id, back)

        def undo() -> None:
            for table, key, before in reversed(back):
                if before is _NOTHING:
                    table.pop(key)
                else:
                    table[key] = before

        return undo

    def _of(self, mailing: Mailing) -> list[Delivery]:
        if mailing.status == "due":
            return mailing.begun()
        return [mailing.accepted(self.deliveries[id]) for id in mailing.ids]

    def _index(self, value: Delivery, back: list[_Before]) -> None:
        own = self.copies.get(value.warning)
        if own is None:
            own = {}
            _set(self.copies, value.warning, own, back)
        if value.id not in own:
            _set(own, value.id, len(self.deliveries), back)
        if value.attempts and self.tried.get(value.recipient) != value.id:
            _set(self.tried, value.recipient, value.id, back)
        warning = self.warnings.get(value.warning)
        stands = warning is None or warning.status == "approved"
        id = value.id
        if value.status in TO_SEND:
            _set(self.to_send, id, value.due, back)
        else:
            _drop(self.to_send, id, back)
        if value.status == "held":
            _set(self.held, id, value.behind, back)
        else:
            _drop(self.held, id, back)
        wakes = value.wakes() if stands else None
        if wakes is not None:
            _set(self.wakes, id, wakes, back)
        else:
            _drop(self.wakes, id, back)
        if warning is not None and stands and value.status in DEAD:
            _set(self.dead, id, value.status, back)
        else:
            _drop(self.dead, id, back)
        if stands and value.answer_by is not None and value.unanswered:
            _set(self.unanswered, id, value.answer_by, back)
        else:
            _drop(self.unanswered, id, back)

    def in_order(self, ids: Iterable[str]) -> list[Delivery]:
        """The deliveries with those ids in the order in which they came to be, which a restart finds
        again."""
        found = [self.deliveries[id] for id in ids]
        return sorted(found, key=lambda d: self.copies[d.warning][d.id])

    def still(self) -> State:
        """A copy that nobody changes, for readers; the values in it are frozen."""
        tables = {one.name: copy.copy(getattr(self, one.name)) for one in fields(self)}
        tables["copies"] = {id: own.copy() for id, own in self.copies.items()}
        return State(**tables)


_NOTHING = object()
#: a table, a key, and what stood there before
_Before: TypeAlias = tuple[dict[Any, Any], Any, Any]


def _set(table: dict[Any, Any], key: Any, value: Any, back: list[_Before]) -> None:
    back.append((table, key, table.get(key, _NOTHING)))
    table[key] = value


def _drop(table: dict[Any, Any], key: Any, back: list[_Before]) -> None:
    """Take a key out; what takes it back may set it at another place of the table."""
    if key in table:
        back.append((table, key, table.pop(key)))


def fold(entries: Iterable[Entry]) -> State:
    """State after all entries, from nothing."""
    state = State()
    for entry in entries:
        state.apply(entry)
    return state
