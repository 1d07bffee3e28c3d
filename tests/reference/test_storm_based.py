"""Warnings of 21 May 2024 against storm reports: the figures of shared/data/storm-warnings-us."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely

from anlan.review.storm_based import PointReport, PolygonWarning, storm_based

SEVERE = ("H", "G", "D", "T")


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def warnings(shared: Path, kinds: tuple[str, ...]) -> list[PolygonWarning]:
    """The first polygon of each warning of Des Moines, until the expiry that this first product came to
    have: a cancellation shortens it, an extension is a further product."""
    versions: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows(shared / "data" / "storm-warnings-us" / "warnings_2024-05-21_dmx_oax.csv.gz"):
        if row["wfo"] == "DMX" and row["phenomena"] in kinds and row["significance"] == "W":
            versions.setdefault((row["phenomena"], row["eventid"]), []).append(row)
    found = []
    for group in versions.values():
        first = min(group, key=lambda row: row["polygon_begin"])
        ended = instant(first["expire"])
        found.append(PolygonWarning(shapely.from_wkt(first["wkt"]), instant(first["issue"]), ended))
    return found


def reports(shared: Path, kinds: tuple[str, ...]) -> list[PointReport]:
    least = {"H": 1.0, "G": 58.0}  # inches of hail, miles an hour
    found = []
    for row in rows(shared / "data" / "storm-warnings-us" / "reports_2024-05-21_dmx.csv.gz"):
        if row["type"] not in kinds:
            continue
        if float(row["magnitude"] or 0) < least.get(row["type"], 0.0):
            continue
        found.append(PointReport(float(row["lon"]), float(row["lat"]), instant(row["valid_utc"])))
    return found


@pytest.mark.parametrize(
    ("kinds", "of", "issued", "verified", "number", "warned", "lead"),
    [
        (("TO",), ("T",), 21, 6, 20, 17, 19.4),
        (("SV",), SEVERE, 38, 25, 109, 76, 29.0),
        (("TO", "SV"), SEVERE, 59, 40, 109, 95, 27.1),
        (("FF",), ("F",), 6, 5, 28, 17, 156.6),
    ],
)
def test_the_published_counts_and_leads_come_out(
    shared: Path,
    kinds: tuple[str, ...],
    of: tuple[str, ...],
    issued: int,
    verified: int,
    number: int,
    warned: int,
    lead: float,
) -> None:
    found = storm_based(warnings(shared, kinds), reports(shared, of))
    assert (found.warnings, found.verified, found.reports, found.warned) == (issued, verified, number, warned)
    assert found.lead is not None
    assert found.lead / timedelta(minutes=1) == pytest.approx(lead, abs=0.05)
    assert found.pod == warned / number
    assert found.far == pytest.approx(1 - verified / issued)
