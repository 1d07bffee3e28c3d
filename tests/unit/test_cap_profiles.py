"""Every profile: a message that keeps it has no finding, and each rule of it is told when broken."""

from __future__ import annotations

import pytest

from anlan.formats import cap
from anlan.formats.cap.profiles import DECLARED, PROFILES, declared
from anlan.formats.cap.rulebook import profile_rules

Pairs = dict[str, str]


def codes(element: str, pairs: Pairs) -> str:
    return "".join(
        f"<{element}><valueName>{name}</valueName><value>{value}</value></{element}>"
        for name, value in pairs.items()
    )


def info(
    language: str = "en-US",
    *,
    events: Pairs | None = None,
    parameters: Pairs | None = None,
    geocodes: Pairs | None = None,
    words: str = "Strong winds are coming.",
    severity: str = "Severe",
) -> str:
    return (
        f"<info><language>{language}</language><category>Met</category><event>wind of {language}</event>"
        "<responseType>Shelter</responseType><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty>{codes('eventCode', events or {})}"
        "<effective>2024-07-12T21:30:00+08:00</effective><onset>2024-07-12T21:40:00+08:00</onset>"
        "<expires>2024-07-12T23:30:00+08:00</expires><senderName>Office</senderName>"
        f"<headline>Wind, {language}</headline><description>{words}</description>"
        f"<instruction>Stay inside, {language}.</instruction><web>https://drill.invalid/1</web>"
        f"<contact>1234</contact>{codes('parameter', parameters or {})}<area><areaDesc>here</areaDesc>"
        "<polygon>30.0,110.0 30.0,110.1 30.1,110.1 30.0,110.0</polygon>"
        f"{codes('geocode', geocodes or {})}</area></info>"
    )


def alert(*infos: str, code: str = "", identifier: str = "I1", sender: str = "s@drill.invalid") -> str:
    given = f"<code>{code}</code>" if code else ""
    return (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>'
        f"<sender>{sender}</sender><sent>2024-07-12T21:29:00+08:00</sent><status>Actual</status>"
        f"<msgType>Alert</msgType><scope>Public</scope>{given}{''.join(infos)}</alert>"
    )


SIGNED = (
    '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><Reference URI=""><Transforms>'
    '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/></Transforms></Reference></SignedInfo>'
    "</Signature></alert>"
)
VTEC = "/O.NEW.KTOP.SV.W.0001.240712T1330Z-240712T1530Z/"
NWS = {"VTEC": VTEC, "expiredReferences": "a,b,c", "eventEndingTime": "2024-07-12T23:30:00+08:00"}
RISK = {
    "riskMatrixColor": "Orange", "awareness_level": "3; orange; Severe", "awareness_type": "1; Wind",
    "consequences": "trees", "eventEndingTime": "2024-07-12T23:30:00+08:00",
}  # fmt: skip
DWD = {"II": "51", "GROUP": "WIND", "AREA_COLOR": "1 1 1", "LICENSE": "free", "PROFILE_VERSION": "2.1"}
CANADA: Pairs = {"profile:CAP-CP:Event:0.4": "wind"}
PLACE: Pairs = {"profile:CAP-CP:Location:0.3": "35"}
AU_EVENT: Pairs = {"https://govshare.gov.au/xmlui/handle/10772/6495?CAP-AU": "severeWind"}

