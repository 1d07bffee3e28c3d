"""The composer: a first message, an edit, a correction. Works without a script: the form goes to the server
to be checked, and comes back with everything that an approver will see."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.response import Redirect

from anlan.assess.thread import live
from anlan.model.assessment import Assessment
from anlan.model.errors import AnlanError, NotFound
from anlan.model.matrix import Matrix
from anlan.model.state import State
from anlan.model.warning import Warning
from anlan.ports.desk import ACTS, MESSAGE, Desk
from anlan.warn.compose import correction, longest, proposed, worded
from anlan.warn.decide import in_force
from anlan.warn.issuer import nearest_issuer
from anlan.warn.words import measures
from anlan.web.access import READ
from anlan.web.composerview import drawing_text, form_of, search_places, sight
from anlan.web.guards import sees
from anlan.web.mapview import layer_of
from anlan.web.refusal_words import refusal
from anlan.web.render import page, screen
from anlan.web.warningview import open_draft

Ask = Request[Any, Any, Any]
#: what the composer writes
WRITES = ("warning.compose", "warning.edit", "warning.correct")
FIELD_LIMIT = 60_000  # characters of one form field: a drawing may have many points
#: what has been chosen so far, and what else the first pages are asked with
CHOSEN = ("hazard", "place", "level", "severity", "certainty")
ASKED = ("do", "id", *CHOSEN, "find")
#: fields that say of what the message is; the rest are its words
ABOUT = ("hazard", "place", "title", "severity", "certainty")


@get("/compose", opt={"act": READ}, sync_to_thread=True)
def compose_page(request: Ask) -> Response[str]:
    """Choose what it is about, assess it, or begin to write: whatever comes next."""
    asked = {name: request.query_params.get(name, "").strip()[:FIELD_LIMIT] for name in ASKED}
    do, id = asked["do"] or "warning.compose", asked["id"]
    if do in ("warning.edit", "warning.correct"):
        warning = _warning(request, id)
        form = form_of(warning)
        if do == "warning.correct":
            desk: Desk = request.app.state.desk
            plan = desk.pack.plans[warning.plan]
            begun = correction(warning, plan, desk.pack, desk.clock.now(), desk.zone)
            form = form_of(worded(warning, begun))
        return _composer(request, do, id, form, {}, warning)
    return _first(request, id, {name: asked[name] for name in CHOSEN}, asked["find"])


@post("/compose", opt={"act": READ})
async def compose_check(request: Ask) -> Response[Any]:
    """Check the form, search a place for it, or keep it as a draft. Who may do that is for the act itself,
    which the desk refuses with its reason."""
    sent = await request.form()
    do, id = str(sent.get("act", "")), str(sent.get("subject", ""))
    if do not in WRITES:
        raise NotFound("no such act", where="act", found=repr(do), expected=", ".join(WRITES))
    form = {name: str(sent[name]).strip()[:FIELD_LIMIT] for name in (*ACTS[do], "reason") if name in sent}
    desk: Desk = request.app.state.desk
    wanted, find = str(sent.get("do", "check")), str(sent.get("find", ""))[:100]
    if wanted.startswith("add "):
        chosen = dict.fromkeys([*form.get("places", "").split(), wanted.removeprefix("add ")])
        form["places"] = " ".join(chosen)
    fields = {name: value for name, value in form.items() if value or name in MESSAGE}
    if wanted == "save":
        try:
            written = await sync_to_thread(desk.act, request.user, do, id, fields)
        except AnlanError as refused:
            return await sync_to_thread(_composer, request, do, id, form, form, None, refused, find)
        made = [one for one in written if one in desk.state().warnings]
        return Redirect(f"/warning/{made[-1]}" if made else "/", status_code=303)
    try:
        drafted = await sync_to_thread(desk.rehearse, request.user, do, id, fields)
    except AnlanError as refused:
        return await sync_to_thread(_composer, request, do, id, form, form, None, refused, find)
    return await sync_to_thread(_composer, request, do, id, form, form, drafted, None, find)


def _first(request: Ask, risk: str, about: dict[str, str], find: str) -> Response[str]:
    """A first message: of a risk, or of a hazard at a place."""
    desk: Desk = request.app.state.desk
    state, pack, now = desk.state(), desk.pack, desk.clock.now()
    thread = None
    if risk:
        thread = state.assessments.get(risk)
        if thread is None or not sees(request)(thread.place):
            raise NotFound("no such risk", where="risk", found=repr(risk))
        about = {**about, "hazard": thread.hazard, "place": thread.place}
    hazard, place = about["hazard"], about["place"]
    if hazard not in pack.hazards or place not in pack.places:
        return _choose(request, about, find)
    standing = thread or live(hazard, place, state)
    if standing is not None and sees(request)(standing.place):
        # said before a word is written: the act itself would refuse the words
        head, unsent = in_force(standing.id, state, now), open_draft(standing.id, state)
        if head or unsent or not risk:
            return page(request, "taken.html", a=standing, head=head, open_draft=unsent)
    plan = pack.plan_for(hazard, place, now)
    matrix = pack.matrix_for(hazard, place, now)
    level = _level(about, matrix, thread.level if thread else None)
    # without anybody who may issue it there is no draft: the page says so before a word is written
    if plan is None or level is None or nearest_issuer(hazard, level, place, pack, now) is None:
        return page(
            request,
            "assess.html",
            about=about,
            risk=risk,
            thread=thread,
            matrix=matrix,
            plan=plan,
            issuers={n: nearest_issuer(hazard, n, place, pack, now) for n in (1, 2, 3, 4)},
        )
    organ = request.user.organ if request.user.organ in pack.organs else plan.issuer
    begun = proposed(thread, hazard, level, (place,), organ, plan, state, pack, now, desk.zone)
    form = {
        "level": str(begun.level),
        "starts": f"{begun.starts:%Y-%m-%dT%H:%M:%S}",
        "expires": f"{begun.expires:%Y-%m-%dT%H:%M:%S}",
        "places": " ".join(begun.places),
        "drawing": "",
    }
    for name in ("headline", "matters", "measures", "area"):
        for language in ("en", "zh"):
            form[f"{name}_{language}"] = getattr(begun, name).in_(language)
    kept = {name: value for name, value in about.items() if value and name in ABOUT}
    return _composer(request, "warning.compose", risk, form, {} if risk else kept)


def _choose(request: Ask, about: dict[str, str], find: str) -> Response[str]:
    """Which hazard, where."""
    desk: Desk = request.app.state.desk
    now = desk.clock.now()
    planned = {
        id for plan in desk.pack.plans.values() if plan.validity.covers(now.date()) for id in plan.hazards
    }
    matches = search_places(find or about["place"], desk.pack, now)
    known: dict[str, Collection[str]] = {"hazard": desk.pack.hazards, "place": desk.pack.places}
    return page(
        request,
        "choose.html",
        about=about,
        unknown={name: "" if about[name] in table else about[name] for name, table in known.items()},
        hazards=sorted(planned & set(desk.pack.hazards)),
        find=find,
        matches=matches,
    )


def _composer(
    request: Ask,
    do: str,
    id: str,
    form: dict[str, str],
    about: dict[str, str],
    drafted: Warning | None = None,
    refused: AnlanError | None = None,
    find: str = "",
) -> Response[str]:
    """The form, and, once it has been looked at, what there is to see of the message."""
    desk: Desk = request.app.state.desk
    pack, now, state = desk.pack, desk.clock.now(), desk.state()
    subject = state.warnings.get(id) or state.assessments.get(id)
    hazard = getattr(subject, "hazard", "") or about.get("hazard", "")
    places = tuple(one for one in form.get("places", "").split() if one in pack.places)
    plan = pack.plan_for(hazard, places[0], now) if hazard in pack.hazards and places else None
    checked = drafted is not None and "reason" in form
    if drafted is not None:
        form = {**form, "drawing": drawing_text(drafted)}
    return page(
        request,
        "compose.html",
        status=200 if refused is None else 409,
        act=do,
        id=id,
        form=form,
        about={name: about[name] for name in ABOUT if about.get(name)},
        hazard=hazard,
        before=subject if isinstance(subject, Warning) else None,
        measures=measures,
        open_draft=_holding_up(do, subject, state),
        refused=refusal(refused, screen(request, "").language) if refused is not None else "",
        sight=sight(drafted, desk, about.get("place", "")) if drafted is not None and checked else None,
        may=screen(request).may(do, places),
        matches=search_places(find, pack, now),
        find=find,
        most=longest(hazard, plan, pack) if plan is not None else None,
        layer=layer_of(pack, places, now) if pack.geometry and places else None,
    )


def _holding_up(do: str, subject: Warning | Assessment | None, state: State) -> Warning | None:
    """The draft for whose sake a new one would be refused; an edit is of that draft itself."""
    if subject is None or do == "warning.edit":
        return None
    return open_draft(subject.risk if isinstance(subject, Warning) else subject.id, state)


def _warning(request: Ask, id: str) -> Warning:
    desk: Desk = request.app.state.desk
    found = desk.state().warnings.get(id)
    if found is None or not any(map(sees(request), found.places)):
        raise NotFound("no such warning", where="warning", found=repr(id))
    return found


def _level(about: dict[str, str], matrix: Matrix | None, otherwise: int | None) -> int | None:
    """The level that was chosen: the cell's, the one set outright, or the risk's own."""
    if matrix is not None and about["severity"] and about["certainty"]:
        return matrix.cell(about["certainty"], about["severity"]).level
    if about["level"] in ("1", "2", "3", "4"):
        return int(about["level"])
    return otherwise
