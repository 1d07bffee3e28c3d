"""A CAP message as a WIS2 notification (WMO WIS2 Notification Message, wnm/1/conf/core).

The notification names where the message stands and how to tell that it is the right one; a message that
is small enough stands in it as well. It is made of the message's own bytes and of nothing that changes
between tries, so that a repeat is the same notification.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from anlan.formats.cap import CapAlert
from anlan.formats.cap.geometry import ring
from anlan.formats.lengths import limit
from anlan.model.time import format_instant

CONFORMS_TO = "http://wis.wmo.int/spec/wnm/1/conf/core"
CAP_TYPE = "application/cap+xml"


def notification(
    message: CapAlert, raw: bytes, *, centre_id: str, address: str, metadata_id: str = ""
) -> bytes:
    """The notification of `message`, whose bytes are `raw` and stand at `address`. ValueError where it does
    not fit into 8,192 bytes."""
    effective = min((info.effective or message.sent for info in message.infos), default=message.sent)
    expires = [info.expires for info in message.infos if info.expires is not None]
    properties: dict[str, Any] = {
        "data_id": f"{centre_id}/data/core/weather/advisories-warnings/{quote(message.identifier, safe='')}",
        "pubtime": _utc(message.sent),
        "start_datetime": _utc(effective),
        "integrity": {
            "method": "sha512",
            "value": base64.b64encode(hashlib.sha512(raw).digest()).decode(),
        },
    }
    if expires:
        properties["end_datetime"] = _utc(max(expires))
    if metadata_id:
        properties["metadata_id"] = metadata_id
    feature: dict[str, Any] = {
        # the same message at the same place is the same notification
        "id": str(uuid5(NAMESPACE_URL, address)),
        "conformsTo": [CONFORMS_TO],
        "type": "Feature",
        "geometry": _envelope(message),
        "properties": properties,
        # an update is a message of its own, with an identity of its own: canonical all the same
        "links": [{"rel": "canonical", "href": address, "type": CAP_TYPE, "length": len(raw)}],
    }
    most, inline = limit("wis2", "message").limit, limit("wis2", "inline").limit
    if len(raw) <= inline:
        content = {"encoding": "utf-8", "value": raw.decode("utf-8"), "size": len(raw)}
        whole = _bytes({**feature, "properties": {**properties, "content": content}})
        if len(whole) <= most:
            return whole
    whole = _bytes(feature)
    if len(whole) > most:
        raise ValueError(f"{len(whole)} bytes, {most} at most")
    return whole


def _envelope(message: CapAlert) -> dict[str, Any] | None:
    """The box around all polygons, or null: one geometry is all that the notification takes."""
    points = [
        p for info in message.infos for area in info.areas for text in area.polygons for p in ring(text)
    ]
    if not points or any(area.circles for info in message.infos for area in info.areas):
        return None
    south, north = min(lat for lat, _ in points), max(lat for lat, _ in points)
    west, east = min(lon for _, lon in points), max(lon for _, lon in points)
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}


def _bytes(feature: dict[str, Any]) -> bytes:
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":")).encode()


def _utc(instant: datetime) -> str:
    return format_instant(instant.astimezone(UTC))
