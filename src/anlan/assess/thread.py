"""Findings about the same risk gathered into one thread: the identity from here on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import InvalidValue, NotFound, UnknownPlace, WrongState
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text

#: A thread without news for so long is not continued by a new finding: that is a new risk.
QUIET = timedelta(days=45)
LIVE = ("open", "confirmed")


def gather(finding: Finding, state: State, pack: Pack, now: datetime) -> Assessment | None:
    """The thread with the finding (which is in `state` already) in it: the live one that holds the same
    rule, place and event; for a level newly raised else the nearest live one of the same hazard at the
    same place, one above or one below it, else a new one. None for news that opens nothing: an end, a
    fall or a silence of something that no live thread holds (it was dismissed, or closed)."""
    thread = _match(finding, state, pack, now)
    if thread is not None:
        findings = (*thread.findings, finding.id)
        return graded(replace(thread, findings=findings, updated=now), state)
    return _open((finding,), pack, now, finding.id) if finding.change == "raised" else None


def _match(finding: Finding, state: State, pack: Pack, now: datetime) -> Assessment | None:
    live = [t for t in state.assessments.values() if t.verdict in LIVE and t.hazard == finding.hazard]
    for thread in live:
        if thread.level is not None and _key(finding) in current(thread, state):
            return thread
    if finding.change != "raised":
        return None
    near = [
        (distance, thread.id, thread)
        for thread in live
        if thread.level is not None or now - thread.updated <= QUIET
        for area in {thread.place, *_with_level(thread, state)}
        if (distance := _distance(finding.place, area, pack, now)) is not None
    ]
    return min(near, key=lambda found: found[:2])[2] if near else None


def _distance(a: str, b: str, pack: Pack, now: datetime) -> int | None:
    """How many steps of the place tree lie between two places of one line; None for two lines."""
    up, down = line(a, pack, now), line(b, pack, now)
    return up.index(b) if b in up else down.index(a) if a in down else None


def line(place: str, pack: Pack, now: datetime) -> tuple[str, ...]:
    """The place and what it lies in; the place alone when it is not in force."""
    try:
        return pack.ancestry(place, now)
    except UnknownPlace:
        return (place,)


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.place, finding.event


def current(thread: Assessment, state: State) -> dict[tuple[str, str, str], Finding]:
    """The newest finding of every rule, place and event of the thread."""
    return {_key(finding): finding for finding in (state.findings[id] for id in thread.findings)}


def _with_level(thread: Assessment, state: State) -> set[str]:
    return {finding.place for finding in current(thread, state).values() if finding.level is not None}


def _open(findings: tuple[Finding, ...], pack: Pack, now: datetime, *cause: str) -> Assessment:
    first = findings[0]
    place = pack.place(first.place, now).name
    hazard = pack.hazards[first.hazard].title
    return Assessment(
        id=short_id(f"R-{now:%Y}", first.hazard, first.place, *cause),
        hazard=first.hazard,
        domain=first.domain,
        place=first.place,
        title=Text(f"{hazard.en}, {place.en}", f"{place.zh}{hazard.zh}"),
        opened=now,
        updated=now,
        status="automatic",
        verdict="open",
        state=findings[-1].state,
        level=findings[-1].level,
        highest=min((f.level for f in findings if f.level is not None), default=None),
        findings=tuple(finding.id for finding in findings),
    )


def graded(thread: Assessment, state: State) -> Assessment:
    """The thread's level: the most severe that any rule, place or event of it has now, or that a person
    set; unknown when any of those is."""
    standing = [finding for finding in current(thread, state).values() if finding.level is not None]
    levels = [thread.judged, *(finding.level for finding in standing)]
    level = min((one for one in levels if one is not None), default=None)
    highest = min((x for x in (level, thread.highest) if x is not None), default=None)
    unknown = any(finding.state == "unknown" for finding in standing)
    return replace(thread, level=level, highest=highest, state="unknown" if unknown else "known")


def places(thread: Assessment, state: State, pack: Pack, now: datetime) -> tuple[str, ...]:
    """Where the risk is now: places of current findings with a level, without those that lie within
    another of them; the thread's own place where there are none."""
    found = _with_level(thread, state)
    outer = {place for place in found if not any(up in found for up in line(place, pack, now)[1:])}
    return tuple(sorted(outer)) or (thread.place,)


