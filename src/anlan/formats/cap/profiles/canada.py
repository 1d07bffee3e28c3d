"""Canada: the CAP Canadian Profile (CAP-CP)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import an_area, an_info, areas, broken, filled, infos, referring, same

CODE = "profile:CAP-CP:"
_CODE = re.compile(r"profile:CAP-CP:[0-9]+(\.[0-9]+)*")
_EVENT = re.compile(r"profile:CAP-CP:Event:[0-9.]+")
_LOCATION = re.compile(r"profile:CAP-CP:Location:[0-9.]+")
HEARTBEAT = "NAADS-Heartbeat"


def check(alert: Block) -> Iterator[CapFault]:
    """The Canadian profile."""
    if not any(_CODE.fullmatch(code.strip()) for code in alert.get("code", ())):
        yield broken("alert/code", "CA-code", shown(", ".join(alert.get("code", ()))), "profile:CAP-CP:…")
    if first(alert, "status") == "System" and first(alert, "sender") == HEARTBEAT:
        yield broken("alert/status", "CA-heartbeat", "a heartbeat", "logged, not shown")
        return
    yield from an_info(alert, "CA-info", ("Ack", "Error"))
    yield from same(alert, ("eventCode",), "CA-one-event")
    for path, info in infos(alert):
        if not any(_EVENT.fullmatch((name or "").strip()) for name, _ in info.get("eventCode", ())):
            yield broken(f"{path}/eventCode", "CA-event", "nothing", "profile:CAP-CP:Event:…")
        for name, value in info.get("parameter", ()):
            told, text = (name or "").strip(), (value or "").strip()
            if told.endswith(":MinorChange") and not text:
                yield broken(f"{path}/parameter", "CA-minor", "nothing", "what the minor change is")
            if told.endswith(":AutoTranslated") and text.lower() not in ("yes", "no"):
                yield broken(f"{path}/parameter", "CA-auto", shown(text), "yes or no")
    yield from an_area(alert, "CA-area")
    for path, area in areas(alert):
        if not any(_LOCATION.fullmatch((name or "").strip()) for name, _ in area.get("geocode", ())):
            yield broken(f"{path}/geocode", "CA-geocode", "nothing", "profile:CAP-CP:Location:…")
    languages = {first(info, "language").lower()[:2] for _, info in infos(alert)}
    if languages and not {"en", "fr"} <= languages:
        found = ", ".join(sorted(languages - {""})) or "none told"
        yield broken("alert/info", "CA-language", found, "blocks in English and French")
    yield from referring(alert, "CA-references")
    for name in ("expires", "senderName", "responseType", "instruction"):
        yield from filled(alert, name, "CA-expires")
