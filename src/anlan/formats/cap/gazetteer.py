"""Geocodes to ground: which polygon a code of a scheme meant on a given day (CAP 1.2, section 3.2.4,
geocode). Codes are made, split and abolished, so every entry has its days."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

from anlan.model.errors import Unreadable
from anlan.model.pack import GeocodeScheme, Pack


@dataclass(frozen=True, slots=True)
class GazetteerEntry:
    """One code of one scheme (`scheme` is the valueName of the geocode), its ground in WGS 84 longitude and
    latitude, and its first and last day; None is open."""

    scheme: str
    code: str
    geometry: Any
    valid_from: date | None = None
    valid_to: date | None = None

    def holds(self, day: date | None) -> bool:
        """True on that day; without a day, for what still holds."""
        if day is None:
            return self.valid_to is None
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


class Gazetteer:
    """Looks codes up; the same code may stand in it several times with other days."""

    def __init__(self, entries: Iterable[GazetteerEntry] = ()) -> None:
        self._entries: dict[tuple[str, str], list[GazetteerEntry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.scheme, entry.code), []).append(entry)
        self.schemes = frozenset(scheme for scheme, _ in self._entries)

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def find(self, scheme: str, code: str, day: date | None = None) -> Any | None:
        """The ground of a code on that day; None for a code that is not known for it."""
        for entry in self._entries.get((scheme, code), ()):
            if entry.holds(day):
                return entry.geometry
        return None


def gazetteer_of(pack: Pack) -> Gazetteer:
    """The gazetteer of a pack, every scheme of it (`places/geocodes.toml`); read once for each state of the
    pack. Errors as for `read_gazetteer`."""
    return _gazetteer(pack.digest, pack.geocodes)


@lru_cache(maxsize=4)
def _gazetteer(_digest: str, schemes: tuple[GeocodeScheme, ...]) -> Gazetteer:
    entries: list[GazetteerEntry] = []
    for scheme in schemes:
        until = scheme.validity.until
        last = None if until is None else until - timedelta(days=1)
        entries += read_gazetteer(Path(scheme.path), scheme.scheme, scheme.validity.since, last)
    return Gazetteer(entries)


def read_gazetteer(
    path: Path, scheme: str, valid_from: date | None = None, valid_to: date | None = None
) -> list[GazetteerEntry]:
    """The entries of a file of JSON lines, plain or gzipped: `code`, `geometry` (GeoJSON, WGS 84, longitude
    first), and where they differ from the file's, `valid_from` and `valid_to` (YYYY-MM-DD, null is open).

    Unreadable: a line that is not that, named by its number; a geometry that is no valid polygon is made
    valid, never narrower."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Unreadable("the gazetteer cannot be read", where=path.name, found=str(error)) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            ground = shape(row["geometry"])
            code = str(row["code"])
            first = _day(row, "valid_from", valid_from)
            last = _day(row, "valid_to", valid_to)
        except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
            raise Unreadable(
                "not a line of a gazetteer",
                where=f"{path.name} line {number}",
                found=f"{type(error).__name__}: {error}"[:200],
                expected="a JSON object with code and geometry",
            ) from error
        if ground.is_empty or ground.geom_type not in ("Polygon", "MultiPolygon"):
            raise Unreadable(
                "not the ground of a code",
                where=f"{path.name} line {number}",
                found=ground.geom_type,
                expected="a Polygon or MultiPolygon",
            )
        if not ground.is_valid:
            ground = shapely.make_valid(ground, method="structure", keep_collapsed=False)
        found.append(GazetteerEntry(scheme, code, ground, first, last))
    return found


def _day(row: dict[str, Any], name: str, otherwise: date | None) -> date | None:
    if name not in row:
        return otherwise
    return None if row[name] is None else date.fromisoformat(row[name])
