"""What CAP demands beyond its schema (CAP 1.2, section 3): rules over the values of one message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.geometry import circle_faults, polygon_faults
from anlan.formats.cap.message import CapAlert, CapArea, CapInfo, CapReference
from anlan.formats.cap.times import read_time

_NAME = re.compile(r"[^\s,<&]+")
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;.*)?", re.DOTALL)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)


def _fault(path: str, rule: str, found: str, expected: str, blocking: bool = False) -> CapFault:
    return CapFault(path, rule, found, expected, schema=False, blocking=blocking)


def rule_faults(alert: CapAlert) -> Iterator[CapFault]:
    """Every broken rule. Blocking are those that leave the message without a usable name or shape."""
    for path, value in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not value.strip():
            yield _fault(f"alert/{path}", f"A-{path}-required", "nothing", "a name", blocking=True)
        elif not _NAME.fullmatch(value):
            broken_line = not value.isprintable()
            yield _fault(
                f"alert/{path}",
                f"A-{path}-chars",
                shown(value),
                "no blank, comma, < or &",
                blocking=broken_line,
            )
    if alert.msg_type != "Alert" and not alert.references:
        yield _fault(
            "alert/references", "A-references-required", "nothing", f"what the {alert.msg_type} is about"
        )
    if alert.scope == "Restricted" and not alert.restriction.strip():
        yield _fault("alert/restriction", "A-restriction-required", "nothing", "the restriction")
    if alert.scope == "Private" and not alert.addresses:
        yield _fault("alert/addresses", "A-addresses-required", "nothing", "the addresses")
    if alert.version != "1.0":
        for reference in alert.references:
            yield from _reference(alert, reference)
    for number, info in enumerate(alert.infos, 1):
        yield from _info(info, f"alert/info[{number}]")


def _reference(alert: CapAlert, reference: CapReference) -> Iterator[CapFault]:
    path, form = "alert/references", "sender,identifier,sent"
    try:
        sent = read_time(reference.sent)
    except (ValueError, OverflowError):
        found = ",".join((reference.sender, reference.identifier, reference.sent)).strip(",")
        yield _fault(path, "A-references-format", shown(found), form)
        return
    if not reference.sender or not reference.identifier:
        yield _fault(path, "A-references-format", shown(f"{reference.sender},{reference.identifier}"), form)
    if (reference.sender, reference.identifier, sent) == (alert.sender, alert.identifier, alert.sent):
        yield _fault(path, "A-references-self", shown(reference.identifier), "an earlier message")
    elif sent > alert.sent:
        yield _fault(path, "A-references-future", reference.sent, "an earlier message")


def _info(info: CapInfo, path: str) -> Iterator[CapFault]:
    if not info.event.strip():
        yield _fault(f"{path}/event", "I-event-required", "nothing", "the event in words")
    if info.web and not _ABSOLUTE.fullmatch(info.web.strip()):
        yield _fault(f"{path}/web", "I-web-absolute", shown(info.web), "an absolute URI")
    for number, resource in enumerate(info.resources, 1):
        here = f"{path}/resource[{number}]"
        if not resource.description.strip():
            yield _fault(f"{here}/resourceDesc", "R-desc-required", "nothing", "what the resource is")
        if resource.mime_type and not _MIME.fullmatch(resource.mime_type.strip()):
            yield _fault(f"{here}/mimeType", "R-mime-format", shown(resource.mime_type), "type/subtype")
        if resource.size is not None and resource.size < 0:
            yield _fault(f"{here}/size", "R-size", str(resource.size), "0 or more bytes")
    for number, area in enumerate(info.areas, 1):
        yield from _area(area, f"{path}/area[{number}]")


def _area(area: CapArea, path: str) -> Iterator[CapFault]:
    if not area.description.strip():
        yield _fault(f"{path}/areaDesc", "G-areaDesc-required", "nothing", "the area in words")
    for number, polygon in enumerate(area.polygons, 1):
        for rule, found, expected, blocking in polygon_faults(polygon):
            yield _fault(f"{path}/polygon[{number}]", rule, found, expected, blocking)
    for number, circle in enumerate(area.circles, 1):
        for rule, found, expected, blocking in circle_faults(circle):
            yield _fault(f"{path}/circle[{number}]", rule, found, expected, blocking)
    for number, geocode in enumerate(area.geocodes, 1):
        if not geocode.name.strip() or not geocode.value.strip():
            yield _fault(
                f"{path}/geocode[{number}]", "G-geocode-pair", shown(geocode.value), "name and value"
            )
    if area.ceiling is not None and area.altitude is None:
        yield _fault(f"{path}/ceiling", "G-ceiling-altitude", str(area.ceiling), "an altitude with it")
    elif area.ceiling is not None and area.altitude is not None and area.ceiling < area.altitude:
        yield _fault(
            f"{path}/ceiling", "G-ceiling-ge-altitude", str(area.ceiling), f"at least {area.altitude}"
        )
