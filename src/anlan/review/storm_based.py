"""Warnings with a polygon against reports at a point: storm-based verification.

A report counts as warned where it lies inside the first polygon of a warning, at an instant from its issue
to its expiry; a warning counts as verified where at least one report does so. POD = warned reports /
reports; FAR = warnings not verified / warnings; the lead of a warned report runs from the issue of the
earliest warning that holds it. National Weather Service Instruction 10-1601, Verification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import shapely


@dataclass(frozen=True, slots=True)
class PolygonWarning:
    """`area`: the first polygon, longitude and latitude; in force from `issued` to `ended`, both
    included."""

    area: shapely.Geometry
    issued: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class PointReport:
    lon: float
    lat: float
    at: datetime


@dataclass(frozen=True, slots=True)
class StormScores:
    """Counts, and what follows from them; None where nothing was there to divide by."""

    warnings: int
    verified: int
    reports: int
    warned: int
    lead: timedelta | None

    @property
    def pod(self) -> float | None:
        return self.warned / self.reports if self.reports else None

    @property
    def far(self) -> float | None:
        return 1 - self.verified / self.warnings if self.warnings else None


def storm_based(warnings: Sequence[PolygonWarning], reports: Sequence[PointReport]) -> StormScores:
    """Score the warnings; a point on the edge of a polygon lies inside."""
    verified: set[int] = set()
    leads: list[timedelta] = []
    for report in reports:
        point = shapely.Point(report.lon, report.lat)
        holding = [
            number
            for number, one in enumerate(warnings)
            if one.issued <= report.at <= one.ended and one.area.covers(point)
        ]
        verified.update(holding)
        if holding:
            leads.append(report.at - min(warnings[number].issued for number in holding))
    mean = sum(leads, timedelta(0)) / len(leads) if leads else None
    return StormScores(len(warnings), len(verified), len(reports), len(leads), mean)
