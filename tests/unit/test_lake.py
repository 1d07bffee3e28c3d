"""What a user of the lake may rely on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from anlan.model.errors import WrongUnit
from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.model.provenance import Provenance
from anlan.store.lake import DeltaLake

T0 = datetime(2020, 12, 14, tzinfo=UTC)
LATE = datetime(2030, 1, 1, tzinfo=UTC)


def cases(
    week: int, value: float | None, *, lag: int = 9, place: str = "de/BY", line: int = 1
) -> Observation:
    at = T0 + timedelta(weeks=week)
    return Observation(
        "cases", place, at, at + timedelta(days=lag), value, "{case}", Provenance("rki", "f.csv", line)
    )


def quake(value: float | None, known: int, place: str = "cn/51") -> Observation:
    return Observation(
        "magnitude",
        place,
        T0,
        T0 + timedelta(minutes=known),
        value,
        "{magnitude}",
        Provenance("usgs", "feed"),
        event="us1",
        point=Point(103.4, 31.0, 19.0),
    )


@pytest.fixture
def lake(tmp_path: Path) -> DeltaLake:
    return DeltaLake.open(tmp_path)


def test_an_observation_sent_twice_is_kept_once_whatever_line_it_came_from(lake: DeltaLake) -> None:
    assert lake.append([cases(0, 3), cases(0, 3, line=7)]).repeated == 1
    again = lake.append([cases(0, 3, line=9), cases(1, 4)])
    assert (again.new, again.repeated) == (1, 1)
    assert lake.indicators() == {"cases": 2}


def test_a_read_gives_the_newest_revision_known_then(lake: DeltaLake) -> None:
    lake.append([cases(0, 3), cases(0, 5, lag=16)])
    assert len(lake.read("cases", known=T0 + timedelta(days=8)).at) == 0
    assert lake.read("cases", known=T0 + timedelta(days=9)).value.tolist() == [3.0]
    assert lake.read("cases", known=T0 + timedelta(days=16)).value.tolist() == [5.0]
    assert [item.value for item in lake.revisions("cases", place="de/BY", at=T0)] == [3.0, 5.0]


def test_a_withdrawn_value_reads_as_a_gap_not_as_the_old_value(lake: DeltaLake) -> None:
    lake.append([quake(6.1, 1), quake(None, 2)])
    assert str(lake.read("magnitude", known=LATE).value[0]) == "nan"


def test_a_read_is_narrowed_to_places_and_a_window(lake: DeltaLake) -> None:
    lake.append(cases(week, week, place=place) for week in range(6) for place in ("de/BY", "de/NI", "de/B"))
    found = lake.read(
        "cases",
        known=LATE,
        places=["de/NI", "de/B", "xx"],
        since=T0 + timedelta(weeks=1),
        until=T0 + timedelta(weeks=3),
    )
    assert found.place.tolist() == ["de/B", "de/B", "de/NI", "de/NI"]
    assert found.value.tolist() == [1.0, 2.0, 1.0, 2.0]
    assert found.at.dtype == "datetime64[us]"


def test_an_indicator_nobody_wrote_reads_as_empty(lake: DeltaLake) -> None:
    assert lake.digest(lake.read("none", known=LATE)) == lake.digest(lake.read_files("none", known=LATE))


def test_the_first_rows_of_an_indicator_may_come_as_one_large_batch_after_it_was_asked_for(
    lake: DeltaLake,
) -> None:
    assert len(lake.read("cases", known=LATE).at) == 0
    assert lake.append([cases(week, float(week)) for week in range(400)]).new == 400
    assert lake.read("cases", known=LATE).value.tolist() == [float(week) for week in range(400)]
    assert lake.append([cases(week, float(week)) for week in range(401)]).new == 1


def test_an_indicator_in_another_unit_is_refused_and_nothing_of_the_batch_is_kept(lake: DeltaLake) -> None:
    lake.append([cases(0, 3)])
    other = Observation("cases", "de/BY", T0, LATE, 1.0, "{death}", Provenance("x", "y"))
    with pytest.raises(WrongUnit, match=r"expected \{case\}"):
        lake.append([cases(1, 4), other])
    assert lake.indicators() == {"cases": 1}


def test_two_lakes_on_one_folder_see_each_others_rows(lake: DeltaLake, tmp_path: Path) -> None:
    other = DeltaLake.open(tmp_path)
    lake.append([cases(0, 3)])
    assert other.read("cases", known=LATE).value.tolist() == [3.0]
    other.append([cases(1, 4)])
    assert other.append([cases(0, 3)]).repeated == 1
    assert lake.read("cases", known=LATE).value.tolist() == [3.0, 4.0]


def test_compaction_changes_no_row_and_no_digest(lake: DeltaLake, tmp_path: Path) -> None:
    other = DeltaLake.open(tmp_path)
    for week in range(12):
        lake.append([cases(week, week), cases(week, week + 1, lag=20)])
    before = {
        day: lake.digest(lake.read("cases", known=T0 + timedelta(days=day))) for day in range(0, 120, 7)
    }
    done = lake.compact(LATE)
    assert done.files > done.into and lake.fragments() == 0
    fresh = DeltaLake.open(tmp_path)
    for reader in (lake, other, fresh):
        for day, digest in before.items():
            assert reader.digest(reader.read("cases", known=T0 + timedelta(days=day))) == digest
            assert reader.digest(reader.read_files("cases", known=T0 + timedelta(days=day))) == digest
    assert fresh.append([cases(3, 3)]).repeated == 1


def test_the_table_opens_with_any_delta_reader(lake: DeltaLake, tmp_path: Path) -> None:
    lake.append([cases(0, 3), quake(6.1, 1)])
    folder = tmp_path / "lake" / "observations"
    rows = pl.scan_delta(str(folder)).sort("indicator").collect()
    assert rows["indicator"].to_list() == ["cases", "magnitude"]
    assert rows["year"].to_list() == [2020, 2020]
    assert DeltaTable(folder).version() == 1


def test_a_log_of_many_commits_opens_with_everything_in_it(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path)
    for week in range(130):
        lake.append([cases(week, week)])
    assert list((tmp_path / "lake" / "observations" / "_delta_log").glob("*100.checkpoint.parquet"))
    assert DeltaLake.open(tmp_path).indicators() == {"cases": 130}


def test_a_torn_checkpoint_is_thrown_away_and_the_log_read(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path)
    for week in range(101):
        lake.append([cases(week, week)])
    (checkpoint,) = (tmp_path / "lake" / "observations" / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    assert DeltaLake.open(tmp_path).indicators() == {"cases": 101}


def test_an_indicator_too_large_for_memory_reads_the_same_from_its_files(tmp_path: Path) -> None:
    rows = [cases(week, week, place=place) for week in range(60) for place in ("a", "b")]
    small = DeltaLake.open(tmp_path / "small", view_rows=10)
    large = DeltaLake.open(tmp_path / "large")
    for lake in (small, large):
        lake.append(rows)
        assert lake.append(rows[:5]).repeated == 5
    known = T0 + timedelta(weeks=30)
    assert small.digest(small.read("cases", known=known)) == large.digest(large.read("cases", known=known))
    assert small.event("cases", ["us1"]) is None


def test_an_event_is_found_again_by_any_of_its_ids(lake: DeltaLake) -> None:
    lake.append([quake(6.1, 1), quake(None, 2), quake(6.2, 2, place="cn/62")])
    assert lake.event("magnitude", ["at9", "us1"]) == ("us1", "cn/62", T0)
    assert lake.event("magnitude", ["at9"]) is None


def test_where_a_value_came_from_is_kept_with_it(lake: DeltaLake) -> None:
    item = quake(6.1, 1)
    lake.append([item])
    assert lake.revisions("magnitude") == (item,)


def test_an_indicator_named_like_a_path_stays_inside_the_lake(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path / "w")
    for name in ("../../out", "a.b", "a-b"):
        lake.append([Observation(name, "p", T0, T0, 1.0, "1", Provenance("s", "r"))])
    assert sorted(DeltaLake.open(tmp_path / "w").indicators()) == ["../../out", "a-b", "a.b"]
    assert [path.name for path in tmp_path.iterdir()] == ["w"]
