"""What CAP travels in keeps its own rules: indexes, EDXL-DE distributions, WIS2 notifications."""

from __future__ import annotations

import csv
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from anlan.formats.cap import xsd
from anlan.formats.cap.profiles.documents import check_distribution, check_feed, check_notification
from anlan.formats.cap.secure import parse

FEED = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">
<entry><id>1</id><link type="application/cap+xml" href="1.cap"/>
<cap:expires>2024-07-12T23:30:00+08:00</cap:expires></entry></feed>"""
CAP = '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><status>Actual</status></alert>'
EDXL = f"""<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0">
<distributionID>1</distributionID><senderID>s</senderID><dateTimeSent>2024-07-12T21:29:00+08:00</dateTimeSent>
<distributionStatus>Actual</distributionStatus><distributionType>Report</distributionType>
<combinedConfidentiality>none</combinedConfidentiality><contentObject><xmlContent><embeddedXMLContent>{CAP}
</embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>"""
NOTICE: dict[str, Any] = {
    "id": "31e9d66a-cd83-4174-9429-b932f1abe1be",
    "geometry": None,
    "properties": {
        "pubtime": "2024-07-12T13:29:00Z",
        "integrity": {"method": "sha256", "value": "QQ=="},
        "content": {"encoding": "utf-8", "size": 3, "value": "abc"},
    },
    "links": [{"rel": "canonical", "href": "https://drill.invalid/1"}],
}
WNM = "http://def.wmo.int/def/rel/wnm/-/"
TOPIC = "origin/a/wis2/centre/data/core/weather/advisories-warnings"


def test_documents_that_keep_their_rules_have_no_finding() -> None:
    assert list(check_feed(parse(FEED.encode()))) == []
    assert list(check_distribution(parse(EDXL.encode()))) == []
    assert list(check_notification(json.dumps(NOTICE).encode(), TOPIC)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('type="application/cap+xml" ', "", "FEED-index"),
        ('<link type="application/cap+xml" href="1.cap"/>', "", "FEED-index"),
        ("</entry>", '<link type="application/cap+xml" href="2.cap"/></entry>', "FEED-index"),
        ("2024-07-12T23:30:00+08:00", "Fri, 12 Jul 2024 下午11:30", "FEED-first"),
    ],
)
def test_an_index_that_breaks_a_rule_is_told(old: str, new: str, rule: str) -> None:
    assert {fault.rule for fault in check_feed(parse(FEED.replace(old, new).encode()))} == {rule}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<senderID>s</senderID>", "", "DE-wrap"),
        ("<embeddedXMLContent>", "<other>", "DE-wrap"),
        ("<distributionStatus>Actual", "<distributionStatus>Test", "DE-status"),
        ("<distributionStatus>Actual", "<distributionStatus>Draft", "DE-status"),
    ],
)
def test_a_distribution_that_breaks_a_rule_is_told(old: str, new: str, rule: str) -> None:
    text = EDXL.replace(old, new)
    if new == "<other>":
        text = text.replace("</embeddedXMLContent>", "</other>")
    assert {fault.rule for fault in check_distribution(parse(text.encode()))} == {rule}
    assert [fault.rule for fault in check_distribution(parse(FEED.encode()))] == ["DE-wrap"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"id": "1"}, "WIS2-id"),
        ({"id": "31e9d66acd8341749429b932f1abe1be"}, "WIS2-id"),
        ({"geometry": {"type": "MultiPolygon"}}, "WIS2-geometry"),
        ({"links": []}, "WIS2-links"),
        ({"links": [{"rel": "canonical"}, {"rel": "update"}]}, "WIS2-links"),
        ({"links": [{"rel": "canonical"}, {"rel": f"{WNM}deletion"}]}, "WIS2-links"),
        ({"links": [{"rel": "https://other.invalid/update"}]}, "WIS2-links"),
        ({"properties": {"pubtime": "2024-07-12T21:29:00+08:00"}}, "WIS2-pubtime"),
        ({"properties": {"pubtime": "2024-13-12T21:29:00Z"}}, "WIS2-pubtime"),
        (
            {
                "properties": {
                    "pubtime": "2024-07-12T13:29:00Z",
                    "integrity": {"method": "md5", "value": "QQ=="},
                }
            },
            "WIS2-integrity",
        ),
        (
            {"properties": {"pubtime": "2024-07-12T13:29:00Z", "content": {"value": "a" * 4097}}},
            "WIS2-inline",
        ),
        ({"note": "a" * 8192}, "WIS2-size"),
    ],
)
def test_a_notification_that_breaks_a_rule_is_told(change: dict[str, Any], rule: str) -> None:
    raw = json.dumps(NOTICE | change).encode()
    assert {fault.rule for fault in check_notification(raw, TOPIC)} == {rule}


@pytest.mark.parametrize("kind", ["canonical", "update", "deletion", f"{WNM}update", f"{WNM}deletion"])
def test_a_notification_says_by_one_link_whether_it_is_new(kind: str) -> None:
    links = [{"rel": kind, "href": "https://x"}, {"rel": "item", "href": "https://y"}]
    assert not list(check_notification(json.dumps(NOTICE | {"links": links}).encode(), TOPIC))


def test_a_notification_on_another_topic_or_of_no_form_is_told() -> None:
    raw = json.dumps(NOTICE).encode()
    assert [fault.rule for fault in check_notification(raw, "origin/a/wis2/centre/data/core/ocean")] == [
        "WIS2-topic"
    ]
    for broken in (b"", b"[]", b"null", b"\xff"):
        assert [fault.rule for fault in check_notification(broken)] == ["WIS2-id"]


def test_real_distributions_keep_the_form_and_real_indexes_are_checked(shared: Path) -> None:
    corpus = shared / "corpus" / "cap"
    with (corpus / "index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told: dict[str, set[str]] = {}
    for row in rows:
        if row["kind"] in ("edxl", "feed"):
            root = parse((corpus / row["file"]).read_bytes())
            check = check_feed if row["kind"] == "feed" else check_distribution
            told[row["file"]] = {fault.rule for fault in check(root)}
    assert {rule for rules in told.values() for rule in rules} <= {
        "FEED-index",
        "FEED-first",
        "DE-wrap",
        "DE-status",
    }
    assert len(told) == sum(row["kind"] in ("edxl", "feed") for row in rows)


def test_what_the_schema_says_to_one_thread_is_not_what_it_says_to_another() -> None:
    """The courier's threads examine at the same time: a validator shared by two ends the process."""
    space = "urn:oasis:names:tc:emergency:cap:1.2"

    def refused(name: str) -> str:
        root = etree.fromstring(f'<alert xmlns="{space}"><{name}/></alert>')
        assert not xsd.validate(root, "1.2")
        # all have been refused something before any asks what it was
        together.wait(10)
        return xsd.refusal("1.2")

    names = [f"stray{n}" for n in range(6)]
    together = threading.Barrier(len(names))
    with ThreadPoolExecutor(len(names)) as pool:
        told = list(pool.map(refused, names))
    assert all(name in said for name, said in zip(names, told, strict=True))
