"""Reading: warnings, risks, sources, explanations, health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from litestar import get
from litestar.di import Dependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation

from anlan.model.assessment import Assessment
from anlan.model.entry import Entry
from anlan.model.errors import NotFound
from anlan.model.finding import Finding
from anlan.model.incident import Incident
from anlan.model.review import Review
from anlan.model.text import Text
from anlan.model.warning import STATUSES, Warning
from anlan.ports.desk import Desk

READ = "read"
MOST = 1000

Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="at most so many")]
After = Annotated[str, QueryParameter(description="the id after which to go on (ids in ascending order)")]
AtDesk = Annotated[SkipValidation[Desk], Dependency(kind="named")]
Sees = Annotated[SkipValidation[Callable[[str], bool]], Dependency(kind="named")]


@dataclass(frozen=True, slots=True)
class Health:
    """Alive: the process answers and can read its state. `entries` is the number of journal rows."""

    alive: bool
    mode: str
    now: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source and how fresh it is; `status` is `never` before it first brought anything."""

    id: str
    title: Text
    kind: str
    licence: str
    attribution: Text
    status: str
    last: datetime | None
    accepted: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Step:
    """One journal row of a thread, without its value."""

    seq: int
    at: datetime
    kind: str
    subject: str
    actor: str
    why: Text | None


@dataclass(frozen=True, slots=True)
class Thread:
    """A risk with everything that hangs on it."""

    risk: Assessment
    findings: tuple[Finding, ...]
    warnings: tuple[Warning, ...]
    incidents: tuple[Incident, ...]
    reviews: tuple[Review, ...]
    steps: tuple[Step, ...]


@get("/health", opt={"act": "public"}, sync_to_thread=True, tags=["system"])
def health(desk: AtDesk) -> Health:
    """Whether the process is alive. Needs no login."""
    return Health(True, desk.mode, desk.clock.now(), desk.state().head)


@get("/warnings", opt={"act": READ}, sync_to_thread=True, tags=["warnings"])
def warnings(
    desk: AtDesk, sees: Sees, status: FromQuery[str] = "", limit: Limit = 100, after: After = ""
) -> list[Warning]:
    """Warnings the caller may see, by id; `status` narrows them."""
    if status and status not in STATUSES:
        raise NotFound("no such status", where="status", found=repr(status), expected=", ".join(STATUSES))
    found = [
        warning
        for id, warning in sorted(desk.state().warnings.items())
        if id > after and (not status or warning.status == status) and any(map(sees, warning.places))
    ]
    return found[:limit]


@get("/risks", opt={"act": READ}, sync_to_thread=True, tags=["risks"])
def risks(
    desk: AtDesk, sees: Sees, verdict: FromQuery[str] = "", limit: Limit = 100, after: After = ""
) -> list[Assessment]:
    """Risks the caller may see, by id; `verdict` narrows them."""
    found = [
        assessment
        for id, assessment in sorted(desk.state().assessments.items())
        if id > after and (not verdict or assessment.verdict == verdict) and sees(assessment.place)
    ]
    return found[:limit]


@get("/risks/{id:str}", opt={"act": READ}, sync_to_thread=True, tags=["risks"])
def risk(desk: AtDesk, id: FromPath[str]) -> Thread:
    """One risk, from its findings to its reviews."""
    state = desk.state()
    assessment = state.assessments.get(id)
    if assessment is None:
        raise NotFound("no such risk", where="risk", found=repr(id))
    return Thread(
        assessment,
        tuple(state.findings[f] for f in assessment.findings if f in state.findings),
        _of(state.warnings.values(), id),
        _of(state.incidents.values(), id),
        _of(state.reviews.values(), id),
        tuple(step(entry) for entry in desk.entries(id)),
    )


@get("/explain/{id:str}", opt={"act": READ}, sync_to_thread=True, tags=["risks"])
def explain(desk: AtDesk, id: FromPath[str]) -> dict[str, Any]:
    """How a value came about, as known then."""
    return dict(desk.explain(id))


@get("/sources", opt={"act": READ}, sync_to_thread=True, tags=["system"])
def sources(desk: AtDesk) -> list[SourceView]:
    """Every source of the pack and its state."""
    held = desk.state().sources
    views = []
    for id, source in sorted(desk.pack.sources.items()):
        now = held.get(id)
        views.append(
            SourceView(
                id,
                source.title,
                source.kind,
                source.licence,
                source.attribution,
                now.status if now else "never",
                now.last if now else None,
                now.accepted if now else 0,
                now.quarantined if now else 0,
            )
        )
    return views


def step(entry: Entry) -> Step:
    return Step(entry.seq, entry.at, entry.kind, entry.subject, entry.actor, entry.why)


def _of(records: Any, risk: str) -> tuple[Any, ...]:
    return tuple(record for record in records if record.risk == risk)
