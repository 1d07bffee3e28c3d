"""A CAP message as GeoJSON (RFC 7946): a feature for each area of each block, with the texts of that
block; what had to be read otherwise than it was written stands beside the geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely
from shapely.geometry import mapping

from anlan.formats.cap.examine import examine
from anlan.formats.cap.gazetteer import Gazetteer
from anlan.formats.cap.ground import Ground
from anlan.formats.cap.json_form import time_text
from anlan.formats.cap.message import CapAlert, CapArea, CapInfo
from anlan.formats.cap.writer import serialise

#: digits after the point: about a centimetre
_DIGITS = 7


def to_geojson(alerts: Sequence[CapAlert], gazetteer: Gazetteer | None = None) -> dict[str, Any]:
    """A FeatureCollection of all areas, in the order of the messages. The geometry of an area that only
    words or unknown codes describe is null."""
    features = [feature for alert in alerts for feature in _features(alert, gazetteer)]
    return {"type": "FeatureCollection", "features": features}


def grounds_of(alert: CapAlert, gazetteer: Gazetteer | None = None) -> tuple[tuple[Ground, ...], ...]:
    """Where each area of each block is meant."""
    raw = alert.raw or serialise(alert)
    return examine(raw).grounds(gazetteer)


def geometry_of(shape: Any) -> dict[str, Any] | None:
    """A shape as a GeoJSON geometry, outer rings anticlockwise, rounded; None for an empty one."""
    if shape.is_empty:
        return None
    plain: dict[str, Any] = _rounded(mapping(shapely.orient_polygons(shape)))
    return plain


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return value


def _features(alert: CapAlert, gazetteer: Gazetteer | None) -> list[dict[str, Any]]:
    found = []
    for number, (info, grounds) in enumerate(zip(alert.infos, grounds_of(alert, gazetteer), strict=True), 1):
        for place, (area, ground) in enumerate(zip(info.areas, grounds, strict=True), 1):
            found.append(
                {
                    "type": "Feature",
                    "id": f"{alert.sender},{alert.identifier},{time_text(alert.sent)}#{number}.{place}",
                    "geometry": geometry_of(ground.geometry),
                    "properties": _properties(alert, info, area, ground),
                }
            )
    return found


def _properties(alert: CapAlert, info: CapInfo, area: CapArea, ground: Ground) -> dict[str, Any]:
    told = {
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sent": time_text(alert.sent),
        "status": alert.status,
        "msgType": alert.msg_type,
        "scope": alert.scope,
        "references": [f"{one.sender},{one.identifier},{one.sent}" for one in alert.references],
        "language": info.language,
        "category": list(info.categories),
        "event": info.event,
        "responseType": list(info.response_types),
        "urgency": info.urgency,
        "severity": info.severity,
        "certainty": info.certainty,
        "effective": time_text(info.effective or alert.sent),
        "onset": time_text(info.onset) if info.onset else None,
        "expires": time_text(info.expires) if info.expires else None,
        "senderName": info.sender_name,
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
        "web": info.web,
        "contact": info.contact,
        "areaDesc": area.description,
        "geocode": [{"valueName": pair.name, "value": pair.value} for pair in area.geocodes],
        "altitude": str(area.altitude) if area.altitude is not None else None,
        "ceiling": str(area.ceiling) if area.ceiling is not None else None,
        "geometryOutcome": ground.outcome,
        "geometryRecords": [
            {"path": one.path, "code": one.code, "found": one.found, "read": one.read}
            for one in ground.records
        ],
    }
    return {key: value for key, value in told.items() if value not in ("", [])}
