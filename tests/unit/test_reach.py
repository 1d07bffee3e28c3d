"""Whom a warning reaches: people by what the pack knows, recipients by channel, and what lies beyond."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely

from anlan.model.errors import InvalidValue, UnknownPlace, Unreadable
from anlan.model.pack import GeocodeScheme, GeometryLayer, Pack
from anlan.model.place import Place, Point
from anlan.model.text import Text
from anlan.model.warning import Recipient
from anlan.packs.antimeridian import split
from anlan.packs.drawing import Circle
from anlan.packs.geometry import outlines
from anlan.packs.load import load_pack
from anlan.warn.area import Area, area, rings_lat_lon
from anlan.warn.budgets import BUDGETS, Budget, budget_of
from anlan.warn.cells import cells_over
from anlan.warn.drawn import once
from anlan.warn.ground import EARTH_KM, around, buffered, distance_km, grounds, km2
from anlan.warn.population import people
from anlan.warn.reach import reach
from anlan.warn.simplify import simplify
from anlan.warn.target.recipients import reached

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SQUARES = {"a": (100, 30), "b": (101, 30), "c": (102, 30)}
COUNTS: dict[str, int | None] = {"a": 400, "b": 600, "c": None}


def both(text: str) -> Text:
    return Text(text, text)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Three squares in a row, one degree each; of c nobody has counted the people."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": id},
            "geometry": json.loads(shapely.to_geojson(shapely.box(x, y, x + 1, y + 1))),
        }
        for id, (x, y) in SQUARES.items()
    ]
    path = tmp_path / "squares.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    places = {
        f"x/{id}": (Place(f"x/{id}", both(id), "province", "x", population=COUNTS[id], population_year=2020),)
        for id in SQUARES
    }
    return Pack(
        id="squares",
        version="1",
        title=both("Squares"),
        digest="",
        folders=(),
        places={"x": (Place("x", both("X"), "nation"),), **places},
        geometry=(GeometryLayer(str(path), "province", "code", "x/", "CC0-1.0", "drawn for a test"),),
    )


def recipient(id: str, channel: str = "mail", **more: object) -> Recipient:
    return Recipient(id, both(id), channel, f"{id}@x.invalid", more.pop("places", ()), **more)  # type: ignore[arg-type]


def box(west: float, south: float, east: float, north: float) -> dict[str, object]:
    return json.loads(shapely.to_geojson(shapely.box(west, south, east, north)))  # type: ignore[no-any-return]


# ── the area ─────────────────────────────────────────────────────────────────────────────────────


def test_places_and_a_drawing_make_one_area(pack: Pack) -> None:
    found = area(pack, NOW, drawing=box(100.5, 30.2, 101.5, 30.4), places=["x/a"])
    assert found.shape.geom_type == "Polygon"
    assert shapely.covers(found.shape, shapely.box(100, 30, 101, 31))
    assert found.unresolved == ()


def test_a_code_names_the_place_that_ends_with_it(pack: Pack) -> None:
    found = area(pack, NOW, codes=[("any", "b")])
    assert found.shape.equals(shapely.box(101, 30, 102, 31))


def test_a_gazetteer_of_the_caller_goes_before_the_places(pack: Pack) -> None:
    drawn = shapely.box(0, 0, 1, 1)
    found = area(pack, NOW, codes=[("EMMA_ID", "b")], gazetteer=lambda system, code: drawn)
    assert found.shape.equals(drawn)


def test_a_code_means_what_the_gazetteer_of_the_pack_says_it_did_on_the_day(
    pack: Pack, tmp_path: Path
) -> None:
    path = tmp_path / "codes.jsonl"
    lines = [
        {"code": "b", "geometry": box(0, 0, 1, 1), "valid_to": "2025-12-31"},
        {"code": "b", "geometry": box(5, 5, 6, 6), "valid_from": "2026-01-01"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    dated = replace(pack, geocodes=(GeocodeScheme("EMMA_ID", str(path), "CC0-1.0", "a test"),))
    assert area(dated, NOW, codes=[("EMMA_ID", "b")]).shape.equals(shapely.box(5, 5, 6, 6))
    assert area(dated, datetime(2025, 6, 1, tzinfo=UTC), codes=[("EMMA_ID", "b")]).shape.equals(
        shapely.box(0, 0, 1, 1)
    )
    assert area(dated, NOW, codes=[("OTHER", "b")]).shape.equals(shapely.box(101, 30, 102, 31))


def test_what_has_no_outline_is_named_and_not_left_out_in_silence(pack: Pack) -> None:
    found = area(pack, NOW, places=["x/a"], codes=[("EMMA_ID", "DE9")])
    assert found.unresolved == ("EMMA_ID=DE9",)
    assert [reason.code for reason in found.reasons] == ["no_outline"]


def test_a_place_that_the_pack_does_not_know_is_an_error(pack: Pack) -> None:
    with pytest.raises(UnknownPlace):
        area(pack, NOW, places=["x/z"])


@pytest.mark.parametrize(
    ("drawing", "where"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "area"),
        ({"type": "Polygon", "coordinates": []}, "area.coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, "area.coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0]]]}, "area.coordinates[0]"),
        ({"type": "Polygon", "coordinates": [[[0, 95], [1, 1], [1, 0], [0, 95]]]}, "area.coordinates[0][0]"),
        ({"type": "Polygon", "coordinates": [[["0", 5], [1, 1]]]}, "area.coordinates[0][0][0]"),
        ({"type": "Circle", "center": [0, 0], "radius_km": 0}, "circle"),
        ({"type": "Circle", "center": [0, 0]}, "area.radius_km"),
        ({"type": "FeatureCollection", "features": []}, "area"),
        ({"type": "Feature", "geometry": None}, "area.geometry"),
    ],
)
def test_a_broken_drawing_is_refused_with_its_path(
    pack: Pack, drawing: dict[str, object], where: str
) -> None:
    with pytest.raises(InvalidValue) as error:
        area(pack, NOW, drawing=drawing)
    assert error.value.where == where


def test_a_drawing_across_the_antimeridian_is_cut_there_however_it_is_written(pack: Pack) -> None:
    jumps = {"type": "Polygon", "coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]]}
    runs_on = box(179, 0, 181, 1)
    for drawing in (jumps, runs_on):
        found = area(pack, NOW, drawing=drawing)
        assert found.shape.equals(
            shapely.union_all([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)])
        )
        assert [reason.code for reason in found.reasons] == ["area_split"]


@pytest.mark.parametrize("lat", [0.0, 45.0, -70.0, 84.0, 89.5])
@pytest.mark.parametrize("km", [1.0, 120.0, 900.0])
def test_the_polygon_of_a_circle_covers_it(lat: float, km: float) -> None:
    circle = Circle(179.0, lat, km)
    shape = around(circle)
    assert shape.is_valid
    grid = [(lon, y) for lon in range(-180, 180, 4) for y in range(-90, 91, 2)]
    grid += [(179.0 + d, lat + e) for d in (-0.01, 0, 0.01) for e in (-0.005, 0, 0.005)]
    for lon, y in grid:
        if distance_km(circle.lon, circle.lat, lon, y) <= km:  # type: ignore[arg-type]
            assert shapely.intersects_xy(shape, (lon + 180) % 360 - 180, y)


def test_a_triangle_of_an_eighth_of_the_globe_measures_so() -> None:
    # one eighth of the sphere: 4 pi R^2 / 8; its sides run along meridians and the equator
    octant = shapely.box(0, 0, 90, 90)
    assert km2(octant) == pytest.approx(4 * 3.141592653589793 * EARTH_KM**2 / 8, rel=1e-12)


def test_land_areas_agree_with_what_is_published(root: Path) -> None:
    """Square kilometres by national statistics against the outlines of the world pack (1:50 million)."""
    from anlan.packs.geometry import outlines

    layer = GeometryLayer(
        str(root / "packs/world/places/countries-50m.topo.json"), "c", "code", "", "", "", objects="countries"
    )
    shapes = outlines(layer).shapes
    for id, published in (("de", 357_600), ("ch", 41_290), ("is", 103_000), ("au", 7_692_000)):
        assert km2(shapes[id]) == pytest.approx(published, rel=0.02)


# ── people ───────────────────────────────────────────────────────────────────────────────────────


def test_whole_places_are_counted_and_parts_are_estimated_by_area(pack: Pack) -> None:
    whole = people(shapely.box(100, 30, 102, 31), pack, NOW)
    assert (whole.known, whole.basis, whole.complete) == (1000, "counted", True)
    part = people(shapely.box(100.5, 30, 102, 31), pack, NOW)
    assert (part.known, part.basis) == (800, "estimated")


def test_the_shipped_packs_say_where_their_counts_are_from(root: Path) -> None:
    pack = load_pack(root / "packs/cn")
    found = people(area(pack, NOW, places=["cn/110000"]).shape, pack, NOW, ["cn/110000"])
    assert (found.known, found.basis) == (21_893_095, "counted")  # census of 2020, communique no. 3
    assert found.sources == ("Seventh National Population Census (2020)",)
    assert all(part.year == 2020 for part in found.counted)


def test_a_place_without_a_count_makes_the_sum_a_lower_bound_and_never_zero(pack: Pack) -> None:
    found = people(shapely.box(101, 30, 103, 31), pack, NOW)
    assert (found.known, found.unknown, found.complete) == (600, ("x/c",), False)
    alone = people(shapely.box(102, 30, 103, 31), pack, NOW)
    assert alone.known is None
    assert alone.basis == "unknown"


def test_ground_by_two_names_holds_its_people_once(tmp_path: Path, pack: Pack) -> None:
    # a nation of one pack over the provinces of another, in a tree of its own
    (layer,) = pack.geometry
    nation = {"type": "Feature", "properties": {"code": "n"}}
    nation["geometry"] = json.loads(shapely.to_geojson(shapely.box(100, 30, 102, 31)))  # type: ignore[assignment]
    path = tmp_path / "nation.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [nation]}))
    whole = Place("n", both("Nation"), "nation", population=1005, population_year=2024)
    over = replace(
        pack,
        places={**pack.places, "n": (whole,)},
        geometry=(*pack.geometry, replace(layer, path=str(path), prefix="")),
    )
    for drawn in (shapely.box(100, 30, 102, 31), shapely.box(100.2, 30.2, 100.8, 30.8)):
        assert people(drawn, over, NOW).known == people(drawn, pack, NOW).known


def test_ground_outside_all_places_holds_nobody_known(pack: Pack) -> None:
    assert people(shapely.box(0, 0, 1, 1), pack, NOW).known is None


def test_a_place_chosen_by_name_counts_as_a_whole_and_its_neighbours_not_by_a_hair(pack: Pack) -> None:
    wide = shapely.box(100, 30, 101.001, 31)
    assert people(wide, pack, NOW).basis == "estimated"
    assert people(wide, pack, NOW, ["x/a"]).known == 400 + round(600 * 0.001)
    assert people(shapely.box(100, 30, 101, 31), pack, NOW, ["x/a"]).basis == "counted"


# ── recipients, reach, overspill ─────────────────────────────────────────────────────────────────

PEOPLE_AT = {
    "point.in": recipient("point.in", "sms", point=Point(100.5, 30.5)),
    "point.edge": recipient("point.edge", "sms", point=Point(101.0, 30.5)),
    "point.out": recipient("point.out", "sms", point=Point(101.0001, 30.5)),
    "circle.near": recipient("circle.near", "sms", point=Point(101.1, 30.5), radius_km=15),
    "area": recipient("area", "mail", area=box(99, 29, 100.1, 30.1)),
    "place": recipient("place", "mail", places=("x/a",)),
    "neighbour": recipient("neighbour", "mail", places=("x/b",)),
    "nation": recipient("nation", "feed", places=("x",)),
}


def test_recipients_are_reached_by_their_point_their_area_or_their_places(pack: Pack) -> None:
    found = reached(shapely.box(100, 30, 101, 31), ["x/a"], PEOPLE_AT, pack, NOW)
    assert found == ["point.in", "point.edge", "circle.near", "area", "place", "nation"]


def test_a_chosen_place_is_counted_where_the_outline_of_what_it_lies_in_leaves_it_out(pack: Pack) -> None:
    island = replace(pack.places["x/b"][0], parent="x/a")
    held = replace(pack, places={**pack.places, "x/b": (island,)})
    found = people(area(held, NOW, places=["x/b"]).shape, held, NOW, ["x/b"])
    assert (found.known, found.basis, found.unknown) == (600, "counted", ())


def test_reach_tells_people_and_recipients_by_channel_and_what_the_simplified_area_adds(pack: Pack) -> None:
    chosen = area(pack, NOW, places=["x/a"])
    sent = shapely.box(100, 30, 101.5, 31)
    found = reach(chosen, pack, PEOPLE_AT, NOW, sent=sent)
    assert found.people.known == 400
    assert found.recipients == {
        "feed": ("nation",),
        "mail": ("area", "place"),
        "sms": ("point.in", "point.edge", "circle.near"),
    }
    over = found.overspill
    assert over.people.known == 300
    assert over.people.basis == "estimated"
    assert over.recipients == {"mail": ("neighbour",), "sms": ("point.out",)}
    assert [(place.place, round(place.share, 3)) for place in over.places] == [("x/b", 0.5)]
    assert over.km2 == pytest.approx(km2(sent) - chosen.km2)
    assert "400" in found.sentence.en
    assert "人" in found.sentence.zh


def test_nothing_beyond_is_told_where_nothing_is_added(pack: Pack) -> None:
    found = reach(area(pack, NOW, places=["x/a"]), pack, PEOPLE_AT, NOW)
    assert (found.overspill.km2, found.overspill.places, found.overspill.recipients) == (0.0, (), {})
    assert "beyond" not in found.sentence.en


def test_the_overshoot_of_a_channel_counts_as_overspill(pack: Pack) -> None:
    chosen = area(pack, NOW, places=["x/a"])
    found = reach(chosen, pack, PEOPLE_AT, NOW, margin_km=budget_of("wea").overshoot_km)
    # a band of 0.1 mile around a square of about 107 km by 111 km
    assert found.overspill.km2 == pytest.approx(2 * (95.6 + 111.2) * 0.161, rel=0.03)
    assert "point.out" in found.overspill.recipients["sms"]


def test_whom_the_plan_leaves_out_on_the_chosen_ground_its_overspill_does_not_reach(pack: Pack) -> None:
    chosen = area(pack, NOW, places=["x/a"])
    margin = budget_of("wea").overshoot_km
    every = reach(chosen, pack, PEOPLE_AT, NOW, margin_km=margin)
    assert sum(map(len, every.recipients.values())) > 1
    few = reach(chosen, pack, PEOPLE_AT, NOW, margin_km=margin, told=())
    assert few.recipients == {} and few.overspill.recipients == every.overspill.recipients


def test_a_channel_that_reaches_by_cells_reaches_whole_cells(pack: Pack) -> None:
    chosen = area(pack, NOW, places=["x/a"])
    cells = {f"c{k}": shapely.box(99.5 + k * 0.75, 30, 100.25 + k * 0.75, 31) for k in range(4)}
    heard = cells_over(chosen.shape, cells)
    assert heard.ids == ("c0", "c1")
    assert heard.uncovered.is_empty
    over = reach(chosen, pack, PEOPLE_AT, NOW, sent=heard.shape).overspill
    # half a degree of nothing to the west; to the east no more than the edge of x/b
    assert over.km2 == pytest.approx(km2(shapely.box(99.5, 30, 100, 31)))
    missing = cells_over(chosen.shape, {"c0": cells["c0"]})
    assert km2(missing.uncovered) == pytest.approx(0.75 * chosen.km2, rel=1e-6)


def test_an_unknown_population_is_said_and_is_not_zero(pack: Pack) -> None:
    found = reach(area(pack, NOW, places=["x/c"]), pack, {}, NOW)
    assert found.people.known is None
    assert "unknown" in found.sentence.en
    assert "未知" in found.sentence.zh


@pytest.mark.parametrize("band", [(-180.0, -90.0, 180.0, 90.0), (-180.0, 50.0, 180.0, 80.0)])
def test_ground_all_round_the_globe_has_a_margin_too(band: tuple[float, float, float, float]) -> None:
    wide = buffered(shapely.box(*band), 0.161)
    assert wide.is_valid and wide.covers(shapely.box(*band))
    assert wide.within(shapely.box(-180, -90, 180, 90))


def test_a_margin_reaches_at_least_so_far_in_all_directions() -> None:
    shape = shapely.box(10, 60, 11, 61)
    grown = buffered(shape, 5.0)
    for lon, lat in ((10, 60), (11, 60), (10, 61), (11, 61), (10.5, 61)):
        near = [(lon + dx, lat + dy) for dx in (-0.08, 0, 0.08) for dy in (-0.04, 0, 0.04)]
        for x, y in near:
            if distance_km(lon, lat, x, y) <= 5.0:  # type: ignore[arg-type]
                assert shapely.intersects_xy(grown, x, y)


# ── budgets and writing ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", BUDGETS)
def test_every_channel_has_a_budget_with_its_source(channel: str) -> None:
    assert budget_of(channel).source


def test_an_unknown_channel_and_an_impossible_budget_are_refused() -> None:
    with pytest.raises(InvalidValue, match="wea"):
        budget_of("pigeon")
    with pytest.raises(InvalidValue, match="5 or more"):
        Budget(4)


def test_a_drawn_box_stays_as_drawn(pack: Pack) -> None:
    drawn = area(pack, NOW, drawing=box(10.25, 50.5, 11.0, 51.125)).shape
    found = simplify(drawn, BUDGETS["wea"])
    assert found.shape.equals(drawn)
    assert (found.added_km2, found.reasons) == (0.0, ())


def test_one_polygon_cannot_lie_on_both_sides_of_the_antimeridian() -> None:
    with pytest.raises(InvalidValue, match="antimeridian"):
        simplify(split(shapely.box(179, 0, 181, 1)), BUDGETS["wis2"])


def test_a_hole_is_filled_with_a_reason_because_cap_has_none() -> None:
    shape = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    found = simplify(shape, BUDGETS["cap"])
    assert "hole_filled" in [reason.code for reason in found.reasons]
    assert [sorted(set(ring)) for ring in rings_lat_lon(found.shape, 4)] == [
        [(0.0, 0.0), (0.0, 3.0), (3.0, 0.0), (3.0, 3.0)]
    ]
    with pytest.raises(ValueError, match="no hole"):
        list(rings_lat_lon(shape, 4))
    kept = simplify(shape, Budget(10), holes=True)
    assert kept.shape.equals(shape)


def test_parts_that_touch_by_rounding_stay_covered_when_they_are_united() -> None:
    """Rings whose crossings are no decimal numbers: their union is a hair off them."""
    draw = np.random.default_rng(7)
    for _ in range(60):
        angles = np.sort(draw.uniform(0, 2 * np.pi, 40))
        far = 0.01 * draw.uniform(0.02, 1.0, 40)
        ring = np.column_stack([-6.33 + far * np.cos(angles), -15.28 + far * np.sin(angles)])
        turned = shapely.Polygon(ring + draw.normal(0, 0.002, 2))
        both_rings = [shapely.Polygon(ring), turned]
        whole = [shapely.make_valid(one, method="structure", keep_collapsed=False) for one in both_rings]
        shape = shapely.symmetric_difference(whole[0], whole[1])
        areas = shapely.MultiPolygon([p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"])
        if areas.is_valid:
            assert simplify(areas, Budget(40, 1, 5)).covers


def test_an_empty_area_is_no_area_to_simplify() -> None:
    with pytest.raises(InvalidValue):
        simplify(Area(shapely.MultiPolygon()).shape, BUDGETS["cap"])


def test_the_outline_of_a_place_is_found_however_its_code_is_written_and_other_files_are_not_drawn(
    tmp_path: Path,
) -> None:
    #: as a file may write a code, and the place that it then means
    written = {
        '"de/ST"': "de/ST",
        '"de\\/BE"': "de/BE",
        '"\\u0061b"': "ab",
        "7": "7",
        "1.50": "1.5",
        '"Zürich"': "Zürich",
        '"11"': "11",
    }

    def layer(name: str, prefix: str, codes: list[str], x: int) -> GeometryLayer:
        features = ", ".join(
            f'{{"type": "Feature", "properties": {{"code": {code}}}, "geometry": '
            f"{json.dumps(box(x, n, x + 1, n + 1))}}}"
            for n, code in enumerate(codes)
        )
        file = tmp_path / name
        file.write_text(f'{{"type": "FeatureCollection", "features": [{features}]}}', encoding="utf-8")
        return GeometryLayer(str(file), "province", "code", prefix, "CC0-1.0", "drawn for a test")

    layers = (
        *(layer(f"{n}.json", "", [code], n) for n, code in enumerate(written)),
        layer("below.json", "cn/", ['"11"', '"12"'], 40),
        layer("later.json", "", ['"11"'], 50),
    )
    empty = Pack(id="x", version="1", title=both("X"), digest="", folders=(), geometry=layers)
    whole = {id: shape for one in layers for id, shape in outlines(one).shapes.items()}
    assert set(whole) == {*written.values(), "cn/11", "cn/12"}
    assert {id: grounds(empty)[id] for id in whole} == whole
    assert list(grounds(empty)) == list(whole) and "1" not in grounds(empty)
    assert whole["11"].bounds[0] == 50  # the later layer's

    broken = tmp_path / "broken.json"
    broken.write_text('{"type": "FeatureCollection", "features": [{"code": "us"')
    other = replace(layers[0], path=str(broken))
    beside = replace(empty, geometry=(layers[-1], other))
    assert grounds(beside)["11"] == whole["11"]
    with pytest.raises(Unreadable):
        grounds(beside).get("us")
    with pytest.raises(Unreadable):
        len(grounds(beside))


def test_a_place_that_two_trees_have_is_listed_once_and_the_other_is_named(
    pack: Pack, tmp_path: Path
) -> None:
    countries = {"x": shapely.box(100, 29.98, 103.02, 31), "y": shapely.box(103.02, 30, 105, 31)}
    features = [
        {"type": "Feature", "properties": {"code": id}, "geometry": json.loads(shapely.to_geojson(shape))}
        for id, shape in countries.items()
    ]
    path = tmp_path / "countries.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    layer = GeometryLayer(str(path), "country", "code", "w/", "CC0-1.0", "drawn for a test")
    world = {"w": (Place("w", both("World"), "world"),)}
    world |= {f"w/{id}": (Place(f"w/{id}", both(id), "country", "w"),) for id in countries}
    two = replace(pack, places={**pack.places, **world}, geometry=(*pack.geometry, layer))
    touched = ("w/x", "w/y", "x/b", "x/c")
    kept, reasons = once(touched, ["x/b"], two, NOW)
    # the neighbour is another place; the whole of x, by its other name, is not
    assert kept == ("w/y", "x/b", "x/c")
    (reason,) = reasons
    assert reason.code == "same_ground"
    assert reason.text.en.startswith("w/x is on the same ground as x, in which x/b, x/c lie")
    assert "w/x与x为同一地域" in reason.text.zh
    # what somebody means by name stays, and so does what one tree alone has
    assert once(touched, ["w/x"], two, NOW) == (touched, ())
    assert once(("w/x", "w/y"), [], two, NOW) == (("w/x", "w/y"), ())
    assert once(("x/b", "x/c"), [], two, NOW) == (("x/b", "x/c"), ())
    both_whole, (told,) = once(("w/x", "x"), ["x/b"], two, NOW)
    assert both_whole == ("x",) and told.text.en.endswith("listed once, by that")
