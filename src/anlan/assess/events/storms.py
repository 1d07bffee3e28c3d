"""A storm on its way: how far from a place, when it enters the place's watch zone, when it is nearest.

A track is a list of fixes some hours apart; between two it runs along the great circle at an even speed.
Distances are those on a sphere of 6,371.0088 km (mean radius of GRS 80, IUGG), which is within 0.6 % of the
ellipsoid. Forecast fixes carry a radius in which the centre lies with a stated probability (the forecast
cone, 70 % with the Japan Meteorological Agency): the zone may be entered as early as the edge of the cone
reaches it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.model.text import Text
from anlan.model.time import format_instant

Floats = NDArray[np.float64]

EARTH_KM = 6371.0088
#: steps into which the way between two fixes is cut to look for an entry, before it is narrowed down
_PIECES = 24


@dataclass(frozen=True, slots=True)
class Fix:
    """Where the centre is at `at`, degrees. `radius_km`: of a forecast, in which the centre lies with the
    probability its issuer states; 0 for an observed fix."""

    at: datetime
    lon: float
    lat: float
    radius_km: float = 0.0


@dataclass(frozen=True, slots=True)
class Approach:
    """What a track says about a watch zone. `entry`: when the centre first comes within the zone;
    `earliest`: when the edge of its cone does (equal for observed tracks); both None when never. `nearest`
    and `nearest_at`: the closest the centre comes. `entered_before`: it is inside at the first fix."""

    entry: datetime | None
    earliest: datetime | None
    nearest_km: float
    nearest_at: datetime
    entered_before: bool

    def lead(self, now: datetime) -> timedelta | None:
        """From `now` to the earliest entry; None when there is none."""
        return None if self.earliest is None else self.earliest - now

    def sentence(self, storm: Text, place: Text, zone_km: float) -> Text:
        """The approach in words."""
        near = f"{self.nearest_km:.0f} km"
        when = format_instant(_minute(self.nearest_at))
        if self.earliest is None:
            return Text(
                f"{storm.en} stays out of the {zone_km:g} km zone of {place.en}; nearest {near} at {when}.",
                f"{storm.zh}未进入{place.zh}周边 {zone_km:g} 公里警戒区；最近时（{when}）相距 {near}。",
            )
        entry = format_instant(_minute(self.earliest))
        return Text(
            f"{storm.en} enters the {zone_km:g} km zone of {place.en} at {entry} at the earliest; nearest "
            f"{near} at {when}.",
            f"{storm.zh}最早于 {entry} 进入{place.zh}周边 {zone_km:g} 公里警戒区；"
            f"最近时（{when}）相距 {near}。",
        )


def distance_km(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Great-circle distance, haversine form (accurate for near points); shapes broadcast, degrees."""
    p1, p2 = np.radians(lat1), np.radians(lat2)
    half = np.sin((p2 - p1) / 2) ** 2
    half = half + np.cos(p1) * np.cos(p2) * np.sin(np.radians(np.subtract(lon2, lon1)) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))


def between(a: Fix, b: Fix, share: Floats) -> tuple[Floats, Floats]:
    """(lon, lat) at each `share` (0 to 1) of the great circle from a to b."""
    one, two = _vector(a.lon, a.lat), _vector(b.lon, b.lat)
    angle = float(np.arctan2(np.linalg.norm(np.cross(one, two)), one @ two))
    if angle < 1e-12:
        return np.full(share.shape, a.lon), np.full(share.shape, a.lat)
    mixed = (
        np.sin((1 - share) * angle)[:, np.newaxis] * one + np.sin(share * angle)[:, np.newaxis] * two
    ) / np.sin(angle)
    return np.degrees(np.arctan2(mixed[:, 1], mixed[:, 0])), np.degrees(
        np.arctan2(mixed[:, 2], np.hypot(mixed[:, 0], mixed[:, 1]))
    )


def onward(a: Fix, b: Fix, at: datetime) -> tuple[float, float]:
    """(lon, lat) at `at` of what moved from a to b and goes on along the same great circle at the same
    speed. ValueError where b is not later than a."""
    if b.at <= a.at:
        raise ValueError("a motion needs two fixes, the second later than the first")
    one, two = _vector(a.lon, a.lat), _vector(b.lon, b.lat)
    axis = np.cross(one, two)
    length = float(np.linalg.norm(axis))
    if length < 1e-12:
        return b.lon, b.lat
    angle = float(np.arctan2(length, one @ two)) * ((at - b.at) / (b.at - a.at))
    # a turn of b about the axis of the great circle (Rodrigues)
    there = two * np.cos(angle) + np.cross(axis / length, two) * np.sin(angle)
    return float(np.degrees(np.arctan2(there[1], there[0]))), float(
        np.degrees(np.arctan2(there[2], np.hypot(there[0], there[1])))
    )


def approach(track: Sequence[Fix], lon: float, lat: float, zone_km: float) -> Approach:
    """How the track meets the circle of `zone_km` round a place, to the minute. ValueError for an empty
    track, times out of order, or a zone that is none."""
    if not track:
        raise ValueError("a track needs at least one fix, found none")
    if any(later.at <= earlier.at for earlier, later in itertools.pairwise(track)):
        raise ValueError("the fixes of a track must be in order of time, each later than the one before")
    if not zone_km > 0:
        raise ValueError(f"zone_km must be above 0, found {zone_km}")
    first = track[0]
    start = float(distance_km(np.array(first.lon), np.array(first.lat), np.array(lon), np.array(lat)))
    nearest, nearest_at = start, first.at
    entry = first.at if start <= zone_km else None
    earliest = first.at if start - first.radius_km <= zone_km else None
    for a, b in itertools.pairwise(track):
        share, apart = _run(a, b, lon, lat)
        closest = int(apart.argmin())
        if apart[closest] < nearest:
            nearest, nearest_at = float(apart[closest]), a.at + (b.at - a.at) * float(share[closest])
        if entry is None and (inside := np.flatnonzero(apart <= zone_km)).size:
            entry = a.at + (b.at - a.at) * float(share[inside[0]])
        reach = apart - (a.radius_km + share * (b.radius_km - a.radius_km))
        if earliest is None and (inside := np.flatnonzero(reach <= zone_km)).size:
            earliest = a.at + (b.at - a.at) * float(share[inside[0]])
    return Approach(entry, earliest, nearest, nearest_at, start <= zone_km)


def _run(a: Fix, b: Fix, lon: float, lat: float) -> tuple[Floats, Floats]:
    """(shares of the way, distances to the place) once a minute, or at 24 points for a short step."""
    minutes = max(_PIECES, round((b.at - a.at) / timedelta(minutes=1)))
    share = np.arange(minutes + 1) / minutes
    way_lon, way_lat = between(a, b, share)
    return share, distance_km(way_lon, way_lat, np.array(lon), np.array(lat))


def _vector(lon: float, lat: float) -> Floats:
    x, y = np.radians(lon), np.radians(lat)
    return np.array([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)])


def _minute(at: datetime) -> datetime:
    return (at + timedelta(seconds=30)).replace(second=0, microsecond=0)
