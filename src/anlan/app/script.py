"""The people of a replay, played from the scenario's table of acts.

What is due is computed from the journal alone, so that a replay that was killed goes on as if it had not
been: an act due at or before the last whole turn has been done in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from anlan.acts import perform
from anlan.app.scenario import ScriptedAct
from anlan.model.assessment import Assessment
from anlan.model.entry import Entry, Marker
from anlan.model.errors import AnlanError
from anlan.model.incident import Report
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Delivery, Warning
from anlan.respond.activate import open_incident
from anlan.turn import Turn
from anlan.warn.decide import in_force


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """`order` is the act's place in the scenario: acts due at one instant follow it."""

    at: datetime
    seq: int
    order: int
    subject: str
    risk: str


class Script:
    """Acts waiting for their time."""

    def __init__(self, acts: tuple[ScriptedAct, ...], pack: Pack) -> None:
        self._acts = acts
        self._pack = pack
        self._waiting: list[Due] = []

    def see(self, entries: Iterable[Entry], state: State, after: datetime | None = None) -> None:
        """Take in journal entries; acts due at or before `after` have been done."""
        for entry in entries:
            for order, act in enumerate(self._acts):
                if act.on != entry.kind or not _fits(act, entry, state, self._pack):
                    continue
                at = entry.at + act.after
                if after is None or at > after:
                    self._waiting.append(Due(at, entry.seq, order, entry.subject, entry.risk))
        self._waiting.sort()

    def next_due(self) -> datetime | None:
        return self._waiting[0].at if self._waiting else None

    def play(self, turn: Turn) -> None:
        """Everything due at the turn's instant. What the rules refuse is journalled, not hidden."""
        while self._waiting and self._waiting[0].at <= turn.now:
            due = self._waiting.pop(0)
            act = self._acts[due.order]
            user = turn.pack.users[act.by]
            subject = _subject(act, due, turn.state)
            if subject is None:
                continue
            # nobody is there to enter a code; a real message takes none of this
            turn.proof = "scripted"
            try:
                perform(turn, user, act.do, subject, act.fields)
            except AnlanError as error:
                text = error.sentence()
                turn.put(
                    "marker.act_refused",
                    Marker(f"refused:{act.do}:{subject}:{due.seq}", "act_refused", text),
                    due.risk,
                    (subject,),
                    act.by,
                    Reason("act_refused", Text(text, text)),
                )
            finally:
                turn.proof = ""


def _fits(act: ScriptedAct, entry: Entry, state: State, pack: Pack) -> bool:
    value = entry.value
    if (act.since and entry.at < act.since) or (act.until and entry.at > act.until):
        return False
    if (act.place or act.outside) and not _lies(act, entry, state, pack):
        return False
    hazard = getattr(value, "hazard", "")
    if not hazard and entry.risk in state.assessments:
        hazard = state.assessments[entry.risk].hazard
    return (
        (not act.hazard or act.hazard == hazard)
        and (not act.recipient or (isinstance(value, Delivery) and value.recipient == act.recipient))
        and (not act.change or (isinstance(value, Warning) and value.change == act.change))
        and (not act.ended or (isinstance(value, Assessment) and value.level is None))
        and (not act.report or (isinstance(value, Report) and value.kind == act.report))
    )


def _lies(act: ScriptedAct, entry: Entry, state: State, pack: Pack) -> bool:
    thread = state.assessments.get(entry.risk)
    if thread is None:
        return False
    chain = pack.ancestry(thread.place, entry.at)
    return (not act.place or act.place in chain) and not any(place in chain for place in act.outside)


def _subject(act: ScriptedAct, due: Due, state: State) -> str | None:
    """What the act is done to: the entry's own subject, or the risk's thread or open incident. None
    where that has gone by itself (answered already, replaced by a newer draft, no incident open)."""
    if act.do.startswith("assessment."):
        thread = state.assessments.get(due.risk)
        if thread is None or thread.verdict not in ("open", "confirmed"):
            return None
        if act.do == "assessment.finalise" and thread.level is not None:
            return None
        if act.ended and (thread.level is not None or in_force(due.risk, state, due.at)):
            return None
        return due.risk
    if act.do == "incident.stand_down":
        incident = open_incident(due.risk, state)
        return incident.id if incident else None
    if act.do.startswith("warning."):
        wanted = {"warning.submit": ("draft",), "warning.approve": ("submitted",)}.get(act.do)
        return due.subject if not wanted or state.warnings[due.subject].status in wanted else None
    if act.do == "delivery.answer":
        return due.subject if state.deliveries[due.subject].answered is None else None
    if act.do == "task.done":
        return due.subject if state.tasks[due.subject].status in ("open", "overdue") else None
    if act.do == "report.file":
        return due.subject if state.reports[due.subject].status in ("owed", "late") else None
    return due.subject
