"""A storm and a watch zone: great circles, first entry, the cone of a forecast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from anlan.assess.events.storms import EARTH_KM, Fix, approach, between, distance_km, onward
from anlan.model.text import Text

T0 = datetime(2017, 8, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def km(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    return float(distance_km(np.array(lon1), np.array(lat1), np.array(lon2), np.array(lat2)))


def test_distances_are_those_of_the_sphere() -> None:
    assert km(0, 0, 90, 0) == pytest.approx(EARTH_KM * np.pi / 2)
    assert km(10, 50, 10, -50) == pytest.approx(EARTH_KM * np.radians(100))
    assert km(179.9, 0, -179.9, 0) == pytest.approx(EARTH_KM * np.radians(0.2))
    # Beijing to Shanghai, 1,067 km by the great circle
    assert km(116.41, 39.90, 121.47, 31.23) == pytest.approx(1067, abs=3)
    assert km(5, 5, 5, 5) == 0


def test_half_way_on_a_great_circle_is_as_far_from_both_ends() -> None:
    a, b = Fix(T0, 130.0, 20.0), Fix(T0 + HOUR, 110.0, 30.0)
    lon, lat = between(a, b, np.array([0.5]))
    assert km(130, 20, float(lon[0]), float(lat[0])) == pytest.approx(
        km(110, 30, float(lon[0]), float(lat[0]))
    )
    assert lat[0] > 25  # north of the straight line on a map


def test_entry_is_found_between_two_fixes_to_the_minute() -> None:
    # along the equator at one degree an hour towards a place 10 degrees away
    track = [Fix(T0, 0.0, 0.0), Fix(T0 + 10 * HOUR, 10.0, 0.0), Fix(T0 + 12 * HOUR, 12.0, 0.0)]
    degree = EARTH_KM * np.radians(1)
    found = approach(track, 10.0, 0.0, 2 * degree)
    assert found.entry is not None and abs(found.entry - (T0 + 8 * HOUR)) <= timedelta(minutes=1)
    assert found.earliest == found.entry
    assert found.nearest_km == pytest.approx(0, abs=1e-6) and found.nearest_at == T0 + 10 * HOUR
    assert found.lead(T0) == found.entry - T0
    assert not found.entered_before


def test_the_edge_of_the_cone_comes_before_the_centre() -> None:
    degree = EARTH_KM * np.radians(1)
    track = [Fix(T0, 0.0, 0.0), Fix(T0 + 10 * HOUR, 10.0, 0.0, radius_km=2 * degree)]
    found = approach(track, 10.0, 0.0, 2 * degree)
    # 10 - t - 0.2 t = 2 at t = 6 h 40
    assert found.earliest is not None and found.entry is not None
    assert abs(found.earliest - (T0 + timedelta(hours=20 / 3))) <= timedelta(minutes=1)
    assert abs(found.entry - (T0 + 8 * HOUR)) <= timedelta(minutes=1)


def test_a_storm_that_stays_away_enters_nothing_and_says_how_near_it_came() -> None:
    track = [Fix(T0, -5.0, 3.0), Fix(T0 + 10 * HOUR, 5.0, 3.0)]
    found = approach(track, 0.0, 0.0, 100.0)
    assert found.entry is None and found.earliest is None and found.lead(T0) is None
    assert found.nearest_km == pytest.approx(335, abs=1)  # the great circle bends 1 km north
    text = found.sentence(Text("Hato", "天鸽"), Text("Zhuhai", "珠海"), 100)
    assert text.en.startswith(
        "Hato stays out of the 100 km zone of Zhuhai; nearest 335 km at 2017-08-23T05:00:00Z"
    )
    assert "未进入珠海" in text.zh


def test_a_storm_that_is_there_already_has_entered() -> None:
    found = approach([Fix(T0, 0.0, 0.0)], 0.1, 0.0, 50.0)
    assert found.entered_before and found.entry == T0


@pytest.mark.parametrize(
    ("track", "zone", "words"),
    [
        ([], 10.0, "at least one fix"),
        ([Fix(T0, 0, 0), Fix(T0, 1, 0)], 10.0, "in order of time"),
        ([Fix(T0, 0, 0)], 0.0, "zone_km must be above 0"),
    ],
)
def test_what_is_no_track_is_refused(track: list[Fix], zone: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        approach(track, 0.0, 0.0, zone)


def test_what_goes_on_keeps_its_great_circle_and_its_speed() -> None:
    a, b = Fix(T0, 130.0, 15.0), Fix(T0 + 6 * HOUR, 128.5, 16.2)
    lon, lat = onward(a, b, T0 + 12 * HOUR)
    step = km(a.lon, a.lat, b.lon, b.lat)
    assert km(b.lon, b.lat, lon, lat) == pytest.approx(step)
    assert km(a.lon, a.lat, lon, lat) == pytest.approx(2 * step)
    still = Fix(T0 + 6 * HOUR, a.lon, a.lat)
    assert onward(a, still, T0 + 30 * HOUR) == (a.lon, a.lat)
    with pytest.raises(ValueError, match="later than the first"):
        onward(b, a, T0 + 30 * HOUR)
