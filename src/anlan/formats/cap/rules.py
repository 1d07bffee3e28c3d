"""What CAP demands beyond its schema (CAP 1.2, section 3): rules over the texts of one message.

They look at blocks (`anlan.formats.cap.blocks`), so that a message which the schema refuses is told all
that is wrong with it at once."""

from __future__ import annotations

from anlan.formats.cap.alert_rules import check_alert
from anlan.formats.cap.area import EXCLUSIONS
from anlan.formats.cap.area_rules import check_area
from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import Findings, first_of
from anlan.formats.cap.geometry import sound_rings
from anlan.formats.cap.info_rules import check_info
from anlan.formats.cap.limits import MAX_INFOS, MAX_SHAPES
from anlan.formats.cap.resource_rules import check_resource


def check_rules(alert: Block, version: str, plain: bool = False) -> Findings:
    """Every rule of CAP over the blocks of one message; `plain` where `may_trick` has seen that no text of
    it need be looked into."""
    findings = Findings(version, plain)
    polygons: list[str] = []
    circles = 0
    for info in alert.get("info", ()):
        for area in info.get("area", ()):
            if "polygon" in area:
                polygons += area["polygon"]
            if "circle" in area:
                circles += len(area["circle"])
    shapes = len(polygons) + circles
    if shapes > MAX_SHAPES:
        findings.add("alert/info", "S-size", f"{shapes} shapes", f"at most {MAX_SHAPES}", blocking=True)
        return findings
    if polygons:
        rings = list(dict.fromkeys(polygons))
        findings.rings = dict(zip(rings, sound_rings(rings), strict=True))
    sent = check_alert(alert, findings)
    infos = alert.get("info", ())
    if len(infos) > MAX_INFOS:
        findings.add("alert/info", "S-size", f"{len(infos)} blocks", f"at most {MAX_INFOS}", blocking=True)
        return findings
    for number, info in enumerate(infos, 1):
        path = f"alert/info[{number}]"
        check_info(info, path, alert, sent, findings)
        for place, resource in enumerate(info.get("resource", ()), 1):
            check_resource(resource, f"{path}/resource[{place}]", findings)
        for place, area in enumerate(info.get("area", ()), 1):
            check_area(area, f"{path}/area[{place}]", findings)
    if len(infos) > 1:
        check_sequence(alert, findings)
    return findings.finish()


#: what blocks for the same target and event must not contradict
SAME = ("urgency", "severity", "certainty", "effective", "onset", "expires")


def check_sequence(alert: Block, findings: Findings) -> None:
    """Blocks of one language for the same target and event: the later must not contradict the earlier."""
    seen: dict[tuple[str, ...], list[Block]] = {}
    for number, info in enumerate(alert["info"], 1):
        key = (
            first_of(info, "language").lower() or "en-us",
            first_of(info, "event"),
            first_of(info, "audience"),
        )
        earlier = seen.setdefault(key, [])
        for other in earlier:
            if all(info.get(name) == other.get(name) for name in _TARGET) and _overlap(info, other):
                _contradictions(other, info, f"alert/info[{number}]", findings)
                break
        earlier.append(info)


_TARGET = ("responseType", "eventCode")


def _overlap(info: Block, other: Block) -> bool:
    """True where both are meant for one polygon, circle or geocode, letter for letter."""
    return bool(_grounds(info) & _grounds(other))


def _grounds(info: Block) -> set[tuple[str, object]]:
    return {
        (name, one)
        for area in info.get("area", ())
        for name in ("polygon", "circle", "geocode")
        for one in area.get(name, ())
        if one and one[0] not in EXCLUSIONS
    }


def _contradictions(earlier: Block, info: Block, path: str, findings: Findings) -> None:
    for name in SAME:
        was, now = first_of(earlier, name).strip(), first_of(info, name).strip()
        if was and now and was != now:
            findings.add(f"{path}/{name}", "I-sequence", shown(now), f"{was}, as before")
