"""Which lines of the board somebody asks for, and which of them they may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import InvalidValue, NotFound, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.time import parse_instant
from anlan.warn.in_force import OWN, RELAYED, Board, Line


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the board is wanted: `place` with what lies in it and above it; `kind` own or relayed;
    `level` and more severe; `source`; only `conflicts`; `every` state. `at` the instant looked at, `known`
    the instant whose knowledge counts (None: now)."""

    at: datetime
    known: datetime | None = None
    place: str = ""
    kind: str = ""
    level: int = 0
    source: str = ""
    conflicts: bool = False
    every: bool = False


def asked(
    now: datetime,
    place: str = "",
    kind: str = "",
    level: str = "",
    source: str = "",
    show: str = "",
    at: str = "",
    known: str = "",
) -> Asked:
    """The filters as they are written; InvalidValue names the one that cannot be."""
    for where, word, words in (
        ("kind", kind, ("", OWN, RELAYED)),
        ("level", level, ("", "1", "2", "3", "4")),
        ("show", show, ("", "all", "conflicts")),
    ):
        if word not in words:
            raise InvalidValue(
                "no such filter", where=where, found=repr(word), expected=" or ".join(words[1:])
            )
    seen = parse_instant(known, "known") if known else None
    return Asked(
        at=parse_instant(at, "at") if at else (seen or now),
        known=seen,
        place=place.strip(),
        kind=kind,
        level=int(level or 0),
        source=source.strip(),
        conflicts=show == "conflicts",
        every=show != "",
    )


def lines_of(found: Board, want: Asked, pack: Pack, visible: Callable[[str], bool]) -> list[Line]:
    """The lines that are wanted and may be read. A message at no known place may be about any."""
    near = _near(want.place, pack, want.at) if want.place else None
    return [
        line
        for line in found.lines
        if (not line.place or visible(line.place))
        and (near is None or not line.place or near(line.place))
        and (not want.kind or line.kind == want.kind)
        and (not want.level or line.level is None or line.level <= want.level)
        and (not want.source or want.source in line.sources)
        and (not want.conflicts or line.conflicts)
    ]


def _near(place: str, pack: Pack, at: datetime) -> Callable[[str], bool]:
    """Whether a place lies in the one asked for, or holds it."""
    try:
        above = frozenset(pack.ancestry(place, at))
    except UnknownPlace:
        raise NotFound("no such place", where="place", found=repr(place)) from None
    known: dict[str, bool] = {}

    def near(other: str) -> bool:
        if other not in known:
            try:
                known[other] = other in above or place in pack.ancestry(other, at)
            except UnknownPlace:
                known[other] = other in above
        return known[other]

    return near
