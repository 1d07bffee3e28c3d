"""What is written is valid by the OASIS schema and reads back equal; our checker and the schema agree."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from anlan.formats import cap
from anlan.formats.cap import schema
from anlan.formats.cap.secure import parse
from anlan.formats.cap.times import read_time, write_time

words = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\n\r\t"
    ),
    max_size=40,
)
filled = words.filter(str.strip)
names = st.from_regex(r"[A-Za-z0-9._:@-]{1,30}", fullmatch=True)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(
    datetime.fromisoformat("2000-01-03"), datetime.fromisoformat("2100-12-01"), timezones=zones
).map(lambda instant: instant.replace(microsecond=0))
items = st.text(
    st.characters(categories=("L", "N", "P"), include_characters=" ", exclude_characters='"'), min_size=1
)
lists = st.lists(items.filter(str.strip), max_size=3).map(tuple)
# what has a comma or semicolon in it was a list written in another way
plain = items.filter(lambda item: item.strip() and not set(item) & {",", ";"})
addresses = st.lists(plain, min_size=1, max_size=3).map(tuple)
pairs = st.lists(st.builds(cap.CapPair, filled, filled), max_size=3).map(tuple)


def numbers(limit: int) -> st.SearchStrategy[str]:
    return st.decimals(-limit, limit, places=5).map(lambda number: f"{number:f}")


points = st.tuples(numbers(90), numbers(180)).map(",".join)
# simple by construction: the corners of a square that the numbers stretch
rings = st.tuples(st.integers(-8900, 8800), st.integers(-17900, 17800), st.integers(1, 90)).map(
    lambda box: " ".join(
        f"{lat / 100},{lon / 100}"
        for lat, lon in (
            (box[0], box[1]),
            (box[0] + box[2], box[1]),
            (box[0] + box[2], box[1] + box[2]),
            (box[0], box[1] + box[2]),
            (box[0], box[1]),
        )
    )
)
circles = st.tuples(points, st.integers(1, 20000).map(str)).map(" ".join)
heights = st.tuples(st.integers(0, 9000), st.integers(0, 9000)).map(
    lambda pair: (Decimal(pair[0]), Decimal(pair[0] + pair[1]) / 4 + pair[0])
)
areas = st.builds(
    lambda description, polygons, circles, geocodes, height: cap.CapArea(
        description, tuple(polygons), tuple(circles), geocodes, *(height or (None, None))
    ),
    filled,
    st.lists(rings, max_size=2),
    st.lists(circles, max_size=2),
    pairs,
    st.none() | heights,
)
resources = st.builds(
    cap.CapResource,
    filled,
    st.sampled_from(["image/png", "application/cap+xml", "text/plain; charset=utf-8"]),
    st.none() | st.integers(0, 10**12),
    st.sampled_from(["", "https://drill.invalid/map.png?a=1#b"]),
    st.sampled_from(["", "ZHJpbGw="]),
    st.sampled_from(["", hashlib.sha1(b"drill").hexdigest()]),
)
infos = st.builds(
    cap.CapInfo,
    categories=st.lists(st.sampled_from(schema.CATEGORY), min_size=1, max_size=3).map(tuple),
    event=filled,
    urgency=st.sampled_from(schema.URGENCY),
    severity=st.sampled_from(schema.SEVERITY),
    certainty=st.sampled_from(schema.CERTAINTY),
    language=st.sampled_from(["en-US", "zh-CN", "fr", "sr-Latn-RS"]),
    response_types=st.lists(st.sampled_from(schema.RESPONSE_TYPE), max_size=2).map(tuple),
    audience=words,
    event_codes=pairs,
    effective=st.none() | times,
    onset=st.none() | times,
    expires=st.none() | times,
    sender_name=words,
    headline=words,
    description=words,
    instruction=words,
    web=st.sampled_from(["", "https://drill.invalid/w/1"]),
    contact=words,
    parameters=pairs,
    resources=st.lists(resources, max_size=2).map(tuple),
    areas=st.lists(areas, max_size=2).map(tuple),
)


@st.composite
def alerts(draw: st.DrawFn) -> cap.CapAlert:
    sent = draw(times)
    earlier = st.builds(
        lambda sender, identifier, hours: cap.CapReference(
            sender, identifier, write_time(sent - timedelta(hours=hours))
        ),
        names,
        names,
        st.integers(1, 1000),
    )
    msg_type = draw(st.sampled_from(schema.MSG_TYPE))
    scope = draw(st.sampled_from(schema.SCOPE))
    return cap.CapAlert(
        identifier=draw(names),
        sender=draw(names),
        sent=sent,
        status=draw(st.sampled_from(schema.STATUS)),
        msg_type=msg_type,
        scope=scope,
        source=draw(words),
        restriction=draw(filled) if scope == "Restricted" else "",
        addresses=draw(addresses) if scope == "Private" else (),
        codes=tuple(draw(st.lists(words, max_size=2))),
        note=draw(words),
        references=tuple(draw(st.lists(earlier, min_size=0 if msg_type == "Alert" else 1, max_size=3))),
        incidents=draw(lists),
        infos=tuple(draw(st.lists(infos, max_size=2))),
    )


@pytest.fixture(scope="module")
def xsd(shared: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared / "reference" / "cap" / "CAP-v1.2.xsd"))


@settings(max_examples=150, deadline=None)
@given(alert=alerts())
def test_what_is_written_reads_back_equal_and_is_valid_by_the_schema(
    alert: cap.CapAlert, xsd: etree.XMLSchema
) -> None:
    raw = cap.write(alert)
    assert cap.read(raw) == alert
    assert cap.examine(raw).publishable
    assert cap.check(raw) == cap.check(alert)
    assert xsd.validate(etree.fromstring(raw)), xsd.error_log
    assert cap.write(cap.read(raw)) == raw


@settings(max_examples=200, deadline=None)
@given(instant=times)
def test_a_time_is_written_with_a_numeric_offset_and_utc_as_minus_zero(instant: datetime) -> None:
    text = write_time(instant)
    assert read_time(text) == instant
    assert "Z" not in text
    assert write_time(instant.astimezone(UTC)).endswith("-00:00")


SHA1_OF_A = "6dcd4ce23d88e2ee9568ba546c007c63d9131c1b"
ODD_VALUES = [
    "", " ", "Actual", " Actual", "Exercise", "Public", "Met", "2024-02-30T00:00:00+08:00",
    "2024-02-29T24:00:00-00:00", "2024-02-28T23:59:60+00:00", "2024-02-28T10:00:00Z",
    "2024-02-28T10:00:00", "2024-02-28T10:00:00+14:01", "2024-02-28T10:00:00+14:00",
    " 2024-02-28T10:00:00-00:00\n", "2024-02-28T10:00:00.5-00:00", "0000-01-01T00:00:00+00:00",
    "0001-01-01T00:00:00+14:00", "2024-02-28T24:00:01+00:00", "2024-02-28T10:00:00,08:00",
    "\uff12\uff10\uff12\uff14-02-28T10:00:00+00:00", "12024-02-28T10:00:00+00:00", "en", "en-US",
    "x-klingon", "abcdefghi", "zh_CN", " fr ", "12", "-12", "+3", " 7 ", "1.5", "1.", ".5", "1e3",
    "NaN", "INF", "\u0661\u0662", "+", "-.", "http://a.invalid/b c", "a b", "http://[::1]/",
    "http://a:port/", "::", "%zz", "%41", "a:b:c", "//", "///a", "?q", "#f", "#f#g", "1a:b",
    "http://\u00e9/", "<>", "mailto:a@b.invalid", "[", "http://a]/", "http://u@v@w/", "a%",
    "http://h:/x", "://x", "x:", "/a?[b]#[c]", "`'^|",
]  # fmt: skip


def mutated(root: etree._Element, roll: random.Random) -> None:
    """One or two changes of the kinds that senders make."""
    for _ in range(roll.choice([1, 1, 2])):
        elements = [node for node in root.iter(etree.Element) if node is not root]
        node = roll.choice(elements)
        parent = node.getparent()
        change = roll.randrange(9)
        if change == 0:
            parent.remove(node)
        elif change == 1:
            parent.insert(roll.randrange(len(parent) + 1), etree.fromstring(etree.tostring(node)))
        elif change == 2:
            parent.insert(roll.randrange(len(parent)), node)
        elif change in (3, 4, 5):
            leaf = roll.choice([n for n in elements if not len(n)])
            leaf.text = roll.choice(ODD_VALUES)
        elif change == 6:
            node.set(roll.choice(["lang", "{http://www.w3.org/XML/1998/namespace}lang", "xmlns2"]), "en")
        elif change == 7:
            roll.choice(elements).append(
                etree.Element(roll.choice(["{urn:x}y", f"{{{schema.NAMESPACE}}}info", "z"]))
            )
        else:
            node.tail = roll.choice(["text", " \n", "&"])


@pytest.mark.parametrize("seed", range(8))
def test_the_checker_and_the_schema_agree_on_damaged_messages(seed: int, xsd: etree.XMLSchema) -> None:
    roll = random.Random(seed)
    instant = datetime(2024, 7, 12, 21, 31, 38, tzinfo=timezone(timedelta(hours=8)))
    info = cap.CapInfo(
        ("Met", "Safety"),
        "flood",
        "Immediate",
        "Severe",
        "Likely",
        response_types=("Avoid",),
        event_codes=(cap.CapPair("n", "v"),),
        effective=instant,
        onset=instant,
        expires=instant,
        web="http://a.invalid/",
        parameters=(cap.CapPair("n", "v"),),
        resources=(cap.CapResource("d", "text/plain", 1, "http://a.invalid/", "QQ==", SHA1_OF_A),),
        areas=(
            cap.CapArea(
                "a", ("1,1 1,2 2,2 1,1",), ("1,1 3",), (cap.CapPair("n", "v"),), Decimal(1), Decimal(2)
            ),
        ),
    )
    alert = cap.CapAlert(
        "I1",
        "drill.invalid",
        instant,
        "Actual",
        "Alert",
        "Public",
        "s",
        "",
        ("a", "b c"),
        ("c",),
        "n",
        (),
        ("i",),
        (info, replace(info, language="zh-CN")),
    )
    whole = cap.write(alert)
    for _ in range(400):
        root = parse(whole)
        mutated(root, roll)
        raw = etree.tostring(root)
        found = cap.examine(raw)
        published = xsd.validate(etree.fromstring(raw))
        assert found.valid == published, (raw.decode(), xsd.error_log)
        # the schema's verdict is one finding; the checker written by hand must say what and where
        told = [fault for fault in found.findings if fault.schema]
        assert (len(told) >= 2 and told[0].rule == "X-xsd") != published, (raw.decode(), told)
