"""How the console writes periods, numbers and units."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from anlan.web.periods import period
from anlan.web.screen import digits, half, unit_words

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@pytest.mark.parametrize(
    ("at", "step", "zone", "said"),
    [
        ("2012-12-31T00:00", WEEK, "UTC", "2012-12-31 (2013-W01)"),
        ("2021-01-04T00:00", WEEK, "Asia/Shanghai", "2021-01-04 (2021-W01)"),
        ("2012-12-30T00:00", WEEK, "UTC", "2012-12-30"),  # a week that begins on a Sunday has no ISO number
        ("2015-12-29T16:00", DAY, "UTC", "2015-12-30"),  # midnight in Beijing, read in Greenwich
        ("2015-12-30T00:00", DAY, "Asia/Shanghai", "2015-12-30"),
        ("2015-12-30T05:00", DAY, "America/New_York", "2015-12-30"),
        ("2015-12-30T12:00", DAY, "UTC", "2015-12-30"),
        ("2015-12-30T00:00", None, "UTC", "2015-12-30"),
        ("2015-12-29T16:00", timedelta(hours=1), "Asia/Shanghai", "2015-12-30 00:00"),
    ],
)
def test_a_period_has_the_name_that_people_give_it(
    at: str, step: timedelta | None, zone: str, said: str
) -> None:
    assert period(datetime.fromisoformat(at).replace(tzinfo=UTC), step, ZoneInfo(zone)) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (41.0, "41"),
        (12345.0, "12,345"),
        (12345.6, "12,346"),
        (3.51432, "3.514"),
        (-8.8012, "−8.801"),
        (0.000012, "1.20×10⁻⁵"),
    ],
)
def test_a_number_has_four_digits_and_no_powers_where_none_are_needed(value: float, said: str) -> None:
    assert digits(value) == said


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("ug/m3", "µg/m³"),
        ("m3/s", "m³/s"),
        ("{case}", "cases"),
        ("mm", "mm"),
        ("1", ""),
        ("%", "%"),
        ("USD/t", "USD/t"),
    ],
)
def test_a_unit_is_written_as_people_write_it(symbol: str, said: str) -> None:
    assert unit_words(symbol, "en") == said


def texts(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield f"{path}{key}", value
        else:
            yield from texts(value, f"{path}{key}.")


#: a half-width mark beside a Chinese character, another mark, or a placeholder in a Chinese sentence
HALF_WIDTH = re.compile(
    "[\u4e00-\u9fff，。：；、（）][,:;()]|[,:;()] ?[\u4e00-\u9fff，。：；、（）{]|}[,:;()]"
)


def test_chinese_texts_have_chinese_punctuation() -> None:
    found = tomllib.loads(files("anlan.web").joinpath("messages/zh.toml").read_text("utf-8"))
    chinese = {key: text for key, text in texts(found) if re.search("[\u4e00-\u9fff]", text)}
    assert len(chinese) > 500
    assert {key: text for key, text in chinese.items() if HALF_WIDTH.search(text)} == {}


@pytest.mark.parametrize(
    ("basis", "language", "said"),
    [
        ("practice / 惯例: covers its rain / 涵盖其降雨", "zh", "惯例：涵盖其降雨"),
        ("practice / 惯例: covers its rain / 涵盖其降雨", "en", "practice: covers its rain"),
        ("act-2010#5", "zh", "act-2010#5"),
        ("either / or", "zh", "either / or"),
    ],
)
def test_a_basis_in_both_languages_is_read_in_one(basis: str, language: str, said: str) -> None:
    assert half(basis, language) == said
