"""Rules of CAP that are no finding of one message: how the reader takes what they are about, and what
looks at the others."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from anlan.formats import cap
from anlan.formats.cap.geojson import to_geojson
from anlan.formats.cap.relay import without_content
from anlan.formats.cap.rulebook import profile_rules, rules
from anlan.formats.cap.signature import verify
from anlan.formats.cap.signing import sign
from anlan.formats.cap.trust import Anchor, Trust
from anlan.formats.cap.wis2 import notification
from anlan.model.errors import InvalidValue
from signers import signer

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SQUARE = "30,110 30,111 31,111 31,110 30,110"
OFFICE, RELAY = signer("office.invalid"), signer("relay.invalid")


def area(*shapes: str, circle: str = "", code: str = "", more: str = "") -> str:
    drawn = "".join(f"<polygon>{shape}</polygon>" for shape in shapes)
    drawn += f"<circle>{circle}</circle>" if circle else ""
    named = f"<geocode><valueName>X</valueName><value>{code}</value></geocode>" if code else ""
    return f"<area><areaDesc>a</areaDesc>{drawn}{named}{more}</area>"


def message(*areas: str, head: str = "", texts: str = "", inside: str = "", kind: str = "Alert") -> bytes:
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>m1</identifier>'
        "<sender>s@office.invalid</sender><sent>2026-06-01T08:00:00+08:00</sent><status>Actual</status>"
        f"<msgType>{kind}</msgType><scope>Public</scope>{head}<info><category>Met</category>"
        "<event>storm</event><urgency>Future</urgency><severity>Severe</severity>"
        f"<certainty>Likely</certainty>{texts}<expires>2026-06-01T20:00:00+08:00</expires>{inside}"
        f"{''.join(areas) or area(SQUARE)}</info></alert>"
    ).encode()


def info(raw: bytes) -> cap.CapInfo:
    found = cap.examine(raw)
    assert found.findings == () and found.alert is not None
    return found.alert.infos[0]


def language() -> None:
    assert info(message()).language == "en-US"


def effective() -> None:
    """What is not said is not made up: it holds from when it was sent, as a notification of it says."""
    assert info(message()).effective is None
    told = notification(
        cap.read(message()),
        href="https://x.invalid/1",
        centre="cn-cma",
        pubtime=NOW,
        metadata_id="urn:wmo:md:x:y",
    )
    assert told["properties"]["start_datetime"] == "2026-06-01T00:00:00Z"


def onset() -> None:
    found = info(message(texts="<onset>2026-06-02T08:00:00+08:00</onset>"))
    assert found.onset is not None and found.expires is not None and found.onset > found.expires


def texts() -> None:
    bare = info(message())
    assert (bare.sender_name, bare.description, bare.instruction) == ("", "", "")


def several_areas() -> None:
    raw = message(area(SQUARE), area("40,110 40,111 41,111 41,110 40,110"))
    assert cap.examine(raw).ground().geometry.area == 2


def union() -> None:
    raw = message(area(SQUARE, "30,111 30,112 31,112 31,111 30,111", circle="50,110 10"))
    parts = cap.examine(raw).ground().geometry.geoms
    assert sorted(round(part.area) for part in parts) == [0, 2]


def winding() -> None:
    for ring in (SQUARE, " ".join(reversed(SQUARE.split()))):
        (feature,) = to_geojson([cap.read(message(area(ring)))])["features"]
        corners = feature["geometry"]["coordinates"][0]
        twice = sum(x * v - u * y for (x, y), (u, v) in pairwise(corners))
        assert twice == 2, "anticlockwise, a square degree"


def antimeridian() -> None:
    ground = cap.examine(message(area("10,179 10,-179 12,-179 12,179 10,179"))).ground()
    assert ground.geometry.area == 4 and len(ground.geometry.geoms) == 2


def altitude() -> None:
    (one,) = info(message(area(SQUARE, more="<altitude>100</altitude><ceiling>250.5</ceiling>"))).areas
    assert (float(one.altitude or 0), float(one.ceiling or 0)) == (100, 250.5)


def drawn_before_codes() -> None:
    for head, outcome in (("<code>profile:CAP-CP:0.4</code>", "geocodes_beside"), ("", "unknown_geocodes")):
        ground = cap.examine(message(area(SQUARE, code="1"), head=head)).ground()
        assert ground.geometry.area == 1 and [record.code for record in ground.records] == [outcome]


def trusting() -> Trust:
    return Trust((Anchor("s@office.invalid", OFFICE.certificate),))


def unverified() -> None:
    """It is read, and its reader is told."""
    raw = sign(message(), OFFICE.signing()).replace(b"xmldsig-more#rsa-sha256", b"xmldsig-more#rsa-whirlpool")
    assert cap.examine(raw).alert is not None
    found = verify(raw, "s@office.invalid", trusting(), at=NOW)
    assert (found.verdict, found.code) == ("unsigned", "signature_unknown")


def several_signatures() -> None:
    raw = sign(sign(message(), OFFICE.signing()), RELAY.signing())
    found = verify(raw, "s@office.invalid", trusting(), at=NOW)
    assert found.verdict == "authenticated"
    assert [one.form for one in found.signatures] == ["other signatures taken out", "as it stands"]


def trust() -> None:
    raw = sign(message(), RELAY.signing())
    assert verify(raw, "s@office.invalid", trusting(), at=NOW).verdict == "integrity_only"


def stripped() -> None:
    raw = sign(message(), OFFICE.signing()).replace(b"><", b">\n<")
    (one,) = verify(raw, "s@office.invalid", trusting(), at=NOW).signatures
    assert one.form == "blanks between elements taken out"


RESOURCE = (
    "<resource><resourceDesc>map</resourceDesc><mimeType>image/png</mimeType>"
    "<uri>https://x.invalid/map.png</uri><derefUri>QUFB</derefUri></resource>"
)


def content() -> None:
    raw = message(inside=RESOURCE)
    done = without_content(raw)
    assert done.raw == raw.replace(b"<derefUri>QUFB</derefUri>", b"") and (done.taken, done.bare) == (1, 0)
    assert cap.examine(done.raw).findings == () and not done.signed
    assert without_content(message()).raw == message()
    for odd in ("<![CDATA[QUFB]]>", "QU<!-- -->FB"):
        again = without_content(message(inside=RESOURCE.replace("QUFB", odd)))
        assert b"derefUri" not in again.raw and cap.examine(again.raw).findings == ()
    packed = without_content(raw.decode().replace("storm", "暴雨").encode("utf-16"))
    assert cap.read(packed.raw).infos[0].event == "暴雨" and b"derefUri" not in packed.raw
    bare = without_content(message(inside=RESOURCE.replace("<uri>https://x.invalid/map.png</uri>", "")))
    assert bare.bare == 1 and [one.rule for one in cap.examine(bare.raw).findings] == ["R-no-content"]
    assert without_content(sign(raw, OFFICE.signing())).signed


def producer() -> None:
    broken = cap.read(message(area("30,110 30,111 31,111 31,110")))
    with pytest.raises(InvalidValue, match="would not"):
        cap.write(broken)


#: rule -> what shows it here, or the test that does
SHOWN: dict[str, Callable[[], None] | str] = {
    "I-language-default": language,
    "I-effective-default": effective,
    "I-onset-before-expires": onset,
    "I-senderName": texts,
    "I-description": texts,
    "I-instruction": texts,
    "G-multi": several_areas,
    "G-union": union,
    "G-polygon-winding": winding,
    "G-antimeridian": antimeridian,
    "G-altitude": altitude,
    "CA-precedence": drawn_before_codes,
    "S-unverified": unverified,
    "S-several": several_signatures,
    "S-trust": trust,
    "CA-two-signatures": several_signatures,
    "WMO-sign": stripped,
    "R-deref-strip": content,
    "C-producer": producer,
    "A-identifier-unique": "test_cap_together::test_the_hostile_copy_with_other_text_is_told",
    "A-update": "test_hub::test_an_update_replaces_what_it_names_and_a_cancel_ends_it",
    "A-cancel": "test_hub::test_an_update_replaces_what_it_names_and_a_cancel_ends_it",
    "A-private": "test_bulletin::test_no_exercise_test_draft_or_restricted_message_is_on_any_file",
    "AU-wrapper": "test_cap_containers::test_every_wrapper_gives_its_messages_in_order",
    "DE-json": "test_cap_containers::test_notifications_one_a_line_give_the_messages_in_them",
    "FEED-index": "test_cap_documents::test_an_index_that_breaks_a_rule_is_told",
    "FEED-first": "test_cap_documents::test_an_index_that_breaks_a_rule_is_told",
    "FEED-new-entry": "test_cap_conversions::test_an_entry_keeps_one_name_that_no_other_message_has",
    "FEED-vanish": "test_hub_memory::test_a_restart_tells_nothing_twice_although_the_cancel_is_off_the_feed",
    "FEED-same": "test_hub::test_the_same_message_by_two_feeds_is_one_and_names_both",
    "FEED-polite": "test_poll::test_what_has_not_changed_is_not_sent_again",
    "DE-wrap": "test_cap_documents::test_a_distribution_that_breaks_a_rule_is_told",
    "DE-status": "test_cap_documents::test_a_distribution_that_breaks_a_rule_is_told",
    "WIS2-topic": "test_cap_documents::test_a_notification_on_another_topic_or_of_no_form_is_told",
    **dict.fromkeys(
        (f"WIS2-{name}" for name in ("size", "inline", "id", "pubtime", "links", "geometry", "integrity")),
        "test_cap_documents::test_a_notification_that_breaks_a_rule_is_told",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", [rule for rule, shown in SHOWN.items() if not isinstance(shown, str)])
def test_a_rule_that_is_no_finding_is_kept_by_whoever_looks_at_it(rule: str) -> None:
    shown = SHOWN[rule]
    assert not isinstance(shown, str)
    shown()


def test_every_rule_is_shown_by_some_test_but_those_that_no_machine_can_tell() -> None:
    table = {**rules(), **profile_rules()}
    assert set(SHOWN) == {rule.name for rule in table.values() if rule.use not in ("finding", "person")}
    for shown in SHOWN.values():
        if isinstance(shown, str):
            name, test = shown.split("::")
            tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
            assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
