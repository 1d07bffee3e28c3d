"""Every rule of CAP that one message can break: a message that breaks it is told so, and one that keeps it
is not."""

from __future__ import annotations

import pytest

from anlan.formats import cap
from anlan.formats.cap.rulebook import own_rules, profile_rules, rule_of, rules
from anlan.model.errors import Hostile

AREA = (
    "<area><areaDesc>the square</areaDesc><polygon>30.0,110.0 30.0,110.1 30.1,110.1 30.0,110.0</polygon>"
    "<geocode><valueName>TEST</valueName><value>1</value></geocode></area>"
)
RESOURCE = (
    "<resource><resourceDesc>map</resourceDesc><mimeType>image/png</mimeType><size>5</size>"
    "<uri>https://drill.invalid/map.png</uri></resource>"
)
INFO = (
    "<info><language>en-GB</language><category>Met</category><event>storm</event>"
    "<responseType>Shelter</responseType><urgency>Immediate</urgency><severity>Severe</severity>"
    "<certainty>Likely</certainty><eventCode><valueName>SAME</valueName><value>SVR</value></eventCode>"
    "<effective>2024-07-12T21:30:00+08:00</effective><onset>2024-07-12T22:00:00+08:00</onset>"
    "<expires>2024-07-12T23:30:00+08:00</expires><headline>Storm</headline>"
    "<description>Strong winds.</description><instruction>Stay inside.</instruction>"
    f"<web>https://drill.invalid/1</web>{RESOURCE}{AREA}</info>"
)
HEAD = (
    "<identifier>I1</identifier><sender>s@drill.invalid</sender><sent>2024-07-12T21:29:00+08:00</sent>"
    "<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"
)
PLAIN = f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">{HEAD}{INFO}</alert>'
UPDATE = PLAIN.replace("<msgType>Alert", "<msgType>Update").replace(
    "<info>", "<references>s@drill.invalid,I0,2024-07-12T20:00:00+08:00</references><info>", 1
)
V11 = PLAIN.replace("cap:1.2", "cap:1.1")
V10 = (
    PLAIN.replace("urn:oasis:names:tc:emergency:cap:1.2", "http://www.incident.com/cap/1.0")
    .replace("<responseType>Shelter</responseType>", "")
    .replace(
        "<eventCode><valueName>SAME</valueName><value>SVR</value></eventCode>",
        "<eventCode>SAME=SVR</eventCode>",
    )
    .replace("<geocode><valueName>TEST</valueName><value>1</value></geocode>", "<geocode>TEST=1</geocode>")
)
RING = "30.0,110.0 30.0,110.1 30.1,110.1 30.0,110.0"
DS = 'xmlns="http://www.w3.org/2000/09/xmldsig#"'


def put(old: str, new: str, message: str = PLAIN) -> str:
    assert old in message
    return message.replace(old, new, 1)


