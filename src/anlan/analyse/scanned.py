"""What a scan found, as tables and as a map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from anlan.assess.scan import Cluster, Points, ScanData, ScanResult

EARTH = 6371.0088  # km, mean radius
STEPS = 64  # corners of a circle on a map

NUMBERS = (
    "llr",
    "statistic",
    "p_value",
    "gumbel",
    "recurrence_days",
    "observed",
    "expected",
    "ode",
    "relative_risk",
    "population",
    "radius",
    "ratio",
    "angle",
    "mean_inside",
    "mean_outside",
    "trend_inside",
    "trend_outside",
)


@dataclass(frozen=True, slots=True)
class Scanned:
    """`result` of the scan of `data`; `dated` false where the study has no dates, so that the days of its
    clusters mean nothing."""

    result: ScanResult
    data: ScanData
    dated: bool

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Clusters by strength."""
        return self.result.clusters

    def frame(self) -> pl.DataFrame:
        """One row per cluster: rank, centre, number of places, start, end (null without dates) and the
        numbers of `Cluster`, null where the model has none."""
        rows = [
            {
                "rank": c.rank,
                "centre": c.centre,
                "places": len(c.members),
                "start": c.start if self.dated else None,
                "end": c.end if self.dated else None,
                "high": c.high,
                **{name: getattr(c, name) for name in NUMBERS},
            }
            for c in self.clusters
        ]
        schema = {
            "rank": pl.Int64,
            "centre": pl.String,
            "places": pl.Int64,
            "start": pl.Date,
            "end": pl.Date,
            "high": pl.Boolean,
            **dict.fromkeys(NUMBERS, pl.Float64),
        }
        return pl.DataFrame(rows, schema=schema)

    def members(self) -> pl.DataFrame:
        """One row per place of a cluster, nearest to its centre first: rank, place."""
        rows = [(c.rank, place) for c in self.clusters for place in c.members]
        return pl.DataFrame(rows, schema={"rank": pl.Int64, "place": pl.String}, orient="row")

    def geojson(self) -> dict[str, Any] | None:
        """Clusters as polygons (circles) and places as points, GeoJSON (RFC 7946); None where places have
        no latitude and longitude."""
        points = self.data.geography
        if not isinstance(points, Points) or points.kind != "latlon":
            return None
        at = dict(zip(self.data.places, points.coordinates.tolist(), strict=True))
        of: dict[str, int] = {}
        for c in reversed(self.clusters):
            of.update(dict.fromkeys(c.members, c.rank))
        features: list[dict[str, Any]] = []
        for c in self.clusters:
            if c.centre is None or c.radius is None:
                continue
            latitude, longitude = at[c.centre]
            ring = circle(latitude, longitude, c.radius)
            features.append(_feature({"type": "Polygon", "coordinates": [ring]}, _told(c, self.dated)))
        for place, (latitude, longitude) in at.items():
            if math.isnan(latitude) or math.isnan(longitude):
                continue
            features.append(
                _feature(
                    {"type": "Point", "coordinates": [longitude, latitude]},
                    {"place": place, "cluster": of.get(place)},
                )
            )
        return {"type": "FeatureCollection", "features": features}


def circle(latitude: float, longitude: float, radius: float) -> list[list[float]]:
    """A closed ring [longitude, latitude] of points `radius` km away, counter-clockwise."""
    phi, lam, delta = math.radians(latitude), math.radians(longitude), radius / EARTH
    bearing = -2 * np.pi * np.arange(STEPS + 1) / STEPS
    lat = np.arcsin(np.sin(phi) * np.cos(delta) + np.cos(phi) * np.sin(delta) * np.cos(bearing))
    east = np.sin(bearing) * np.sin(delta) * np.cos(phi)
    lon = lam + np.arctan2(east, np.cos(delta) - np.sin(phi) * np.sin(lat))
    ring = np.column_stack([np.degrees(lon), np.degrees(lat)]).round(6)
    ring[-1] = ring[0]
    found: list[list[float]] = ring.tolist()
    return found


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _told(c: Cluster, dated: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"rank": c.rank, "centre": c.centre, "places": list(c.members), "high": c.high}
    if dated:
        told |= {"start": c.start.isoformat(), "end": c.end.isoformat()}
    return told | {name: getattr(c, name) for name in NUMBERS if getattr(c, name) is not None}
