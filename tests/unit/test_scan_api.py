"""`anlan.scan` from Python and `anlan scan` on files: tables in, clusters and a map out."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import anlan
from anlan.analyse.scan_input import Columns
from anlan.analyse.scanned import EARTH, circle
from anlan.assess.scan import Points, ScanData, one_period
from anlan.cli import main
from anlan.model.errors import InvalidValue, Unreadable

NAMES = [f"p{i}" for i in range(25)]
LAT, LON = [50 + 0.1 * (i // 5) for i in range(25)], [8 + 0.1 * (i % 5) for i in range(25)]
HOT = (0, 1, 5, 6)


def places() -> pl.DataFrame:
    return pl.DataFrame({"place": NAMES, "lat": LAT, "lon": LON})


def people() -> pl.DataFrame:
    return pl.DataFrame({"place": NAMES, "population": [1000] * 25})


def cases() -> pl.DataFrame:
    return pl.DataFrame({"place": NAMES, "cases": [9 if i in HOT else 1 for i in range(25)]})


def daily() -> pl.DataFrame:
    """Four weeks of one case a day somewhere; in the last four days three more a day in the hot corner."""
    rows = [(NAMES[(7 * d) % 25], 1, date(2024, 3, 1 + d)) for d in range(28)]
    rows += [(NAMES[i], 1, date(2024, 3, d)) for d in range(25, 29) for i in HOT[:3]]
    return pl.DataFrame(rows, schema=["place", "cases", "date"], orient="row")


def test_frames_files_and_the_engine_itself_give_the_same_clusters(tmp_path: Path) -> None:
    found = anlan.scan(cases(), places(), population=people(), replications=99)
    names = {n: tmp_path / f"{n}.csv" for n in ("cases", "places", "people")}
    for frame, path in zip((cases(), places(), people()), names.values(), strict=True):
        frame.write_csv(path)
    from_files = anlan.scan(names["cases"], str(names["places"]), population=names["people"], replications=99)
    data = ScanData(
        tuple(NAMES),
        Points(np.column_stack([LAT, LON])),
        one_period(date(2000, 1, 1), date(2000, 12, 31)),
        cases=np.array(cases()["cases"], dtype=float)[:, None],
        population=np.full((25, 1), 1000.0),
    )
    itself = anlan.scan(data, replications=99)
    assert found.frame().equals(from_files.frame())
    assert found.clusters == itself.clusters
    assert set(found.clusters[0].members) == {NAMES[i] for i in HOT}
    assert found.members().filter(pl.col("rank") == 1)["place"].to_list() == list(found.clusters[0].members)


def test_a_study_without_dates_has_clusters_without_days() -> None:
    frame = anlan.scan(cases(), places(), population=people(), replications=9).frame()
    assert frame["start"].null_count() == len(frame) > 0


def test_the_study_is_that_of_the_cases_unless_said_otherwise() -> None:
    found = anlan.scan(
        daily(), places(), model="permutation", analysis="space_time", timing="prospective", replications=99
    )
    assert len(found.data.periods) == 28
    strongest = found.clusters[0]
    assert (strongest.start, strongest.end) == (date(2024, 3, 25), date(2024, 3, 28))
    longer = anlan.scan(
        daily(),
        places(),
        model="permutation",
        analysis="space_time",
        start=date(2024, 2, 20),
        end=date(2024, 3, 31),
        replications=9,
    )
    assert len(longer.data.periods) == 41


def test_a_circle_on_the_map_is_as_far_as_its_radius() -> None:
    ring = np.radians(np.array(circle(50.0, 8.0, 40.0)))
    lon, lat = ring[:, 0] - np.radians(8.0), ring[:, 1]
    phi = np.radians(50.0)
    away = EARTH * np.arccos(np.sin(phi) * np.sin(lat) + np.cos(phi) * np.cos(lat) * np.cos(lon))
    np.testing.assert_allclose(away, 40.0, rtol=1e-3)
    assert circle(50.0, 8.0, 40.0)[0] == circle(50.0, 8.0, 40.0)[-1]


def test_no_map_of_a_plane_and_no_cluster_where_nothing_is_known() -> None:
    plane = places().rename({"lat": "y", "lon": "x"})
    found = anlan.scan(cases(), plane, population=people(), plane=True, replications=9)
    assert found.geojson() is None
    nothing = anlan.scan(cases().with_columns(cases=pl.lit(0)), places(), population=people(), replications=9)
    assert (nothing.result.state, nothing.result.reason.name) == (0, "NO_CASES")
    assert len(nothing.frame()) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"places": None}, "places are needed"),
        ({"places": pl.DataFrame({"place": NAMES})}, "no column for the latitude"),
        ({"modle": "poisson"}, "no such parameter; found modle"),
        ({"model": "cusum"}, "model must be one of"),
        ({"unit": "hour"}, "found hour; expected day, week, month, year"),
        ({"columns": Columns(place="town")}, "no such column for the place; found 'town'"),
        ({"columns": Columns(strata=("age",))}, "no such stratum; found 'age'"),
        ({"cases": pl.DataFrame({"place": ["q"], "cases": [1]})}, "q has no coordinates"),
        ({"cases": pl.DataFrame({"place": ["p1"], "cases": ["many"]})}, "many"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_found(change: dict[str, Any], says: str) -> None:
    given = {"cases": cases(), "places": places(), "population": people(), **change}
    with pytest.raises((InvalidValue, Unreadable), match=says):
        anlan.scan(given.pop("cases"), given.pop("places"), replications=9, **given)
    assert issubclass(InvalidValue, ValueError)


def test_the_command_leaves_tables_a_map_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, frame in (("cases", cases()), ("places", places()), ("people", people())):
        frame.write_csv(tmp_path / f"{name}.csv")
    out = tmp_path / "out"
    command = ["scan", str(tmp_path / "cases.csv"), "--coords", str(tmp_path / "places.csv")]
    command += ["--population", str(tmp_path / "people.csv"), "--param", "replications=99", "--out", str(out)]
    assert main([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["places"], document["cases"]) == ("known", 25, 57.0)
    with (out / "clusters.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["rank"], first["places"], first["start"]) == ("1", "4", "NA")
    drawn = json.loads((out / "clusters.geojson").read_text())
    kinds = [feature["geometry"]["type"] for feature in drawn["features"]]
    assert kinds.count("Point") == 25
    assert kinds[0] == "Polygon"
    hot = {f["properties"]["place"] for f in drawn["features"] if f["properties"].get("cluster") == 1}
    assert hot == {NAMES[i] for i in HOT}
    page = (out / "report.html").read_text("utf-8")
    assert page.count('class="member"') >= 4
    assert "http" not in page.split("</style>")[1]
    assert main(command) == 0
    assert "cluster(s) among 25 places" in capsys.readouterr().out
    assert main([*command, "--param", "model"]) == 2
    assert main([*command, "--start", "soon"]) == 2


def test_the_command_finds_what_satscan_finds(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One table holds the places, the cases and the people, as published tables do."""
    folder = shared / "reference" / "scan"
    register = json.loads((folder / "satscan_results.json").read_text())["cases"]
    case = next(c for c in register if c["dataset"] == "sids74" and c["parameters"]["ScanAreas"] == 1)
    inputs = str(folder / "inputs" / "nc_sids.csv")
    words = ["--place", "county", "--count", "sids74", "--param", "replications=9"]
    command = ["scan", inputs, "--coords", inputs, "--population", inputs, "--people", "births74", *words]
    assert main([*command, "--out", str(tmp_path / "o"), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["clusters"][0]
    theirs = case["clusters"][0]
    assert ours["llr"] == pytest.approx(float(theirs["LLR"]), abs=1e-6)
    with (tmp_path / "o" / "members.csv").open() as file:
        members = {row["place"] for row in csv.DictReader(file) if row["rank"] == "1"}
    assert members == set(theirs["members"])


def test_people_at_risk_are_never_read_from_the_column_of_cases() -> None:
    """A table of observed and expected cases: were the cases taken for the people, nothing could be found."""
    table = cases().with_columns(expected=pl.lit(2.0), lat=pl.Series(LAT), lon=pl.Series(LON))
    found = anlan.scan(table, table, population=table, replications=9)
    assert set(found.clusters[0].members) == {NAMES[i] for i in HOT}
    bare = table.drop("expected")
    with pytest.raises(InvalidValue, match=r"no column for the people.*--people NAME"):
        anlan.scan(bare, bare, population=bare, replications=9)
    with pytest.raises(InvalidValue, match=r"--people NAME"):
        anlan.scan(bare, bare, controls=bare, model="bernoulli", replications=9)


def test_a_period_may_be_several_units_long() -> None:
    two = anlan.scan(daily(), places(), model="permutation", analysis="space_time", length=2, replications=9)
    assert (len(two.data.periods), set(two.data.periods.days)) == (14, {2.0})
    assert two.clusters[0].end == date(2024, 3, 28)
    with pytest.raises(InvalidValue, match="1 or more"):
        anlan.scan(daily(), places(), model="permutation", analysis="space_time", length=0, replications=9)