BROKEN: dict[str, str] = {
    "X-wellformed": PLAIN[:-3],
    "X-root": "<alarm/>",
    "X-namespace": put("cap:1.2", "cap:1.9"),
    "X-xsd": put("<status>", "<x/><status>"),
    "X-order": put("<sender>s@drill.invalid</sender>", "").replace("<status>", "<sender>s</sender><status>"),
    "X-foreign": put("<status>", '<x xmlns="urn:other"/><status>'),
    "X-entities": put("Strong winds.", "Strong &amp;nbsp; winds."),
    "X-html": put("Strong winds.", "Strong &lt;b&gt;winds&lt;/b&gt;."),
    "S-no-dtd": "<!DOCTYPE alert>" + PLAIN,
    "S-size": put("Strong winds.", "w" * 50_001),
    "S-bidi": put("Strong winds.", "to \u202ehtron"),
    "S-formula": put("Storm</headline>", "=1+1</headline>"),
    "S-drill-words": put("Strong winds.", "This is a drill."),
    "A-identifier-required": put("I1", " "),
    "A-identifier-chars": put("I1", "I 1"),
    "A-sender-required": put("<sender>s@drill.invalid</sender>", ""),
    "A-sender-chars": put("s@drill.invalid", "s,t"),
    "A-sent": put("<sent>2024-07-12T21:29:00+08:00</sent>", "<sent/>"),
    "A-status-required": put("<status>Actual</status>", ""),
    "A-status-enum": put("Actual", "actual"),
    "A-exercise-note": put("Actual", "Exercise"),
    "A-msgType-required": put("<msgType>Alert</msgType>", ""),
    "A-msgType-enum": put("<msgType>Alert", "<msgType>Alarm"),
    "A-error-note": put("Update", "Error", UPDATE),
    "A-references-required": put("<msgType>Alert", "<msgType>Cancel"),
    "A-scope-required": put("<scope>Public</scope>", ""),
    "A-scope-enum": put("Public", "All"),
    "A-restriction-required": put("Public", "Restricted"),
    "A-restriction-scope": put("</scope>", "</scope><restriction>police</restriction>"),
    "A-addresses-required": put("Public", "Private"),
    "A-addresses-list": put("</scope>", "</scope><addresses>a@b.invalid,c@d.invalid</addresses>"),
    "A-quoted-list": put("</scope>", '</scope><incidents>one "two three</incidents>'),
    "A-references-format": put("I0,", "", UPDATE),
    "A-references-self": put("I0,2024-07-12T20:00:00", "I1,2024-07-12T21:29:00", UPDATE),
    "A-references-future": put("T20:00:00", "T22:00:00", UPDATE),
    "A-info-absent": put(INFO, ""),
    "D-required": put("<sent>2024-07-12T21:29:00+08:00</sent>", ""),
    "D-format": put("21:29:00+08:00", "21:29+08:00"),
    "D-no-Z": put("21:29:00+08:00", "21:29:00Z"),
    "D-utc-minus": put("21:29:00+08:00", "13:29:00+00:00"),
    "D-calendar": put("2024-07-12T21:29", "2024-02-30T21:29"),
    "D-schema-comma": put("21:29:00+08:00", "21:29:00,08:00"),
    "D-implausible-year": put("2024-07-12T23:30", "2567-07-12T23:30"),
    "I-sequence": put("</info>", "</info>" + INFO.replace("Severe", "Minor")),
    "I-language-syntax": put("en-GB", "en_GB"),
    "I-language-empty": put("en-GB", ""),
    "I-category-required": put("<category>Met</category>", ""),
    "I-category-enum": put("Met<", "Weather<"),
    "I-event-required": put("<event>storm</event>", "<event> </event>"),
    "I-responseType-enum": put("Shelter", "Run"),
    "I-assess-public": put("Shelter", "Assess"),
    "I-execute-instruction": put("Shelter", "Execute").replace("<instruction>Stay inside.</instruction>", ""),
    "I-urgency-required": put("<urgency>Immediate</urgency>", ""),
    "I-urgency-enum": put("Immediate", "Now"),
    "I-severity-required": put("<severity>Severe</severity>", ""),
    "I-severity-enum": put("Severe", "High"),
    "I-certainty-required": put("<certainty>Likely</certainty>", ""),
    "I-certainty-enum": put("Likely", "Sure"),
    "I-very-likely": put("Likely", "Very Likely"),
    "I-pair": put("<value>SVR</value>", ""),
    "I-acronyms": put("SAME", "S.A.M.E."),
    "I-expires-absent": put("<expires>2024-07-12T23:30:00+08:00</expires>", ""),
    "I-expires-after-sent": put("2024-07-12T23:30", "2024-07-12T21:29"),
    "I-expires-after-effective": put("2024-07-12T23:30", "2024-07-12T21:30"),
    "I-headline-160": put("Storm<", "S" * 161 + "<"),
    "I-web-absolute": put("https://drill.invalid/1", "/1"),
    "R-desc-required": put("<resourceDesc>map", "<resourceDesc> "),
    "R-mime-required": put("<mimeType>image/png</mimeType>", ""),
    "R-mime-format": put("image/png", "png"),
    "R-size": put("<size>5", "<size>-5"),
    "R-uri-absolute": put("https://drill.invalid/map.png", "map.png"),
    "R-no-content": put("<uri>https://drill.invalid/map.png</uri>", ""),
    "R-deref-base64": put("</uri>", "</uri><derefUri>!</derefUri>"),
    "R-digest-sha1": put("</uri>", "</uri><digest>abc</digest>"),
    "R-digest-mismatch": put("</uri>", f"</uri><derefUri>QQ==</derefUri><digest>{'a' * 40}</digest>"),
    "G-areaDesc-required": put("<areaDesc>the square", "<areaDesc>"),
    "G-polygon-syntax": put(RING, "30.0;110.0 30.0,110.1 30.1,110.1 30.0,110.0"),
    "G-polygon-min4": put(RING, "30.0,110.0 30.0,110.1 30.0,110.0"),
    "G-polygon-closed": put(RING, "30.0,110.0 30.0,110.1 30.1,110.1 30.1,110.0"),
    "G-polygon-closed-text": put(RING, "30.0,110.0 30.0,110.1 30.1,110.1 30,110.00"),
    "G-polygon-empty": put(RING, ""),
    "G-polygon-simple": put(RING, "30,110 31,111 31,110 30,111 30,110"),
    "G-range": put(RING, "30,180 30,180.1 31,180.1 30,180"),
    "G-circle-syntax": put("</polygon>", "</polygon><circle>30,110,5</circle>"),
    "G-circle-empty": put("</polygon>", "</polygon><circle/>"),
    "G-circle-zero": put("</polygon>", "</polygon><circle>30,110 0</circle>"),
    "G-geocode-pair": put("<value>1</value>", "<value> </value>"),
    "G-geocode-only": put(f"<polygon>{RING}</polygon>", ""),
    "G-area-undefined": put(AREA, "<area><areaDesc>the square</areaDesc></area>"),
    "G-ceiling-altitude": put("</geocode>", "</geocode><ceiling>9</ceiling>"),
    "G-ceiling-ge-altitude": put("</geocode>", "</geocode><altitude>9</altitude><ceiling>8</ceiling>"),
    "G-altitude-number": put("</geocode>", "</geocode><altitude>high</altitude>"),
    "S-enveloped": put(
        "</alert>",
        f'<Signature {DS}><SignedInfo><Reference URI="#other"/></SignedInfo></Signature></alert>',
    ),
    "C-message": put("Actual", "actual"),
    "V-10-password": put("</msgType>", "</msgType><password>x</password>", V10),
    "V-10-pairs": put("SAME=SVR", "SVR", V10),
    "V-11-map": put("<mimeType>image/png</mimeType>", "", V11),
}
#: told by the findings of other rules: this one has nothing to add
BY_OTHERS = {"A-sent": "D-format", "C-message": "A-status-enum"}
#: shows only beside a gazetteer (tests of the gazetteer)
ELSEWHERE = {"S-unresolved"}


