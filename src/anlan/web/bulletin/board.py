"""What the public is told: warnings in force, lifted a moment ago, and what became of earlier ones.

Only messages that are Actual, of public scope and sent. An exercise, a test, a draft or a restricted message
is not on it, in whatever state it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anlan.channels.durable import file_name
from anlan.formats.cap import CapAlert, read
from anlan.formats.values import sha256
from anlan.model.errors import BadInput, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.warning import Warning

#: how long a message that no longer holds keeps its page, which says so
KEPT = timedelta(days=7)
#: how long a lifted warning stands among the lifted
LIFTED = timedelta(hours=24)
#: places that have pages
MOST = 500
#: in force; lifted: the message that cancels; the others no longer hold, and for what reason
STANDINGS = ("in_force", "lifted", "replaced", "cancelled", "over")


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One message and its `standing`. `name`: the stem of its files. `raw`: the published bytes, `message`
    what they say. `after`: ids of the messages that follow it."""

    warning: Warning
    standing: str
    name: str
    raw: bytes
    message: CapAlert
    after: tuple[str, ...] = ()

    @property
    def withdraws(self) -> bool:
        """It takes back what was issued in error, and says nothing of the danger."""
        return self.warning.change == "cancel" and self.warning.purpose == "cancel"

    @property
    def sent(self) -> datetime:
        """When it was published."""
        return self.warning.sent or self.warning.drafted


@dataclass(frozen=True, slots=True)
class Board:
    """All that the public is told as at `now`. `bulletins` by id, `in_force` most severe first, `lifted`
    newest first, `places`: place id to the ids of the messages in force that hold there or inside it, of
    every place that has a page, `lifted_at`: the same of those that lift one."""

    now: datetime
    bulletins: Mapping[str, Bulletin]
    in_force: tuple[Bulletin, ...]
    lifted: tuple[Bulletin, ...]
    places: Mapping[str, tuple[str, ...]]
    lifted_at: Mapping[str, tuple[str, ...]]


def is_public(warning: Warning) -> bool:
    """Published, for the public, and no exercise or test."""
    return warning.scope == "Public" and warning.mode == "Actual" and warning.sent is not None


def standing(warning: Warning, now: datetime) -> str:
    """What is to be said of a published message."""
    if warning.status == "superseded":
        return "replaced"
    if warning.status == "cancelled":
        return "cancelled"
    if warning.change == "cancel":
        return "lifted" if now < _lifted_until(warning) else "over"
    return "in_force" if warning.status == "approved" and now < warning.expires else "over"


def _lifted_until(warning: Warning) -> datetime:
    """A cancellation stands as long as what it cancels would have, and a day at least."""
    return max(warning.expires, (warning.sent or warning.drafted) + LIFTED)


def board(
    state: State, pack: Pack, cap: Callable[[str], bytes], now: datetime, known: Mapping[str, Bulletin]
) -> Board:
    """The board as at `now`. `known` are the bulletins of an earlier board: a message never changes, so its
    bytes are fetched and read once. Errors of `cap` and of reading as they come: no board is better than
    one that leaves a warning out."""
    published = {w.id: w for w in state.warnings.values() if is_public(w)}
    kept = {id: w for id, w in published.items() if now < max(w.expires, _lifted_until(w)) + KEPT}
    after: dict[str, list[str]] = {}
    for warning in sorted(kept.values(), key=lambda w: (w.sent or w.drafted, w.id)):
        for id in warning.references:
            after.setdefault(id, []).append(warning.id)
    bulletins = {
        id: _bulletin(warning, tuple(after.get(id, ())), cap, now, known) for id, warning in kept.items()
    }
    in_force = sorted(
        (b for b in bulletins.values() if b.standing == "in_force"),
        key=lambda b: (b.warning.level, b.warning.expires, b.warning.id),
    )
    lifted = sorted(
        (b for b in bulletins.values() if b.standing == "lifted"),
        key=lambda b: (b.sent, b.warning.id),
        reverse=True,
    )
    chains = _chains(bulletins.values(), pack, now)
    return Board(now, bulletins, tuple(in_force), tuple(lifted), _at(chains, in_force), _at(chains, lifted))


