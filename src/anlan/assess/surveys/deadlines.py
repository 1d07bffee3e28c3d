"""Deadlines as findings: how many things that were to be done by a date are late, place by place.

The indicator is a stream of entries: the event is the entry, `at` its due date, `known` the day it was added,
the value 1 while it is to be done and 0 once it is. What is late follows from the date alone, so the rule is
asked every day. CISA, Binding Operational Directive 22-01, is the pattern.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any

import numpy as np

from anlan.assess.detect.spec import Param
from anlan.assess.events.deadlines import Deadline, DueItem, counts, due_items
from anlan.assess.finding import Look, pick, wanted
from anlan.assess.graded import NO, YES, Numbers
from anlan.assess.grid import instant
from anlan.assess.single_events import MOMENT, newest_rows
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told
from anlan.model.reason import Reason
from anlan.model.text import Text

NAN = float("nan")
#: so many of the most overdue are named
NAMED = 3
COUNTED = ("overdue", "due", "days")


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """Entries of every place as of today (UTC)."""
    now = look.now.astimezone(UTC)
    today = now.date()
    slice = look.lake.read(look.rule.indicator, known=look.now)
    entries: dict[str, list[int]] = {}
    for (place, _), row in newest_rows(slice).items():
        if wanted(look.rule, look.pack, place, look.now):
            entries.setdefault(place, []).append(row)
    since = instant(slice.at.min()) if len(slice.at) else now
    until = instant(slice.at.max()) + MOMENT if len(slice.at) else now + MOMENT
    at = now.replace(hour=0, minute=0, second=0, microsecond=0)
    soon = timedelta(days=int(params["soon"]))
    found: dict[Key, Told] = {}
    for place, rows in entries.items():
        open_ = [r for r in rows if not slice.value[r] <= 0]  # a gap is not done either
        items = due_items(
            [
                Deadline(str(slice.event[r]), instant(slice.known[r]).date(), instant(slice.at[r]).date())
                for r in open_
            ],
            today,
            soon=soon,
        )
        mask = np.zeros(len(slice.at), dtype=bool)
        mask[rows] = True
        told = _numbers(items, str(params["counts"]))
        unit = "d" if params["counts"] == "days" else "{event}"
        found[place, ""] = Told(at, (told,), pick(slice, mask), _reasons(items, soon), unit)
    return Surveyed(found, since, until, at, slice)


def _numbers(items: tuple[DueItem, ...], counted: str) -> Numbers:
    """`value` what is counted; `expected` all that are open; `score` days that the most overdue one is
    late, negative before its date."""
    state = counts(items)
    late = -min((item.days for item in items), default=0) if items else NAN
    value = {
        "overdue": float(state["overdue"]),
        "due": float(state["overdue"] + state["soon"]),
        "days": late if items else -math.inf,
    }[counted]
    yes = bool(items) and (value > 0 or (counted == "days" and late > 0))
    return Numbers(value, float(len(items)), NAN, float(late), NAN, YES if yes else NO)


def _reasons(items: tuple[DueItem, ...], soon: timedelta) -> tuple[Reason, ...]:
    state = counts(items)
    late, near, later = state["overdue"], state["soon"], state["open"]
    worst = [item for item in items if item.state == "overdue"][:NAMED]
    en = "".join(f" {item.sentence.en}" for item in worst)
    zh = "".join(item.sentence.zh for item in worst)
    said = Reason(
        "deadlines_due",
        Text(
            f"{late} overdue, {near} due within {soon.days} days, {later} later.{en}",
            f"已逾期 {late} 项，{soon.days} 天内到期 {near} 项，其后 {later} 项。{zh}",
        ),
    )
    odd = [item.deadline.id for item in items if item.reasons]
    if not odd:
        return (said,)
    more = f" and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
    names = ", ".join(odd[:NAMED])
    return (
        said,
        Reason(
            "due_before_added",
            Text(
                f"{len(odd)} entries were due before they were added and count from that day: {names}{more}.",
                f"{len(odd)} 项期限早于收录日期，按收录当日计：{'、'.join(odd[:NAMED])}"
                + (f"等{len(odd)}项。" if more else "。"),
            ),
        ),
    )


SPEC = SurveySpec(
    "deadlines",
    run,
    (
        Param(
            "counts", "str", "overdue", "how many are late, late or soon due, or days of the latest", COUNTED
        ),
        Param("soon", "int", 7, "days before the due date from which an entry is soon due"),
    ),
    "deadlines: what is late, as of today",
    "CISA, Binding Operational Directive 22-01",
    ("event",),
    timed=True,
    downwards=False,
    minds_levels=False,
    numbers={
        "value": "what `counts` says",
        "expected": "all entries that are open",
        "score": "days that the most overdue one is late, negative before its date",
    },
)