#: messages that keep every rule, each near the edge of one
KEPT: dict[str, str] = {
    "A-addresses-list": put("</scope>", '</scope><addresses>"Smith, John" b@x.invalid</addresses>'),
    "A-addresses-list for the public": put("</scope>", "</scope><addresses>a@b.invalid</addresses>"),
    "A-quoted-list": put("</scope>", '</scope><incidents>"big storm" flood</incidents>'),
    "A-identifier-chars": put("I1", "预警1&gt;2"),
    "A-status-enum": put("Actual", "Draft", V11),
    "A-scope-required": put("<scope>Public</scope>", "", V10),
    "A-info-absent of a Cancel": put("Update", "Cancel", UPDATE).replace(INFO, ""),
    "A-info-absent of the network": put("Actual", "System").replace(INFO, ""),
    "A-exercise-note": put("Actual", "Exercise").replace("</scope>", "</scope><note>Drill 5</note>"),
    "A-error-note": put("Update", "Error", UPDATE).replace("</scope>", "</scope><note>too late</note>"),
    "A-restriction-required": put(
        "<scope>Public</scope>", "<scope>Restricted</scope><restriction>police</restriction>"
    ),
    "A-addresses-required": put(
        "<scope>Public</scope>", "<scope>Private</scope><addresses>a@b.invalid c@d.invalid</addresses>"
    ),
    "A-references-format": put(
        "20:00:00+08:00<", "20:00:00+08:00\n a@b,I9,2024-07-12T11:00:00-00:00<", UPDATE
    ),
    "A-references-self": put("s@drill.invalid,I0", "x@y,I1", UPDATE),
    "A-references-future": put("20:00:00", "21:29:00", UPDATE),
    "D-format": put("<sent>2024", "<sent>\n2024"),
    "D-utc-minus": put("21:29:00+08:00", "13:29:00-00:00"),
    "D-calendar, midnight": put("2024-07-12T23:30:00", "2024-07-12T24:00:00"),
    "D-calendar, leap day": put("2024-07-12T23:30", "2028-02-29T23:30"),
    "D-calendar, 14 hours": put("2024-07-12T23:30:00+08:00", "2024-07-13T23:30:00+14:00"),
    "D-implausible-year": put("2024-07-12T23:30", "2100-07-12T23:30"),
    "I-onset-before-expires": put("T22:00:00+08:00", "T23:50:00+08:00"),
    "I-sequence, another audience": put(
        "</info>",
        "</info>"
        + INFO.replace("<eventCode>", "<audience>boats</audience><eventCode>").replace("Severe", "Minor"),
    ),
    "I-sequence, another language": put(
        "</info>", "</info>" + INFO.replace("en-GB", "fr").replace("Severe", "Minor")
    ),
    "I-sequence, another ground": put(
        "</info>",
        "</info>"
        + INFO.replace("TEST", "OTHER")
        .replace("30.0,", "40.0,")
        .replace("30.1,", "40.1,")
        .replace("Severe", "Minor"),
    ),
    "I-language-syntax": put("en-GB", "zh-Hans-CN"),
    "I-language-default": put("<language>en-GB</language>", ""),
    "I-category-required": put("<category>Met</category>", "", V10),
    "I-category-enum": put("Met<", "CBRNE<", V11),
    "I-assess-public": put("Shelter", "Assess").replace(
        "<scope>Public</scope>", "<scope>Private</scope><addresses>a@b.invalid</addresses>"
    ),
    "I-execute-instruction": put("Shelter", "Execute"),
    "I-pair": put("<value>SVR</value>", "<value></value>"),
    "I-acronyms": put("SAME", "http://www.example.com/a.b.c"),
    "I-headline-160": put("Storm<", "S" * 160 + "<"),
    "I-web-absolute": put("https://drill.invalid/1", "https://例子.invalid/预警"),
    "I-web-absolute, no page of the web": put("https://drill.invalid/1", "mailto:a@b.invalid"),
    "X-html, a comparison": put("Strong winds.", "below &lt;Tmin or above &gt;Tmax, 3 &lt; 5"),
    "X-html, a placeholder": put("Strong winds.", "in &lt;city&gt;"),
    "X-entities, escaped twice": put("Strong winds.", "AT&amp;amp;T"),
    "X-entities, by number": put("Strong winds.", "a&#160;b; R&amp;D; c"),
    "X-xsd, where its schema is": put(
        "<alert ", '<alert xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="a b" '
    ),
    "S-drill-words": put("Strong winds.", "A drill ship is adrift, a drill rig afire."),
    "R-mime-format": put("image/png", "text/html; charset=utf-8"),
    "R-mime-required": put("<mimeType>image/png</mimeType>", "", V10),
    "R-size": put("<size>5", "<size>-0"),
    "R-uri-absolute": put("https://drill.invalid/map.png</uri>", "map.png</uri><derefUri>QQ==</derefUri>"),
    "R-deref-base64": put("</uri>", "</uri><derefUri>\nQUFB\nQUFB\n</derefUri>"),
    "R-digest-mismatch": put(
        "</uri>",
        "</uri><derefUri>QQ==</derefUri><digest>6DCD4CE23D88E2EE9568BA546C007C63D9131C1B</digest>",
    ),
    "G-polygon-syntax": put(RING, RING.replace(" ", "\t").replace("30.0,", "+30.0,")),
    "G-polygon-simple, a pair twice": put(RING, "30,110 30,111 30,111 31,111 30,110"),
    "G-range, at the pole": put(RING, "90,0 80,0 80,10 90,0"),
    "G-antimeridian": put(RING, "10,179 10,-179 12,-179 12,179 10,179"),
    "G-circle-syntax": put("</polygon>", "</polygon><circle> 30,110  5.5 </circle>"),
    "G-ceiling-ge-altitude": put("</geocode>", "</geocode><altitude>-9</altitude><ceiling>-9</ceiling>"),
}
#: messages that break just these rules
ALSO: list[tuple[str, str]] = [
    ("X-html", put("Strong winds.", "<![CDATA[<b>winds</b>]]>")),
    ("X-html", put("Strong winds.", "&amp;lt;BR&amp;gt; winds")),
    ("X-html X-xsd", put("Strong winds.", "<b>winds</b>")),
    ("X-html X-foreign X-xsd", put("Strong winds.", '<b xmlns="http://www.w3.org/1999/xhtml">winds</b>')),
    ("X-entities", put("Strong winds.", "caf&amp;eacute;")),
    ("X-entities X-wellformed", put("Strong winds.", "a&nbsp;b")),
    # the validator of libxml2 takes these for valid
    ("X-order S-enveloped", put("<info>", f"<Signature {DS}/><info>")),
    ("X-order S-enveloped", put("<info>", f"<Signature {DS}/><Signature {DS}/><info>")),
    ("A-identifier-chars", put("I1", "\nI1\n")),
    ("A-identifier-chars", put("I1", "a&amp;b")),
    ("A-sender-chars", put("s@drill.invalid", "a&lt;b")),
    ("A-status-enum X-xsd", put("Actual", "Draft", V10)),
    ("A-addresses-list", put("</scope>", '</scope><addresses>"a b" c@d.invalid; e@f.invalid</addresses>')),
    ("A-references-format", put("20:00:00+08:00", "12:00:00Z", UPDATE)),
    ("A-references-format", put("20:00:00+08:00", "20:00:00+08:00,a@b,I9,2024-07-12T19:00:00-00:00", UPDATE)),
    ("A-references-self", put("I0,2024-07-12T20:00:00+08:00", "I1,2024-07-12T13:29:00-00:00", UPDATE)),
    ("D-format V-11-map", put("21:29:00+08:00", "21:29:00", V11)),
    ("D-format D-no-Z V-11-map", put("21:29:00+08:00", "13:29:00Z", V11)),
    ("D-format D-no-Z X-xsd", put("T23:30:00+08:00", "T15:30:00UTC")),
    ("D-calendar X-xsd", put("T23:30:00", "T23:30:60")),
    ("D-calendar X-xsd", put("2024-07-12T23:30:00+08:00", "2024-07-13T23:30:00+14:30")),
    ("I-category-enum X-xsd", put("Met<", "CBRNE<", V10)),
    ("I-responseType-enum X-xsd", put("Shelter", "Avoid", V11)),
    ("I-responseType-enum X-xsd", put("Shelter", "AllClear", V11)),
    ("I-certainty-enum X-xsd", put("Likely", "Observed", V10)),
    (
        "I-sequence",
        put("</info>", "</info>" + INFO.replace("the square", "it again").replace("Severe", "Minor")),
    ),
    ("I-acronyms", put("SAME", "U.S. code")),
    ("I-web-absolute", put("https://drill.invalid/1", "https://")),
    ("I-web-absolute", put("https://drill.invalid/1", "http:drill.invalid")),
    ("R-uri-absolute", put("https://drill.invalid/map.png", "https:///map.png")),
    ("R-deref-base64", put("</uri>", "</uri><derefUri>QQ</derefUri>")),
    ("R-digest-sha1", put("</uri>", f"</uri><digest>{'a' * 64}</digest>")),
    ("R-size X-xsd", put("<size>5", "<size>5 KB")),
    ("G-polygon-simple", put(RING, "30,110 30,111 30,112 30,110")),
    ("G-circle-syntax", put("</polygon>", "</polygon><circle>30, 110 5</circle>")),
    ("G-circle-syntax", put("</polygon>", "</polygon><circle>30,110 5km</circle>")),
    ("G-altitude-number X-xsd", put("</geocode>", "</geocode><altitude>1e3</altitude>")),
    ("V-10-password X-xsd", put("</msgType>", "</msgType><password>x</password>")),
]