def live(hazard: str, place: str, state: State) -> Assessment | None:
    """The live thread of the hazard at exactly this place, if there is one."""
    threads = state.assessments.values()
    return next((a for a in threads if (a.hazard, a.place) == (hazard, place) and a.verdict in LIVE), None)


def open_by(
    hazard: str, place: str, title: Text | None, by: str, pack: Pack, state: State, now: datetime
) -> Assessment:
    """A risk that a person opens: nothing has been found, somebody knows. WrongState where a live thread of
    the hazard stands at the place already: a risk has one identity."""
    pack.place(place, now)
    if hazard not in pack.hazards:
        raise NotFound(
            "no such hazard",
            where="hazard",
            found=repr(hazard),
            expected=", ".join(sorted(pack.hazards)[:20]),
        )
    thread = live(hazard, place, state)
    if thread is not None:
        raise WrongState(
            "the risk is open already",
            where=thread.id,
            found=f"{hazard} at {place}",
            mend=f"assess {thread.id} instead",
        )
    name, kind = pack.place(place, now).name, pack.hazards[hazard]
    reason = Reason("opened_by_hand", Text(f"opened by {by}", f"由 {by} 人工建立"))
    return Assessment(
        id=short_id(f"R-{now:%Y}", hazard, place, by, now.isoformat()),
        hazard=hazard,
        domain=kind.domain,
        place=place,
        title=title or Text(f"{kind.title.en}, {name.en}", f"{name.zh}{kind.title.zh}"),
        opened=now,
        updated=now,
        status="reviewed",
        verdict="confirmed",
        state="known",
        level=None,
        highest=None,
        findings=(),
        reasons=(reason,),
        by=by,
    )


def judge(
    thread: Assessment, level: int | None, cell: str, state: State, by: str, note: str, now: datetime
) -> Assessment:
    """A person's own level beside those of the findings; None takes it back. Words are required."""
    _must(thread, LIVE)
    if not note.strip():
        raise WrongState("an assessment needs a reason in words", where=thread.id, found="an empty note")
    said = f"level {level}" if level else "no level"
    zh = f"{level} 级" if level else "无级别"
    en_cell, zh_cell = (f" ({cell})", f"（{cell}）") if cell else ("", "")
    reason = Reason("judged", Text(f"{said}{en_cell}: {note.strip()}", f"{zh}{zh_cell}：{note.strip()}"))
    changed = replace(
        thread,
        judged=level,
        cell=cell,
        status="reviewed",
        by=by,
        updated=now,
        reasons=(*thread.reasons, reason),
    )
    return graded(changed, state)


def _judged(thread: Assessment) -> int:
    return thread.judged or 5


