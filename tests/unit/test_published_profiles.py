"""Under each profile of CAP a pack and settings that give what it asks for get their message published;
what they do not give is told of the draft, with the file to give it in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType

import pytest

from anlan.acts import perform
from anlan.app.clock import VirtualClock
from anlan.app.config import CapConfig
from anlan.app.desk import RunningDesk
from anlan.app.explain import recompute_warning
from anlan.app.house import RunningHouse
from anlan.app.imprint import imprinted
from anlan.app.workspace import init
from anlan.formats.cap import read
from anlan.formats.cap.examine import examine
from anlan.model.errors import InvalidValue, PackFault
from anlan.model.notice import Digest
from anlan.model.warning import Warning
from anlan.packs.load import load_pack
from anlan.turn import Turn
from anlan.warn import contact
from anlan.warn.render import TargetArea, render
from anlan.warn.words import clock
from anlan.web.composerview import sight
from sample_pack import write
from served import pack, stage
from signers import signer

KEY = signer("office-2026", until=datetime(2040, 1, 1, tzinfo=UTC))
DROP = '\n[[channel]]\nid = "{id}"\nkind = "file"\noptions = {{ folder = "{id}" }}\n'
SIGNING = f'\n[[signing]]\nid = "k"\nkey = "{KEY.name}.key"\ncertificate = "{KEY.name}.pem"\n'
HEAD = "element,value_name,value,hazard,level,organ,place\n"
AU = "urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0"

#: profile -> (settings, rows of cap_codes.csv, what is told without them)
MET: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "google": (
        '[cap]\nweb = "https://office.invalid/{language}/warning/{id}.html"\ncontact = "+00 000 000"\n',
        "responseType,,Evacuate,flood,2,,\nresponseType,,Avoid,flood,2,,\nresponseType,,Monitor,flood,3,,\n",
        ("GO-web", "anlan.toml: cap.web"),
    ),
    "wmo": (
        '[cap]\nidentifier = "urn:oid:2.49.0.1.156.7.{sent}.{n}"\n',
        "",
        ("WMO-identifier", "anlan.toml: cap.identifier"),
    ),
    "china": (
        '[cap]\nidentifier = "11000041600000_{sent}_{n}"\nzone = "Asia/Shanghai"\n',
        "geocode,CPEAS Geographic Code,110000000000,,,,x/a\n",
        ("CN-identifier", "anlan.toml: cap.identifier"),
    ),
    "ipaws": (
        SIGNING,
        "code,,IPAWSv1.0,,,,\neventCode,SAME,FLW,flood,,,\nparameter,EAS-ORG,CIV,,,office,\n"
        "geocode,SAME,048113,,,,x/a\ngeocode,SAME,048085,,,,x/a\n",
        (
            "US-code",
            "US-event",
            "US-eas-org",
            "US-sign",
            "value_name SAME, hazard flood",
            "anlan.toml: signing",
        ),
    ),
    "cap-cp": (
        "",
        "code,,profile:CAP-CP:0.4,,,,\neventCode,profile:CAP-CP:Event:0.4,flashFlood,flood,,,\n"
        "geocode,profile:CAP-CP:Location:0.3,3520005,,,,x/a\n",
        ("CA-code", "CA-event", "CA-geocode", "cap_codes.csv: element geocode", "place x/a"),
    ),
    "cap-au": (
        "",
        f"code,,{AU},,,,\neventCode,{AU}:eventList,flood,flood,,,\ngeocode,ISO3166-2,AU-NSW,,,,x/a\n",
        ("AU-code", "AU-event", "cap_codes.csv: element eventCode"),
    ),
    "meteoalarm": (
        '[cap]\nenglish = "en-GB"\n',
        "parameter,awareness_level,3; orange; Severe,,2,,\n"
        "parameter,awareness_level,2; yellow; Moderate,,3,,\n"
        "parameter,awareness_type,12; Flooding,flood,,,\ngeocode,EMMA_ID,DE091,,,,x/a\n",
        ("MA-level", "MA-type", "MA-geocode", "value_name awareness_level, level 2"),
    ),
    "nws": ("", "geocode,UGC,TXC113,,,,x/a\n", ()),
    "wea": (
        "",
        "parameter,CMAMtext,Flood warning. Move to high ground.,flood,,,\n"
        "parameter,CMAMlongtext,The office warns of floods. Move to high ground now.,flood,,,\n",
        (),
    ),
    "dwd": (
        "",
        "eventCode,II,59,flood,,,\neventCode,GROUP,FLOOD,flood,,,\n"
        "eventCode,AREA_COLOR,251 140 0,,2,,\neventCode,AREA_COLOR,255 235 59,,3,,\n"
        "eventCode,LICENSE,free of charge,,,,\neventCode,PROFILE_VERSION,2.1,,,,\n"
        "geocode,WARNCELLID,105334000,,,,x/a\n",
        ("DE-eventcodes", "element eventCode, value_name II, GROUP", "hazard flood"),
    ),
    "taiwan": (
        "",
        "eventCode,profile:CAP-TWP:Event:1.0,flood,flood,,,\ngeocode,Taiwan_Geocode_112,63,,,,x/a\n",
        ("TW-event", "element eventCode, value_name profile:CAP-TWP:Event:1.0, hazard flood"),
    ),
    "thailand": ("", "geocode,ISO3166-2,TH-10,,,,x/a\n", ()),
}
#: no name of an element, code or setting: words that stand in English sentences alone
ENGLISH = re.compile(
    r"(?<![\w/-])(?:an?|the|of|or|and|each|such|as|nothing|no|at|most|give|it|all|one)(?![\w/-])"
)
#: profiles of which a message keeps every rule, habits too
WHOLLY = ("google", "china", "cap-au", "meteoalarm", "nws", "wea", "dwd", "taiwan", "thailand")
#: profile -> (rows that break its rules, what is told of each)
WRONG: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "nws": (
        "parameter,VTEC,/O.NEW.KFWD/,flood,,,\nparameter,expiredReferences,W-1,,,,\n"
        "parameter,eventEndingTime,tonight,,,,\ngeocode,UGC,TXC113 TXC085,,,,x/a\n",
        (
            ("US-vtec", "value_name VTEC"),
            ("US-expired-refs", "value_name expiredReferences"),
            ("US-eventEnding", "value_name eventEndingTime"),
            ("US-fips6-list", "a row each, place x/a"),
        ),
    ),
    "wea": (
        f"parameter,CMAMtext,{'a' * 91},,,,\nparameter,CMAMlongtext,{'a' * 360}洪,,,,\n",
        (
            ("WEA-chars", "at most 90 "),
            ("WEA-chars", "at most 360 "),
            ("WEA-chars", "characters of GSM 7-bit"),
        ),
    ),
    "dwd": (
        "geocode,WARNCELLID,Leer,,,,x/a\n",
        (("DE-warncell", "value_name WARNCELLID, place x/a"), ("DE-eventcodes", "no II, GROUP")),
    ),
    "taiwan": (
        "geocode,Taiwan_Geocode,63,,,,x/a\n",
        (("TW-geocode", "Taiwan_Geocode_YEAR, place x/a"), ("TW-event", "hazard flood")),
    ),
    "thailand": (
        "geocode,ISO3166-2,Bangkok,,,,x/a\n",
        (("TH-geocode", "value_name ISO3166-2, place x/a"),),
    ),
    "met-norway": (
        "",
        (
            ("NO-risk", "no riskMatrixColor, awareness_level"),
            ("NO-one-area", "written in Chinese and English: this profile cannot be kept"),
        ),
    ),
}


def open_desk(
    folder: Path,
    settings: str = "",
    codes: str = "",
    profile: str = "",
    files: Mapping[str, str] = MappingProxyType({}),
) -> RunningDesk:
    """A desk over the sample pack with those codes and files."""
    more = {"cap_codes.csv": HEAD + codes} if codes else {}
    write(folder / "tiny", pack() | more | files)
    site = folder / "site"
    chosen = f'profiles = ["{profile}"]\n' if profile else ""
    tables = DROP.format(id="mail") + DROP.format(id="hook") + "\n" + settings
    init(site, str(folder / "tiny"), sender="office@tiny.invalid", more=tables)
    path = site / "anlan.toml"
    path.write_text(path.read_text("utf-8").replace("sender =", f"{chosen}sender =", 1), "utf-8")
    (site / f"{KEY.name}.key").write_bytes(KEY.key_pem)
    (site / f"{KEY.name}.pem").write_bytes(KEY.pem)
    return RunningDesk(RunningHouse(site, VirtualClock(datetime.now(UTC))))


def draft_of(desk: RunningDesk) -> Warning:
    desk.ingest(json.dumps([stage(4.5)]).encode(), "application/json", "gauges")
    (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
    return draft


def approved(desk: RunningDesk, id: str) -> Warning:
    """Put forward by one, approved a little later by another, who shows a code."""
    desk.act(desk.pack.users["ada"], "warning.submit", id, {})
    desk.house.clock.set(desk.house.clock.now() + timedelta(seconds=90))  # type: ignore[attr-defined]
    turn = Turn(desk.house, desk.house.clock.now(), proof="code")
    perform(turn, desk.pack.users["ben"], "warning.approve", id, {})
    turn.commit()
    return desk.house.state.warnings[id]


@pytest.mark.parametrize("profile", MET)
def test_what_the_pack_and_the_settings_give_meets_the_profile(tmp_path: Path, profile: str) -> None:
    settings, codes, _ = MET[profile]
    desk = open_desk(tmp_path, settings, codes, profile)
    try:
        draft = draft_of(desk)
        assert desk.unmet(draft) == ()
        warning = approved(desk, draft.id)
        raw = desk.house.published(warning)
        found = examine(raw, (profile,))
        assert found.valid and not [f.sentence() for f in found.findings if f.bars or profile in WHOLLY]
        assert recompute_warning(desk.house, warning)["same"]
        if profile == "google":
            pages = [f"https://office.invalid/{tongue}/warning/{warning.id}.html" for tongue in ("zh", "en")]
            assert [info.web for info in read(raw).infos] == pages
            assert {info.contact for info in read(raw).infos} == {"+00 000 000"}
            assert {info.response_types for info in read(raw).infos} == {("Evacuate", "Avoid")}
        # what leaves by a channel is this message
        assert read(raw).identifier == warning.identifier
        deliveries = [d for d in desk.house.state.deliveries.values() if d.warning == warning.id]
        assert deliveries and desk.house.parcel(deliveries[0], warning, False).cap == raw
    finally:
        desk.close()


def test_what_is_lacking_is_told_of_the_draft_with_the_file_to_give_it_in(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, profile='", "'.join(MET))
    try:
        draft = draft_of(desk)
        told = [text.en for text in desk.unmet(draft)]
        assert not [text.zh for text in desk.unmet(draft) if ENGLISH.search(text.zh)]
        for profile, (_, _, rules) in MET.items():
            said = "\n".join(text for text in told if text.startswith(f"profile {profile} needs"))
            for words in rules:
                assert words in said
        assert desk.cap(draft.id), "the draft is shown all the same"
        ring = ((100.2, 30.2), (100.6, 30.2), (100.4, 30.6), (100.2, 30.2))
        drawn = [text.en for text in desk.unmet(replace(draft, rings=(ring,)))]
        told = [text for text in drawn if "CA-geocode" in text or "MA-geocode" in text]
        assert len(told) == 2 and all(
            text.endswith("drawn by hand carries no codes: choose places") for text in told
        )
        assert {remark.code for remark in sight(draft, desk).remarks} >= {"profile_unmet"}
        with pytest.raises(InvalidValue, match="GO-web"):
            approved(desk, draft.id)
        assert desk.house.state.warnings[draft.id].status == "submitted"
    finally:
        desk.close()


@pytest.mark.parametrize("profile", WRONG)
def test_codes_that_break_a_rule_are_told_of_the_draft_and_nothing_is_published(
    tmp_path: Path, profile: str
) -> None:
    codes, faults = WRONG[profile]
    desk = open_desk(tmp_path, "", codes, profile)
    try:
        draft = draft_of(desk)
        told = desk.unmet(draft)
        assert len(told) == len(faults)
        assert not [text.zh for text in told if ENGLISH.search(text.zh)]
        for rule, words in faults:
            assert any(rule in text.en and words in text.en and rule in text.zh for text in told)
        with pytest.raises(InvalidValue, match="|".join(rule for rule, _ in faults)):
            approved(desk, draft.id)
        assert desk.house.state.warnings[draft.id].status == "submitted"
    finally:
        desk.close()


def test_a_chain_is_followed_under_the_names_that_were_published(tmp_path: Path) -> None:
    """Names stay what they were, references name them, whatever the settings say later."""
    settings = MET["wmo"][0] + 'zone = "Asia/Shanghai"\n'
    desk = open_desk(tmp_path, settings, profile="wmo")
    try:
        first = approved(desk, draft_of(desk).id)
        desk.act(desk.pack.users["ada"], "warning.extend", first.id, later(first))
        (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
        assert draft.imprint is None
        desk.house.config = replace(desk.house.config, cap=CapConfig("{id}-{sent}"), profiles=())
        second = approved(desk, draft.id)
        old, new = read(desk.house.render(first)), read(desk.house.render(second))
        assert old.identifier.startswith("urn:oid:2.49.0.1.156.7.") and old.identifier.endswith(".0")
        assert new.identifier.startswith(f"{second.id}-")
        (reference,) = new.references
        assert reference.identifier == old.identifier
        assert f"<sent>{reference.sent}</sent>".encode() in desk.house.render(first)
        assert reference.sent.endswith("+08:00")
        # it had begun when the first was sent: no onset is told that would be before, or untrue
        assert {(i.onset, i.urgency, i.certainty) for i in old.infos} == {(None, "Immediate", "Observed")}
        assert all(info.onset for info in new.infos)
        for warning in (first, second):
            assert recompute_warning(desk.house, desk.house.state.warnings[warning.id])["same"]
    finally:
        desk.close()


def test_a_mail_a_digest_and_the_deadline_of_a_call_tell_the_zone_of_the_message(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, '[cap]\nzone = "Asia/Shanghai"\n')
    try:
        warning, house = approved(desk, draft_of(desk).id), desk.house
        copy = next(d for d in house.state.deliveries.values() if d.warning == warning.id)
        asked = replace(copy, answer_by=datetime(2030, 1, 31, 17, 30, tzinfo=UTC))
        call = house.parcel(asked, warning, False)
        assert all("2030-02-01 01:30 (UTC+08:00)" in words for words in call.prefaces.values())
        until = clock(warning.expires, timezone(timedelta(hours=8)))
        held = Digest("H", copy.recipient, warning.expires, (warning.id,), (), warning.places)
        house.state.digests["H"] = held
        told = house.parcel(replace(copy, digest="H"), warning, False)
        assert told.body != call.body
        for body in (call.body, told.body):
            assert until in body and "(UTC)" not in body
        now = house.clock.now()
        test, asks = contact.begin(copy.recipient, "ada", False, house.state, house.pack, now)
        house.state.contact_tests[test.id] = test
        sent = house.parcel(asks, contact.message(test, house.pack), False).cap
        assert sent.count(b"+08:00</expires>") == 2 and b"+08:00</sent>" in sent
    finally:
        desk.close()


def holed() -> dict[str, str]:
    """The pack, the ground of x/a with a lake cut out."""
    square = [[100.0, 30.0], [101.0, 30.0], [101.0, 31.0], [100.0, 31.0], [100.0, 30.0]]
    lake = [[100.4, 30.4], [100.4, 30.6], [100.6, 30.6], [100.6, 30.4], [100.4, 30.4]]
    island = [[102.0, 30.0], [102.5, 30.0], [102.5, 30.5], [102.0, 30.0]]
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": geometry}
        for code, geometry in (
            ("a", {"type": "Polygon", "coordinates": [square, lake]}),
            ("b", {"type": "MultiPolygon", "coordinates": [[island]]}),
        )
    ]
    return {"places/provinces.json": json.dumps({"type": "FeatureCollection", "features": features})}


def test_a_message_of_before_is_written_again_as_it_left_though_its_ground_has_a_hole(
    tmp_path: Path,
) -> None:
    """Versions before this one wrote rings of outlines without holes alone, and the code of the rest."""
    desk = open_desk(tmp_path, files=holed())
    try:
        now = approved(desk, draft_of(desk).id)
        house = desk.house
        cut = read(house.render(now)).infos[0].areas
        assert now.places == ("x/a",) and len(cut[0].polygons) == 2, "cut through the lake"
        wide = replace(now, places=("x/a", "x/b", "x/c"), digest="")
        ring = ((102.0, 30.0), (102.5, 30.0), (102.5, 30.5), (102.0, 30.0))
        areas = (TargetArea("x/a"), TargetArea("x/b", (ring,)), TargetArea("x/c"))
        left = render(wide, house.pack, house.sender, areas)
        old = replace(wide, digest=house.digest(left))
        assert [len(area.polygons) for area in read(left).infos[0].areas] == [0, 1, 0]
        assert house.render(old) == house.published(old) == left
        assert recompute_warning(house, old)["same"]
        # what is neither form is written as it is now, and told not to be what left
        lost = replace(now, digest="0" * 64)
        assert house.render(lost) == house.render(now)
        assert not recompute_warning(house, lost)["same"]
    finally:
        desk.close()


def later(warning: Warning) -> dict[str, str]:
    return {"expires": (warning.expires + timedelta(hours=1)).isoformat(), "reason": "it goes on"}


def test_without_settings_a_message_is_what_it_was(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    try:
        warning = approved(desk, draft_of(desk).id)
        assert warning.imprint is None
        plain = read(desk.house.render(warning))
        assert plain.identifier == warning.id and plain.codes == ()
        assert all(info.onset and not info.web and not info.contact for info in plain.infos)
    finally:
        desk.close()


def test_a_cancel_under_the_australian_profile_takes_effect_at_once(tmp_path: Path) -> None:
    settings, codes, _ = MET["cap-au"]
    desk = open_desk(tmp_path, settings, codes, "cap-au")
    try:
        first = approved(desk, draft_of(desk).id)
        desk.act(desk.pack.users["ada"], "warning.cancel", first.id, {"reason": "sensor fault"})
        (draft,) = [w for w in desk.state().warnings.values() if w.status == "draft"]
        raw = desk.house.published(approved(desk, draft.id))
        assert b"<msgType>Cancel" in raw and b"<effective>" not in raw
        assert not [f for f in examine(raw, ("cap-au",)).findings if f.bars]
    finally:
        desk.close()


def test_two_messages_of_one_second_have_two_names(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, MET["china"][0])
    try:
        one = replace(draft_of(desk), sent=datetime(2026, 1, 1, 16, 0, 5, tzinfo=UTC))
        config = desk.house.config
        named = [imprinted(one, config, ())]
        for n in range(1, 3):
            named.append(imprinted(replace(one, id=f"W-{n}"), config, named))
        assert [w.identifier for w in named] == [f"11000041600000_20260102000005_{n}" for n in range(3)]
        kept = imprinted(named[0], replace(config, cap=CapConfig("{id}")), named)
        assert kept == named[0], "a name that was given is never changed"
    finally:
        desk.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"identifier": "urn:oid:2.49.0.1.{sent}"}, "two messages"),
        ({"identifier": "a b {id}"}, "not a form"),
        ({"identifier": "{id}{when}"}, "not a form"),
        ({"web": "office.invalid"}, "not an address"),
        ({"zone": "Mars"}, "no such zone"),
        ({"english": "fr"}, "no tag of English"),
    ],
)
def test_settings_that_name_nothing_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        CapConfig(**given)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("colour,x,1,,,,", "no such element"),
        ("code,x,1,,,,", "a code has no name"),
        ("responseType,,Run,,,,", "no such response"),
        ("responseType,x,Avoid,,,,", "a responseType has no name"),
        ("geocode,SAME,1,,,,", "no place"),
        ("eventCode,SAME,FLW,storm,,,", "no such hazard"),
        ("parameter,EAS-ORG,CIV,,7,,", "no such level"),
    ],
)
def test_codes_of_nothing_are_faults_of_the_pack(tmp_path: Path, row: str, told: str) -> None:
    write(tmp_path / "tiny", pack() | {"cap_codes.csv": f"{HEAD}{row}\n"})
    with pytest.raises(PackFault, match=told):
        load_pack(tmp_path / "tiny")