def found(message: str) -> set[str]:
    return {fault.rule for fault in cap.examine(message.encode()).findings}


@pytest.mark.parametrize("message", [PLAIN, UPDATE, V11, V10], ids=["1.2", "update", "1.1", "1.0"])
def test_a_message_that_keeps_every_rule_has_no_finding(message: str) -> None:
    examination = cap.examine(message.encode())
    assert examination.findings == ()
    assert examination.valid and examination.readable and examination.publishable


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_told_with_its_level_place_and_words(rule: str) -> None:
    findings = cap.examine(BROKEN[rule].encode()).findings
    told = [fault for fault in findings if fault.rule == BY_OTHERS.get(rule, rule)]
    assert told, findings
    for fault in told:
        assert fault.path and fault.found and fault.expected
        assert fault.severity in ("must", "should", "may", "info")
        assert fault.told.en != fault.told.zh
        assert "\n" not in fault.sentence()


@pytest.mark.parametrize("near", KEPT)
def test_a_message_near_the_edge_of_a_rule_keeps_it(near: str) -> None:
    assert found(KEPT[near]) == set()


@pytest.mark.parametrize(("broken", "message"), ALSO)
def test_a_message_that_breaks_a_rule_in_another_way_is_told_that_and_no_more(
    broken: str, message: str
) -> None:
    assert found(message) == set(broken.split())


