"""The blocks of a readable message as the values of the model, with what was unreadable left unknown."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from anlan.formats.cap.blocks import Block, Pair
from anlan.formats.cap.lists import split_list
from anlan.formats.cap.message import (
    DEFAULT_LANGUAGE,
    CapAlert,
    CapArea,
    CapInfo,
    CapPair,
    CapReference,
    CapResource,
)
from anlan.formats.cap.schema import CERTAINTY, SEVERITY, URGENCY
from anlan.formats.cap.times import judge_time

_BLANKS = " \t\r\n"
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def alert_of(blocks: Block, version: str, signatures: int) -> CapAlert:
    """The message; ValueError where there is no instant of sending (such a message is not readable).

    A word that its list does not have is Unknown, Very Likely is Likely, a time that does not exist is
    none, blanks around names and words are taken off: the findings of the message tell each."""
    sent = _time(blocks, "sent")
    if sent is None:
        raise ValueError("no instant of sending")
    return CapAlert(
        identifier=_first(blocks, "identifier").strip(_BLANKS),
        sender=_first(blocks, "sender").strip(_BLANKS),
        sent=sent,
        status=_first(blocks, "status").strip(_BLANKS),
        msg_type=_first(blocks, "msgType").strip(_BLANKS),
        scope=_first(blocks, "scope").strip(_BLANKS),
        source=_first(blocks, "source"),
        restriction=_first(blocks, "restriction"),
        addresses=split_list(_first(blocks, "addresses")),
        codes=tuple(blocks.get("code", ())),
        note=_words(blocks, "note"),
        references=tuple(_reference(item) for item in _first(blocks, "references").split()),
        incidents=split_list(_first(blocks, "incidents")),
        infos=tuple(_info(info) for info in blocks.get("info", ())),
        version=version,
        signatures=signatures,
    )


def _first(block: Block, name: str) -> str:
    found = block.get(name)
    return found[0] if found else ""


def _words(block: Block, name: str) -> str:
    """A text that people read, with all its words where it is given several times."""
    found: list[str] = block.get(name, [])
    return found[0] if len(found) == 1 else "\n".join(found)


def _time(block: Block, name: str) -> datetime | None:
    found = block.get(name)
    return judge_time(found[0].strip(_BLANKS), True).instant if found else None


def _word(block: Block, name: str, words: tuple[str, ...]) -> str:
    word = _first(block, name).strip(_BLANKS)
    return word if word in words else "Unknown"


def _pairs(block: Block, name: str) -> tuple[CapPair, ...]:
    found: list[Pair] = block.get(name, [])
    return tuple(CapPair(name or "", value or "") for name, value in found)


def _reference(item: str) -> CapReference:
    fields = item.split(",")
    return CapReference(*fields) if len(fields) == 3 else CapReference("", item, "")


def _info(info: Block) -> CapInfo:
    certainty = _first(info, "certainty").strip(_BLANKS)
    return CapInfo(
        language=_first(info, "language").strip(_BLANKS) or DEFAULT_LANGUAGE,
        categories=tuple(word.strip(_BLANKS) for word in info.get("category", ())),
        event=_words(info, "event"),
        response_types=tuple(word.strip(_BLANKS) for word in info.get("responseType", ())),
        urgency=_word(info, "urgency", URGENCY),
        severity=_word(info, "severity", SEVERITY),
        certainty="Likely" if certainty == "Very Likely" else _word(info, "certainty", CERTAINTY),
        audience=_words(info, "audience"),
        event_codes=_pairs(info, "eventCode"),
        effective=_time(info, "effective"),
        onset=_time(info, "onset"),
        expires=_time(info, "expires"),
        sender_name=_words(info, "senderName"),
        headline=_words(info, "headline"),
        description=_words(info, "description"),
        instruction=_words(info, "instruction"),
        web=_first(info, "web"),
        contact=_words(info, "contact"),
        parameters=_pairs(info, "parameter"),
        resources=tuple(_resource(resource) for resource in info.get("resource", ())),
        areas=tuple(_area(area) for area in info.get("area", ())),
    )


def _resource(resource: Block) -> CapResource:
    size = _first(resource, "size").strip(_BLANKS)
    return CapResource(
        description=_words(resource, "resourceDesc"),
        mime_type=_first(resource, "mimeType"),
        # thousands of digits are no size of anything, and costly to convert
        size=int(size) if _INTEGER.fullmatch(size) else None,
        uri=_first(resource, "uri"),
        deref_uri=_first(resource, "derefUri"),
        digest=_first(resource, "digest"),
    )


def _area(area: Block) -> CapArea:
    return CapArea(
        description=_words(area, "areaDesc"),
        polygons=tuple(area.get("polygon", ())),
        circles=tuple(area.get("circle", ())),
        geocodes=_pairs(area, "geocode"),
        altitude=_decimal(area, "altitude"),
        ceiling=_decimal(area, "ceiling"),
    )


def _decimal(area: Block, name: str) -> Decimal | None:
    text = _first(area, name).strip(_BLANKS)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None
