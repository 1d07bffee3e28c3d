"""Places: dated divisions in a tree."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from anlan.model.errors import InvalidValue
from anlan.model.text import Text
from anlan.model.time import Validity


@dataclass(frozen=True, slots=True)
class Point:
    """WGS 84, degrees; `depth_km` positive down, None where unknown."""

    lon: float
    lat: float
    depth_km: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lon) and -180 <= self.lon <= 180):
            raise InvalidValue(
                "longitude out of range",
                where="point.lon",
                found=str(self.lon),
                expected="-180 to 180",
            )
        if not (math.isfinite(self.lat) and -90 <= self.lat <= 90):
            raise InvalidValue(
                "latitude out of range",
                where="point.lat",
                found=str(self.lat),
                expected="-90 to 90",
            )
        if self.depth_km is not None and not math.isfinite(self.depth_km):
            raise InvalidValue("a depth must be finite", where="point.depth_km", found=str(self.depth_km))


#: from a point to the circle halfway around the globe, and from it to its antipode, kilometres
QUARTER_KM = 10_007.5
GLOBE_KM = 20_016.0


@dataclass(frozen=True, slots=True)
class Place:
    """A division valid between two dates. `id` is unique in a resolved pack at any one date, as in
    `cn/110105` or `de/NI`; `parent` None only for a root; `population` None means unknown, never 0;
    `population_source` names the census or register it is from.
    `lon` and `lat`: WGS 84, degrees, a point that stands for it in distances (its seat, say); None for the
    middle of its outline, where there is one. `radius_km`: the circle around that point that covers all of
    the place, for the ground of its warnings where it has no outline; GLOBE_KM or more, without a point, is
    the whole globe. `radius_basis`: what the radius is taken from, in English, and
    `radius_basis_zh` in Chinese; without that the former stands in Chinese texts too."""

    id: str
    name: Text
    level: str
    parent: str | None = None
    validity: Validity = field(default_factory=Validity)
    population: int | None = None
    population_year: int | None = None
    lon: float | None = None
    lat: float | None = None
    population_source: str = ""
    radius_km: float | None = None
    radius_basis: str = ""
    radius_basis_zh: str = ""

    def __post_init__(self) -> None:
        if not self.id or self.id != self.id.strip():
            raise InvalidValue("a place needs an id", where="place.id", found=repr(self.id))
        if self.parent == self.id:
            raise InvalidValue("a place is its own parent", where=f"place {self.id}")
        if self.population is not None and self.population < 0:
            raise InvalidValue("population below zero", where=f"place {self.id}", found=str(self.population))
        if self.population is None and self.population_source:
            raise InvalidValue(
                "the source of no count",
                where=f"place {self.id}",
                found=self.population_source,
                expected="a population",
            )
        if (self.lon is None) != (self.lat is None):
            raise InvalidValue(
                "half a point", where=f"place {self.id}", found="one of lon, lat", expected="both, or neither"
            )
        if self.lon is not None and self.lat is not None:
            Point(self.lon, self.lat)
        if self.radius_km is not None or self.radius_basis or self.radius_basis_zh:
            self._check_radius()

    def _check_radius(self) -> None:
        where = f"place {self.id}"
        km = self.radius_km
        if km is None or not self.radius_basis:
            raise InvalidValue(
                "half a radius",
                where=where,
                found="one of radius_km, radius_basis",
                expected="both, or neither",
            )
        if not (0 < km <= QUARTER_KM or GLOBE_KM <= km < math.inf):
            raise InvalidValue(
                "no radius",
                where=where,
                found=f"{km} km",
                expected=f"above 0, at most {QUARTER_KM} km; {GLOBE_KM} km or more for the whole globe",
            )
        if km < GLOBE_KM and self.lon is None:
            raise InvalidValue(
                "a radius around no point", where=where, found=f"{km} km", expected="lon and lat too"
            )