def test_every_rule_that_one_message_can_break_is_tried_here() -> None:
    checked = {rule.name for rule in rules().values() if rule.use == "finding"} | set(own_rules())
    assert set(BROKEN) == checked - ELSEWHERE


def test_every_rule_that_is_not_checked_says_who_looks_at_it_instead() -> None:
    uses = {"finding", "reading", "together", "signature", "relay", "writer", "document", "person"}
    table = {**rules(), **profile_rules()}
    assert {rule.use for rule in table.values()} <= uses
    assert len(table) == 133 + 104
    assert all(rule.en.endswith(".") and rule.zh.endswith("。") for rule in table.values())
    assert rule_of("D-no-Z").severity == "must"
    with pytest.raises(KeyError):
        rule_of("D-nothing")


def test_what_nobody_should_publish_bars_and_what_is_only_advice_does_not() -> None:
    assert not cap.examine(BROKEN["D-utc-minus"].encode()).publishable
    assert not cap.examine(BROKEN["G-polygon-simple"].encode()).publishable
    assert cap.examine(BROKEN["I-headline-160"].encode()).publishable
    assert cap.examine(BROKEN["A-exercise-note"].encode()).publishable
    # whether blocks contradict each other, and what raising a version costs, is for a person to weigh
    weighed = {
        rule.name
        for rule in rules().values()
        if rule.use == "finding" and rule.severity == "must" and not rule.bars
    }
    assert weighed == {"I-sequence", "V-11-map"}


