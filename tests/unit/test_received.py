"""What the hub keeps of a received message: its places, its content, what of it is to be doubted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from anlan.formats.cap import read, read_index
from anlan.model.indicator import SourceDef
from anlan.model.pack import GeocodeScheme, GeometryLayer, Pack
from anlan.model.relayed import Relayed, RelayedArea
from anlan.model.time import Validity
from anlan.packs.cover import covered
from anlan.sources.cap.policy import Policy
from anlan.sources.cap.received import Receiver, content_digest
from anlan.sources.cap.source import CapSource
from anlan.sources.tools import Tools
from chain_pack import DAY, both, chain_pack

NOW = datetime(2020, 6, 3, 6, tzinfo=UTC)
AREA = "<area><areaDesc>Alpha</areaDesc>{}</area>"


def cap(
    areas: str, *, extra: str = "", sender: str = "met@x.invalid", sent: str = "2020-06-03T05:00:00-00:00"
) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>a-1</identifier><sender>{sender}</sender>
<sent>{sent}</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>{extra}
<info><language>en-GB</language><category>Met</category><event>Storm</event><urgency>Expected</urgency>
<severity>Severe</severity><certainty>Likely</certainty><expires>2020-06-03T23:00:00-00:00</expires>
<headline>Storm is coming</headline>{areas}</info></alert>""".encode()


def square(x: float, y: float, side: float = 1.0) -> str:
    points = [(y, x), (y, x + side), (y + side, x + side), (y + side, x), (y, x)]
    return "<polygon>" + " ".join(f"{lat},{lon}" for lat, lon in points) + "</polygon>"


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """x/a is the square from (10, 50) to (12, 52), x/b from (12, 50) to (14, 52); x/a/1 the south-west
    quarter of x/a."""

    def layer(level: str, **squares: tuple[float, float, float]) -> GeometryLayer:
        features = [
            {
                "type": "Feature",
                "properties": {"code": code.replace("_", "/")},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]]],
                },
            }
            for code, (x, y, s) in squares.items()
        ]
        path = tmp_path / f"{level}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        return GeometryLayer(str(path), level, "code", "x/", "CC0-1.0", "test")

    layers = (layer("province", a=(10, 50, 2), b=(12, 50, 2)), layer("county", a_1=(10, 50, 1)))
    return replace(chain_pack(), geometry=layers)


def received(
    raw: bytes, pack: Pack, options: dict[str, Any] | None = None, policy: Policy | None = None
) -> Relayed:
    source = SourceDef("feed", both("feed"), "cap", "", both("feed"), DAY, DAY, options=options or {})
    receiver = Receiver(source)
    return receiver.receive(read(raw), NOW, "https://x.invalid/1", pack, policy or Policy()).message


def area(raw: bytes, pack: Pack, **options: Any) -> RelayedArea:
    return received(raw, pack, options).infos[0].areas[0]


def test_places_by_code_by_name_by_outline_by_the_source_or_not_at_all(pack: Pack) -> None:
    coded = cap(AREA.format("<geocode><valueName>ISO</valueName><value>A</value></geocode>"))
    assert area(coded, pack, geocode_map={"A": "x/a"}) == RelayedArea("Alpha", "geocode", ("x/a",))
    assert area(coded, pack, geocode_prefix={"ISO": "x/"}).by == "unresolved"
    named = cap(AREA.format(""))
    assert area(named, pack, area_map={"Alpha": "x/b"}) == RelayedArea("Alpha", "name", ("x/b",))
    drawn = cap(AREA.format(square(10, 50, 2)))
    assert area(drawn, pack) == RelayedArea("Alpha", "polygon", ("x/a",))
    away = cap(AREA.format(square(80, 10)))
    assert area(away, pack, place="x") == RelayedArea("Alpha", "source", ("x",))
    assert area(away, pack) == RelayedArea("Alpha", "unresolved")
    assert received(away, pack).unresolved


