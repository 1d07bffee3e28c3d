"""The review of one risk: timeline, outcome, scores of the rules used, lessons as items of work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from anlan.formats.values import short_id
from anlan.model.assessment import Assessment
from anlan.model.entry import Entry
from anlan.model.errors import UnknownPlace, WrongState
from anlan.model.finding import Finding
from anlan.model.incident import Incident
from anlan.model.indicator import KnownEvent
from anlan.model.pack import Pack
from anlan.model.review import Lesson, Review, Scores
from anlan.model.state import State
from anlan.model.text import Text
from anlan.review.timeline import timeline
from anlan.review.verify import Episode, matches, undecided, verify


def episodes(findings: Iterable[Finding], rule: str) -> list[Episode]:
    """The stretches with a level, by place and event, in order of their start."""
    open_: dict[tuple[str, str], datetime] = {}
    done: list[Episode] = []
    for finding in findings:
        if finding.rule != rule:
            continue
        key = (finding.place, finding.event)
        if finding.level is not None and key not in open_:
            open_[key] = finding.known
        elif finding.level is None and key in open_:
            done.append(Episode(finding.place, open_.pop(key), finding.known))
    done += [Episode(place, start, None) for (place, _), start in open_.items()]
    return sorted(done, key=lambda episode: (episode.start, episode.place))


def near(pack: Pack, at: datetime, a: str, b: str) -> bool:
    """Two places meet when one is the other or lies within it."""
    try:
        return pack.within(a, b, at) or pack.within(b, a, at)
    except UnknownPlace:
        return False


def score(rule: str, findings: Sequence[Finding], pack: Pack, since: datetime, now: datetime) -> Scores:
    """The rule's record from `since` to `now`: only events that began in that time count; one under way
    at `since` excuses the levels it gave."""
    definition = pack.rules[rule]
    own = [event for event in pack.events.values() if event.hazard == definition.hazard]
    return verify(
        rule,
        episodes(findings, rule),
        [event for event in own if since <= event.start <= now],
        definition.horizon,
        lambda a, b: near(pack, now, a, b),
        now,
        [event for event in own if event.start < since <= event.end],
    )


def make_review(
    thread: Assessment,
    entries: Sequence[Entry],
    state: State,
    pack: Pack,
    since: datetime,
    now: datetime,
) -> tuple[Review, list[Lesson]]:
    """`entries`: the journal of this risk and of its findings; `since`: when this journal began."""
    incident = next((i for i in state.incidents.values() if i.risk == thread.id), None)
    event, may_come = _event(thread, state, pack, now)
    sent = [w for w in state.warnings.values() if w.risk == thread.id and w.sent is not None]
    first = min((w.sent for w in sent if w.sent is not None), default=None)
    tasks = [t for t in state.tasks.values() if t.risk == thread.id]
    reports = [r for r in state.reports.values() if r.risk == thread.id]
    rules = sorted({state.findings[f].rule for f in thread.findings} & set(pack.rules))
    findings = list(state.findings.values())
    late_tasks = sum(1 for t in tasks if t.status == "cancelled" or (t.done or now) > t.due)
    late_reports = sum(1 for r in reports if r.status != "dropped" and (r.filed or now) > r.due)
    if event is not None:
        outcome = "hit" if sent else "miss"
    else:
        outcome = "false_alarm" if sent and not may_come else "unknown"
    lessons = _lessons(thread, state, outcome, event, first, late_tasks, late_reports, incident, pack, now)
    review = Review(
        id=short_id("V", thread.id, now.isoformat()),
        risk=thread.id,
        incident=incident.id if incident else "",
        made=now,
        timeline=timeline(entries),
        outcome=outcome,
        event=event.id if event else "",
        lead=event.start - first if event and first else None,
        scores=tuple(score(rule, findings, pack, since, now) for rule in rules),
        lessons=tuple(lesson.id for lesson in lessons),
        tasks_done=sum(1 for t in tasks if t.status == "done"),
        tasks_late=late_tasks,
        reports_filed=sum(1 for r in reports if r.filed is not None),
        reports_late=late_reports,
    )
    return review, lessons


def _event(thread: Assessment, state: State, pack: Pack, now: datetime) -> tuple[KnownEvent | None, bool]:
    """The first known event that the thread's episodes announced, and whether one may still come."""
    own = [state.findings[f] for f in thread.findings]
    spans = [
        (episode, pack.rules[rule].horizon)
        for rule in sorted({f.rule for f in own} & set(pack.rules))
        for episode in episodes(own, rule)
    ]
    may_come = any(undecided(episode, horizon, now) for episode, horizon in spans)
    for event in sorted(pack.events.values(), key=lambda e: (e.start, e.id)):
        if (
            event.hazard == thread.hazard
            and event.start <= now
            and any(
                near(pack, now, span.place, event.place) and matches(span, event, horizon)
                for span, horizon in spans
            )
        ):
            return event, False
    # what no rule found has no episode to be scored by
    return None, may_come or not own


def _lessons(
    thread: Assessment,
    state: State,
    outcome: str,
    event: KnownEvent | None,
    first: datetime | None,
    late_tasks: int,
    late_reports: int,
    incident: Incident | None,
    pack: Pack,
    now: datetime,
) -> list[Lesson]:
    """What the record itself asks to be looked at: nothing here is opinion."""
    said: list[Text] = []
    if outcome == "false_alarm":
        said.append(
            Text(
                "no known event followed the warning: look at the rule's threshold",
                "预警后未发生已知事件：检查规则阈值",
            )
        )
    if event is not None and first is not None and first > event.start:
        late = _hours(first - event.start)
        said.append(
            Text(
                f"the warning came {late} h after the event began: look for an earlier sign",
                f"预警晚于事件开始 {late} 小时：寻找更早的征兆",
            )
        )
    if late_tasks:
        said.append(
            Text(
                f"{late_tasks} task(s) late or left open: look at owners and times",
                f"{late_tasks} 项任务逾期或未完成：检查责任与时限",
            )
        )
    if late_reports:
        said.append(
            Text(
                f"{late_reports} report(s) late: look at the reporting line",
                f"{late_reports} 份报告迟报：检查报送流程",
            )
        )
    silent = sum(
        1
        for d in state.deliveries.values()
        if d.risk == thread.id and any(r.code in ("no_answer", "ladder_ended") for r in d.reasons)
    )
    if silent:
        said.append(
            Text(
                f"{silent} call(s) went unanswered in time: check the contacts",
                f"{silent} 次叫应未按时应答：核对联系人",
            )
        )
    owner = incident.lead if incident else _issuer(thread, pack, now)
    return [
        Lesson(
            id=short_id("L", thread.id, str(n), text.en),
            risk=thread.id,
            text=text,
            owner=owner,
            due=now + timedelta(days=30),
        )
        for n, text in enumerate(said)
    ]


def _issuer(thread: Assessment, pack: Pack, now: datetime) -> str:
    try:
        plan = pack.plan_for(thread.hazard, thread.place, now)
    except UnknownPlace:
        return ""
    return plan.issuer if plan else ""


def _hours(span: timedelta) -> int:
    return round(span.total_seconds() / 3600)


def lesson_done(lesson: Lesson, now: datetime) -> Lesson:
    """The item of work is done; once."""
    if lesson.status == "done":
        raise WrongState("the lesson is done already", where=lesson.id, found=lesson.status)
    return replace(lesson, status="done", done=now)
