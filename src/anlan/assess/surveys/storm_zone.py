"""Storms on their way to a place: hours until the forecast cone reaches its watch zone.

The indicator is a stream of fixes: the event is the storm, `at` the time of the fix with its point, the value
what is measured there (wind, pressure). Fixes later than they were known are a forecast; only those of the
newest issue count. A stream without a forecast can be carried on along the last motion (`extrapolate`), which
is what a forecast has to beat (Neumann 1972, NOAA TM NWS SR-62: climatology and persistence).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from anlan.assess.detect.spec import REQUIRED, Param
from anlan.assess.events.storms import Approach, Fix, approach, onward
from anlan.assess.finding import Look, pick, wanted
from anlan.assess.graded import NO, UNKNOWN, YES, Numbers
from anlan.assess.grid import instant
from anlan.assess.single_events import MOMENT
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told, left_out
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.packs.points import points
from anlan.ports.lake import Slice

HOUR = timedelta(hours=1)
_MOTION = np.timedelta64(12, "h")
NAN = float("nan")


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """Every watched place against every storm that lives."""
    now = look.now
    back = timedelta(days=2)
    slice = look.lake.read(look.rule.indicator, known=now, since=now - back)
    until = instant(slice.at.max()) + MOMENT if len(slice.at) else now + MOMENT
    gone = timedelta(hours=float(params["gone"]))
    zone = float(params["zone_km"])
    places = _watched(look)
    where = points(look.pack, places, now)
    found: dict[Key, Told] = {}
    for storm in sorted(set(slice.event.tolist())):
        mask = slice.event == storm
        track, last = _track(slice, np.flatnonzero(mask), now, params)
        if last is None or now - track[0].at > gone:
            continue  # nothing for so long: over, or out of the area
        rows = pick(slice, mask)
        lost = left_out(int((np.isnan(rows.lon) | np.isnan(rows.lat)).sum()), NO_POSITION)
        # a storm with forecasts whose last one has run out: where it goes is not known
        blind = len(track) == 1 and bool((rows.at > rows.known).any())
        for place in places:
            if place not in where:
                nowhere = Numbers(NAN, NAN, zone, last, NAN, UNKNOWN)
                found[place, storm] = Told(track[0].at, (nowhere,), rows, (NO_POINT, *lost), "h")
                continue
            near = approach(track, *where[place], zone)
            numbers = _numbers(near, now, zone, last)
            said: tuple[Reason, ...] = (_reason(near, storm, place, look, zone), *lost)
            if blind and near.earliest is None:
                numbers, said = replace(numbers, value=NAN, alarm=UNKNOWN), (NO_FORECAST, *lost)
            found[place, storm] = Told(track[0].at, (numbers,), rows, said, "h")
    return Surveyed(found, now - back, until, now, slice)


NO_POSITION = Text("fixes without a position", "定位缺少坐标")
NO_FORECAST = Reason(
    "forecast_missing",
    Text("no forecast of where it goes has come", "未收到后续路径预报"),
)
NO_POINT = Reason(
    "place_without_point",
    Text("the place has no point, so its distance is unknown", "该地点没有坐标，距离未知"),
)


def _watched(look: Look) -> tuple[str, ...]:
    """The places that the rule names."""
    pack: Pack = look.pack
    return tuple(
        id for id in sorted(pack.places) if look.rule.places and wanted(look.rule, pack, id, look.now)
    )


def _track(
    slice: Slice, rows: np.ndarray[Any, np.dtype[np.int64]], now: datetime, params: Mapping[str, Any]
) -> tuple[list[Fix], float | None]:
    """(the newest observed fix and what is forecast after it, the value at it); None where there is no
    observed one."""
    here = rows[~np.isnan(slice.lon[rows]) & ~np.isnan(slice.lat[rows])]
    seen = [r for r in here.tolist() if slice.at[r] <= slice.known[r] and instant(slice.at[r]) <= now]
    if not seen:
        return [], None
    last = seen[-1]  # a slice is in order of time
    start = instant(slice.at[last])
    ahead = [r for r in here.tolist() if slice.at[r] > slice.known[r] and slice.at[r] > slice.at[last]]
    newest = max((slice.known[r] for r in ahead), default=None)
    cone = float(params["cone_km_day"])

    def radius(at: datetime) -> float:
        return cone * ((at - start) / timedelta(days=1))

    track = [Fix(start, float(slice.lon[last]), float(slice.lat[last]))]
    for r in ahead:
        if slice.known[r] == newest:
            at = instant(slice.at[r])
            track.append(Fix(at, float(slice.lon[r]), float(slice.lat[r]), radius(at)))
    hours = float(params["extrapolate"])
    if len(track) == 1 and hours > 0 and len(seen) > 1:
        # the motion of half a day: fixes three hours apart jump about
        before = next((r for r in reversed(seen) if slice.at[last] - slice.at[r] >= _MOTION), seen[0])
        earlier = Fix(instant(slice.at[before]), float(slice.lon[before]), float(slice.lat[before]))
        for n in range(1, math.ceil(hours / 6) + 1):
            at = start + min(6 * n, hours) * HOUR
            lon, lat = onward(earlier, track[0], at)
            track.append(Fix(at, lon, lat, radius(at)))
    return track, float(slice.value[last])


def _numbers(near: Approach, now: datetime, zone: float, last: float) -> Numbers:
    """`value` hours until the edge of the cone comes within the zone (0 once it is), inf for never;
    `expected` the nearest distance in km; `threshold` the zone; `score` the last value of the storm."""
    lead = math.inf if near.earliest is None else max(0.0, (near.earliest - now) / HOUR)
    return Numbers(lead, near.nearest_km, zone, last, NAN, NO if math.isinf(lead) else YES)


def _reason(near: Approach, storm: str, place: str, look: Look, zone: float) -> Reason:
    named = Text(f"Storm {storm}", f"风暴 {storm}")
    return Reason("storm_approach", near.sentence(named, look.pack.place(place, look.now).name, zone))


SPEC = SurveySpec(
    "storm_zone",
    run,
    (
        Param("zone_km", "float", REQUIRED, "radius of the watch zone round each place"),
        Param("cone_km_day", "float", REQUIRED, "how fast the radius of the forecast cone grows, km a day"),
        Param("extrapolate", "float", 0.0, "hours to carry on along the last motion without a forecast"),
        Param("gone", "float", 24.0, "hours without a fix after which a storm is over"),
    ),
    "storm tracks: hours until the watch zone is entered",
    "Neumann 1972 (persistence); WMO-No. 305 for cones",
    ("event",),
    timed=True,
    downwards=True,
    minds_levels=False,
    numbers={
        "value": "hours until the edge of the cone is within the zone; 0 once it is",
        "expected": "km, the nearest that the centre comes",
        "threshold": "km, the zone",
        "score": "the last value of the storm, such as its wind",
    },
    event="the storm",
)