READ = {
    "X-order": ("sender", "s"),
    "D-no-Z": ("status", "Actual"),
    "A-identifier-chars": ("identifier", "I 1"),
    "X-xsd": ("identifier", "I1"),
}


@pytest.mark.parametrize("rule", READ)
def test_what_leaves_a_message_usable_does_not_keep_it_from_being_read(rule: str) -> None:
    alert = cap.read(BROKEN[rule].encode())
    name, value = READ[rule]
    assert getattr(alert, name) == value
    assert rule in {fault.rule for fault in alert.faults}


def test_words_that_no_list_has_are_unknown_and_told() -> None:
    for rule, name in (
        ("I-severity-enum", "severity"),
        ("I-urgency-required", "urgency"),
        ("I-certainty-enum", "certainty"),
    ):
        alert = cap.read(BROKEN[rule].encode())
        assert getattr(alert.infos[0], name) == "Unknown"
        assert rule in {fault.rule for fault in alert.faults}
    assert cap.read(BROKEN["I-very-likely"].encode()).infos[0].certainty == "Likely"


@pytest.mark.parametrize(
    "rule",
    ["A-identifier-required", "A-sender-required", "A-status-enum", "A-msgType-required", "A-scope-required",
     "D-required", "D-calendar", "X-namespace", "X-foreign"],
)  # fmt: skip
def test_a_message_without_name_standing_or_addressee_is_refused_with_every_reason(rule: str) -> None:
    with pytest.raises(cap.NotCap) as caught:
        cap.read(BROKEN[rule].encode())
    assert rule in {fault.rule for fault in caught.value.faults if fault.blocking}


ALONE = put(RING, "RING").replace("<geocode><valueName>TEST</valueName><value>1</value></geocode>", "")


@pytest.mark.parametrize(
    ("shape", "rule"),
    [
        ("30.0;110.0 30.0;110.1 30.1;110.1 30.0;110.0", "G-polygon-syntax"),
        ("30.0, 110.0, 30.0, 110.1, 30.1, 110.1", "G-polygon-syntax"),
        ("30°N 110°E", "G-polygon-syntax"),
        ("the whole county, information follows", "G-polygon-syntax"),
        ("30,110 30,111 31,111) 30,110", "G-polygon-syntax"),
        ("</polygon><circle>30,110,5</circle><polygon>", "G-circle-syntax"),
        ("</polygon><circle>30,110 -5</circle><polygon>", "G-circle-syntax"),
    ],
)
def test_an_area_whose_only_shape_is_written_wrong_is_read_and_its_ground_is_told_unknown(
    shape: str, rule: str
) -> None:
    raw = ALONE.replace("RING", shape).replace("<polygon></polygon>", "").encode()
    examination = cap.examine(raw)
    assert examination.readable and not examination.publishable
    assert rule in {fault.rule for fault in examination.findings if fault.bars}
    assert cap.read(raw).infos[0].areas
    ground = examination.ground()
    assert ground.outcome == "unresolved" and ground.geometry.is_empty
    assert {record.code for record in ground.records} <= {"unreadable", "out_of_range"}
    assert ground.records
    assert "S-unresolved" in {fault.rule for fault in examination.hindrances()}


