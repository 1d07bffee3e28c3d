"""What is the case now: the fold of the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from anlan.model.assessment import Assessment
from anlan.model.entry import Entry, Handover, Marker, Value
from anlan.model.finding import Finding
from anlan.model.incident import Incident, Report, StandDown, Task
from anlan.model.review import Lesson, Review
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
    incidents: dict[str, Incident] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    reports: dict[str, Report] = field(default_factory=dict)
    stand_downs: dict[str, StandDown] = field(default_factory=dict)
    reviews: dict[str, Review] = field(default_factory=dict)
    lessons: dict[str, Lesson] = field(default_factory=dict)
    sources: dict[str, SourceState] = field(default_factory=dict)
    handovers: dict[str, Handover] = field(default_factory=dict)
    markers: dict[str, Marker] = field(default_factory=dict)
    # (rule, place, event) -> id of the newest finding: what the next one is a change against
    latest: dict[tuple[str, str, str], str] = field(default_factory=dict)

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
            Incident: self.incidents,
            Task: self.tasks,
            Report: self.reports,
            StandDown: self.stand_downs,
            Review: self.reviews,
            Lesson: self.lessons,
            SourceState: self.sources,
            Handover: self.handovers,
            Marker: self.markers,
        }
        back = [_set(tables[type(value)], subject, value)]
        if isinstance(value, Finding):
            back.append(_set(self.latest, (value.rule, value.place, value.event), value.id))

        def undo() -> None:
            for one in back:
                one()

        return undo


def _set(table: dict[Any, Any], key: Any, value: Any) -> Callable[[], None]:
    if key not in table:
        table[key] = value
        return lambda: table.pop(key)
    before, table[key] = table[key], value
    return lambda: table.__setitem__(key, before)


def fold(entries: Iterable[Entry]) -> State:
    """State after all entries, from nothing."""
    state = State()
    for entry in entries:
        state.apply(entry)
    return state
