"""Rules that show only across messages: one name for one message (CAP 1.2, section 3.2.1, identifier)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.message import CapAlert


class Names:
    """The names that messages have had so far. What is kept of each is a digest, not the message."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[str, bytes]] = {}

    def check(self, alert: CapAlert) -> CapFault | None:
        """A-identifier-unique where the sender used the identifier before for another message: with another
        time of sending, or with the same and other content. None for a new name, and for the very same
        message again (every relay and language feed brings it)."""
        name = (alert.sender, alert.identifier)
        sent = alert.sent.isoformat()
        mark = hashlib.sha256(repr(alert).encode("utf-8", "surrogatepass")).digest()
        known = self._seen.setdefault(name, (sent, mark))
        if known == (sent, mark):
            return None
        other = f"also sent {known[0]}" if known[0] != sent else "also given to a message of other content"
        found = f"{shown(alert.identifier)}, {other}"
        expected = "an identifier that names one message alone"
        return CapFault(
            "alert/identifier", "A-identifier-unique", found, expected, schema=False, blocking=False
        )


def check_together(alerts: Iterable[CapAlert]) -> list[tuple[CapAlert, CapFault]]:
    """The messages of a collection whose name another one before them has, each with the finding."""
    names = Names()
    found = ((alert, names.check(alert)) for alert in alerts)
    return [(alert, fault) for alert, fault in found if fault is not None]
