"""An earthquake keeps one name and one row, however often and under whatever id it is republished."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan.formats.usgs import Quake, read_quakes
from anlan.model.errors import InvalidValue
from anlan.model.observation import Observation
from anlan.model.place import Point
from anlan.ports.source import Source
from anlan.sources import registry
from anlan.sources.tools import Tools
from anlan.store.lake import DeltaLake
from anlan.testing.check_source import check_history
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2018, 2, 8, tzinfo=UTC)
#: after everything that was recorded
LATER = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = 1517960631840


def feature(id: str, ids: str, mag: float | None = 5.0, **changes: Any) -> dict[str, Any]:
    properties = {
        "mag": mag, "time": ORIGIN, "updated": ORIGIN + 60_000, "ids": ids, "type": "earthquake",
        "status": "automatic", "title": "M drill", **changes,
    }  # fmt: skip
    return {
        "type": "Feature",
        "id": id,
        "properties": properties,
        "geometry": {"type": "Point", "coordinates": changes.get("at", [103.4, 31.0, 19.0])},
    }


def feed(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def district(point: Point, at: datetime, near_km: float) -> str | None:
    return "xx/1" if point.lon < 104 else None


def source(**options: Any) -> Source:
    return registry.build(drill_source("usgs", **{"file": "feed.json", "outside": "xx", **options}),
                          Tools(resolve_point=district))  # fmt: skip


def fetch(built: Source, folder: Path, minutes: int, *features: dict[str, Any]) -> tuple[Observation, ...]:
    (folder / "feed.json").write_bytes(feed(*features))
    return built.fetch(NOW + timedelta(minutes=minutes), drill_pack(str(folder))).observations


def test_an_event_republished_under_another_id_is_a_revision_of_the_same_event(tmp_path: Path) -> None:
    built = source()
    (first,) = fetch(built, tmp_path, 0, feature("us1", ",us1,"))
    (second,) = fetch(built, tmp_path, 1, feature("at9", ",at9,us1,", 5.4, status="reviewed"))
    assert (first.event, first.place, first.at) == (second.event, second.place, second.at)
    assert (first.value, second.value) == (5.0, 5.4)
    assert second.known - first.known == timedelta(minutes=1)


def test_an_event_that_did_not_change_is_no_news(tmp_path: Path) -> None:
    built = source()
    fetch(built, tmp_path, 0, feature("us1", ",us1,"))
    assert fetch(built, tmp_path, 1, feature("us1", ",us1,"), feature("us2", ",us2,", 4.1)) != ()
    assert fetch(built, tmp_path, 2, feature("us1", ",us1,", updated=ORIGIN + 99_000)) == ()


def test_a_moved_event_is_withdrawn_from_its_old_place(tmp_path: Path) -> None:
    built = source()
    lake = DeltaLake.open(tmp_path / "w")
    lake.append(fetch(built, tmp_path, 0, feature("us1", ",us1,")))
    moved = fetch(built, tmp_path, 1, feature("us1", ",us1,", 5.2, at=[105.0, 31.0, 5], time=ORIGIN + 900))
    assert [(item.place, item.value) for item in moved] == [("xx/1", None), ("xx", 5.2)]
    lake.append(moved)
    read = lake.read("earthquake_magnitude", known=NOW + timedelta(hours=1))
    assert [place for place, value in zip(read.place, read.value, strict=True) if not math.isnan(value)] == [
        "xx"
    ]
    lake.close()


def test_after_a_restart_the_lake_tells_under_which_name_an_event_is_kept(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path / "w")
    lake.append(fetch(source(), tmp_path, 0, feature("us1", ",us1,")))
    again = registry.build(
        drill_source("usgs", file="feed.json", outside="xx"),
        Tools(resolve_point=district, earlier=lake.event),
    )
    (revised,) = fetch(again, tmp_path, 1, feature("at9", ",at9,us1,", 5.4))
    assert revised.event == "us1"
    lake.close()


def test_a_deleted_event_becomes_a_gap(tmp_path: Path) -> None:
    built = source()
    fetch(built, tmp_path, 0, feature("us1", ",us1,"))
    (gone,) = fetch(built, tmp_path, 1, feature("us1", ",us1,", status="deleted"))
    assert gone.value is None


def test_a_null_magnitude_is_unknown_and_a_negative_one_a_number() -> None:
    batch = source().parse(feed(feature("a", ",a,", None), feature("b", ",b,", -0.7)), "f", NOW, drill_pack())
    assert [item.value for item in batch.observations] == [None, -0.7]


def test_what_is_no_earthquake_or_stands_twice_is_held_with_the_reason() -> None:
    batch = source().parse(
        feed(
            feature("a", ",a,", type="quarry blast"),
            feature("b", ",b,", 4.0),
            feature("c", ",b,c,", 4.2, updated=ORIGIN + 120_000),
            {"type": "Feature", "id": "d", "properties": {"time": "soon"}, "geometry": None},
        ),
        "f",
        NOW,
        drill_pack(),
    )
    assert [item.value for item in batch.observations] == [4.2]
    assert [(item.line, item.code) for item in batch.quarantined] == [
        (1, "other_event_type"),
        (2, "superseded"),
        (4, "unreadable"),
    ]
    assert "features[3].properties.time: not an instant; found 'soon'" in batch.quarantined[2].sentence


def test_an_event_outside_every_outline_needs_a_place_to_go_to() -> None:
    far = feature("a", ",a,", at=[150, 0, 1])
    built = registry.build(drill_source("usgs", file="f"), Tools(resolve_point=district))
    assert built.parse(feed(far), "f", NOW, drill_pack()).quarantined[0].code == "unknown_place"
    with pytest.raises(InvalidValue, match="expected option outside"):
        registry.build(drill_source("usgs", file="f"))


def test_history_follows_the_feeds_own_updates_over_several_recordings(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(feed(feature("us1", ",us1,")))
    later = feature("at9", ",at9,us1,", 5.4, updated=ORIGIN + 3_600_000)
    (tmp_path / "b.json").write_bytes(feed(later, feature("us2", ",us2,", type="explosion")))
    batches = check_history(source(recorded=["b.json", "a.json"]), drill_pack(str(tmp_path)))
    news = [item for batch in batches for item in batch.observations]
    assert [(item.event, item.value) for item in news] == [("us1", 5.0), ("us1", 5.4)]
    lagged = check_history(source(recorded=["a.json"], known_lag="PT15M"), drill_pack(str(tmp_path)))
    (item,) = lagged[0].observations
    assert item.known - item.at == timedelta(minutes=15)


def test_the_recorded_feeds_of_several_years_read_whole(shared: Path) -> None:
    folder = shared / "corpus" / "feeds" / "usgs"
    counts = {}
    for path in sorted(folder.glob("*.geojson")):
        quakes = read_quakes(path.read_bytes(), path.name)
        assert all(isinstance(quake, Quake) for quake in quakes)
        batch = source().parse(path.read_bytes(), path.name, LATER, drill_pack())
        assert len(batch.observations) + len(batch.quarantined) == len(quakes)
        counts[path.name] = (len(batch.observations), len(batch.quarantined))
    assert counts == {
        "2017-09-14_all_hour.geojson": (9, 0),
        "2018-02-07_all_week_trim80.geojson": (77, 3),
        "2019-02-02_4.5_month_trim40.geojson": (40, 0),
        "2019-11-02_significant_week.geojson": (2, 0),
        "detail_us6000pi9w.geojson": (1, 0),
    }
