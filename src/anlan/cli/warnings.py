"""`anlan warn`: messages of a workspace, and the acts on them, for a room without a browser.

An act is done as a user of the pack, who shows the password, and a one-time code where an approval asks for
one: at a terminal, or as the first and the second line of the standard input.
"""

from __future__ import annotations

import getpass
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from anlan.cli.output import out, say_json
from anlan.model.errors import InvalidValue, NotAllowed, NotFound
from anlan.model.time import format_instant, parse_instant
from anlan.model.user import User
from anlan.model.warning import STATUSES, Warning

if TYPE_CHECKING:
    from anlan.app.desk import RunningDesk
    from anlan.model.state import State
    from anlan.web.composerview import Sight

Json = Annotated[bool, Parameter(name="--json")]
Id = Annotated[str, Parameter(help="The message.")]
InForce = Annotated[str, Parameter(help="The message in force.")]
Words = Annotated[Path, Parameter(help="The words: a TOML file, as `compose` describes it.")]
Workspace = Annotated[Path, Parameter(help="The workspace.")]
As = Annotated[str, Parameter(name="--as", help="Who does it: a user of the pack.")]
Check = Annotated[bool, Parameter(help="Keep nothing; say what would be drafted, or why not.")]
Note = Annotated[str, Parameter(help="A note for the record.")]
app = App(name="warn", help="Warnings: list, show, write, put forward, approve, and what follows them.")


@contextmanager
def _desk(workspace: Path) -> Iterator[RunningDesk]:
    from anlan.app.clock import WallClock
    from anlan.app.desk import RunningDesk
    from anlan.app.house import RunningHouse

    house = RunningHouse(workspace.resolve(), WallClock())
    house.clock = WallClock(house.journal.latest())
    desk = RunningDesk(house)
    try:
        yield desk
    finally:
        desk.close()


def _secret(prompt: str) -> str:
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _who(desk: RunningDesk, name: str) -> User:
    """The user, who shows the password."""
    token = desk.sign_in(name, _secret(f"Password of {name}: "))
    try:
        user = desk.user(token)
    finally:
        desk.sign_out(token)
    if user is None:
        raise NotAllowed("name or password do not fit", where="sign-in")
    return user


def _act(workspace: Path, name: str, act: str, id: str, fields: dict[str, str]) -> int:
    with _desk(workspace) as desk:
        return _done(desk, name, act, id, fields)


def _done(desk: RunningDesk, name: str, act: str, id: str, fields: dict[str, str]) -> int:
    from anlan.ports.desk import STEP_UP

    user = _who(desk, name)
    if act in STEP_UP:
        fields = {**fields, "code": _secret("One-time code: ")}
    written = desk.act(user, act, id, fields)
    state = desk.state()
    for one in written:
        if one in state.warnings:
            out.print(f"{one}\t{state.warnings[one].status}", markup=False)
    return 0


@app.command(name="list")
def list_(*, workspace: Workspace, status: str = "", json: Json = False) -> int:
    """Every message, oldest first.

    Parameters
    ----------
    status
        Only those of this status, such as submitted.
    json
        Print one JSON list.
    """
    if status and status not in STATUSES:
        raise InvalidValue("no such status", where="--status", found=status, expected=", ".join(STATUSES))
    with _desk(workspace) as desk:
        found = [w for w in desk.state().warnings.values() if not status or w.status == status]
        found.sort(key=lambda w: (w.drafted, w.id))
        if json:
            say_json([_plain(w) for w in found])
        for w in found if not json else ():
            mode = "" if w.mode == "Actual" else f"[{w.mode}] "
            out.print(f"{w.id}\t{w.status}\tlevel {w.level}\t{mode}{w.headline.en}", markup=False)
    return 0


