"""Habits of the field that say clearly what is meant: read, and told by the rule that they break."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import shapely

from anlan.formats import cap
from anlan.formats.cap.times import judge_time

INFO = (
    "<info><category>Met</category><event>Rain</event><urgency>Expected</urgency><severity>Severe</severity>"
    "<certainty>Likely</certainty><expires>2026-08-19T18:00:00+02:00</expires>{texts}<area>"
    "<areaDesc>a</areaDesc><polygon>52,13 53,13 53,14 52,13</polygon></area></info>"
)


def alert(*, sent: str = "2026-08-19T10:00:00+02:00", texts: str = "", version: str = "1.2") -> bytes:
    return (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:{version}"><identifier>i</identifier>'
        f"<sender>s@x.invalid</sender><sent>{sent}</sent><status>Actual</status><msgType>Alert</msgType>"
        f"<scope>Public</scope>{INFO.format(texts=texts)}</alert>"
    ).encode()


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize(
    "sent",
    [
        "2026-08-19T10:00:00+0200",
        "2026-08-19T10:00:00+02",
        "2026-08-19 10:00:00+02:00",
        "2026-08-19t10:00:00+02:00",
        "2026-08-19T10:00+02:00",
        "2026-08-19 08:00:00.5z",
    ],
)
def test_an_instant_that_is_clear_is_read_however_it_is_punctuated(sent: str, version: str) -> None:
    found = cap.examine(alert(sent=sent, version=version))
    assert found.alert is not None and not found.valid
    assert found.alert.sent.replace(microsecond=0) == datetime(2026, 8, 19, 8, tzinfo=UTC)
    (told,) = [one for one in found.findings if one.rule == "D-format"]
    assert told.path == "alert/sent" and told.schema and not told.blocking


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-19T10:00:00",
        "2026-08-19",
        "2026-13-19T10:00:00+0200",
        "2026-08-19T10:00:00+2500",
        "2026-08-19 10",
    ],
)
def test_an_instant_that_is_not_clear_is_none(text: str) -> None:
    assert judge_time(text, True).instant is None
    assert cap.examine(alert(sent=text)).alert is None


def test_a_text_given_twice_is_read_with_all_its_words() -> None:
    texts = "<headline>h</headline><instruction>Stay inside.</instruction><instruction>Listen.</instruction>"
    found = cap.examine(alert(texts=texts))
    assert found.alert is not None and not found.valid
    assert found.alert.infos[0].instruction == "Stay inside.\nListen."
    (told,) = [one for one in found.findings if one.path == "alert/info[1]/instruction"]
    assert (told.rule, told.blocking, told.bars) == ("X-xsd", False, True)
    # of a value only one can hold, and nobody says which
    twice = alert().replace(b"<severity>Severe</severity>", b"<severity>Severe</severity>" * 2)
    assert cap.examine(twice).alert is None


@pytest.mark.parametrize(
    ("ring", "outcome", "pole", "inside"),
    [
        ("80,0 75,90 75,180 75,-90 80,0", "repaired", True, (10.0, 89.0)),
        ("-80,0 -80,100 -80,-140 -80,0", "repaired", True, (10.0, -89.0)),
        # both sides of the equator: which pole is meant nobody knows
        ("10,0 -10,90 10,180 -10,-90 10,0", "unresolved", False, None),
        # the pole drawn as the line that it is on a map of degrees, and a box of the world
        ("90,-180 60,-180 60,-60 60,60 60,180 90,180 90,-180", "exact", False, (10.0, 89.0)),
        ("-60,-180 -60,180 60,180 60,-180 -60,-180", "exact", False, (10.0, 0.0)),
    ],
)
def test_a_ring_round_a_pole_is_all_ground_between_it_and_the_pole(
    ring: str, outcome: str, pole: bool, inside: tuple[float, float] | None
) -> None:
    found = cap.examine(alert().replace(b"52,13 53,13 53,14 52,13", ring.encode()))
    ground = found.ground()
    assert ground.outcome == outcome
    assert ("pole" in {record.code for record in ground.records}) == pole
    assert inside is None or shapely.covers(ground.geometry, shapely.Point(inside))
    # nobody should write one: on a map of degrees it has no inside
    assert found.publishable == (outcome == "exact")


def test_holes_that_take_out_all_of_an_area_leave_it_without_ground() -> None:
    ring = "<polygon>52,13 53,13 53,14 52,13</polygon>"
    hole = "<geocode><valueName>EXCLUDE_POLYGON</valueName><value>{}</value></geocode>"
    for text, outcome in (
        ("50,12 50,15 54,15 54,12 50,12", "unresolved"),
        ("50,12 50,13 51,13 50,12", "exact"),
    ):
        raw = alert().decode().replace(ring, ring + hole.format(text))
        ground = cap.examine(raw.encode()).ground()
        assert ground.outcome == outcome and ground.geometry.is_empty == (outcome == "unresolved")
