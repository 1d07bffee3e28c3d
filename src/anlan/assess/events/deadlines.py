"""Deadlines that arrive as events: a catalogue of things to be done by a date each.

The catalogue of known exploited vulnerabilities (KEV, CISA, Binding Operational Directive 22-01) is such a
stream: an entry is added, and is to be mended by its due date. What is due follows from the entry, what
was done from one's own record; the state is a question as of a date. An entry whose due date lies before
its own addition has a defect: it counts from its addition and says so, for nobody can have been late before
anybody was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from anlan.model.reason import Reason
from anlan.model.text import Text

STATES = ("open", "soon", "overdue", "done", "done_late")

BEFORE_ADDED = Reason(
    "due_before_added",
    Text(
        "its due date lies before the day it was added: it counts as due on that day",
        "期限早于收录日期：按收录当日到期处理",
    ),
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """`added`: known from this day on; `due`: the last day in time."""

    id: str
    added: date
    due: date
    title: str = ""


@dataclass(frozen=True, slots=True)
class DueItem:
    """A deadline as of a date. `state`: open, soon, overdue, done, done_late; `days` until the due date,
    negative when it has passed; `reasons` what is odd about the entry."""

    deadline: Deadline
    state: str
    days: int
    reasons: tuple[Reason, ...] = ()

    @property
    def sentence(self) -> Text:
        """The state in words."""
        name, due = self.deadline.title or self.deadline.id, self.deadline.due
        if self.state == "overdue":
            return Text(
                f"{name}: {-self.days} days overdue, was due {due}.",
                f"{name}：已逾期{-self.days}天（期限 {due}）。",
            )
        if self.state in ("done", "done_late"):
            late = self.state == "done_late"
            return Text(
                f"{name}: done{' after its due date' if late else ''}.",
                f"{name}：已完成{'（逾期）' if late else ''}。",
            )
        return Text(f"{name}: due {due}, {self.days} days left.", f"{name}：期限 {due}，尚余{self.days}天。")


def due_items(
    deadlines: Iterable[Deadline],
    as_of: date,
    done: Mapping[str, date] | None = None,
    soon: timedelta = timedelta(days=7),
) -> tuple[DueItem, ...]:
    """What is due as of a date, the most overdue first. Entries added later are not known yet and left
    out, and so is what was done later not done yet: the past is seen as it was then. Of an id that comes
    twice the entry added last counts."""
    known: dict[str, Deadline] = {}
    for one in deadlines:
        if one.added <= as_of and (one.id not in known or known[one.id].added <= one.added):
            known[one.id] = one
    items = []
    for one in known.values():
        finished = (done or {}).get(one.id)
        items.append(
            _item(one, as_of, finished if finished is not None and finished <= as_of else None, soon)
        )
    return tuple(sorted(items, key=lambda item: (item.days, item.deadline.id)))


def _item(one: Deadline, as_of: date, finished: date | None, soon: timedelta) -> DueItem:
    reasons = (BEFORE_ADDED,) if one.due < one.added else ()
    due = max(one.due, one.added)
    days = (due - as_of).days
    if finished is not None:
        return DueItem(one, "done" if finished <= due else "done_late", days, reasons)
    state = "overdue" if days < 0 else "soon" if days <= soon.days else "open"
    return DueItem(one, state, days, reasons)


def counts(items: Iterable[DueItem]) -> dict[str, int]:
    """How many are in each state, those of none included."""
    found = dict.fromkeys(STATES, 0)
    for item in items:
        found[item.state] += 1
    return found