def confirm(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """automatic -> reviewed, confirmed."""
    _must(thread, LIVE)
    reason = Reason(
        "confirmed", Text(note.strip() or "confirmed by an analyst", note.strip() or "经分析员确认")
    )
    return replace(
        thread, status="reviewed", verdict="confirmed", by=by, updated=now, reasons=(*thread.reasons, reason)
    )


def watch(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """reviewed; the verdict stays as it is: somebody has looked, and goes on looking."""
    _must(thread, LIVE)
    note = note.strip()
    reason = Reason("watched", Text(note or "watched by an analyst", note or "分析员正在关注"))
    return replace(thread, status="reviewed", by=by, updated=now, reasons=(*thread.reasons, reason))


def dismiss(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """reviewed, dismissed; a reason in words is required."""
    _must(thread, LIVE)
    if not note.strip():
        raise InvalidValue(
            "a dismissal needs a reason in words",
            where=thread.id,
            found="an empty note",
            expected="why this is no risk",
        )
    return replace(
        thread,
        status="reviewed",
        verdict="dismissed",
        by=by,
        updated=now,
        reasons=(*thread.reasons, Reason("dismissed", Text(note, note))),
    )


def merge(
    thread: Assessment, into: Assessment, state: State, by: str, note: str, now: datetime
) -> tuple[Assessment, Assessment]:
    """(the merged thread, the one that goes on with the findings of both, in order of arrival)."""
    _must(thread, LIVE)
    _must(into, LIVE)
    if thread.id == into.id or thread.hazard != into.hazard:
        raise WrongState(
            "only two threads of one hazard can be merged",
            where=thread.id,
            found=f"{thread.hazard} and {into.hazard}",
        )
    reason = Reason(
        "merged", Text(note.strip() or f"merged into {into.id}", note.strip() or f"并入 {into.id}")
    )
    gone = replace(
        thread,
        status="reviewed",
        verdict="merged",
        merged_into=into.id,
        by=by,
        updated=now,
        reasons=(*thread.reasons, reason),
    )
    both = dict.fromkeys((*into.findings, *thread.findings))
    highest = [x for x in (thread.highest, into.highest) if x is not None]
    # of two persons' levels the more severe stands
    judged = min((t for t in (into, thread) if t.judged is not None), key=_judged, default=into)
    kept = replace(
        into,
        judged=judged.judged,
        cell=judged.cell,
        findings=tuple(sorted(both, key=lambda finding: state.findings[finding].known)),
        updated=now,
        highest=min(highest, default=None),
        reasons=(*into.reasons, Reason("took_in", Text(f"took in {thread.id}", f"并入了 {thread.id}"))),
    )
    return gone, graded(kept, state)


def split(
    thread: Assessment, findings: tuple[str, ...], state: State, pack: Pack, by: str, note: str, now: datetime
) -> tuple[Assessment, Assessment]:
    """(what remains, the new thread of the findings named). All findings of one rule, place and event
    go together: half a history would leave the level in both."""
    _must(thread, LIVE)
    for id in findings:
        if id not in thread.findings:
            raise NotFound("no such finding in this thread", where=thread.id, found=id)
    rest = tuple(id for id in thread.findings if id not in findings)
    if not rest or not findings:
        raise WrongState(
            "a split leaves findings on both sides",
            where=thread.id,
            found=f"{len(set(findings))} of {len(thread.findings)} findings",
        )
    keys = {_key(state.findings[id]) for id in findings}
    torn = [id for id in rest if _key(state.findings[id]) in keys]
    if torn:
        raise WrongState(
            "findings of one rule, place and event stay together",
            where=thread.id,
            found=", ".join(findings),
            mend=f"name these too: {', '.join(torn)}",
        )
    moved = tuple(state.findings[id] for id in thread.findings if id in findings)
    fresh = replace(_open(moved, pack, now, thread.id, now.isoformat()), split_from=thread.id)
    reason = Reason(
        "split", Text(note.strip() or f"split off {fresh.id}", note.strip() or f"分出 {fresh.id}")
    )
    kept = replace(thread, findings=rest, updated=now, by=by, reasons=(*thread.reasons, reason))
    return graded(kept, state), graded(fresh, state)


def finalise(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """The last word: status final, verdict closed (or dismissed or merged, as it was). A level that
    stands is not closed: it ends by itself, or somebody dismisses it for a reason in words."""
    if thread.status == "final":
        raise WrongState("already final", where=thread.id)
    if thread.verdict in LIVE and thread.level is not None:
        raise WrongState(
            "the level stands",
            where=thread.id,
            found=f"level {thread.level}, {thread.state}",
            expected="no level",
            mend="wait for its end, or dismiss the risk with a reason",
        )
    verdict = "closed" if thread.verdict in LIVE else thread.verdict
    reason = Reason("closed", Text(note.strip() or "the risk is over", note.strip() or "风险已解除"))
    return replace(
        thread, status="final", verdict=verdict, by=by, updated=now, reasons=(*thread.reasons, reason)
    )


def _must(thread: Assessment, verdicts: tuple[str, ...]) -> None:
    if thread.verdict not in verdicts:
        raise WrongState(
            "the thread is not open", where=thread.id, found=thread.verdict, expected=" or ".join(verdicts)
        )
