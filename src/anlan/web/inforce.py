"""The board of what is in force, the silences, and the card of a group: what their pages show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery

from anlan.app.board import chains_of, looked_up
from anlan.model.assessment import Assessment
from anlan.model.errors import NotFound
from anlan.model.mute import Mute, Silence
from anlan.model.notice import Notice
from anlan.model.relayed import Relayed
from anlan.model.state import State
from anlan.ports.desk import Desk
from anlan.warn import hub, silence
from anlan.warn.board_filter import asked, lines_of
from anlan.warn.group import cards
from anlan.warn.in_force import silent_sources
from anlan.warn.mute import muted, quiet, standing
from anlan.web.access import READ
from anlan.web.differing import differing
from anlan.web.guards import sees
from anlan.web.render import page

Ask = Request[Any, Any, Any]
#: so many lines stand on a page; the filters find the rest
LINES = 200
MEMBERS = 500
#: the end that the form of a silence shows as an example lies so far ahead
EXAMPLE = timedelta(hours=2)


def _cache(request: Ask) -> dict[Any, Any]:
    state = request.app.state
    if "hub" not in state:
        state.hub = {}
    found: dict[Any, Any] = state.hub
    return found


@get("/in-force", opt={"act": READ}, sync_to_thread=True)
def in_force_page(
    request: Ask,
    place: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    level: FromQuery[str] = "",
    source: FromQuery[str] = "",
    show: FromQuery[str] = "",
    at: FromQuery[str] = "",
    known: FromQuery[str] = "",
) -> Response[str]:
    """What is in force: our own messages and those of others, place by place."""
    desk: Desk = request.app.state.desk
    want = asked(desk.clock.now(), place, kind, level, source, show, at, known)
    _, found = looked_up(desk, want, _cache(request))
    lines = lines_of(found, want, desk.pack, sees(request))
    return page(
        request,
        "in_force.html",
        b=found,
        want=want,
        lines=lines[:LINES],
        total=len(lines),
        chosen_level=level,
        show=show,
        sources=sorted({id for line in found.lines for id in line.sources}),
        mutes={} if want.known else _muting(desk.state(), sees(request)),
    )


def _muting(state: State, visible: Callable[[str], bool]) -> Counter[str]:
    """Cause -> how many findings it keeps quiet now."""
    return Counter(one.cause for one in state.mutes.values() if one.status == "on" and visible(one.place))


@get("/relayed/{id:str}", opt={"act": READ}, sync_to_thread=True)
def relayed_page(request: Ask, id: FromPath[str]) -> Response[str]:
    """One received message: what it says, its chain, by which ways it came, and its bytes."""
    desk: Desk = request.app.state.desk
    state = desk.state()
    if id not in state.relayed:
        raise NotFound("no such message", where="relayed", found=repr(id))
    links, at = chains_of(state, _cache(request)), desk.clock.now()
    link = links[id]
    chain = [other for other in links.values() if other.chain == link.chain]
    silent = silent_sources(state.sources)
    raw = _text(desk, link.message.feeds[0].digest)
    # the same name with other content, and the same content in other bytes
    conflicts = [state.relayed[one] for one in link.conflicts if one in state.relayed]
    others = dict.fromkeys(way.digest for way in link.message.feeds[1:])
    return page(
        request,
        "relayed.html",
        differ=[(one, differing(raw, _text(desk, one.feeds[0].digest))) for one in conflicts],
        bytes_differ=[lines for digest in others if (lines := differing(raw, _text(desk, digest)))],
        m=link.message,
        link=link,
        x=hub.standing(link, at, silent),
        chain=[hub.standing(one, at, silent) for one in chain],
        raw=raw,
    )


def _text(desk: Desk, digest: str) -> str:
    return desk.received(digest).decode("utf-8", "replace")


@get("/relayed/{id:str}/cap", opt={"act": READ}, sync_to_thread=True)
def relayed_cap(request: Ask, id: FromPath[str], feed: FromQuery[int] = 0) -> Response[bytes]:
    """A received message byte for byte as it came, by its first way or another."""
    desk: Desk = request.app.state.desk
    message: Relayed | None = desk.state().relayed.get(id)
    if message is None or not 0 <= feed < len(message.feeds):
        raise NotFound("no such message", where="relayed", found=repr(id))
    return Response(desk.received(message.feeds[feed].digest), media_type="application/cap+xml")


@dataclass(frozen=True, slots=True)
class Kept:
    """Mutes of one risk by one cause and rule, as one line: the newest of them, and how many there are."""

    mute: Mute
    findings: int


def _together(mutes: Iterable[Mute]) -> list[Kept]:
    """What is muted at one place of one risk by one cause in one line each, the newest first: a storm mutes
    its gusts by the thousand."""
    lines: dict[tuple[str, ...], list[Mute]] = {}
    for mute in mutes:
        lines.setdefault((mute.risk, mute.place, mute.rule, mute.cause, mute.status), []).append(mute)
    kept = [Kept(max(same, key=lambda one: one.began), len(same)) for same in lines.values()]
    return sorted(kept, key=lambda one: one.mute.began, reverse=True)


@dataclass(frozen=True, slots=True)
class Hushed:
    """A silence, the findings that it mutes (`count` of them, together as lines), and the messages that it
    holds back."""

    silence: Silence
    mutes: tuple[Kept, ...]
    count: int
    notices: tuple[Notice, ...]


@get("/silences", opt={"act": READ}, sync_to_thread=True)
def silences_page(request: Ask) -> Response[str]:
    """What is kept quiet, by whom, until when, and what that mutes; by the pack's rules too."""
    desk: Desk = request.app.state.desk
    state, visible = desk.state(), sees(request)
    seen = [one for one in state.silences.values() if any(map(visible, one.places))]
    by: dict[str, list[Mute]] = {}
    for mute in state.mutes.values():
        if visible(mute.place):
            by.setdefault(mute.by, []).append(mute)
    shown = [
        Hushed(
            one,
            tuple(_together(by.get(one.id, ()))),
            len(by.get(one.id, ())),
            tuple(_held_by(one, state)),
        )
        for one in sorted(
            seen, key=lambda one: (one.status not in ("set", "planned"), one.ends), reverse=False
        )
    ]
    rules = []
    for rule in desk.pack.inhibits.values():
        on = [mute for mute in by.get(rule.id, ()) if mute.status == "on"]
        rules.append((rule, _together(on), len(on)))
    example = (desk.clock.now() + EXAMPLE).replace(second=0, microsecond=0)
    return page(
        request,
        "silences.html",
        silences=shown[:LINES],
        rules=rules,
        longest=silence.LONGEST,
        example=example,
    )


def _held_by(one: Silence, state: State) -> list[Notice]:
    why = silence.reason(one)
    return [
        notice
        for notice in state.notices.values()
        if any(group.outcome == "held" and group.reason == why for group in notice.groups)
    ]


@get("/group/{id:str}", opt={"act": READ, "record": False}, sync_to_thread=True)
def group_page(request: Ask, id: FromPath[str]) -> Response[str]:
    """Every member of a card."""
    desk: Desk = request.app.state.desk
    state, visible, now = desk.state(), sees(request), desk.clock.now()
    live = [a for a in state.assessments.values() if a.verdict in ("open", "confirmed") and visible(a.place)]
    on = quiet(state)
    hushed = {a.id: found for a in live if (found := muted(a, state, on))}
    card = next((one for one in cards(live, state, desk.pack, now, hushed) if one.id == id), None)
    if card is None:
        raise NotFound("no such group now", where="group", found=repr(id))
    return page(
        request,
        "group.html",
        c=card,
        members=[_member(state.assessments[risk], state) for risk in card.risks[:MEMBERS]],
        hushed=hushed,
    )


def _member(risk: Assessment, state: State) -> tuple[Assessment, int]:
    return risk, len(standing(risk, state))