def test_numbers_made_to_mislead_programs_keep_a_message_out_where_nothing_else_says_where() -> None:
    one = ALONE.replace("RING", "nan,nan nan,nan nan,nan nan,nan")
    with pytest.raises(cap.NotCap, match="G-polygon-syntax"):
        cap.read(one.encode())
    with pytest.raises(cap.NotCap, match="G-circle-syntax"):
        cap.read(ALONE.replace("RING", "</polygon><circle>3e1,1.1e2 1e309</circle><polygon>").encode())
    beside = put(RING, "nan,nan nan,nan nan,nan nan,nan")
    assert cap.read(beside.encode()).infos[0].areas[0].polygons


def test_foreign_elements_inside_of_a_text_are_told_as_such_and_its_words_are_read() -> None:
    raw = put("Strong winds.", 'Strong <b xmlns="urn:other">winds</b>.').encode()
    told = {fault.rule: fault for fault in cap.examine(raw).findings}
    assert told["X-foreign"].path == "alert/info[1]/description" and "urn:other" in told["X-foreign"].found
    assert not told["X-foreign"].blocking
    assert cap.read(raw).infos[0].description == "Strong winds."
    deeper = put("Strong winds.", 'Strong <b>very <i xmlns="urn:other">strong</i></b> winds.')
    assert "X-foreign" in found(deeper)
    # one of CAP's own is out of place, not foreign; a value in pieces is none
    assert "X-foreign" not in found(put("Strong winds.", "Strong <event>winds</event>."))
    with pytest.raises(cap.NotCap, match="X-foreign"):
        cap.read(put("I1", 'I<b xmlns="urn:other">1</b>').encode())


def test_an_identifier_used_again_for_a_later_message_is_no_reference_to_itself() -> None:
    again = put("I0,2024-07-12T20:00:00", "I1,2024-07-12T20:00:00", UPDATE)
    assert "A-references-self" not in found(again)


def test_a_flood_of_blocks_or_of_findings_is_bounded_and_told() -> None:
    block = INFO[: INFO.index("<resource>")] + "</info>"
    with pytest.raises(Hostile, match="1001 blocks"):
        cap.read(put(INFO, block * 1001).encode())
    with pytest.raises(Hostile, match="20002 shapes"):
        cap.read(put("</polygon>", "</polygon>" + "<circle>30,110 5</circle>" * 20_001).encode())
    flood = put("</polygon>", "</polygon>" + "<circle>30,110 0</circle>" * 5000)
    examination = cap.examine(flood.encode())
    assert examination.readable
    assert len(examination.findings) == 2001
    assert examination.findings[-1].found == "3000 findings more"
    crossed = put(RING, "30,110 31,111 31,110 30,111 30,110").replace(
        "</polygon>", "</polygon>" + "<polygon>0,0 1,1 1,0 0,1 0,0</polygon>" * 1000
    )
    ground = cap.examine(crossed.encode()).ground()
    assert ground.outcome == "unresolved"
    assert ground.records[-2].found == "too many rings to mend"


def test_a_text_that_only_looks_like_a_drill_or_is_written_from_right_to_left_is_no_trick() -> None:
    for words in ("Drilling platform in distress.", "Exercise caution.", "\u200fعاصفة\u200e"):
        assert not found(put("Strong winds.", words)) & {"S-drill-words", "S-bidi"}


def test_a_hole_that_crosses_itself_is_not_cut_and_one_that_does_not_is() -> None:
    square = "0,0 0,10 10,10 10,0 0,0"
    for hole, outcome, area in (
        ("1,1 1,2 2,2 1,1", "exact", 99.5),
        ("1,1 2,2 2,1 1,2 1,1", "repaired", 100.0),
    ):
        message = put(RING, square).replace(
            "TEST</valueName><value>1", f"EXCLUDE_POLYGON</valueName><value>{hole}"
        )
        ground = cap.examine(message.encode()).ground()
        assert (ground.outcome, ground.geometry.area) == (outcome, area)
