"""Australia: the CAP profile CAP-AU-STD 1.0."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, first
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.profiles.asked import an_area, an_info, areas, broken, infos, same

CODE = "urn:oasis:names:tc:emergency:cap:1.2:profile:CAP-AU:1.0"
# the state services name the list by its address at the government's repository of standards
_EVENT = re.compile(
    r"https?://.*CAP-AU.*|.*:profile:CAP-AU:.*|.*CAPAU.*|.*AUeventLIST.*|https?://govshare\.gov\.au/.*/10772/6495",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r".*(?:G-NAF|GNAF|ISO[ -]?3166-?2|ASGC|PSMA|postcode|post code|place|/lga|/ste).*", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def check(alert: Block) -> Iterator[CapFault]:
    """The Australian profile; the list of national events is not here, so that an event code is of the
    list is judged by its name alone."""
    if CODE not in (code.strip() for code in alert.get("code", ())):
        yield broken("alert/code", "AU-code", shown(", ".join(alert.get("code", ()))), CODE)
    yield from an_info(alert, "AU-info", ("Ack", "Error"))
    values = set()
    for path, info in infos(alert):
        events = [
            value for name, value in info.get("eventCode", ()) if _EVENT.fullmatch((name or "").strip())
        ]
        values |= {(value or "").strip() for value in events}
        if not events:
            yield broken(f"{path}/eventCode", "AU-event", "nothing", "a code of the national event list")
    if len(values) > 1:
        yield broken(
            "alert/info", "AU-event", shown(", ".join(sorted(values))), "one event in the whole message"
        )
    yield from same(alert, ("category", "eventCode"), "AU-same")
    events_told: dict[str, str] = {}
    for path, info in infos(alert):
        language, event = first(info, "language").lower(), first(info, "event")
        if events_told.setdefault(language, event) != event:
            yield broken(f"{path}/event", "AU-same", shown(event), shown(events_told[language]))
    if first(alert, "msgType") == "Cancel":
        for path, info in infos(alert):
            if "effective" in info:
                yield broken(
                    f"{path}/effective", "AU-cancel", first(info, "effective"), "nothing in a Cancel"
                )
    yield from an_area(alert, "AU-area")
    for path, area in areas(alert):
        if not any(_SYSTEM.fullmatch((name or "").strip()) for name, _ in area.get("geocode", ())):
            yield broken(f"{path}/geocode", "AU-geocode", "nothing", "a recognised code system")
    sender = first(alert, "sender")
    if not _ADDRESS.fullmatch(sender):
        yield broken("alert/sender", "AU-sender", shown(sender), "name@agency domain")
    if first(alert, "status") == "Test":
        yield broken("alert/status", "AU-test", "'Test'", "logged, not broadcast")
