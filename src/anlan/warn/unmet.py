"""What a message lacks to keep the profiles of CAP that are asked for, and where each thing is given."""

from __future__ import annotations

from anlan.formats.cap.chinese import in_chinese
from anlan.formats.cap.examine import examine
from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.profiles import check_profile
from anlan.formats.cap.writer import SIGNATURE_RULES
from anlan.model.text import Text
from anlan.model.warning import Warning

_SETTING = Text("anlan.toml: {}", " anlan.toml：{}")
_CODE = Text("the pack's cap_codes.csv: {}", "预案包 cap_codes.csv：{}")
_DRAWN = Text(
    "an area drawn by hand carries no codes: choose places",
    "手绘区域不带编码：请改选地点",
)
_TONGUES = Text(
    "messages are written in Chinese and English: this profile cannot be kept",
    "消息以中文和英文写成：无法符合此规范",
)
#: rule -> the setting that meets it
_SETTINGS = {
    "GO-web": Text("cap.web", "cap.web"),
    "WMO-identifier": Text(
        "cap.identifier, such as urn:oid:2.49.0.1.COUNTRY.ORGANISATION.{sent}.{n}",
        "cap.identifier，如 urn:oid:2.49.0.1.国家.机构.{sent}.{n}",
    ),
    "CN-identifier": Text(
        'cap.identifier = "PUBLISHER_{sent}_{n}", cap.zone = "Asia/Shanghai"',
        'cap.identifier = "发布单位_{sent}_{n}"、cap.zone = "Asia/Shanghai"',
    ),
    "CN-publisher": Text('cap.identifier = "PUBLISHER_{sent}_{n}"', 'cap.identifier = "发布单位_{sent}_{n}"'),
    "US-sign": Text("signing", "signing"),
}
#: rule -> element and valueName of the row that meets it
_CODES: dict[str, tuple[str, str | Text]] = {
    "US-code": ("code", ""),
    "CA-code": ("code", ""),
    "AU-code": ("code", ""),
    "US-event": ("eventCode", "SAME"),
    "CA-event": ("eventCode", Text("profile:CAP-CP:Event:VERSION", "profile:CAP-CP:Event:版本")),
    "AU-event": ("eventCode", "urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0:…"),
    "US-eas-org": ("parameter", "EAS-ORG"),
    "MA-level": ("parameter", "awareness_level"),
    "MA-type": ("parameter", "awareness_type"),
    "CA-geocode": ("geocode", Text("profile:CAP-CP:Location:VERSION", "profile:CAP-CP:Location:版本")),
    "MA-geocode": ("geocode", "EMMA_ID"),
    "DE-eventcodes": (
        "eventCode",
        Text(
            "II, GROUP, AREA_COLOR, LICENSE and PROFILE_VERSION, a row each",
            "II、GROUP、AREA_COLOR、LICENSE 和 PROFILE_VERSION（各占一行）",
        ),
    ),
    "DE-warncell": ("geocode", "WARNCELLID"),
    "TW-event": ("eventCode", "profile:CAP-TWP:Event:1.0"),
    "TW-geocode": ("geocode", Text("Taiwan_Geocode_YEAR", "Taiwan_Geocode_年份")),
    "TH-geocode": ("geocode", "ISO3166-2"),
    "WEA-chars": ("parameter", Text("CMAMtext or CMAMlongtext", "CMAMtext 或 CMAMlongtext")),
    "US-vtec": ("parameter", "VTEC"),
    "US-expired-refs": ("parameter", "expiredReferences"),
    "US-eventEnding": ("parameter", "eventEndingTime"),
    "US-fips6-list": ("geocode", Text("of a code alone, a row each", "（每个代码单独一行）")),
}


def unmet(warning: Warning, cap: bytes, profiles: tuple[str, ...], *, to_be_signed: bool) -> tuple[Text, ...]:
    """One sentence for every rule that bars publishing `cap`, the message as it would
    leave; none where the profiles are kept."""
    blocks = examine(cap).blocks
    found: dict[tuple[str, ...], Text] = {}
    for profile in profiles:
        for fault in check_profile(profile, blocks):
            if fault.bars and not (to_be_signed and fault.rule in SIGNATURE_RULES):
                place = _place(warning, fault)
                told = _told(profile, fault, _remedy(warning, fault, place))
                found.setdefault((profile, fault.rule, fault.expected, place), told)
    return tuple(found.values())


def _told(profile: str, fault: CapFault, remedy: Text) -> Text:
    found, expected = in_chinese(fault.found), in_chinese(fault.expected)
    return Text(
        f"profile {profile} needs {fault.expected} ({fault.rule}; found {fault.found}); {remedy.en}",
        f"规范 {profile} 要求：{expected}（{fault.rule}；现为：{found}）；{remedy.zh}",
    )


def _place(warning: Warning, fault: CapFault) -> str:
    """The place whose area lacks a code."""
    _, _, after = fault.path.partition("/area[")
    number = after.partition("]")[0]
    drawn = not number or bool(warning.rings)
    return "" if drawn else warning.places[int(number) - 1]


def _remedy(warning: Warning, fault: CapFault, place: str) -> Text:
    if setting := _SETTINGS.get(fault.rule):
        return _give(_SETTING, setting)
    if fault.rule == "NO-one-area" and "Norwegian" in fault.expected:
        return _TONGUES
    if fault.rule not in _CODES:
        told = fault.told
        return Text(told.en, told.zh)
    element, name = _CODES[fault.rule]
    if element == "geocode" and not place:
        return _DRAWN
    named = name if isinstance(name, Text) else Text(name, name) if name else None
    # in both languages the columns of the file by their names
    row = [_column("element", element)]
    if named:
        row.append(Text(f"value_name {named.en}", f"value_name {named.zh}"))
    if element == "eventCode":
        row.append(_column("hazard", warning.hazard))
    if element == "geocode":
        row.append(_column("place", place))
    if fault.rule == "MA-level":
        row.append(_column("level", warning.level))
    return _give(_CODE, Text(", ".join(part.en for part in row), "、".join(part.zh for part in row)))


def _column(name: str, value: object) -> Text:
    return Text(f"{name} {value}", f"{name} {value}")


def _give(where: Text, what: Text) -> Text:
    return Text(f"give it in {where.en.format(what.en)}", f"请写入{where.zh.format(what.zh)}")