KEPT: dict[str, str] = {
    "ipaws": alert(
        info(events={"SAME": "SVR"}, parameters={"EAS-ORG": "WXR"}, geocodes={"SAME": "020177"}),
        code="IPAWSv1.0",
    )
    .replace("<effective>2024-07-12T21:30:00+08:00</effective>", "")
    .replace("<onset>2024-07-12T21:40:00+08:00</onset>", "")
    .replace("</alert>", SIGNED),
    "nws": alert(info(parameters=NWS, geocodes={"UGC": "KSZ001"})),
    "wea": alert(info(parameters={"CMAMtext": "Take shelter now.", "CMAMlongtext": "Take shelter now."})),
    "cap-cp": alert(
        info("en-CA", events=CANADA, parameters={"layer:X:MinorChange": "text"}, geocodes=PLACE),
        info("fr-CA", events=CANADA, parameters={"profile:CAP-CP:0.4:AutoTranslated": "no"}, geocodes=PLACE),
        code="profile:CAP-CP:0.4",
    ),
    "cap-au": alert(
        info("en-AU", events=AU_EVENT, geocodes={"ISO3166-2": "AU-NSW"}),
        code="urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0",
    ),
    "google": alert(info()),
    "wmo": alert(info(), identifier="urn:oid:2.49.0.1.156.0.2024.7.12.1", sender="urn:oid:2.49.0.0.156.0"),
    "meteoalarm": alert(
        info("de-AT", parameters=RISK, geocodes={"EMMA_ID": "AT001"}),
        info("en-GB", parameters=RISK, geocodes={"EMMA_ID": "AT001"}),
    ),
    "dwd": alert(info("de-DE", events=DWD, geocodes={"WARNCELLID": "103452000"})),
    "met-norway": alert(info("no", parameters=RISK), info("en-GB", parameters=RISK)),
    "thailand": alert(info("th-TH", geocodes={"ISO3166-2": "TH-10"})),
    "taiwan": alert(
        info("zh-TW", events={"profile:CAP-TWP:Event:1.0": "wind"}, geocodes={"Taiwan_Geocode_112": "63"})
    ),
    "china": alert(
        info("zh-CN", words="发布大风橙色预警信号。", geocodes={"CPEAS Geographic Code": "110000000000"}),
        info("en-US", geocodes={"CPEAS Geographic Code": "110000000000"}),
        identifier="11010041600000_20240712212900_0",
    ),
}  # fmt: skip

