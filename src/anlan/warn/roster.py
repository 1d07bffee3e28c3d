"""Somebody with a working contact is on duty, or it shows.

A watch of the pack is to be manned at all hours. Its shifts are entered by people. A contact works when the
last message to it was taken over (`State.tried`); one to which nothing was ever sent is untested, which is
said, and is no proof. A gap, now, is an alarm of the duty page and a row of the journal; a gap ahead is
shown before it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from anlan.formats.values import short_id
from anlan.model.errors import InvalidValue, NotFound, WrongState
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.roster import Shift, Watch, WatchState
from anlan.model.state import State
from anlan.model.text import Text

WORKS = ("accepted", "delivered", "read", "answered")
BROKEN = ("failed", "given_up", "unknown")

NOBODY = Reason("watch_gap", Text("nobody is on duty", "无人值守"))
NO_SHIFT = Reason("no_shift", Text("no shift is entered yet", "尚未排班"))


def contact(recipient: str, state: State) -> str:
    """works, broken, or untested: what became of the last message to a contact."""
    last = state.deliveries.get(state.tried.get(recipient, ""))
    if last is None:
        return "untested"
    if last.status in WORKS:
        return "works"
    return "broken" if last.status in BROKEN else ("works" if last.accepted else "untested")


def on_duty(watch: str, state: State, at: datetime) -> list[Shift]:
    """The shifts of a watch that cover an instant, by their beginning."""
    found = [shift for shift in state.shifts.values() if shift.watch == watch and shift.covers(at)]
    return sorted(found, key=lambda shift: (shift.begins, shift.id))


def standing(watch: Watch, state: State, now: datetime) -> WatchState:
    """How a watch stands now. `since` is kept while status and persons stay. A watch for which nobody ever
    entered a shift is a gap too, and says that it is new."""
    shifts = on_duty(watch.id, state, now)
    how = [contact(shift.contact, state) for shift in shifts]
    who = tuple(shift.who for shift in shifts)
    if not shifts:
        status = "gap"
        begun = any(shift.watch == watch.id for shift in state.shifts.values())
        reasons: tuple[Reason, ...] = (NOBODY if begun else NO_SHIFT,)
    elif "works" in how:
        status, reasons = "manned", ()
    else:
        status = "untested" if "untested" in how else "unreachable"
        reasons = tuple(_contact(shift, state) for shift in shifts)
    id = f"watch:{watch.id}"
    before = state.watches.get(id)
    if before is not None and (before.status, before.who) == (status, who):
        # its first shift may lie ahead: no gap of a new watch any more, and a gap all the same
        return replace(before, reasons=reasons) if status == "gap" else before
    return WatchState(id, watch.id, status, now, who, reasons)


def _contact(shift: Shift, state: State) -> Reason:
    if contact(shift.contact, state) == "untested":
        return Reason(
            "contact_untested",
            Text(
                f"nothing was ever sent to {shift.contact}, the contact of {shift.who}",
                f"从未向{shift.who}的联系方式 {shift.contact} 发送过消息",
            ),
        )
    return Reason(
        "contact_broken",
        Text(
            f"the last message to {shift.contact}, the contact of {shift.who}, is not known to be there",
            f"最近一条发往{shift.who}的联系方式 {shift.contact} 的消息未确认送达",
        ),
    )


def changes(state: State, pack: Pack, now: datetime) -> list[WatchState]:
    """Watches that stand otherwise than the journal says."""
    found = []
    for watch in sorted(pack.watches.values(), key=lambda watch: watch.id):
        after = standing(watch, state, now)
        if state.watches.get(after.id) != after:
            found.append(after)
    return found


def next_due(state: State, pack: Pack, now: datetime) -> datetime | None:
    """When a shift next begins or ends."""
    times = [
        at
        for shift in state.shifts.values()
        if shift.status == "planned" and shift.watch in pack.watches
        for at in (shift.begins, shift.ends)
        if at > now
    ]
    return min(times, default=None)


def gap_ahead(watch: Watch, state: State, now: datetime) -> datetime | None:
    """When within `watch.ahead` nobody is on duty any more; None where somebody is all the time. `now`
    itself where nobody is."""
    shifts = sorted(
        (s for s in state.shifts.values() if s.watch == watch.id and s.status == "planned" and s.ends > now),
        key=lambda shift: (shift.begins, shift.ends),
    )
    covered = now
    for shift in shifts:
        if shift.begins > covered:
            break
        covered = max(covered, shift.ends)
    return covered if covered < now + watch.ahead else None


def add(
    watch: str, who: str, at: str, begins: datetime, ends: datetime, by: str, pack: Pack, now: datetime
) -> Shift:
    """A new shift. NotFound for a watch, user or contact that the pack does not have; InvalidValue for one
    that is over before it is entered."""
    for table, name, noun, file in (
        (pack.watches, watch, "watch", "roster.toml"),
        (pack.users, who, "user", "users.toml"),
        (pack.recipients, at, "recipient", "recipients.toml"),
    ):
        _named(table, name, noun, file)
    if ends <= now:
        raise InvalidValue("the shift is over already", where="ends", found=ends.isoformat())
    return Shift(
        short_id("S", watch, who, begins.isoformat(), ends.isoformat()), watch, who, at, begins, ends, by
    )


def _named(table: Mapping[str, object], name: str, noun: str, file: str) -> None:
    if name not in table:
        raise NotFound(
            f"no such {noun}", where=noun, found=repr(name), expected=f"one of {file}: {_some(table)}"
        )


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:10]) + (" …" if len(known) > 10 else "")


def remove(shift: Shift, reason: str) -> Shift:
    """A shift that is not kept after all."""
    if shift.status != "planned":
        raise WrongState("the shift is not planned any more", where=shift.id, found=shift.status)
    if not reason.strip():
        raise InvalidValue("a reason is needed", where="reason", expected="why it is removed")
    return replace(shift, status="removed", reasons=(*shift.reasons, _said(reason)))


def hand_over(giver: str, taker: str, reason: str, state: State, pack: Pack, now: datetime) -> list[Shift]:
    """The shifts as they are once `giver` has handed over to `taker`: the giver's end, the taker's begin.
    NotFound for a taker whom the pack does not have. WrongState where then nobody with a working contact
    would be on duty; with a reason it goes all the same, and the watch shows it."""
    _named(pack.users, taker, "user", "users.toml")
    moved: list[Shift] = []
    for own in state.shifts.values():
        if own.who != giver or not own.covers(now) or own.watch not in pack.watches:
            continue
        watch = pack.watches[own.watch]
        following = [
            shift
            for shift in state.shifts.values()
            if shift.watch == own.watch
            and shift.who == taker
            and shift.status == "planned"
            and shift.begins <= now + watch.ahead
            and shift.ends > now
        ]
        takes = min(following, key=lambda shift: shift.begins, default=None)
        others = [one for one in on_duty(own.watch, state, now) if one.id != own.id]
        left = [*others, *([takes] if takes else [])]
        if not any(contact(shift.contact, state) != "broken" for shift in left) and not reason.strip():
            raise WrongState(
                "nobody with a working contact would be on duty",
                where=watch.id,
                found=f"{taker} has no shift to begin" if takes is None else f"{takes.contact} does not work",
                mend="enter a shift with a contact that works, or say why it is handed over all the same",
            )
        moved.append(replace(own, status="ended", ends=max(own.begins, now)))
        if takes is not None and takes.begins > now:
            moved.append(replace(takes, begins=now))
    return moved


def _said(reason: str) -> Reason:
    return Reason("roster", Text(reason.strip(), reason.strip()))
