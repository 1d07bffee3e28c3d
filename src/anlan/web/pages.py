"""The console's pages: parse, look, render."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.model.errors import NotFound
from anlan.model.finding import Finding
from anlan.model.text import Text
from anlan.ports.desk import Desk
from anlan.warn.route import notice_id
from anlan.warn.words import headline, measures
from anlan.web.access import QUARANTINE, READ, Decision
from anlan.web.composerview import changes_between, drawing_of, sight, versions_of
from anlan.web.duty import duty
from anlan.web.guards import sees
from anlan.web.mapview import layer_of
from anlan.web.render import page, screen
from anlan.web.seriesview import analysis
from anlan.web.session import Caller
from anlan.web.thread import hops
from anlan.web.warningview import chain, deliveries, mutes_of, open_draft, reach

if TYPE_CHECKING:
    from anlan.web.refusals import Tried

Ask = Request[Any, Any, Any]
CHART_ROWS = 30
#: so many lines of one step of a thread stand open: a storm brings its gusts by the thousand
STEP_LINES = 12


@get("/", opt={"act": READ}, sync_to_thread=True)
def home(request: Ask) -> Response[str]:
    """The duty page."""
    desk: Desk = request.app.state.desk
    state, visible = desk.state(), sees(request)
    found = duty(desk, state, visible, desk.clock.now())
    queues = found.queues(lambda act: screen(request).may(act).allowed)
    return page(
        request,
        "duty.html",
        d=found,
        queues=queues,
        mine=sum(queue.rows.total for queue in queues if queue.mine),
        others=sum(queue.rows.total for queue in queues if not queue.mine),
        state=state,
        hushed=found.hushed,
    )


@get("/risk/{id:str}", opt={"act": READ}, sync_to_thread=True)
def risk(request: Ask, id: FromPath[str], step: FromQuery[int] = 0) -> Response[str]:
    """The thread of a risk; of what came at one instant the first lines, of the number `step` all of them."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    assessment = state.assessments.get(id)
    if assessment is None:
        raise NotFound("no such risk", where="risk", found=repr(id))
    findings = [state.findings[f] for f in assessment.findings if f in state.findings]
    return page(
        request,
        "risk.html",
        a=assessment,
        opened=step,
        lines_shown=STEP_LINES,
        findings=findings,
        analysis=analysis(findings[0], desk.pack) if findings else "",
        hops=hops(desk.entries(id), desk.pack),
        warnings=[w for w in state.warnings.values() if w.risk == id],
        causes=state.warnings,
        incidents=[i for i in state.incidents.values() if i.risk == id],
        # what a warning owes while no response runs; the rest stands with its incident
        reports=[r for r in state.reports.values() if r.risk == id and not r.incident],
        reviews=[r for r in state.reviews.values() if r.risk == id],
        lessons=[item for item in state.lessons.values() if item.risk == id],
        points=_points(desk, findings)[-CHART_ROWS:],
    )