HOLE = {"EXCLUDE_POLYGON": "30.01,110.05 30.02,110.06 30.02,110.05 30.01,110.05"}
NO_INFO = "\u0000info"
#: rule -> (profile, what of the message that keeps it, becomes what)
CHANGES: dict[str, tuple[str, str, str]] = {
    "US-code": ("ipaws", "IPAWSv1.0", "IPAWSv2.0"),
    "US-info": ("ipaws", NO_INFO, ""),
    "US-expires": ("ipaws", "<expires>2024-07-12T23:30:00+08:00</expires>", ""),
    "US-offset": ("ipaws", "21:29:00+08:00", "21:29:00-00:00"),
    "US-event": ("ipaws", "SVR", "SV"),
    "US-same-in-all": ("ipaws", "</info>", "</info>" + info(events={"SAME": "TOR"})),
    "US-area": ("ipaws", "<area>\u0000", ""),
    "US-geocode": ("ipaws", "020177", "20177"),
    "US-references": ("ipaws", "<msgType>Alert", "<msgType>Cancel"),
    "US-effective": ("ipaws", "<expires>", "<effective>2024-07-12T21:30:00+08:00</effective><expires>"),
    "US-eas-org": ("ipaws", "EAS-ORG", "EAS"),
    "US-text": ("ipaws", "Strong winds are coming.", " "),
    "US-sign": ("ipaws", SIGNED, "</alert>"),
    "US-vtec": ("nws", "O.NEW", "O.OLD"),
    "US-expired-refs": ("nws", "a,b,c", "a,b"),
    "US-eventEnding": ("nws", "<value>2024-07-12T23:30:00+08:00", "<value>tonight"),
    "US-fips6-list": ("nws", "KSZ001", "KSZ001 KSZ002"),
    "WEA-chars": ("wea", "Take shelter now.", "Take shelter now, 避难"),
    "CA-code": ("cap-cp", "<code>profile:CAP-CP:0.4", "<code>CAP-CP"),
    "CA-info": ("cap-cp", NO_INFO, ""),
    "CA-one-event": ("cap-cp", "<value>wind", "<value>rain"),
    "CA-event": ("cap-cp", "profile:CAP-CP:Event:0.4", "event"),
    "CA-area": ("cap-cp", "<area>\u0000", ""),
    "CA-geocode": ("cap-cp", "profile:CAP-CP:Location:0.3", "place"),
    "CA-language": ("cap-cp", "<language>fr-CA", "<language>en-CA"),
    "CA-references": ("cap-cp", "<msgType>Alert", "<msgType>Update"),
    "CA-expires": ("cap-cp", "<senderName>Office</senderName>", ""),
    "CA-minor": ("cap-cp", "<value>text</value>", "<value></value>"),
    "CA-auto": ("cap-cp", "<value>no</value>", "<value>perhaps</value>"),
    "CA-heartbeat": ("cap-cp", "<sender>s@drill.invalid</sender>", "<sender>NAADS-Heartbeat</sender>"),
    "AU-code": ("cap-au", "CAP-AU:1.0", "CAP-AU:0.9"),
    "AU-info": ("cap-au", NO_INFO, ""),
    "AU-event": ("cap-au", "?CAP-AU", "?x"),
    "AU-same": ("cap-au", "</info>", "</info>" + info("en-AU", events=AU_EVENT).replace("Met<", "Geo<")),
    "AU-cancel": ("cap-au", "<msgType>Alert", "<msgType>Cancel"),
    "AU-area": ("cap-au", "<area>\u0000", ""),
    "AU-geocode": ("cap-au", "ISO3166-2", "ours"),
    "AU-sender": ("cap-au", "s@drill.invalid", "drill"),
    "AU-test": ("cap-au", "Actual", "Test"),
    "GO-info": ("google", NO_INFO, ""),
    "GO-description": ("google", "Strong winds are coming.", ""),
    "GO-web": ("google", "<web>https://drill.invalid/1</web>", ""),
    "GO-expires": ("google", "23:30:00", "21:30:00"),
    "GO-area": ("google", "<area>\u0000", ""),
    "GO-same": ("google", "</info>", "</info>" + info("fr").replace("Met<", "Geo<")),
    "GO-references": ("google", "<msgType>Alert", "<msgType>Update"),
    "GO-headline": ("google", "Wind, en-US", "Strong winds are coming."),
    "GO-instruction": ("google", "<instruction>Stay inside, en-US.</instruction>", ""),
    "GO-unknown": ("google", "Immediate", "Unknown"),
    "GO-contact": ("google", "<contact>1234</contact>", ""),
    "GO-shape": ("google", "<polygon>30.0,110.0 30.0,110.1 30.1,110.1 30.0,110.0</polygon>", ""),
    "GO-test": ("google", "Actual", "Test"),
    "GO-language-copy": ("google", "</info>", "</info>" + info("fr")),
    "WMO-identifier": ("wmo", "2.49.0.1.156", "2.49.0.0.156"),
    "WMO-sender": ("wmo", "urn:oid:2.49.0.0.156.0", "office"),
    "WMO-dates": ("wmo", "2024-07-12T21:40", "2024-07-12T20:40"),
    "WMO-span": ("wmo", "2024-07-12T23:30", "2024-08-30T23:30"),
    "WMO-geometry": ("wmo", "30.1,110.1 30.0,110.0<", "30.1,110.1 30.1,110.0<"),
    "WMO-language": ("wmo", "Strong winds are coming.", "大风即将到来请注意防范不要外出请留在室内。" * 2),
    "MA-level": ("meteoalarm", "3; orange; Severe", "2; yellow; Moderate"),
    "MA-type": ("meteoalarm", "1; Wind", "Wind"),
    "MA-geocode": ("meteoalarm", "EMMA_ID", "WARNCELL"),
    "MA-languages": ("meteoalarm", "<language>en-GB", "<language>fr"),
    "DE-warncell": ("dwd", "103452000", "Leer"),
    "DE-hole": ("dwd", "</geocode>", "</geocode>" + codes("geocode", HOLE)),
    "DE-eventcodes": ("dwd", "PROFILE_VERSION", "VERSION"),
    "NO-one-area": ("met-norway", "</area>", "</area><area><areaDesc>there</areaDesc></area>"),
    "NO-risk": ("met-norway", "riskMatrixColor", "color"),
    "TH-geocode": ("thailand", "TH-10", "10"),
    "TW-geocode": ("taiwan", "Taiwan_Geocode_112", "Taiwan_Geocode"),
    "TW-event": ("taiwan", "profile:CAP-TWP:Event:1.0", "event"),
    "CN-identifier": ("china", "_20240712212900_0", "_20240712212900"),
    "CN-publisher": ("china", "11010041600000", "99010041600000"),
    "CN-datetime": ("china", "2024-07-12T21:30:00+08:00", "20240712213000"),
    "CN-status": ("china", "Actual", "实际"),
    "CN-levels": ("china", "橙色预警", "红色预警"),
    "CN-cap-feed": ("china", "110000000000", "11"),
}  # fmt: skip