def test_an_outline_names_the_smallest_places_that_say_it(pack: Pack) -> None:
    # all of x/a and the western half of x/b
    both_ = area(cap(AREA.format(square(10, 50, 2) + square(12, 50, 1))), pack)
    assert (both_.places, both_.partial) == (("x/a", "x/b"), ("x/b",))
    # the county alone, not the province around it
    county = area(cap(AREA.format(square(10, 50, 1))), pack)
    assert (county.places, county.partial) == (("x/a/1",), ())
    # inside the county
    inside = area(cap(AREA.format("<circle>50.5,10.5 5</circle>")), pack)
    assert (inside.places, inside.partial) == (("x/a/1",), ("x/a/1",))
    # the border to a neighbour is not the neighbour
    assert covered(shapely.box(10, 50, 12.0001, 52), pack, NOW)[0] == ("x/a",)


def geocoded(*codes: tuple[str, str], sent: str = "2020-06-03T05:00:00-00:00") -> bytes:
    pairs = [f"<geocode><valueName>{n}</valueName><value>{v}</value></geocode>" for n, v in codes]
    return cap(AREA.format("".join(pairs)), sent=sent)


def test_codes_are_laid_on_the_ground_that_the_pack_says_they_had_when_the_message_was_sent(
    pack: Pack, tmp_path: Path
) -> None:
    def scheme(name: str, **squares: tuple[float, float, float] | None) -> GeocodeScheme:
        path = tmp_path / f"{name}.jsonl"
        rows = []
        for code, (x, y, side) in ((code, at) for code, at in squares.items() if at):
            ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
            row = {"code": code, "geometry": {"type": "Polygon", "coordinates": [ring]}}
            rows.append(json.dumps({**row, "valid_to": "2020-06-02"} if code == "OLD" else row))
        path.write_text("\n".join(rows))
        return GeocodeScheme(name, str(path), "CC0-1.0", "test", Validity())

    zones = scheme("ZONE", A=(10, 50, 2), B1=(12, 50, 1), OLD=(12, 50, 2))
    dated = replace(pack, digest="with codes", geocodes=(zones, scheme("CELL", A1=(10, 50, 1))))

    def areas(raw: bytes, **options: Any) -> tuple[RelayedArea, ...]:
        return received(raw, dated, options).infos[0].areas

    assert areas(geocoded(("ZONE", "A"))) == (RelayedArea("Alpha", "geocode", ("x/a",)),)
    assert areas(geocoded(("ZONE", "B1"))) == (RelayedArea("Alpha", "geocode", ("x/b",), ("x/b",)),)
    # abolished since, and still what a message of then meant
    assert areas(geocoded(("ZONE", "OLD")))[0].by == "unresolved"
    then = geocoded(("ZONE", "OLD"), sent="2020-06-02T05:00:00-00:00")
    assert areas(then) == (RelayedArea("Alpha", "geocode", ("x/b",)),)
    # another scheme beside one that is known whole says the same of the area
    assert areas(geocoded(("UGC", "Z9"), ("CELL", "A1"))) == (RelayedArea("Alpha", "geocode", ("x/a/1",)),)
    # a part that is not known is shown
    part = areas(geocoded(("ZONE", "A"), ("ZONE", "Q7")))
    assert [(one.by, one.places) for one in part] == [("geocode", ("x/a",)), ("unresolved", ())]
    assert "Q7" in part[1].description and received(geocoded(("ZONE", "A"), ("ZONE", "Q7")), dated).unresolved
    # several codes in one value
    assert areas(geocoded(("ZONE", "A B1")))[0].places == ("x/a", "x/b")
    # none is known
    assert areas(geocoded(("ZONE", "Q7"))) == (RelayedArea("Alpha", "unresolved"),)
    # what the source's own table lacks is looked up
    both_ = areas(geocoded(("ZONE", "A"), ("ZONE", "B1")), geocode_map={"A": "x/a"})
    assert [one.places for one in both_] == [("x/a",), ("x/b",)]
    third = areas(geocoded(("ZONE", "A"), ("ZONE", "B1"), ("ZONE", "Q7")), geocode_map={"A": "x/a"})
    assert [one.by for one in third] == ["geocode", "geocode", "unresolved"]
    # the source's own table goes before, its own place after
    assert areas(geocoded(("ZONE", "A")), geocode_map={"A": "x/b"})[0].places == ("x/b",)
    assert areas(geocoded(("ZONE", "A")), place="x")[0].places == ("x/a",)
    # a gazetteer that cannot be read costs no message
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{")
    bad = GeocodeScheme("ZONE", str(broken), "CC0-1.0", "test")
    found = received(geocoded(("ZONE", "A")), replace(dated, digest="broken", geocodes=(bad,)))
    assert found.infos[0].areas == (RelayedArea("Alpha", "unresolved"),)


def test_a_part_that_neither_tables_nor_shapes_tell_is_shown_beside_the_part_they_do(pack: Pack) -> None:
    def areas(raw: bytes, **options: Any) -> list[tuple[str, str, tuple[str, ...]]]:
        return [(a.by, a.description, a.places) for a in received(raw, pack, options).infos[0].areas]

    tables = {"geocode_map": {"A": "x/a", "B": "x/b"}}
    here = ("geocode", "Alpha", ("x/a",))
    assert areas(geocoded(("ZONE", "A"), ("ZONE", "Q7")), **tables) == [
        here, ("unresolved", "Alpha (ZONE Q7)", ()),
    ]  # fmt: skip
    assert areas(geocoded(("ZONE", "A"), ("UGC", "Z9")), **tables) == [here]
    assert areas(geocoded(("ZONE", "A B")), **tables) == [("geocode", "Alpha", ("x/a", "x/b"))]
    long_ = geocoded(("ZONE", "A"), ("ZONE", "Q7")).replace(b"Alpha", b"Alpha" * 200)
    assert areas(long_, **tables)[1][1].endswith("Alpha (ZONE Q7)")
    prefixed = {"geocode_prefix": {"ZONE": "x/"}}
    assert areas(geocoded(("ZONE", "a"), ("ZONE", "q")), **prefixed)[1][1] == "Alpha (ZONE q)"

    whole, odd = square(10, 50, 2), "<polygon>52;13 52;14 53;14 52;13</polygon>"
    assert areas(cap(AREA.format(whole + odd))) == [
        ("polygon", "Alpha", ("x/a",)), ("unresolved", "Alpha (polygon[2])", ()),
    ]  # fmt: skip
    # a place without extent is no part of the ground
    assert areas(cap(AREA.format(whole + "<circle>51,13 0</circle>"))) == [("polygon", "Alpha", ("x/a",))]
    assert areas(cap(AREA.format(odd))) == [("unresolved", "Alpha", ())]


def test_a_hole_written_as_a_code_is_cut_out_of_the_outline(pack: Pack) -> None:
    ring = "50,12 50,14 52,14 52,12 50,12"
    hole = f"<geocode><valueName>EXCLUDE_POLYGON</valueName><value>{ring}</value></geocode>"
    outer = "<polygon>50,10 50,14 52,14 52,10 50,10</polygon>"
    assert area(cap(AREA.format(outer)), pack).places == ("x/a", "x/b")
    assert area(cap(AREA.format(outer + hole)), pack) == RelayedArea("Alpha", "polygon", ("x/a",))


def test_content_is_the_same_in_another_wrapping_and_differs_by_a_word() -> None:
    plain = cap(AREA.format(""))
    prefixed = plain.replace(b' xmlns="', b' xmlns:cap="')
    prefixed = re.sub(rb"<(/?)([a-zA-Z]+)", rb"<\1cap:\2", prefixed.replace(b"<?xml", b"<?XML"))
    prefixed = prefixed.replace(b"<?XML", b"<?xml")
    assert b"<cap:identifier>" in prefixed
    assert content_digest(prefixed) == content_digest(plain)
    assert content_digest(plain.replace(b"\n", b"\r\n  ")) == content_digest(plain)
    assert content_digest(plain.replace(b"Storm is", b"Flood is")) != content_digest(plain)


def test_an_embedded_message_is_the_one_that_stands_alone() -> None:
    plain = cap(AREA.format(""))
    feed = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><entry><id>1</id><content type="text/xml">'
        + plain.split(b"?>\n", 1)[1]
        + b"</content></entry></feed>"
    )
    (entry,) = read_index(feed)
    assert content_digest(entry.cap[0]) == content_digest(plain)


