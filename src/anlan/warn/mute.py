"""Which standing findings are quiet now, by the pack's rules or by a person, and which are heard again.

Muting is beside the level, never in it: no function here makes a finding, an assessment or a warning. What
it does: a risk all of whose findings are muted waits in its own list on the duty page, and asks for no
*first* draft. A risk that has a message out goes on as if nothing were muted, for what people were told
must stay right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import UnknownPlace
from anlan.model.finding import Finding
from anlan.model.mute import Mute, Silence
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text
from anlan.warn import inhibit, silence

LIVE = ("open", "confirmed")

CAUSE_OVER = Reason(
    "cause_over", Text("what muted it has ended: it is heard again", "抑制原因已结束：恢复提示")
)
FINDING_OVER = Reason("finding_over", Text("the finding itself has ended", "该发现本身已结束"))
MORE_SEVERE = Reason(
    "more_severe", Text("it is more severe than what muted it: it is heard", "比抑制原因更严重：予以提示")
)


def changes(state: State, pack: Pack, now: datetime, mode: str) -> list[tuple[str, Mute]]:
    """(began, followed or ended; the mute's new value) for everything that differs from what the journal
    says. followed: the same mute, for a newer finding or by another cause of the same rule."""
    on = {mute.id: mute for mute in state.mutes.values() if mute.status == "on"}
    stand = inhibit.causes(state, pack, now, mode) if pack.inhibits else []
    active = [one for one in state.silences.values() if one.active(now) and not one.recipients]
    if not (on or stand or active):
        return []
    due = _due(state, pack, now, mode, stand, active) if stand or active else {}
    moved: list[tuple[str, Mute]] = []
    for id, mute in due.items():
        before = on.pop(id, None)
        if before is None:
            moved.append(("began", mute))
        elif (before.finding, before.cause, before.risk) != (mute.finding, mute.cause, mute.risk):
            moved.append(("followed", replace(mute, began=before.began)))
    for mute in on.values():
        reason = _why_over(mute, state, stand)
        moved.append(("ended", replace(mute, status="off", ended=now, reasons=(*mute.reasons, reason))))
    return moved


def _due(
    state: State,
    pack: Pack,
    now: datetime,
    mode: str,
    stand: list[inhibit.Cause],
    active: list[Silence],
) -> dict[str, Mute]:
    """Every mute that holds now, by id."""
    found: dict[str, Mute] = {}
    inhibited = inhibit.Inhibited(stand, pack, now)
    lines: dict[str, tuple[str, ...]] = {}
    for thread in state.assessments.values():
        if thread.verdict not in LIVE:
            continue
        for finding in standing(thread, state):
            for cause in inhibited.of(finding).values():
                mute = _mute("inhibit", cause.rule.id, cause.id, finding, thread, now, inhibit.reason(cause))
                found[mute.id] = mute
            if active and finding.place not in lines:
                lines[finding.place] = _line(finding.place, pack, now)
            for one in active:
                if silence.quiets(one, finding, lines[finding.place], mode, now):
                    mute = _mute("silence", one.id, one.id, finding, thread, now, silence.reason(one))
                    found[mute.id] = mute
    return found


def _mute(
    kind: str, by: str, cause: str, finding: Finding, thread: Assessment, now: datetime, reason: Reason
) -> Mute:
    return Mute(
        id=short_id("MU", kind, by, finding.rule, finding.place, finding.event),
        kind=kind,
        by=by,
        cause=cause,
        finding=finding.id,
        rule=finding.rule,
        place=finding.place,
        event=finding.event,
        risk=thread.id,
        hazard=finding.hazard,
        status="on",
        began=now,
        reasons=(reason,),
    )


def _why_over(mute: Mute, state: State, stand: list[inhibit.Cause]) -> Reason:
    newest = state.findings.get(state.latest.get((mute.rule, mute.place, mute.event), ""))
    if newest is None or newest.level is None:
        return FINDING_OVER
    cause = next((one for one in stand if one.rule.id == mute.by), None)
    if mute.kind == "inhibit" and cause is not None and newest.level < cause.level:
        return MORE_SEVERE
    return silence.OVER if mute.kind == "silence" else CAUSE_OVER


def standing(thread: Assessment, state: State) -> list[Finding]:
    """The thread's findings that have a level now: the newest of each rule, place and event."""
    found = []
    for id in thread.findings:
        finding = state.findings[id]
        if finding.level is not None and state.latest[finding.rule, finding.place, finding.event] == id:
            found.append(finding)
    return found


def quiet(state: State) -> dict[str, list[Mute]]:
    """Finding -> the mutes that are on for it."""
    found: dict[str, list[Mute]] = {}
    for mute in state.mutes.values():
        if mute.status == "on":
            found.setdefault(mute.finding, []).append(mute)
    return found


def muted(thread: Assessment, state: State, on: Mapping[str, list[Mute]]) -> list[Mute]:
    """The mutes of a risk that is quiet as a whole: every finding of it with a level is muted, and no
    person has given it a level. Empty for a risk that is heard."""
    if not on or thread.judged is not None:
        return []
    stand = standing(thread, state)
    if not stand or any(finding.id not in on for finding in stand):
        return []
    return [mute for finding in stand for mute in on[finding.id]]


def _line(place: str, pack: Pack, now: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return (place,)
