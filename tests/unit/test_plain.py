"""Plain words: what an author is told before anybody approves, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from anlan.model.text import Text
from anlan.model.warning import Contents, Warning
from anlan.warn.plain import eight_contents, reading_grade, remarks, syllables

NOW = datetime(2024, 7, 1, 6, tzinfo=UTC)
GOOD = Warning(
    id="W-1",
    risk="R-1",
    change="alert",
    status="draft",
    mode="Actual",
    scope="Public",
    hazard="flood",
    level=2,
    places=("x/a",),
    contents=Contents(
        category=Text("Natural disaster", "自然灾害"),
        starts=NOW,
        area=Text("Alpha", "甲县"),
        matters=Text("The river will rise above the dike tonight at 20:00.", "今晚 20 时,河水将漫过堤坝。"),
        measures=Text("Go to high ground now. Do not drive through water.", "请立即前往高处,切勿驾车涉水。"),
        issuer=Text("Office", "国家局"),
    ),
    headline=Text("Orange warning: flood in Alpha", "甲县洪水橙色预警"),
    drafted=NOW,
    expires=NOW + timedelta(days=1),
    organ="office",
    basis="act#5",
    author="ada",
)


def said(**texts: Text) -> Warning:
    headline = texts.pop("headline", GOOD.headline)
    return replace(GOOD, headline=headline, contents=replace(GOOD.contents, **texts))


def codes(warning: Warning) -> set[tuple[str, str, str]]:
    return {(one.code, one.field, one.language) for one in remarks(warning)}


def test_a_good_message_is_left_alone() -> None:
    assert remarks(GOOD) == ()
    assert all(there for _, there in eight_contents(GOOD))
    assert len(eight_contents(GOOD)) == 8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"measures": Text("The situation is monitored.", "局势受到密切监视。")},
         {("says_not_what_to_do", "measures", "en"), ("says_not_what_to_do", "measures", "zh")}),
        ({"matters": Text("Inundation is imminent.", "强对流即将来临。")},
         {("jargon", "matters", "en"), ("jargon", "matters", "zh")}),
        ({"matters": Text("Rain will begin soon.", "部分地区有雨。")},
         {("vague", "matters", "en"), ("vague", "matters", "zh")}),
        ({"matters": Text("The EOC has raised the QPF.", "指挥部发布 QPF。")},
         {("abbreviation", "matters", "en"), ("abbreviation", "matters", "zh")}),
        ({"matters": Text("{finding} at {area}", "水位 {value} 米")},
         {("placeholder_left", "matters", "en"), ("placeholder_left", "matters", "zh")}),
        ({"matters": Text("洪水", "flood")},
         {("wrong_language", "matters", "en"), ("wrong_language", "matters", "zh")}),
        ({"headline": Text("Exercise: flood", "演练:洪水")},
         {("exercise_word", "headline", "en"), ("exercise_word", "headline", "zh")}),
        ({"matters": Text("The " + "very " * 26 + "high river comes.", "河水" + "高" * 61 + "。")},
         {("long_sentence", "matters", "en"), ("hard_to_read", "matters", "en"),
          ("long_sentence", "matters", "zh"), ("hard_to_read", "matters", "zh")}),
    ],
)  # fmt: skip
def test_what_is_remarked(change: dict[str, Text], expected: set[tuple[str, str, str]]) -> None:
    assert codes(said(**change)) == expected


def test_a_headline_that_names_another_level_than_the_message_has_is_remarked() -> None:
    colours = {2: Text("Orange", "橙色"), 3: Text("Yellow", "黄色")}
    lowered = replace(GOOD, level=3)
    assert remarks(GOOD, colours) == ()
    assert [(one.code, one.text.en) for one in remarks(lowered, colours)] == [
        ("other_level_named", "the headline says Orange, the level is Yellow")
    ] * 2
    for headline in (
        Text("Lowered from orange to yellow: flood in Alpha", "甲县洪水预警由橙色降为黄色"),
        Text("Flood in Alpha", "甲县洪水预警"),
    ):
        assert remarks(replace(lowered, headline=headline), colours) == ()


def test_only_slips_stop_a_message() -> None:
    stopped = {
        one.code for one in remarks(said(matters=Text("{value} soon 洪水", "soon {value}"))) if one.stops
    }
    assert stopped == {"placeholder_left"}


def test_braces_of_a_unit_are_no_placeholder() -> None:
    words = {"matters": Text("An earthquake of 5.2 {magnitude}.", "发生 5.2 {magnitude} 地震。")}
    assert not [one for one in remarks(said(**words)) if one.stops]


def test_a_cancel_needs_no_measures() -> None:
    words = {"measures": Text("Nothing is said here.", "此处无话。")}
    assert codes(replace(said(**words), change="cancel", references=("W-0",))) == set()


def test_an_exercise_may_say_so() -> None:
    assert codes(replace(said(headline=Text("Exercise: flood", "演练:洪水")), mode="Exercise")) == set()


def test_the_grade_is_that_of_the_formula() -> None:
    # 6 words, 1 sentence, 6 syllables: 0.39 * 6 + 11.8 - 15.59
    assert reading_grade("The cat sat on the mat.") == pytest.approx(-1.45)
    assert reading_grade("") == 0.0
    assert [syllables(word) for word in ("water", "flooding", "little", "the", "area")] == [2, 2, 2, 1, 2]