@app.command
def show(id: Id, *, workspace: Workspace, json: Json = False) -> int:
    """One message as the public sees it, channel by channel, with whom it reaches, what each channel reaches
    beyond that, and what is to be remarked of its words.

    Parameters
    ----------
    json
        Print one JSON document.
    """
    from anlan.web.composerview import sight

    with _desk(workspace) as desk:
        warning = desk.state().warnings.get(id)
        if warning is None:
            raise NotFound("no such warning", where="warning", found=id)
        seen = sight(warning, desk)
        shown = seen.shown
        said = [("_".join(filter(None, (r.field, r.language))), r.text.en, r.code) for r in seen.remarks]
        if json:
            channels = [
                {
                    "channel": one.channel,
                    "language": one.language,
                    "form": one.form,
                    "text": one.text,
                    "used": one.used,
                    "limit": one.limit,
                    "unit": one.unit,
                    "parts": one.parts,
                    "fits": one.fits,
                }
                for one in shown
            ]
            words = [{"code": code, "field": field, "says": says} for field, says, code in said]
            say_json({**_plain(warning), "reach": _reach(seen), "channels": channels, "remarks": words})
            return 0
        for line in (f"{key}: {value}" for key, value in _plain(warning).items() if value):
            out.print(line, markup=False)
        for one in shown:
            room = f"{one.used} of {one.limit} {one.unit}" if one.limit else f"{one.used} characters"
            short = "" if one.fits else ", too long"
            out.print(f"\n-- {one.channel}, {one.language}: {room}{short}\n{one.text}", markup=False)
        reached = _reach(seen)
        out.print(f"\nreach: {reached['says']}", markup=False)
        for one in reached["beyond"]:
            out.print(f"reach, {one['channel']}: {one['says']} ({one['points']} points)", markup=False)
        for field, says, code in said:
            out.print(f"{field}: {says} [{code}]", markup=False)
    return 0


def _reach(seen: Sight) -> dict[str, Any]:
    """Whom a message reaches, and what each bounded channel reaches beyond the ground that was chosen."""
    reach = seen.reach
    if reach is None:
        why = "; ".join(reason.text.en for reason in seen.no_reach)
        return {"says": f"not known{': ' if why else ''}{why}", "beyond": []}
    return {
        "says": reach.sentence.en,
        "km2": reach.km2,
        "people": reach.people.known,
        "basis": reach.people.basis,
        "without_count": list(reach.people.unknown),
        "recipients": {channel: list(ids) for channel, ids in reach.recipients.items()},
        "beyond": [
            {
                "channel": one.name,
                "says": one.reach.overspill.sentence.en,
                "km2": one.reach.overspill.km2,
                "people": one.reach.overspill.people.known,
                "points": one.simplified.after,
            }
            for one in seen.channels
        ],
    }


@app.command
def compose(file: Words, *, workspace: Workspace, as_: As, risk: str = "", check: Check = False) -> int:
    """A first message from a TOML file: level, starts, expires, places or drawing, headline_en, headline_zh,
    matters_…, measures_…, area_…, reason; hazard and place where no risk is named.

    Parameters
    ----------
    risk
        The risk that it is of; left out, one is opened.
    """
    return _write(workspace, as_, "warning.compose", risk, file, check)


@app.command
def edit(id: Id, file: Words, *, workspace: Workspace, as_: As, check: Check = False) -> int:
    """The next version of a message that has not been sent; what the file leaves out stays."""
    return _write(workspace, as_, "warning.edit", id, file, check)


@app.command
def correct(id: InForce, file: Words, *, workspace: Workspace, as_: As, check: Check = False) -> int:
    """The draft that corrects a message in force; the file says what was wrong (reason) and the right
    words."""
    return _write(workspace, as_, "warning.correct", id, file, check)


def _write(workspace: Path, name: str, act: str, id: str, file: Path, check: bool) -> int:
    from anlan.web.composerview import sight

    fields = _fields(file, act)
    with _desk(workspace) as desk:
        if act != "warning.compose":
            fields = _of_message(desk.state(), id, fields)
        if not check:
            return _done(desk, name, act, id, fields)
        draft = desk.rehearse(_who(desk, name), act, id, fields)
        say_json({**_plain(draft), "reach": _reach(sight(draft, desk))})
    return 0


def _fields(file: Path, act: str) -> dict[str, str]:
    """The keys of a file of words; InvalidValue for one that the act does not take, since what is left out
    stays as it was, and for an instant that does not say its zone."""
    from anlan.acts.wording import FIELDS

    known = ("hazard", "place", *FIELDS, "reason")
    if act == "warning.compose":
        known = (*known, "severity", "certainty")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValue("the file cannot be read", where=str(file), found=str(error)) from error
    for key, value in raw.items():
        if key not in known:
            where = f"{file}: {key}"
            raise InvalidValue("no such key", where=where, found=str(value)[:80], expected=", ".join(known))
    given = {
        key: " ".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in raw.items()
    }
    return {key: _zoned(text, key) if key in ("starts", "expires") else text for key, text in given.items()}


