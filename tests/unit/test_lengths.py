"""Lengths are counted as the networks count them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from anlan.formats.lengths import cell_broadcast, fit, limit, limits, measure, sms, wea
from anlan.model.errors import NotFound


@pytest.mark.parametrize(
    ("text", "alphabet", "units"),
    [
        ("", "gsm7", 0),
        ("Flood", "gsm7", 5),
        ("5 € {x}", "gsm7", 10),
        ("é à ñ Ω", "gsm7", 7),
        ("ê", "ucs2", 1),
        ("洪水", "ucs2", 2),
        ("🌊", "ucs2", 2),
    ],
)
def test_a_text_is_counted_in_septets_or_ucs2_units(text: str, alphabet: str, units: int) -> None:
    length = measure(text)
    assert (length.alphabet, length.units) == (alphabet, units)


def test_the_characters_that_force_ucs2_are_named_once_each() -> None:
    assert measure("Fluß — “hoch” —").outside == ("—", "“", "”")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        # 153 is odd: an escaped septet does not fit into the last one, so 76 a part
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("水" * 70, 1),
        ("水" * 71, 2),
        ("水" * 134, 2),
        ("水" * 135, 3),
        ("🌊" * 35, 1),
        # 67 is odd: 33 pairs a part
        ("🌊" * 66, 2),
        ("🌊" * 67, 3),
    ],
)
def test_sms_parts_never_split_a_character(text: str, parts: int) -> None:
    assert sms(text).parts == parts


def test_a_text_of_more_parts_than_gateways_take_does_not_fit() -> None:
    assert sms("a" * 1530).fits
    assert not sms("a" * 1531).fits


@pytest.mark.parametrize(
    ("text", "pages", "fits"),
    [
        ("a" * 93, 1, True),
        ("a" * 94, 2, True),
        ("a" * 1395, 15, True),
        ("a" * 1396, 16, False),
        ("水" * 41, 1, True),
        ("水" * 615, 15, True),
        ("水" * 616, 16, False),
        # 41 is odd: 20 pairs a page, 300 in fifteen pages
        ("🌊" * 300, 15, True),
        ("🌊" * 301, 16, False),
    ],
)
def test_cell_broadcast_counts_pages(text: str, pages: int, fits: bool) -> None:
    found = cell_broadcast(text)
    assert (found.parts, found.fits) == (pages, fits)


def test_wea_takes_360_and_on_older_networks_90() -> None:
    assert wea("a" * 360).fits
    assert wea("a" * 361).over == 1
    assert wea("a" * 90, short=True).fits
    assert not fit("a" * 91, "wea", "short").fits
    assert wea("[" * 180).fits
    assert not wea("[" * 181).fits


def test_chat_limits_are_in_the_unit_of_the_service() -> None:
    assert fit("水" * 682, "wecom").fits
    assert fit("水" * 683, "wecom").over == 1
    assert fit("水" * 4096, "telegram").fits


def test_a_channel_without_a_limit_is_named_with_those_that_have_one() -> None:
    with pytest.raises(NotFound, match="no such limit"):
        fit("a", "pigeon")


def test_every_limit_has_its_source() -> None:
    assert all(row.limit > 0 and row.source.strip() for row in limits())
    assert len({(row.channel, row.form) for row in limits()}) == len(limits())


def test_the_limits_are_those_of_the_reference_table(shared: Path) -> None:
    with (shared / "reference/cap/channel_limits.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["channel"], row["what"]): row["limit"] for row in csv.DictReader(file)}
    cells = "cell broadcast (3GPP TS 23.041)"
    parts = rows[("SMS", "part of a long message, 7-bit / UCS-2")].split(" / ")
    pairs = {
        ("wea", "text"): rows[("WEA", "text")],
        ("wea", "short"): rows[("WEA", "text, older networks")],
        ("cell_broadcast", "pages"): rows[(cells, "pages in one message")],
        ("cell_broadcast", "gsm7"): rows[(cells, "whole message, 7-bit")],
        ("cell_broadcast", "ucs2"): rows[(cells, "whole message, UCS-2 (Chinese)")],
        ("sms", "gsm7"): rows[("SMS", "one part, 7-bit")],
        ("sms", "ucs2"): rows[("SMS", "one part, UCS-2 (Chinese)")],
        ("sms", "gsm7_part"): parts[0],
        ("sms", "ucs2_part"): parts[1],
        ("wis2", "message"): rows[("WIS2 notification", "message")],
        ("wis2", "inline"): rows[("WIS2 notification", "inline data")],
        ("cap", "headline"): rows[("CAP headline", "target")],
        ("google_public_alerts", "headline"): rows[("Google profile headline", "limit")],
    }
    assert {key: limit(*key).limit for key in pairs} == {key: int(value) for key, value in pairs.items()}
