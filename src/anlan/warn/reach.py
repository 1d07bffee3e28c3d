"""Whom a warning reaches, and whom beyond those it was meant for (overspill), before anybody approves it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.warning import Recipient
from anlan.warn.area import Area
from anlan.warn.ground import buffered, grounds, km2, united
from anlan.warn.population import SLIVER, People, inside_share, line_of, people
from anlan.warn.target.recipients import reached

ByChannel = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PlaceShare:
    """A place on the ground: `share` of its area there, 0 to 1."""

    place: str
    share: float


@dataclass(frozen=True, slots=True)
class Overspill:
    """What is reached though it was not chosen: `shape` is that ground, `km2` its size; `places` with a part
    in it beyond those chosen, `people` there, `recipients` by channel. `margin_km` is how far the channel
    overshoots what it is sent, counted in."""

    shape: BaseGeometry
    km2: float
    places: tuple[PlaceShare, ...]
    people: People
    recipients: ByChannel
    margin_km: float
    sentence: Text


@dataclass(frozen=True, slots=True)
class Reach:
    """`places`: those of the finest level with an outline that the chosen ground touches; `people` on it;
    `recipients` by channel, ids in the order of the pack. `overspill` of what is sent beyond what was
    chosen."""

    km2: float
    places: tuple[PlaceShare, ...]
    people: People
    recipients: ByChannel
    overspill: Overspill
    sentence: Text


def reach(
    area: Area,
    pack: Pack,
    recipients: Mapping[str, Recipient],
    now: datetime,
    *,
    sent: BaseGeometry | None = None,
    margin_km: float = 0.0,
    told: Sequence[str] | None = None,
) -> Reach:
    """Whom the chosen `area` reaches, and what the ground that is sent (`sent`, as simplified for a channel;
    the area itself where None) and the overshoot of the channel (`margin_km`) reach beyond it. `told`: the
    ids of the recipients to whom the message goes, as `anlan.warn.route` decides it; where None, those whose
    ground or places the area meets."""
    heard = buffered(area.shape if sent is None else united([sent, area.shape]), margin_km)
    places = _places(area.shape, pack, now, chosen=area.places)
    on_it = people(area.shape, pack, now, area.places)
    if told is None:
        told = reached(area.shape, area.places, recipients, pack, now)
    by_channel = _by_channel(told, recipients)
    over = _overspill(area, heard, margin_km, set(told), pack, recipients, now)
    size = km2(area.shape)
    return Reach(size, places, on_it, by_channel, over, _sentence(size, on_it, by_channel, over))


def _overspill(
    area: Area,
    heard: BaseGeometry,
    margin_km: float,
    told: set[str],
    pack: Pack,
    recipients: Mapping[str, Recipient],
    now: datetime,
) -> Overspill:
    beyond = united([shapely.difference(heard, area.shape)])
    places = _places(beyond, pack, now, without=area.places)
    on_it = people(beyond, pack, now, without=area.places)
    # who is on the chosen ground and is not told (by the plan, by a route) is not reached by its overspill
    here = {*told, *reached(area.shape, area.places, recipients, pack, now)}
    more = [id for id in reached(heard, area.places, recipients, pack, now) if id not in here]
    by_channel = _by_channel(more, recipients)
    size = km2(beyond)
    added = f"{len(more) or 'no'} more recipient{'' if len(more) == 1 else 's'}"
    added_zh = f"另有{len(more)}个接收方" if more else "没有其他接收方"
    text = Text(
        f"{size:,.1f} km² beyond the chosen ground are reached: {_people_en(on_it)}, {added}",
        f"超出所选区域{size:,.1f}平方公里：{_people_zh(on_it)}，{added_zh}",
    )
    return Overspill(beyond, size, places, on_it, by_channel, margin_km, text)


def _places(
    shape: BaseGeometry,
    pack: Pack,
    now: datetime,
    chosen: Collection[str] = (),
    without: Collection[str] = (),
) -> tuple[PlaceShare, ...]:
    """Places in force with an outline that have a part on the ground, and none below them that has. Those
    `chosen` by name and what lies in them are there as a whole; those `without` and what lies in them are
    not."""
    outlines = grounds(pack)
    day = now.date()
    found: dict[str, float] = {}
    parents: set[str] = set()
    shapely.prepare(shape)
    for id, outline in outlines.items():
        place = next((one for one in pack.places.get(id, ()) if one.validity.covers(day)), None)
        if place is None:
            continue
        line = set(line_of(pack, id, now)) if chosen or without else set()
        if not line.isdisjoint(without):
            continue
        share = 1.0 if not line.isdisjoint(chosen) else inside_share(outline, shape)
        if share > SLIVER:
            found[id] = share
            if place.parent:
                parents.add(place.parent)
    return tuple(PlaceShare(id, found[id]) for id in sorted(found) if id not in parents)


def _by_channel(ids: Sequence[str], recipients: Mapping[str, Recipient]) -> ByChannel:
    found: dict[str, list[str]] = {}
    for id in ids:
        found.setdefault(recipients[id].channel, []).append(id)
    return {channel: tuple(found[channel]) for channel in sorted(found)}


def _sentence(size: float, on_it: People, by_channel: ByChannel, over: Overspill) -> Text:
    told = ", ".join(f"{len(ids)} by {channel}" for channel, ids in by_channel.items()) or "none"
    told_zh = "、".join(f"{channel} {len(ids)}个" for channel, ids in by_channel.items()) or "无"
    beyond = f"; {over.sentence.en}" if over.km2 > 0 else ""
    beyond_zh = f"；{over.sentence.zh}" if over.km2 > 0 else ""
    return Text(
        f"{size:,.1f} km², {_people_en(on_it)}; recipients: {told}{beyond}",
        f"面积{size:,.1f}平方公里，{_people_zh(on_it)}；接收方：{told_zh}{beyond_zh}",
    )


def _people_en(found: People) -> str:
    if found.known is None:
        return "population unknown"
    about = "about " if found.basis == "estimated" else ""
    year = _years(found)
    if found.unknown:
        return f"at least {about}{found.known:,} people{year}, {len(found.unknown)} place(s) without a count"
    estimate = ", estimated by share of area" if found.basis == "estimated" else ""
    return f"{about}{found.known:,} people{year}{estimate}"


def _people_zh(found: People) -> str:
    if found.known is None:
        return "人口未知"
    about = "约" if found.basis == "estimated" else ""
    year = _years(found)
    if found.unknown:
        return f"至少{about}{found.known:,}人{year}，{len(found.unknown)}处没有人口数据"
    estimate = "，按面积比例估算" if found.basis == "estimated" else ""
    return f"{about}{found.known:,}人{year}{estimate}"


def _years(found: People) -> str:
    years = sorted({part.year for part in found.counted if part.year is not None})
    if not years:
        return ""
    return f" ({years[0]})" if len(years) == 1 else f" ({years[0]}-{years[-1]})"