def _bulletin(
    warning: Warning,
    after: tuple[str, ...],
    cap: Callable[[str], bytes],
    now: datetime,
    known: Mapping[str, Bulletin],
) -> Bulletin:
    earlier = known.get(warning.id)
    if earlier is None or earlier.warning.digest != warning.digest:
        raw = cap(warning.id)
        message = read(raw, warning.id)
        if message.status != "Actual" or message.scope != "Public":
            raise BadInput(
                "the published bytes are not those of a public warning",
                where=f"warning {warning.id}",
                found=f"{message.status}, {message.scope}",
                expected="Actual, Public",
            )
    else:
        raw, message = earlier.raw, earlier.message
    return Bulletin(warning, standing(warning, now), file_name(warning.id, ""), raw, message, after)


def _chains(bulletins: Iterable[Bulletin], pack: Pack, now: datetime) -> dict[str, tuple[str, ...]]:
    """Every place warned of late, those above it, and those below it as far as `MOST` goes, each with itself
    and what it lies in."""
    chains: dict[str, tuple[str, ...]] = {}
    for bulletin in bulletins:
        for place in bulletin.warning.places:
            if place not in chains:
                chains[place] = _chain(pack, place, bulletin.sent)
    warned = list(chains)
    for place in dict.fromkeys(above for chain in list(chains.values()) for above in chain):
        chains.setdefault(place, _chain(pack, place, now))
    for place in _below(pack, warned, now, MOST - len(chains)):
        chains.setdefault(place, _chain(pack, place, now))
    return chains


def _at(chains: Mapping[str, tuple[str, ...]], bulletins: Sequence[Bulletin]) -> dict[str, tuple[str, ...]]:
    """Of each place the messages for it, for what is inside it and for what is around it, in their order."""
    rank = {bulletin.warning.id: number for number, bulletin in enumerate(bulletins)}
    at: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {place: set() for place in chains}
    for bulletin in bulletins:
        for place in bulletin.warning.places:
            at.setdefault(place, set()).add(bulletin.warning.id)
            for above in chains[place]:
                found[above].add(bulletin.warning.id)
    for place, ids in found.items():
        for above in chains[place]:
            ids.update(at.get(above, ()))
    return {place: tuple(sorted(ids, key=rank.__getitem__)) for place, ids in found.items()}


def _below(pack: Pack, warned: Iterable[str], now: datetime, most: int) -> list[str]:
    """The places below the warned ones, the nearest levels first, at most so many: a level that does not fit
    whole is left out, so that of a county either every town has a page or none."""
    children: dict[str, list[str]] = {}
    for id, versions in pack.places.items():
        current = next((v for v in reversed(versions) if v.validity.covers(now.date())), None)
        if current is not None and current.parent is not None:
            children.setdefault(current.parent, []).append(id)
    found: dict[str, None] = {}
    level = [place for parent in dict.fromkeys(warned) for place in children.get(parent, ())]
    while level:
        fresh = [place for place in dict.fromkeys(level) if place not in found]
        if not fresh or len(found) + len(fresh) > most:
            break
        found.update(dict.fromkeys(fresh))
        level = [place for parent in fresh for place in children.get(parent, ())]
    return list(found)


def place_file(id: str) -> str:
    """The stem of a place's files: its id with full stops for the slashes, `x-` and a digest where that
    might be another place's."""
    plain = id.replace("/", ".")
    return plain if "." not in id and file_name(plain, "") == plain else f"x-{sha256(id.encode())[:32]}"


def _chain(pack: Pack, place: str, at: datetime) -> tuple[str, ...]:
    """The place and those above it; the place alone where the pack of today no longer has it."""
    try:
        return pack.ancestry(place, at)
    except UnknownPlace:
        return (place,)