def test_what_a_policy_does_not_take_is_kept_with_the_reason_and_counts_for_nothing(pack: Pack) -> None:
    raw = cap(AREA.format(square(10, 50)))
    assert received(raw, pack).held == ""
    late = received(cap(AREA.format(""), sent="2020-06-03T12:00:00-00:00"), pack)
    assert (late.held, "sent later than now" in late.why_held) == ("sent_in_future", True)
    other = received(raw, pack, policy=Policy(senders=("flood@x.invalid",)))
    assert other.held == "sender_not_expected"
    # a reference to others, or a scope that is not public, is for a duty room to see
    foreign = "<references>flood@x.invalid,z,2020-06-02T00:00:00-00:00</references>"
    assert received(cap(AREA.format(""), extra=foreign), pack).held == ""


def test_the_ends_of_the_calendar_are_no_trouble(pack: Pack) -> None:
    far = cap(AREA.format(""), sent="9999-12-31T23:59:59-05:00")
    assert received(far, pack).held == "sent_in_future"


def test_every_message_of_a_feed_reaches_the_hub_whatever_becomes_of_its_observations(tmp_path: Path) -> None:
    one = cap(AREA.format(""))
    drill = one.replace(b"a-1", b"a-2").replace(b"Actual", b"Exercise")
    entries = b"".join(
        b'<entry><id>%d</id><content type="text/xml">%b</content></entry>' % (n, raw.split(b"?>\n", 1)[1])
        for n, raw in enumerate((one, drill))
    )
    feed = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id>' + entries + b"</feed>"
    (tmp_path / "feed.atom").write_bytes(feed)
    options = {"file": str(tmp_path / "feed.atom"), "indicator": "stage", "area_map": {"Alpha": "x/a"}}
    definition = SourceDef("feed", both("feed"), "cap", "", both("feed"), DAY, DAY, options=options)
    source = CapSource(definition, Tools())
    batch = source.fetch(NOW, chain_pack())
    found = {item.message.identifier: item for item in batch.relayed}
    assert set(found) == {"a-1", "a-2"}
    assert found["a-1"].message.places == ("x/a",)
    assert (found["a-2"].message.status, found["a-2"].message.held) == ("Exercise", "")
    assert all(read(item.raw).identifier == id for id, item in found.items())
    assert batch.quarantined, "as observations they cannot be used, and that is said"
    # asked again, nothing of it is new
    assert source.fetch(NOW, chain_pack()).relayed == ()


def test_recorded_messages_come_to_the_hub_in_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    early = cap(AREA.format(""), sent="2020-06-02T05:00:00-00:00").replace(b"a-1", b"a-0")
    for name, raw in (("b.xml", early), ("a.xml", cap(AREA.format("")))):
        (tmp_path / name).write_bytes(raw)
    options = {"recorded": [str(tmp_path / "a.xml"), str(tmp_path / "b.xml")], "area_map": {"Alpha": "x/a"}}
    definition = SourceDef("feed", both("feed"), "cap", "", both("feed"), DAY, DAY, options=options)
    batches = list(CapSource(definition, Tools()).history(chain_pack()))
    told = [(batch.known, item.message.identifier) for batch in batches for item in batch.relayed]
    assert [name for _, name in told] == ["a-0", "a-1"]
    assert told == sorted(told)
