"""A message holds on some ground, or it does not leave; a drawing is near the place it is for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from anlan.app.areas import rings_of, target_areas
from anlan.formats.cap import read
from anlan.model.errors import InvalidValue, WrongState
from anlan.model.pack import Pack
from anlan.model.place import GLOBE_KM, Place
from anlan.model.warning import Recipient, Warning
from anlan.packs.drawing import Circle
from anlan.packs.load import load_pack
from anlan.warn import approve as approval
from anlan.warn.area import area, place_ground, without_ground
from anlan.warn.drawn import elsewhere, nearer, outside, touching
from anlan.warn.ground import WORLD, around, distance_km
from anlan.warn.render import render
from anlan.warn.target.recipients import reached
from chain_pack import ADA, BEN, DAY, T0, Room, both, chain_pack, stage

NOW = T0 + 2 * DAY
RING = ((9.9, 49.9), (10.1, 49.9), (10.1, 50.1), (9.9, 50.1), (9.9, 49.9))


def bare(pack: Pack, *ids: str) -> Pack:
    """The pack without the ground of those places."""
    changed = {
        id: tuple(
            replace(one, radius_km=None, radius_basis="", radius_basis_zh="") for one in pack.places[id]
        )
        for id in ids
    }
    return replace(pack, places={**pack.places, **changed})


def test_a_message_whose_place_comes_to_no_ground_is_neither_put_forward_nor_approved(drafted: Room) -> None:
    draft = drafted.pending()[0]
    pack = bare(drafted.pack, *draft.places)
    with pytest.raises(WrongState, match="area_unresolved") as refused:
        approval.submit(draft, ADA, pack, NOW)
    assert refused.value.found == ", ".join(draft.places)
    assert "radius_km" in refused.value.mend and "draw the area" in refused.value.mend
    put = approval.submit(draft, ADA, drafted.pack, NOW)
    with pytest.raises(WrongState, match="area_unresolved"):
        approval.approve(put, BEN, pack, NOW, "code")
    assert approval.approve(put, BEN, drafted.pack, NOW, "code").status == "approved"


def test_a_draft_without_ground_says_so_in_its_row_until_it_is_drawn(room: Room) -> None:
    room.pack = bare(room.pack, *room.pack.places)
    room.learn(stage(0, 5.0))
    (row,) = [entry for entry in room.journal.read() if entry.kind == "warning.drafted"]
    assert isinstance(row.value, Warning) and row.why is not None
    assert [reason.code for reason in row.value.reasons] == ["area_unresolved", "first"]
    assert row.why == row.value.reasons[1].text
    drawn = approval.ground_told(replace(row.value, rings=(RING,)), room.pack, NOW)
    assert [reason.code for reason in drawn.reasons] == ["first"]


def test_an_exercise_is_held_to_the_same_ground(drafted: Room) -> None:
    draft = replace(drafted.pending()[0], mode="Exercise")
    with pytest.raises(WrongState, match="area_unresolved"):
        approval.submit(draft, ADA, bare(drafted.pack, *draft.places), NOW)


def test_a_drawing_is_ground_and_what_ends_a_message_is_never_held_up(drafted: Room) -> None:
    draft = drafted.pending()[0]
    pack = bare(drafted.pack, *draft.places)
    assert approval.submit(replace(draft, rings=(RING,)), ADA, pack, NOW).status == "submitted"
    assert approval.area_unresolved(replace(draft, change="cancel"), pack, NOW) is None


def test_a_place_without_an_outline_leaves_as_the_circle_that_the_pack_states(drafted: Room) -> None:
    draft = replace(drafted.pending()[0], places=("x/a",))
    sent = approval.approve(approval.submit(draft, ADA, drafted.pack, NOW), BEN, drafted.pack, NOW, "code")
    written = read(render(sent, drafted.pack, "test@anlan.invalid", target_areas(sent, drafted.pack)))
    for info in written.infos:
        assert [one.circles for one in info.areas] == [("50.00000,10.00000 30",)]
    found = area(drafted.pack, NOW, places=("x/a",))
    (reason,) = found.reasons
    assert reason.code == "place_as_circle" and "made up for tests" in reason.text.en
    assert "（测试用）" in reason.text.zh and "made up" not in reason.text.zh
    for lon, lat in shapely.get_coordinates(found.shape).tolist():
        assert float(distance_km(10.0, 50.0, lon, lat)) >= 30


def test_a_circle_of_what_lies_below_is_no_ground_of_the_whole() -> None:
    pack = bare(chain_pack(), "x", "x/a")
    assert place_ground("x/a/1", pack, NOW) is not None
    assert without_ground(("x/a", "x", "x/a/1"), pack, NOW) == ("x/a", "x")


def test_the_globe_is_everywhere_without_a_point() -> None:
    globe = Place("x", both("All"), "nation", radius_km=GLOBE_KM, radius_basis="everywhere")
    ground = place_ground("x", replace(chain_pack(), places={"x": (globe,)}), NOW)
    assert ground is not None and ground.circle is None and ground.shape.equals(WORLD)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"lon": 1.0, "lat": 1.0, "radius_km": 5.0}, "half a radius"),
        ({"lon": 1.0, "lat": 1.0, "radius_basis": "a map"}, "half a radius"),
        ({"lon": 1.0, "lat": 1.0, "radius_km": 5.0, "radius_basis_zh": "地图"}, "half a radius"),
        ({"radius_km": 5.0, "radius_basis": "a map"}, "around no point"),
        ({"lon": 1.0, "lat": 1.0, "radius_km": 0.0, "radius_basis": "a map"}, "no radius"),
        ({"lon": 1.0, "lat": 1.0, "radius_km": 15_000.0, "radius_basis": "a map"}, "no radius"),
    ],
)
def test_a_radius_has_a_point_a_size_and_a_basis(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        Place("x", both("X"), "nation", **given)  # type: ignore[arg-type]


def test_ground_with_holes_is_written_whole_and_not_wider() -> None:
    holes = [[(1, 1), (2, 1), (2, 2), (1, 2)], [(3, 0.5), (4, 0.5), (3.5, 3)]]
    lake = shapely.Polygon([(0, 0), (5, 0), (5, 4), (0, 4)], holes)
    pieces = [shapely.Polygon(ring) for ring in rings_of(lake)]
    assert all(piece.is_valid for piece in pieces)
    whole = shapely.union_all(pieces)
    assert whole.symmetric_difference(lake).area < 1e-3
    assert sum(piece.area for piece in pieces) == pytest.approx(lake.area, abs=1e-3)


def test_a_drawing_elsewhere_is_refused_with_where_it_is_and_where_the_place_is() -> None:
    pack = chain_pack()
    with pytest.raises(InvalidValue, match="drawing_elsewhere") as refused:
        touching(around(Circle(11.5, 48.1, 5)), ("x/a",), pack, NOW)
    assert "longitudes 11.43" in refused.value.found and "x/a" in refused.value.expected
    touching(around(Circle(10.4, 50.0, 5)), ("x/a",), pack, NOW)


def test_what_of_a_drawing_lies_outside_of_its_place_is_told() -> None:
    pack = chain_pack()
    assert outside(around(Circle(10.0, 50.0, 5)), ("x/a",), pack, NOW) is None
    beyond = outside(around(Circle(10.42, 50.0, 10)), ("x/a",), pack, NOW)
    assert beyond is not None and 0.3 < beyond.share < 0.7 and "Alpha" in beyond.text.en
    assert outside(around(Circle(0.0, 0.0, 5)), ("x/a",), bare(pack, "x/a"), NOW) is None


def test_a_drawing_in_a_province_without_an_outline_is_no_matter_of_the_nation() -> None:
    pack = chain_pack()
    inside, across = around(Circle(10.0, 50.0, 5)), around(Circle(10.4, 50.0, 20))
    assert nearer(("x",), inside, ["x/a"], pack, NOW) == ("x/a",)
    assert nearer((), inside, ["x/a"], pack, NOW) == ("x/a",), "no outline at all"
    assert nearer(("x", "y"), inside, ["x/a"], pack, NOW) == ("x/a", "y"), "what is touched elsewhere stays"
    assert nearer(("x",), across, ["x/a"], pack, NOW) == ("x",), "a part of it is not in the province"
    # of the county nobody knows where it is: the province around it holds the drawing
    assert nearer(("x",), inside, ["x/a/1"], bare(pack, "x/a/1"), NOW) == ("x/a",)


def test_a_place_warned_that_is_not_beside_the_risk_is_told() -> None:
    pack = chain_pack()
    assert elsewhere(("x/a", "x", "x/a/1"), "x/a", pack, NOW) is None
    far = replace(pack.places["x/b"][0], lon=30.0, lat=10.0)
    pack = replace(pack, places={**pack.places, "x/b": (far,)})
    told = elsewhere(("x/a", "x/b"), "x/a", pack, NOW)
    assert told is not None and told.en == "not beside Alpha, where the risk is: Beta"
    # where one comes to no ground nobody can tell
    assert elsewhere(("x/b",), "x/a", bare(pack, "x/b"), NOW) is None


def test_a_small_drawing_reaches_who_is_placed_at_all_that_holds_it() -> None:
    globe = Place("w", both("All"), "nation", radius_km=GLOBE_KM, radius_basis="everywhere")
    pack = bare(chain_pack(), "x/b")
    pack = replace(pack, places={**pack.places, "w": (globe,)})
    told = {
        id: Recipient(id, both(id), "mail", id, (place,))
        for id, place in (("all", "w"), ("land", "x"), ("alpha", "x/a"), ("beta", "x/b"), ("town", "x/a/1"))
    }
    small = around(Circle(9.75, 50.0, 2))
    assert reached(small, (), told, pack, NOW, ("x/a",)) == ["all", "land", "alpha"]
    # nobody knows where x/b is: it lies in what was touched
    assert reached(small, (), told, pack, NOW, ("x",)) == ["all", "land", "alpha", "beta"]


def test_every_place_that_the_demonstration_warns_has_ground() -> None:
    pack = load_pack(Path(__file__).parents[2] / "packs" / "demo", lint=False)
    now = datetime(2024, 6, 1, tzinfo=UTC)
    planned = {place for plan in pack.plans.values() for place in plan.places if place in pack.places}
    states = {id for id in pack.places if id.startswith("de/")}
    assert len(states) == 16
    assert without_ground(sorted(planned | states | {"us/WA/SEA", "world"}), pack, now) == ()
    whole = area(pack, now, places=sorted(states)).shape
    germany = place_ground("de", pack, now)
    assert germany is not None and whole.buffer(1e-9).covers(germany.shape)
