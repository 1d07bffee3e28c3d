"""Findings about the same risk gathered into one thread: the identity from here on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.errors import NotFound, UnknownPlace, WrongState
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.text import Text

#: A thread without news for so long is not continued by a new finding: that is a new risk.
QUIET = timedelta(days=45)
LIVE = ("open", "confirmed")


def gather(finding: Finding, state: State, pack: Pack, now: datetime) -> Assessment | None:
    """The thread with the finding in it: the one already open for the same hazard at the same place
    (or one above or below it), else a new one. None for news that opens nothing (an end without a
    thread)."""
    thread = _match(finding, state, pack, now)
    if thread is None:
        if finding.level is None:
            return None
        return _open(finding, pack, now)
    findings = (*thread.findings, finding.id)
    return _graded(replace(thread, findings=findings, updated=now), finding, state)


def _match(finding: Finding, state: State, pack: Pack, now: datetime) -> Assessment | None:
    for thread in state.assessments.values():
        if thread.verdict in LIVE and thread.level is not None and _holds(thread, finding, state):
            return thread
    line = pack.ancestry(finding.place, now)
    best: tuple[int, str, Assessment] | None = None
    for thread in state.assessments.values():
        if thread.verdict not in LIVE or thread.hazard != finding.hazard:
            continue
        if thread.level is None and now - thread.updated > QUIET:
            continue
        try:
            near = (
                line.index(thread.place)
                if thread.place in line
                else pack.ancestry(thread.place, now).index(finding.place)
            )
        except (ValueError, UnknownPlace):
            continue
        if best is None or (near, thread.id) < best[:2]:
            best = (near, thread.id, thread)
    return best[2] if best else None


def _holds(thread: Assessment, finding: Finding, state: State) -> bool:
    """The thread has an earlier finding of the same rule, place and event."""
    key = (finding.rule, finding.place, finding.event)
    return any((f.rule, f.place, f.event) == key for f in (state.findings[id] for id in thread.findings))


def _open(finding: Finding, pack: Pack, now: datetime) -> Assessment:
    place = pack.place(finding.place, now).name
    hazard = pack.hazards[finding.hazard].title
    return Assessment(
        id=short_id(f"R-{now:%Y}", finding.hazard, finding.place, finding.id),
        hazard=finding.hazard,
        domain=finding.domain,
        place=finding.place,
        title=Text(f"{hazard.en}, {place.en}", f"{place.zh}{hazard.zh}"),
        opened=now,
        updated=now,
        status="automatic",
        verdict="open",
        state=finding.state,
        level=finding.level,
        highest=finding.level,
        findings=(finding.id,),
    )


def _graded(thread: Assessment, newest: Finding, state: State) -> Assessment:
    """The thread's level: the most severe that any rule, place or event of it has now."""
    current: dict[tuple[str, str, str], Finding] = {}
    for id in thread.findings:
        finding = newest if id == newest.id else state.findings[id]
        current[(finding.rule, finding.place, finding.event)] = finding
    levels = [finding.level for finding in current.values() if finding.level is not None]
    level = min(levels, default=None)
    states = {finding.state for finding in current.values() if finding.level is not None}
    highest = min((x for x in (level, thread.highest) if x is not None), default=None)
    return replace(thread, level=level, highest=highest, state="unknown" if "unknown" in states else "known")


def places(thread: Assessment, state: State, pack: Pack, now: datetime) -> tuple[str, ...]:
    """Where the risk is now: places of current findings with a level, without those that lie within
    another of them; the thread's own place where there are none."""
    current: dict[tuple[str, str, str], Finding] = {}
    for id in thread.findings:
        finding = state.findings[id]
        current[(finding.rule, finding.place, finding.event)] = finding
    found = {f.place for f in current.values() if f.level is not None}
    outer = {p for p in found if not any(up in found for up in pack.ancestry(p, now)[1:])}
    return tuple(sorted(outer)) or (thread.place,)


def confirm(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """automatic -> reviewed, confirmed."""
    _must(thread, LIVE)
    reason = Reason("confirmed", Text(note or "confirmed by an analyst", note or "经分析员确认"))
    return replace(
        thread, status="reviewed", verdict="confirmed", by=by, updated=now, reasons=(*thread.reasons, reason)
    )


def dismiss(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """reviewed, dismissed; a reason in words is required."""
    _must(thread, LIVE)
    if not note.strip():
        raise WrongState(
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
    thread: Assessment, into: Assessment, by: str, note: str, now: datetime
) -> tuple[Assessment, Assessment]:
    """(the merged thread, the one that goes on with the findings of both)."""
    _must(thread, LIVE)
    _must(into, LIVE)
    if thread.id == into.id or thread.hazard != into.hazard:
        raise WrongState(
            "only two threads of one hazard can be merged",
            where=thread.id,
            found=f"{thread.hazard} and {into.hazard}",
        )
    reason = Reason("merged", Text(note or f"merged into {into.id}", note or f"并入 {into.id}"))
    levels = [x for x in (thread.level, into.level) if x is not None]
    highest = [x for x in (thread.highest, into.highest) if x is not None]
    return (
        replace(
            thread,
            status="reviewed",
            verdict="merged",
            merged_into=into.id,
            by=by,
            updated=now,
            reasons=(*thread.reasons, reason),
        ),
        replace(
            into,
            findings=(*into.findings, *thread.findings),
            updated=now,
            level=min(levels, default=None),
            highest=min(highest, default=None),
            reasons=(*into.reasons, Reason("took_in", Text(f"took in {thread.id}", f"并入了 {thread.id}"))),
        ),
    )


def split(
    thread: Assessment, findings: tuple[str, ...], state: State, pack: Pack, by: str, note: str, now: datetime
) -> tuple[Assessment, Assessment]:
    """(what remains, the new thread of the findings named)."""
    _must(thread, LIVE)
    for id in findings:
        if id not in thread.findings:
            raise NotFound("no such finding in this thread", where=thread.id, found=id)
    rest = tuple(id for id in thread.findings if id not in findings)
    if not rest or not findings:
        raise WrongState(
            "a split leaves findings on both sides",
            where=thread.id,
            found=f"{len(findings)} of {len(thread.findings)} findings",
        )
    first = state.findings[findings[0]]
    fresh = replace(_open(first, pack, now), findings=findings, split_from=thread.id)
    fresh = _graded(fresh, state.findings[findings[-1]], state)
    reason = Reason("split", Text(note or f"split off {fresh.id}", note or f"分出 {fresh.id}"))
    kept = replace(thread, findings=rest, updated=now, by=by, reasons=(*thread.reasons, reason))
    return _graded(kept, state.findings[rest[-1]], state), fresh


def finalise(thread: Assessment, by: str, note: str, now: datetime) -> Assessment:
    """The last word: status final, verdict closed (or dismissed or merged, as it was)."""
    if thread.status == "final":
        raise WrongState("already final", where=thread.id)
    verdict = "closed" if thread.verdict in LIVE else thread.verdict
    reason = Reason("closed", Text(note or "the risk is over", note or "风险已解除"))
    return replace(
        thread, status="final", verdict=verdict, by=by, updated=now, reasons=(*thread.reasons, reason)
    )


def _must(thread: Assessment, verdicts: tuple[str, ...]) -> None:
    if thread.verdict not in verdicts:
        raise WrongState(
            "the thread is not open", where=thread.id, found=thread.verdict, expected=" or ".join(verdicts)
        )