@get("/risk/{id:str}/series", opt={"act": READ}, sync_to_thread=True)
def series(request: Ask, id: FromPath[str]) -> dict[str, Any]:
    """The series behind a risk's first finding, with its findings, for the chart."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    assessment = state.assessments.get(id)
    findings = [state.findings[f] for f in assessment.findings if f in state.findings] if assessment else []
    if not findings:
        raise NotFound("the risk has no finding", where="risk", found=repr(id))
    first = findings[0]
    indicator = desk.pack.indicators.get(first.indicator)
    title = indicator.title if indicator else Text(first.indicator, first.indicator)
    return {
        "title": {"en": title.en, "zh": title.zh},
        "unit": first.unit,
        "single": indicator is not None and indicator.kind == "event",
        "points": [[at.isoformat(), value] for at, value in _points(desk, findings)],
        "findings": [
            {
                "at": finding.at.isoformat(),
                "known": finding.known.isoformat(),
                "value": finding.value,
                "threshold": finding.threshold,
                "expected": finding.expected,
                "level": finding.level,
                "say": {"en": finding.sentence.en, "zh": finding.sentence.zh},
            }
            for finding in findings
            if finding.indicator == first.indicator and finding.place == first.place
        ],
    }


@get("/warning/{id:str}", opt={"act": READ}, sync_to_thread=True)
def warning(request: Ask, id: FromPath[str]) -> Response[str]:
    """The approval page: everything an approver must see, and the only place to approve."""
    return warning_page(request, id)


def warning_page(request: Ask, id: str, tried: Tried | None = None) -> Response[str]:
    """The same, with the act of it that was just refused."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    found = state.warnings.get(id)
    if found is None:
        raise NotFound("no such warning", where="warning", found=repr(id))
    at = found.sent or desk.clock.now()
    before = state.warnings.get(found.references[-1]) if found.references else None
    return page(
        request,
        "warning.html",
        status=tried.problem.status if tried else 200,
        here=f"/warning/{quote(id, safe='')}" if tried else None,
        tried=tried,
        w=found,
        measures=measures,
        headline=headline,
        reach=reach(found.places, desk.pack, at),
        cap=desk.cap(id).decode("utf-8", "replace"),
        chain=chain(found, state),
        open_draft=open_draft(found.risk, state, found.id),
        notice=state.notices.get(notice_id(id)),
        deliveries=deliveries(found, state),
        own=_not_own(request, (found.author, *found.authors)),
        sight=sight(found, desk),
        drawn=drawing_of(found),
        versions=versions_of(desk.versions(id)),
        before=before,
        against=changes_between(before, found) if before else (),
        second=desk.second_factor(request.user)[0],
        mutes=mutes_of(found, state, sees(request)),
        layer=_layer_of(desk, found.places),
    )


@get("/warning/{id:str}/cap", opt={"act": READ}, sync_to_thread=True)
def cap(request: Ask, id: FromPath[str]) -> Response[bytes]:
    """The CAP document, byte for byte."""
    desk: Desk = request.app.state.desk
    return Response(desk.cap(id), media_type="application/cap+xml")


@get("/incident/{id:str}", opt={"act": READ}, sync_to_thread=True)
def incident(request: Ask, id: FromPath[str]) -> Response[str]:
    """Tasks, clocks, reports, stand-down."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    found = state.incidents.get(id)
    if found is None:
        raise NotFound("no such incident", where="incident", found=repr(id))
    ends = [s for s in state.stand_downs.values() if s.incident == id]
    return page(
        request,
        "incident.html",
        i=found,
        tasks=sorted((x for x in state.tasks.values() if x.incident == id), key=lambda x: (x.due, x.id)),
        reports=sorted((x for x in state.reports.values() if x.incident == id), key=lambda x: (x.due, x.id)),
        stand_down=ends[-1] if ends else None,
        risk=state.assessments.get(found.risk),
    )


@get("/quarantine", opt={"act": QUARANTINE}, sync_to_thread=True)
def quarantine(request: Ask) -> Response[str]:
    """What could not be used, with its reason."""
    desk: Desk = request.app.state.desk
    return page(request, "quarantine.html", held=desk.quarantined())


def _points(desk: Desk, findings: list[Finding]) -> list[tuple[Any, float | None]]:
    return list(desk.series(findings[0].indicator, findings[0].place)) if findings else []


def _not_own(request: Ask, authors: tuple[str, ...]) -> Decision:
    """Nobody approves what they wrote."""
    user, caller = request.user, request.auth
    if isinstance(caller, Caller) and user is not None and user.name in authors:
        return Decision(
            False,
            Text("you wrote it: another person must approve", "该预警由您起草：须由他人批准"),
        )
    return Decision(True, Text("not the author", "非起草人"))


def _layer_of(desk: Desk, places: tuple[str, ...]) -> int | None:
    """The map layer on which the warned places can be drawn; None where the pack has none."""
    if not desk.pack.geometry:
        return None
    return layer_of(desk.pack, places, desk.clock.now())