#: profile, what of the message that keeps it, becomes what, and what is told
VARIED: list[tuple[str, str, str, str]] = [
    ("ipaws", "<code>IPAWSv1.0", "<code>SPECIAL</code><code>IPAWSv1.0", ""),
    ("ipaws", "IPAWSv1.0", "ipawsv1.0", "US-code"),
    ("ipaws", "</eventCode>", "</eventCode>" + codes("eventCode", {"SAME": "TOR"}), "US-event"),
    ("ipaws", "</eventCode>", "</eventCode>" + codes("eventCode", {"NWS": "SVW"}), ""),
    ("ipaws", "</geocode>", "</geocode>" + codes("geocode", {"SAME": "20177"}), ""),
    ("nws", VTEC, VTEC + " /00000.0.ER.000000T0000Z.000000T0000Z.000000T0000Z.OO/", ""),
    ("nws", "a,b,c", "a,b,c d,e,f", ""),
    ("wea", "now.", "now." + "x" * 73, ""),
    ("wea", "now.", "now." + "x" * 74, "WEA-chars"),
    ("wea", "now.", "n€w {é}", ""),
    ("wea", "now.", "don’t", "WEA-chars"),
    ("cap-cp", "<code>", "<code>profile:CAP-CP:Special</code><code>", ""),
    ("cap-cp", "profile:CAP-CP:0.4<", "profile:CAP-CP:<", "CA-code"),
    ("cap-au", "CAP-AU:1.0", "CAP-AU:2.0", "AU-code"),
    ("cap-au", "</eventCode>", "</eventCode>" + codes("eventCode", {"x?CAP-AU": "flood"}), ""),
    (
        "cap-au",
        "</eventCode>",
        "</eventCode>" + codes("eventCode", {"https://x/CAP-AU": "flood"}),
        "AU-event",
    ),
    ("google", "Wind, en-US", "x" * 139, ""),
    ("google", "Wind, en-US", "x" * 140, "GO-headline"),
    ("google", "Immediate", "Past", ""),
    ("google", "Stay inside, en-US.", "Strong winds are coming.", "GO-instruction"),
    ("wmo", "<effective>2024-07-12T21:30", "<effective>2024-07-12T21:29", ""),
    ("wmo", "<expires>2024-07-12T23:30", "<expires>2024-07-13T21:40", ""),
    ("wmo", "<expires>2024-07-12T23:30", "<expires>2024-07-13T21:41", "WMO-span"),
    ("wmo", "urn:oid:2.49.0.1.156.0.2024.7.12.1", "urn:oid:2.49.0.1.156", "WMO-identifier"),
    ("wmo", "<language>en-US", "<language>sw", ""),
    ("meteoalarm", "3; orange; Severe", "3;Orange;severe", ""),
    ("meteoalarm", "3; orange; Severe", "3; red; Extreme", "MA-level"),
    ("meteoalarm", "1; Wind", "2; snow-ice", ""),
    ("meteoalarm", "1; Wind", "1; Rain", "MA-type"),
    ("meteoalarm", "1; Wind", "11; Wind", "MA-type"),
    ("meteoalarm", "EMMA_ID", "NUTS3", ""),
    ("met-norway", "<severity>Severe", "<severity>Minor", "NO-one-area"),
    ("thailand", "TH-10", "TH-S", ""),
    ("thailand", "TH-10", "th-10", "TH-geocode"),
    ("taiwan", "_112", "_103", ""),
    ("china", "20240712212900", "20240712132900", "CN-identifier"),
    ("china", "20240712212900", "20241312212900", "CN-identifier"),
    ("china", "Strong winds are coming.", "Orange warning of wind.", ""),
    ("china", "Strong winds are coming.", "Blue alert of wind.", "CN-levels"),
]


