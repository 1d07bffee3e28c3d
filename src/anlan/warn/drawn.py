"""An area and the place it is for: a drawing touches the place, and what of it lies outside is said; so is a
place warned that is neither in it, nor around it, nor beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import InvalidValue, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.warn.area import place_ground
from anlan.warn.ground import km2, united
from anlan.warn.population import SLIVER, line_of

#: two outlines are those of one place from this share in common on: by two hands they differ along the coast
SAME = 0.9
#: the code of the note that a place of a drawing is listed by another name
SAME_GROUND = "same_ground"


@dataclass(frozen=True, slots=True)
class Outside:
    """The part of a drawing beyond the named places: `km2` of it, `share` of the whole drawing, 0 to 1."""

    km2: float
    share: float
    places: tuple[Text, ...]

    @property
    def text(self) -> Text:
        """In a sentence."""
        return Text(
            f"{self.km2:,.1f} km² of the drawing ({self.share:.0%}) lie outside of "
            f"{', '.join(one.en for one in self.places)}",
            f"所绘区域有{self.km2:,.1f}平方公里（{self.share:.0%}）在"
            f"{'、'.join(one.zh for one in self.places)}之外",
        )


def outside(drawing: BaseGeometry, places: Sequence[str], pack: Pack, now: datetime) -> Outside | None:
    """What of the drawing lies outside of the named places; None where nothing does, or where nobody can
    tell, since one of them comes to no ground."""
    named = _ground(places, pack, now)
    if named is None:
        return None
    beyond, whole = km2(united([shapely.difference(drawing, named)])), km2(drawing)
    share = beyond / whole if whole else 0.0
    names = tuple(pack.place(one, now).name for one in places)
    return Outside(beyond, share, names) if share > SLIVER else None


def elsewhere(warned: Sequence[str], place: str, pack: Pack, now: datetime) -> Text | None:
    """That places warned are neither in `place`, nor around it, nor touch its ground; None where all are, or
    where nobody can tell, since one of them comes to no ground."""
    own, home = set(line_of(pack, place, now)), _ground([place], pack, now)
    far = []
    for one in warned:
        line = line_of(pack, one, now)
        if not line or not own or one in own or place in line:
            continue
        there = _ground([one], pack, now)
        if home is not None and there is not None and not shapely.intersects(home, there):
            far.append(pack.place(one, now).name)
    if not far:
        return None
    here = pack.place(place, now).name
    return Text(
        f"not beside {here.en}, where the risk is: {', '.join(one.en for one in far)}",
        f"与风险所在地{here.zh}不相接：{'、'.join(one.zh for one in far)}",
    )


def touching(drawing: BaseGeometry, places: Sequence[str], pack: Pack, now: datetime) -> None:
    """InvalidValue (`drawing_elsewhere`) where the drawing does not touch the ground of the named places."""
    named = _ground(places, pack, now)
    if named is None or shapely.intersects(drawing, named):
        return
    raise InvalidValue(
        f"drawing_elsewhere: the drawing does not touch {', '.join(places)}",
        where="drawing",
        found=_box(drawing),
        expected=f"ground of {', '.join(places)}, {_box(named)}; or another place",
    )


def nearer(
    touched: Sequence[str], drawing: BaseGeometry, meant: Sequence[str], pack: Pack, now: datetime
) -> tuple[str, ...]:
    """The places that a drawing touches, where the pack has outlines of wide places only: what lies around
    one of those `meant` gives way to it, or to the nearest place around it, whose ground by the pack's circle
    holds all that is drawn. Who may warn of a province without an outline need not be able to warn of the
    nation."""
    found = list(touched)
    for one in meant:
        line = line_of(pack, one, now)
        for step, place in enumerate(line):
            ground = _ground([place], pack, now)
            if ground is None:
                continue
            beyond = km2(united([shapely.difference(drawing, ground)]))
            if beyond <= SLIVER * km2(drawing):
                wider = set(line[step + 1 :])
                found = [place if other in wider else other for other in found] or [place]
                break
    return tuple(dict.fromkeys(found))


def once(
    touched: Sequence[str], meant: Sequence[str], pack: Pack, now: datetime
) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
    """The places that a drawing touches, each ground once, and why the others are not listed. Packs that
    are laid over each other may have one place in two trees (a nation among the countries of the world, and
    as the whole of its own provinces). As within one tree, the wider gives way to what lies in it: a place on
    the ground of what another lies in is left out. Not one of those `meant`, or around them."""
    lines = {place: line_of(pack, place, now) for place in touched}
    if len({line[-1] for line in lines.values() if line}) < 2:
        return tuple(touched), ()
    wanted = {place for one in meant for place in line_of(pack, one, now)}
    outlines: dict[str, BaseGeometry | None] = {}
    kept, reasons = list(touched), []
    for place in touched:
        if place in wanted or not lines[place]:
            continue
        others = [other for other in kept if lines[other] and lines[other][-1] != lines[place][-1]]
        steps = dict.fromkeys(step for other in others for step in lines[other])
        twin = next((step for step in steps if _same(place, step, outlines, pack, now)), None)
        if twin is None:
            continue
        kept.remove(place)
        by = tuple(other for other in others if twin in lines[other])
        reasons.append(_twice(place, twin, by))
    return tuple(kept), tuple(reasons)


def _same(one: str, other: str, outlines: dict[str, BaseGeometry | None], pack: Pack, now: datetime) -> bool:
    """Whether two places are on one ground, by their outlines; a circle that covers a place says no such
    thing."""
    for place in (one, other):
        if place not in outlines:
            ground = place_ground(place, pack, now)
            outlines[place] = ground.shape if ground is not None and ground.circle is None else None
    a, b = outlines[one], outlines[other]
    if a is None or b is None or _in_common(shapely.box(*a.bounds), shapely.box(*b.bounds)) < SAME / 2:
        return False
    return _in_common(a, b) >= SAME


def _in_common(a: BaseGeometry, b: BaseGeometry) -> float:
    shared = km2(shapely.intersection(a, b))
    return shared / (km2(a) + km2(b) - shared) if shared else 0.0


def _twice(place: str, twin: str, by: Sequence[str]) -> Reason:
    if tuple(by) == (twin,):
        said = Text(
            f"{place} is on the same ground as {twin}: listed once, by that",
            f"{place}与{twin}为同一地域：只列后者",
        )
    else:
        more = len(by) > 5
        listed, listed_zh = ", ".join(by[:5]) + ", …" * more, "、".join(by[:5]) + "等" * more
        said = Text(
            f"{place} is on the same ground as {twin}, in which {listed} lie: listed once, by these",
            f"{place}与{twin}为同一地域，已列其所辖{listed_zh}：不重复列出",
        )
    return Reason(SAME_GROUND, said)


def _ground(places: Sequence[str], pack: Pack, now: datetime) -> BaseGeometry | None:
    found = []
    for place in places:
        try:
            ground = place_ground(place, pack, now)
        except UnknownPlace:
            return None
        if ground is None:
            return None
        found.append(ground.shape)
    return united(found) if found else None


def _box(shape: BaseGeometry) -> str:
    west, south, east, north = shapely.bounds(shape).tolist()
    return f"latitudes {south:.2f} to {north:.2f}, longitudes {west:.2f} to {east:.2f}"