def _zoned(text: str, where: str) -> str:
    """An instant in UTC; InvalidValue where it does not say its zone: nobody knows whose hour is meant."""
    return format_instant(parse_instant(text.strip(), where)) if text.strip() else text


def _of_message(state: State, id: str, fields: dict[str, str]) -> dict[str, str]:
    """Without the hazard and the place, which a message keeps: InvalidValue for others than it has."""
    warning = state.warnings.get(id)
    if warning is not None:
        thread = state.assessments.get(warning.risk)
        kept = {"hazard": warning.hazard, "place": thread.place if thread is not None else ""}
        for key, held in kept.items():
            if held and fields.get(key, held).strip() != held:
                raise InvalidValue(f"a message keeps its {key}", where=key, found=fields[key], expected=held)
    return {key: text for key, text in fields.items() if key not in ("hazard", "place")}


def _plain(warning: Warning) -> dict[str, Any]:
    contents = warning.contents
    return {
        "id": warning.id,
        "risk": warning.risk,
        "change": warning.change,
        "purpose": warning.purpose,
        "status": warning.status,
        "mode": warning.mode,
        "level": warning.level,
        "places": list(warning.places),
        "starts": format_instant(contents.starts),
        "expires": format_instant(warning.expires),
        "headline_en": warning.headline.en,
        "headline_zh": warning.headline.zh,
        "organ": warning.organ,
        "basis": warning.basis,
        "author": warning.author,
        "authors": list(warning.authors),
        "approver": warning.approver,
        "version": warning.version,
        "rings": [[list(at) for at in ring] for ring in warning.rings],
    }


@app.command
def submit(id: Id, *, workspace: Workspace, as_: As, reason: Note = "") -> int:
    """Put a draft forward. Somebody else has to approve it."""
    return _act(workspace, as_, "warning.submit", id, {"reason": reason})


@app.command
def approve(id: Id, *, workspace: Workspace, as_: As, reason: Note = "") -> int:
    """Approve and send, as somebody who is not one of its authors. Asks for the password, then for a one-time
    code."""
    return _act(workspace, as_, "warning.approve", id, {"reason": reason})


@app.command(name="return")
def return_(id: Id, *, workspace: Workspace, as_: As, reason: str) -> int:
    """Send a message back to its author.

    Parameters
    ----------
    reason
        What is to be changed.
    """
    return _act(workspace, as_, "warning.return", id, {"reason": reason})


@app.command
def reject(id: Id, *, workspace: Workspace, as_: As, reason: str) -> int:
    """Reject a message for good.

    Parameters
    ----------
    reason
        Why.
    """
    return _act(workspace, as_, "warning.reject", id, {"reason": reason})


@app.command
def follow(
    id: InForce,
    what: str,
    *,
    workspace: Workspace,
    as_: As,
    reason: str = "",
    level: str = "",
    expires: str = "",
) -> int:
    """Draft what follows a message in force: raise, lower, extend, update, cancel or all_clear.

    Parameters
    ----------
    what
        raise or lower (with --level), extend (with --expires), update (either), cancel (issued in error),
        all_clear (the danger is over).
    reason
        Why.
    level
        The new level, 1 to 4.
    expires
        The new end, RFC 3339 with its offset, as 2026-12-01T08:00:00+08:00.
    """
    from anlan.model.warning import PURPOSES

    known = [one for one in PURPOSES if one and one != "correct"]
    if what not in known:
        raise InvalidValue("nothing that can follow", where="what", found=what, expected=", ".join(known))
    for option, given, takes in (
        ("--level", level, ("update", "raise", "lower")),
        ("--expires", expires, ("update", "extend")),
    ):
        if given and what not in takes:
            raise InvalidValue(f"{what} does not take it", where=option, found=given, expected="nothing")
    fields = {"reason": reason, "level": level, "expires": _zoned(expires, "--expires")}
    return _act(workspace, as_, f"warning.{what}", id, {k: v for k, v in fields.items() if v})