def changed(rule: str) -> tuple[str, str]:
    profile, old, new = CHANGES[rule]
    message = KEPT[profile]
    if old == NO_INFO:
        message = message[: message.index("<info>")] + message[message.rindex("</info>") + 7 :]
    elif old.endswith("\u0000"):
        message = message[: message.index("<area>")] + message[message.index("</area>") + 7 :]
    else:
        assert old in message
        message = message.replace(old, new, 1)
    if rule == "CA-heartbeat":
        message = message.replace("Actual", "System")
    return profile, message


def found(message: str, profile: str) -> set[str]:
    return {fault.rule for fault in cap.examine(message.encode(), (profile,)).findings}


@pytest.mark.parametrize("profile", KEPT)
def test_a_message_that_keeps_a_profile_has_no_finding(profile: str) -> None:
    assert found(KEPT[profile], profile) == set()


@pytest.mark.parametrize("rule", CHANGES)
def test_a_broken_rule_of_a_profile_is_told(rule: str) -> None:
    profile, message = changed(rule)
    assert rule in found(message, profile)
    assert rule not in found(KEPT[profile], profile)


@pytest.mark.parametrize(("profile", "old", "new", "told"), VARIED)
def test_what_is_near_the_edge_of_a_profile_is_on_its_right_side(
    profile: str, old: str, new: str, told: str
) -> None:
    assert old in KEPT[profile]
    assert found(KEPT[profile].replace(old, new, 1), profile) == set(told.split())


@pytest.mark.parametrize("profile", KEPT)
def test_an_update_that_names_what_it_follows_keeps_a_profile(profile: str) -> None:
    message, reference = KEPT[profile].replace("<msgType>Alert", "<msgType>Update"), "s@drill.invalid,I0,"
    named = f"<references>{reference}2024-07-12T20:00:00+08:00</references>"
    assert found(message.replace("<info>", f"{named}<info>", 1), profile) == set()


def test_every_rule_of_a_profile_that_a_message_can_break_is_tried_here() -> None:
    assert set(CHANGES) == {rule.name for rule in profile_rules().values() if rule.use == "finding"}
    assert set(KEPT) == set(PROFILES)


def test_profiles_that_a_message_declares_are_known_by_its_codes() -> None:
    declaring = {name: declared(cap.examine(KEPT[name].encode()).blocks) for name in KEPT}
    assert {name: found for name, found in declaring.items() if found} == {
        "ipaws": ("ipaws",),
        "cap-cp": ("cap-cp",),
        "cap-au": ("cap-au",),
    }


def test_a_profile_that_is_not_here_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        cap.examine(KEPT["google"].encode(), ("goggle",))


def test_the_national_event_list_of_australia_is_known_by_its_address_too() -> None:
    events = {"https://govshare.gov.au/xmlui/handle/10772/6495": "storm"}
    raw = alert(info("en-AU", events=events), code="urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0")
    assert "AU-event" not in {one.rule for one in cap.examine(raw.encode(), ("cap-au",)).findings}


def test_a_message_is_held_to_the_profiles_that_it_declares_and_to_no_other() -> None:
    for code, prefix in (("IPAWSv1.0", "US-"), ("profile:CAP-CP:0.4", "CA-")):
        found = cap.examine(alert(info(), code=code).encode(), (DECLARED,)).findings
        assert found and {one.rule[:3] for one in found} == {prefix}
    assert not cap.examine(alert(info()).encode(), (DECLARED,)).findings
