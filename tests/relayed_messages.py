"""Received messages in a few words, for the tests of the hub."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from anlan.formats.values import short_id
from anlan.model.relayed import Feed, Relayed, RelayedArea, RelayedInfo, RelayedReference
from chain_pack import T0

HOUR = timedelta(hours=1)


def info(
    ends: datetime | None = None,
    places: tuple[str, ...] = ("x/a",),
    severity: str = "Severe",
    effective: datetime | None = None,
) -> RelayedInfo:
    area = RelayedArea("somewhere", "geocode" if places else "unresolved", places)
    return RelayedInfo(
        "en", "Storm", "Storm is coming", severity, "Expected", "Likely", effective, None, ends, (area,)
    )


def message(
    name: str,
    *follows: str | tuple[str, str],
    kind: str = "Alert",
    sent: float = 0,
    sender: str = "met@x.invalid",
    content: str = "",
    source: str = "feed-a",
    ends: float | None = 24,
    known: datetime | None = None,
    **fields: Any,
) -> Relayed:
    """`sent` and `ends` in hours after T0; `follows` are names, or (sender, name)."""
    at = T0 + sent * HOUR
    given: dict[str, Any] = {
        "status": "Actual",
        "infos": (info(None if ends is None else T0 + ends * HOUR),) if kind in ("Alert", "Update") else (),
    }
    given |= fields
    content = content or name
    return Relayed(
        id=short_id("M", sender, name, content),
        sender=sender,
        identifier=name,
        sent=at,
        known=known or at,
        msg_type=kind,
        scope="Public",
        references=tuple(
            RelayedReference(*(one if isinstance(one, tuple) else (sender, one)), "2020-06-01T00:00:00-00:00")
            for one in follows
        ),
        content=content,
        feeds=(Feed(source, known or at, f"{source}:{content}"),),
        **given,
    )


def update(name: str, *follows: str | tuple[str, str], **fields: Any) -> Relayed:
    return message(name, *follows, kind="Update", **fields)


def cancel(name: str, *follows: str | tuple[str, str], **fields: Any) -> Relayed:
    return message(name, *follows, kind="Cancel", **fields)
