"""Where messages are on their way: the deliveries of one warning, the ladders that run, the roster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.model.delivery import DELIVERY_STATUSES, Delivery
from anlan.model.entry import Entry
from anlan.model.errors import NotFound
from anlan.model.mailing import Mailing
from anlan.model.pack import Pack
from anlan.model.roster import Shift, Watch, WatchState
from anlan.model.state import State
from anlan.model.warning import Warning
from anlan.ports.desk import Desk
from anlan.warn import roster
from anlan.warn.contact import Tested, tested
from anlan.web.access import READ
from anlan.web.guards import sees
from anlan.web.render import page

Ask = Request[Any, Any, Any]
#: deliveries on one page
SHOWN = 50
#: rows of a delivery's own history
STORY = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a delivery, as the journal has it."""

    at: datetime
    status: str
    actor: str
    why: Any


@dataclass(frozen=True, slots=True)
class Ladder:
    """One message whose answers are waited for: its calls by rung, the next instant at which it climbs, and
    the recipients who have not answered."""

    warning: Warning
    rungs: tuple[tuple[int, tuple[Delivery, ...]], ...]
    next: datetime | None
    next_rung: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """A watch with how it stands, who is on duty, what is planned, and when nobody is any more."""

    watch: Watch
    stands: WatchState
    now: tuple[Shift, ...]
    planned: tuple[Shift, ...]
    gap: datetime | None


def counts(deliveries: Iterable[Delivery]) -> dict[str, int]:
    """How many stand at each status, those of none left out, in the order of the statuses."""
    found = Counter(delivery.status for delivery in deliveries)
    return {status: found[status] for status in DELIVERY_STATUSES if found[status]}


def chosen(deliveries: Iterable[Delivery], pack: Pack, status: str, words: str) -> list[Delivery]:
    """Those of a status (all where it is empty) whose recipient, by id or name, has the words in it."""
    wanted = words.strip().lower()

    def fits(delivery: Delivery) -> bool:
        to = pack.recipients.get(delivery.recipient)
        names = (delivery.recipient, to.name.en, to.name.zh) if to else (delivery.recipient,)
        return any(wanted in name.lower() for name in names)

    return [d for d in deliveries if (not status or d.status == status) and (not wanted or fits(d))]


def story(entries: Iterable[Entry]) -> list[Step]:
    """The rows about one delivery as steps."""
    return [
        Step(
            entry.at,
            entry.value.status if isinstance(entry.value, Delivery | Mailing) else "",
            entry.actor,
            entry.why,
        )
        for entry in entries
    ]


def ladders(state: State, pack: Pack, visible: Callable[[str], bool]) -> list[Ladder]:
    """Every message in force from which an answer is missing or was asked, the most pressing first."""
    found = []
    for warning in state.warnings.values():
        if warning.status != "approved" or not any(visible(place) for place in warning.places):
            continue
        own = state.in_order(state.copies.get(warning.id, ()))
        calls = [delivery for delivery in own if delivery.answer_by is not None]
        if not calls:
            continue
        rungs = sorted({delivery.rung for delivery in calls})
        times = [state.wakes[d.id] for d in calls if d.id in state.wakes]
        plan = pack.plans.get(warning.plan)
        top = rungs[-1]
        steps = plan.steps if plan else ()
        found.append(
            Ladder(
                warning,
                tuple((rung, tuple(d for d in calls if d.rung == rung)) for rung in rungs),
                min(times, default=None),
                steps[top].recipients if top < len(steps) else (),
                tuple(dict.fromkeys(d.recipient for d in calls if d.unanswered and d.marked)),
            )
        )
    return sorted(found, key=lambda one: (one.next is None, one.next or one.warning.expires, one.warning.id))


def posts(state: State, pack: Pack, now: datetime) -> list[Post]:
    """Every watch of the pack."""
    return [
        Post(
            watch,
            roster.standing(watch, state, now),
            tuple(roster.on_duty(watch.id, state, now)),
            tuple(
                sorted(
                    (
                        shift
                        for shift in state.shifts.values()
                        if shift.watch == watch.id and shift.status == "planned" and shift.begins > now
                    ),
                    key=lambda shift: (shift.begins, shift.id),
                )
            ),
            roster.gap_ahead(watch, state, now),
        )
        for watch in sorted(pack.watches.values(), key=lambda watch: watch.id)
    ]


@get("/warning/{id:str}/deliveries", opt={"act": READ}, sync_to_thread=True)
def deliveries_page(
    request: Ask,
    id: FromPath[str],
    status: FromQuery[str] = "",
    q: FromQuery[str] = "",
    start: FromQuery[int] = 0,
    show: FromQuery[str] = "",
) -> Response[str]:
    """Everybody a warning goes to, with what became of each copy; `show` opens one delivery's history."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    found = state.warnings.get(id)
    if found is None:
        raise NotFound("no such warning", where="warning", found=repr(id))
    own = state.in_order(state.copies.get(id, ()))
    rows = chosen(own, desk.pack, status, q[:100])
    start = max(0, start - start % SHOWN)
    opened = state.deliveries.get(show)
    return page(
        request,
        "deliveries.html",
        w=found,
        total=len(own),
        counts=counts(own),
        rows=rows[start : start + SHOWN],
        found=len(rows),
        start=start,
        shown=SHOWN,
        status_wanted=status,
        q=q[:100],
        opened=opened if opened and opened.warning == id else None,
        story=story(desk.story(show))[-STORY:] if opened and opened.warning == id else (),
    )


@get("/ladder", opt={"act": READ}, sync_to_thread=True)
def ladder_page(request: Ask) -> Response[str]:
    """The ladder board: who has been called, who has not answered, what comes next and when."""
    desk: Desk = request.app.state.desk
    return page(request, "ladder.html", ladders=ladders(desk.state(), desk.pack, sees(request)))


@get("/roster", opt={"act": READ}, sync_to_thread=True)
def roster_page(request: Ask) -> Response[str]:
    """Who is on duty, with a contact that works or not, what its last test brought, and where nobody is."""
    desk: Desk = request.app.state.desk
    state, now = desk.state(), desk.clock.now()

    def contact(shift: Shift) -> str:
        return roster.contact(shift.contact, state)

    def test(shift: Shift) -> Tested:
        return tested(shift.contact, state, now, desk.pack.watches[shift.watch].test_every)

    return page(request, "roster.html", posts=posts(state, desk.pack, now), contact=contact, test=test)
