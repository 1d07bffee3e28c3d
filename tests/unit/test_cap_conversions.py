"""A message in other forms: nothing is lost on the way to JSON and back, wrappers keep its bytes,
announcements fit what their readers ask."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree

from anlan.formats import cap
from anlan.formats.cap import edxl, json_form, wis2
from anlan.formats.cap.container import open_bytes
from anlan.formats.cap.geojson import to_geojson
from anlan.formats.cap.schema import NAMESPACE
from anlan.formats.cap.signature import verify
from anlan.formats.cap.signing import sign
from anlan.formats.cap.times import write_time
from anlan.model.errors import InvalidValue, Unreadable
from signers import signer

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)
SQUARE = "30,110 30,111 31,111 31,110 30,110"


def alert(**changes: Any) -> cap.CapAlert:
    info = cap.CapInfo(
        ("Met",),
        "暴雨",
        "Expected",
        "Severe",
        "Likely",
        language="zh-CN",
        onset=NOW + timedelta(hours=1),
        expires=NOW + timedelta(hours=6),
        headline="暴雨红色预警",
        areas=(cap.CapArea("甲区", (SQUARE,)),),
    )
    return replace(
        cap.CapAlert("a1", "met@x.invalid", NOW, "Actual", "Alert", "Public", infos=(info,)), **changes
    )


def read(value: cap.CapAlert) -> cap.CapAlert:
    return cap.read(cap.write(value))


def test_every_field_of_the_model_has_its_place_in_json() -> None:
    for kind, table in json_form.TABLES.items():
        fields = {field.name for field in dataclasses.fields(kind)}
        assert {field for _, field, _ in table} == fields - {"version", "signatures", "faults", "raw"}


def test_every_message_of_the_corpus_comes_back_from_json_equal_and_with_its_bytes(shared: Path) -> None:
    compared = 0
    for path in sorted((shared / "corpus" / "cap").glob("*/*")):
        for item in open_bytes(path.read_bytes(), path.name):
            found = None if item.code else cap.examine(item.raw).alert
            if found is None:
                continue
            assert json_form.read_json(json_form.to_json(found)) == found, path.name
            assert json_form.from_json(json_form.to_json(found, original=True)) == item.raw
            compared += 1
    assert compared > 650


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.pop("cap"), "cap"),
        (lambda d: d.update(cap="2.0"), "1.0, 1.1 or 1.2"),
        (lambda d: d["alert"].pop("identifier"), "alert.identifier"),
        (lambda d: d["alert"].update(sent="yesterday"), "an instant"),
        (lambda d: d["alert"].update(identifer="x"), "identifer"),
        (lambda d: d["alert"]["info"][0].update(area={}), r"alert.info\[0\].area"),
        (lambda d: d["alert"]["info"][0]["area"][0].update(altitude="NaN"), "decimal"),
        (lambda d: d["alert"]["info"][0]["category"].append(1), "list of texts"),
        (lambda d: d.update(original="%"), "base64"),
        (lambda d: d["alert"].update(note="changed"), "another message"),
    ],
)
def test_json_that_does_not_fit_is_refused_by_its_key(change: Any, told: str) -> None:
    document = json_form.to_plain(read(alert()), original=True)
    change(document)
    with pytest.raises(Unreadable, match=told):
        json_form.read_json(json.dumps(document).encode())


def test_geojson_has_a_feature_for_each_area_with_rings_the_right_way_round() -> None:
    clockwise = " ".join(reversed(SQUARE.split()))
    second = cap.CapArea("named only", geocodes=(cap.CapPair("EMMA_ID", "AT001"),))
    first = replace(alert().infos[0], areas=(cap.CapArea("甲区", (clockwise,)), second))
    document = to_geojson([read(alert(infos=(first,)))])
    drawn, named = document["features"]
    ring = drawn["geometry"]["coordinates"][0]
    assert sum((b[0] - a[0]) * (b[1] + a[1]) for a, b in pairwise(ring)) < 0
    assert ring[0][0] >= 110, "longitude first"
    assert drawn["properties"]["event"] == "暴雨" and drawn["properties"]["geometryOutcome"] == "exact"
    assert named["geometry"] is None and named["properties"]["geometryOutcome"] == "unresolved"
    assert json.loads(json.dumps(document)) == document


def test_every_readable_message_of_the_corpus_has_a_geojson_form(shared: Path) -> None:
    raw = (shared / "corpus" / "cap" / "au-rfs" / "9f1fba2f-bushfire_valid.edxlde").read_bytes()
    alerts = [found for item in open_bytes(raw, "f") if (found := cap.examine(item.raw).alert)]
    features = to_geojson(alerts)["features"]
    assert len(features) == sum(len(info.areas) for one in alerts for info in one.infos) > 50
    assert all(feature["geometry"] for feature in features)


def test_a_wrapper_fits_the_schema_of_edxl_and_gives_back_every_byte(shared: Path) -> None:
    met = signer("met.invalid")
    plain = cap.write(alert())
    raw = [sign(plain, met.signing()), cap.write(alert(identifier="a2"))]
    wrapped = edxl.wrap(raw, id="d1", sender="relay & sons", sent=NOW)
    schema = etree.XMLSchema(etree.parse(shared / "reference" / "cap" / "edxlde-1.0.xsd"))
    tree = etree.fromstring(wrapped)
    assert schema.validate(tree), schema.error_log
    items = list(open_bytes(wrapped, "w"))
    assert [item.raw for item in items] == [one[one.index(b"<alert") :].rstrip() for one in raw]
    assert verify(items[0].raw).verdict == "integrity_only"


def test_a_wrapper_has_the_status_of_what_is_in_it() -> None:
    exercise = cap.write(alert(status="Exercise", note="drill"))
    assert b"<de:distributionStatus>Exercise<" in edxl.wrap([exercise], id="d", sender="s", sent=NOW)
    for messages in ([], [exercise, cap.write(alert())], [cap.write(alert(status="Draft"))]):
        with pytest.raises(InvalidValue):
            edxl.wrap(messages, id="d", sender="s", sent=NOW)


def findings(raw: bytes, profile: str) -> list[str]:
    """What is wrong with a wrapper by its own rules."""
    (wrapper, *_) = open_bytes(raw, "w", documents=(profile,))
    assert wrapper.code == "document" and wrapper.index is None
    return [finding.rule for finding in wrapper.findings]


def test_what_is_written_keeps_the_rules_of_what_messages_travel_in() -> None:
    one = read(alert())
    index = cap.write_feed([cap.feed_entry(one, "https://x.invalid/a")], id="i", title="t", updated=NOW)
    assert findings(index, "feeds") == []
    assert findings(index.replace(b"application/cap+xml", b"text/xml"), "feeds") == ["FEED-index"]
    wrapped = edxl.wrap([one.raw], id="d", sender="s", sent=NOW)
    assert findings(wrapped, "edxl-de") == []
    assert findings(wrapped.replace(b">Actual</de", b">Test</de"), "edxl-de") == ["DE-status"]
    told = wis2.encode(announced(one))
    assert findings(told, "wis2") == []
    assert findings(told.replace(b"canonical", b"via"), "wis2") == ["WIS2-links"]
    assert [item.raw for item in open_bytes(told, "n")] == [one.raw.partition(b"?>")[2]]


def announced(message: cap.CapAlert) -> dict[str, Any]:
    document = wis2.notification(
        message,
        href="https://cap.x.invalid/a1.cap.xml",
        centre="cn-cma",
        pubtime=NOW,
        metadata_id="urn:wmo:md:cn-cma:warnings",
    )
    # what the schema of the notification asks (wis2-notification-message, core)
    assert len(wis2.encode(document)) <= 8192
    assert UUID(document["id"]) and document["type"] == "Feature"
    assert document["conformsTo"] == ["http://wis.wmo.int/spec/wnm/1/conf/core"]
    properties = document["properties"]
    assert {"pubtime", "data_id", "metadata_id"} <= set(properties)
    assert ("datetime" in properties) != ("start_datetime" in properties and "end_datetime" in properties)
    assert properties["pubtime"].endswith("Z")
    integrity = base64.b64encode(hashlib.sha512(message.raw).digest()).decode()
    assert properties["integrity"] == {"method": "sha512", "value": integrity}
    assert [link["rel"] for link in document["links"]] == ["canonical"]
    assert document["geometry"] is None or document["geometry"]["type"] in ("Point", "Polygon")
    if "content" in properties:
        content = properties["content"]
        assert content["size"] == len(content["value"].encode()) <= 4096
        value = content["value"]
        packed = value.encode() if content["encoding"] == "utf-8" else base64.b64decode(value)
        held = gzip.decompress(packed) if content["encoding"] == "gzip" else packed
        assert held == message.raw
    return document


def test_a_notification_carries_a_small_message_and_packs_or_leaves_out_a_larger_one() -> None:
    assert announced(read(alert()))["properties"]["content"]["encoding"] == "utf-8"
    info = replace(alert().infos[0], description="word " * 2000)
    assert announced(read(alert(infos=(info,))))["properties"]["content"]["encoding"] == "gzip"
    noise = hashlib.shake_256(b"x").hexdigest(9000)
    assert "content" not in announced(read(alert(infos=(replace(info, description=noise),))))["properties"]


def test_a_notification_is_the_same_each_time_and_another_at_another_instant() -> None:
    first, second = announced(read(alert())), announced(read(alert()))
    assert first == second
    assert wis2.topic("cn-cma") == "origin/a/wis2/cn-cma/data/core/weather/advisories-warnings"
    with pytest.raises(InvalidValue):
        wis2.topic("CN/../x")


@pytest.mark.parametrize("href", ["/a1.cap.xml", "file:///srv/a1.cap.xml", "mailto:a@b.invalid"])
def test_a_notification_links_to_what_everybody_can_fetch(href: str) -> None:
    with pytest.raises(InvalidValue, match="not an absolute address"):
        wis2.notification(
            read(alert()), href=href, centre="cn-cma", pubtime=NOW, metadata_id="urn:wmo:md:x:y"
        )


def test_several_areas_become_one_envelope_and_an_unknown_one_no_geometry() -> None:
    far = cap.CapArea("b", ("40,120 40,121 41,121 41,120 40,120",))
    info = replace(alert().infos[0], areas=(alert().infos[0].areas[0], far))
    box = announced(read(alert(infos=(info,))))["geometry"]["coordinates"][0]
    assert {(110.0, 30.0), (121.0, 41.0)} <= {tuple(point) for point in box}
    named = replace(info, areas=(far, cap.CapArea("c", geocodes=(cap.CapPair("X", "1"),))))
    assert announced(read(alert(infos=(named,))))["geometry"] is None


def test_an_envelope_across_180_degrees_goes_not_round_the_earth() -> None:
    def outline(*polygons: str) -> Any:
        areas = tuple(cap.CapArea("a", (polygon,)) for polygon in polygons)
        return announced(read(alert(infos=(replace(alert().infos[0], areas=areas),))))["geometry"]

    fiji = "-16,177 -16,-178 -20,-178 -20,177 -16,177"
    guam, hawaii = "13,144 14,144 14,145 13,144", "19,-156 20,-156 20,-155 19,-156"
    assert outline(fiji) is None and outline(guam, hawaii) is None
    samoa, tahiti = "-13,-173 -14,-173 -14,-172 -13,-173", "-17,-150 -18,-150 -18,-149 -17,-150"
    assert {x for x, _ in outline(samoa, tahiti)["coordinates"][0]} == {-173.0, -149.0}
    lisbon, tokyo = "38,-10 39,-10 39,-9 38,-10", "35,139 36,139 36,140 35,139"
    assert {x for x, _ in outline(lisbon, tokyo)["coordinates"][0]} == {-10.0, 140.0}


def entries(*messages: cap.CapAlert) -> list[cap.FeedEntry]:
    return [cap.feed_entry(one, f"https://x.invalid/{one.identifier}", own=True) for one in messages]


def listed(at: datetime, *messages: cap.CapAlert) -> list[str]:
    raw = cap.write_feed(entries(*messages), id="https://x.invalid/feed", title="t", updated=at)
    links = [link for entry in cap.read_index(raw) for link in entry.links[:1]]
    assert b'type="application/cap+xml"' in raw or not links
    return [link.rpartition("/")[2] for link in links]


def test_an_index_lists_updates_and_cancels_and_drops_what_is_superseded_or_over() -> None:
    def follow(id: str, kind: str, minutes: int, *, sender: str = "met@x.invalid") -> cap.CapAlert:
        # some issuers repeat the new sent time where that of the earlier message belongs
        sent = NOW + timedelta(minutes=minutes)
        reference = cap.CapReference("met@x.invalid", "a1", sent.isoformat())
        return alert(identifier=id, msg_type=kind, sent=sent, sender=sender, references=(reference,))

    first, update, cancel = alert(), follow("a2", "Update", 5), follow("a3", "Cancel", 9)
    foreign = follow("f1", "Cancel", 3, sender="other@x.invalid")
    at = NOW + timedelta(minutes=10)
    assert listed(at, first) == ["a1"]
    assert listed(at, first, update) == ["a2"]
    assert listed(at, first, update, cancel) == ["a3", "a2"]
    assert listed(at, first, foreign) == ["f1", "a1"], "nobody takes the message of another off the list"
    assert listed(NOW + timedelta(hours=7), first, update, cancel) == []


def test_a_cancel_that_says_no_end_leaves_with_what_it_ended() -> None:
    reference = cap.CapReference("met@x.invalid", "a1", NOW.isoformat())
    bare = alert(identifier="c1", msg_type="Cancel", references=(reference,), infos=())
    soon, late = NOW + timedelta(minutes=10), NOW + timedelta(hours=7)
    assert listed(soon, alert(), bare) == ["c1"] and listed(late, alert(), bare) == []
    # nobody knows when what it ended would have been over
    assert listed(late, bare) == ["c1"]


def test_what_an_entry_says_in_the_words_of_cap_is_written_as_cap_writes_it() -> None:
    message = alert()
    raw = cap.write_feed(entries(message), id="https://x.invalid/feed", title="t", updated=NOW)
    root = etree.fromstring(raw)
    told = {node.tag.rpartition("}")[2]: node.text for node in root.iter(f"{{{NAMESPACE}}}*")}
    expires = message.infos[0].expires
    assert expires is not None
    assert (told["sent"], told["expires"]) == (write_time(message.sent), write_time(expires))


def test_an_entry_keeps_one_name_that_no_other_message_has() -> None:
    def named(*messages: cap.CapAlert, id: str = "https://x.invalid/feed") -> list[str]:
        raw = cap.write_feed(entries(*messages), id=id, title="t", updated=NOW)
        return [entry.id for entry in cap.read_index(raw)]

    one = alert()
    other, later = replace(one, sender="other@x.invalid"), replace(one, sent=NOW - timedelta(hours=1))
    assert len(set(named(one, other, later))) == 3
    (alone,) = named(one)
    assert alone in named(one, other, later) and one.sender in alone and one.identifier in alone
    zone = timezone(timedelta(hours=8))
    assert named(replace(one, sent=one.sent.astimezone(zone))) == [alone]
    assert named(one, id="https://x.invalid/#feed")[0].count("#") == 1


def test_an_exercise_takes_no_actual_warning_off_an_index() -> None:
    reference = cap.CapReference("met@x.invalid", "a1", NOW.isoformat())
    drill = alert(identifier="x1", msg_type="Cancel", status="Exercise", references=(reference,))
    assert sorted(listed(NOW + timedelta(minutes=10), alert(), drill)) == ["a1", "x1"]
    real = replace(drill, identifier="c1", status="Actual")
    assert sorted(listed(NOW + timedelta(minutes=10), alert(), drill, real)) == ["c1", "x1"]
