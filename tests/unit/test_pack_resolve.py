"""Who may and who must, by hazard, level, place and date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from anlan.model.errors import NotAllowed, UnknownPlace
from anlan.model.pack import Pack
from anlan.packs.load import load_pack
from anlan.packs.resolve import bands_at, competent, duties_for, powers_of, rules_at
from sample_pack import FILES, write

AT = datetime(2016, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder: Path = tmp_path_factory.mktemp("packs") / "tiny"
    return load_pack(write(folder, FILES))


def test_the_nearest_organ_with_the_power_answers(pack: Pack) -> None:
    near = competent(pack, "warn", None, "flood", 2, "x/a", AT, "Restricted")
    assert (near.organ, near.basis) == ("office-a", "act-2010#5")
    assert competent(pack, "warn", None, "flood", 2, "x/b", AT, "Restricted").organ == "office"
    assert competent(pack, "warn", None, "flood", 1, "x/a", AT).organ == "office"


@pytest.mark.parametrize(
    ("act", "organ", "hazard", "level", "place", "at", "scope", "lack"),
    [
        ("warn", "nobody", "flood", 2, "x/a", AT, "Public", "no such organ"),
        ("respond", "office", "flood", 2, "x/a", AT, "Public", "no article gives National Office"),
        ("warn", "office-a", "quake", 2, "x/a", AT, "Restricted", "does not cover the hazard quake"),
        ("warn", "office-a", "flood", 1, "x/a", AT, "Restricted", "does not reach level 1"),
        ("warn", "office-a", "flood", 2, "x/a", AT, "Public", "does not reach the scope Public"),
        (
            "warn",
            "office-a",
            "flood",
            2,
            "x/a",
            date(2021, 1, 1),
            "Restricted",
            "is not in force on 2021-01-01",
        ),
        ("warn", "office-a", "flood", 2, "x/b", AT, "Restricted", "does not extend to x/b"),
        ("command", None, "flood", 2, "x/a", AT, "Public", "no article gives any organ"),
    ],
)
def test_a_refusal_says_what_is_missing(
    pack: Pack,
    act: str,
    organ: str | None,
    hazard: str,
    level: int,
    place: str,
    at: date,
    scope: str,
    lack: str,
) -> None:
    with pytest.raises(NotAllowed, match=lack):
        competent(pack, act, organ, hazard, level, place, at, scope)


def test_a_refusal_cites_the_nearest_powers(pack: Pack) -> None:
    with pytest.raises(NotAllowed) as caught:
        competent(pack, "warn", "office-a", "flood", 1, "x/a", AT, "Restricted")
    assert caught.value.basis == "act-2010#5"
    assert "levels 2, 3, 4" in caught.value.mend


def test_the_scope_plays_no_part_in_responding(pack: Pack) -> None:
    assert competent(pack, "respond", "office-a", "flood", 1, "x/a", AT).basis == "act-2010#6"


def test_an_act_without_level_asks_for_none(pack: Pack) -> None:
    assert competent(pack, "warn", "office", "flood", None, "x/a", AT).organ == "office"


def test_a_place_that_does_not_exist_then_is_an_error(pack: Pack) -> None:
    with pytest.raises(UnknownPlace):
        competent(pack, "warn", None, "flood", 2, "x/a", date(1999, 1, 1))


def test_bands_are_those_in_force_most_severe_first(pack: Pack) -> None:
    rule = pack.rules["high-water"]
    assert [(band.level, band.at_least) for band in bands_at(rule, AT)] == [(1, 5.0), (2, 4.0)]
    assert [band.at_least for band in bands_at(rule, date(2020, 1, 1))] == [4.8, 4.0]
    assert bands_at(rule, date(2009, 1, 1)) == ()


def test_rules_and_powers_in_force(pack: Pack) -> None:
    assert [rule.id for rule in rules_at(pack, AT)] == ["high-water"]
    assert [power.act for power in powers_of(pack, "office-a", date(2021, 1, 1))] == ["respond"]


@pytest.mark.parametrize(
    ("hazard", "level", "place", "at", "owed"),
    [
        ("flood", 1, "x/a", AT, 1),
        ("flood", 3, "x/a", AT, 0),
        ("quake", 1, "x/a", AT, 0),
        ("flood", 1, "x/b", AT, 0),
        ("flood", 1, "x/a", date(2030, 1, 1), 0),
        ("flood", 1, "x/a", date(2029, 12, 31), 1),
    ],
)
def test_duties_are_those_of_hazard_level_place_and_date(
    pack: Pack, hazard: str, level: int, place: str, at: date, owed: int
) -> None:
    assert len(duties_for(pack, hazard, level, place, at)) == owed
