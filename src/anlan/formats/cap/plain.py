"""The quick way through a plain message: nothing is parsed, and the rules look only at what a compiled pass
over its bytes marks. What is not plain, or not valid, goes the other way (`anlan.formats.cap.examine`), which
gives the same answer for every message.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

import numpy as np

from anlan.formats.cap import compiled
from anlan.formats.cap.alert_rules import check_alert
from anlan.formats.cap.area_rules import astray, check_area, coded_only
from anlan.formats.cap.blocks import Block
from anlan.formats.cap.columns import (
    AREA_ASTRAY,
    AREA_CODED,
    DOUBTED,
    DOUBTS,
    EVENTS,
    FIRST,
    FLAGGED,
    FULL,
    INFO_EXECUTE,
    INFOS,
    LOOK,
    MOST,
    ODD,
    OUTSIDE,
    ROWS,
    TAIL,
    TAKEN,
    UNITS,
    VERDICT,
    WORST,
)
from anlan.formats.cap.enveloped import signature_faults
from anlan.formats.cap.events import blocks_of, text_of
from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.findings import Findings, first_of
from anlan.formats.cap.frame import ends, signatures_at, start_of
from anlan.formats.cap.geometry import ASTRAY, SOUND, decided
from anlan.formats.cap.info_rules import check_info, executes
from anlan.formats.cap.resource_rules import check_resource
from anlan.formats.cap.rules import SAME, check_sequence
from anlan.formats.cap.secure import MAX_BYTES
from anlan.formats.cap.tables import AREA, INFO, LANGUAGE, NAMES, NUMBER, RESOURCE, VERSIONS
from anlan.formats.cap.times import judge_time

#: names of outcomes as the screen numbers them; the first is none
_OUTCOMES = ("", "exact", "circle", "repaired", "unresolved")
_POLYGON, _INFO = NUMBER["polygon"], NUMBER["info"]
_LANGUAGE, _EVENT, _AUDIENCE = (NUMBER[name] for name in ("language", "event", "audience"))
#: what infos for the same target and event must not contradict, and what of them is a text of any words
_TOLD = tuple(NUMBER[name] for name in SAME)
_FREE = (_EVENT, _AUDIENCE)
#: name -> whether infos are compared by it
_COMPARED = np.zeros(len(NAMES), np.bool_)
_COMPARED[[_INFO, _LANGUAGE, *_FREE, *_TOLD]] = True
_LANGUAGE_FORM = re.compile(rb"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*+")
_URI_PARTS = rb"(?:[A-Za-z0-9/._~!$'()*+,;=:@?-]|%[0-9A-Fa-f]{2}|&amp;)"
#: an absolute URI (RFC 3986) of letters that stand for themselves
_URI_FORM = re.compile(
    rb"[A-Za-z][A-Za-z0-9+.-]*+:(?://[A-Za-z0-9.-]++(?::[0-9]{1,5}+)?+(?![^/?])"
    rb"|(?<!(?i:http):)(?<!(?i:https):)(?!//|#)(?=.))"
    + _URI_PARTS + rb"*+(?:#" + _URI_PARTS + rb"*+)?+"
)  # fmt: skip
_sound: set[bytes] = set()
_MOST_SOUND = 4096
_kept = threading.local()


def forget() -> None:
    """Lets go of the languages and URIs that were found sound."""
    _sound.clear()


@dataclass(slots=True)
class Plain:
    """What was found in a plain message, which is valid by the schema of `version`.

    `findings` as the rules have them, `signed` what is wrong with the form of its signatures, `worst` the
    worst outcome of the areas whose ground the screen knows, empty where there is none, and the others in
    `odd`; the verdicts on their polygons are among the findings'."""

    version: str
    findings: Findings
    signatures: int
    signed: list[CapFault]
    worst: str
    odd: list[Block] = field(default_factory=list)


class _Passed:
    """One message as the compiled pass left it, until the next is passed over in the same thread."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.version = 0
        self.prefix = self.declared = b""
        self.events: Any = None
        self.units: Any = None
        self.told: list[int] = []
        self.signatures: list[Any] = []

    def taken(self, kernels: ModuleType) -> bool:
        raw = self.raw
        start = start_of(raw)
        if start is None:
            return False
        inside, at, self.prefix, self.declared, self.version = start
        room: Any = _kept.__dict__.get("room")
        if room is None:
            room = _kept.room = (*kernels.room_for(4096), np.empty((ROWS, MOST)))
        data = np.frombuffer(raw, np.uint8)
        while True:
            events, units, told, points = room
            answer = kernels.look_through(
                data, inside, at, len(self.prefix), self.version, events, units, told, points
            )
            if answer != FULL:
                break
            # an element has six bytes or more; so much room is not kept
            room = (*kernels.room_for(len(raw) // 6 + 1), points)
        if answer != TAKEN:
            return False
        self.events, self.units, self.told = events, units, told[:8].tolist()
        doubts = self.told[DOUBTED]
        if doubts and not self._sound(told[DOUBTS : DOUBTS + 3 * doubts].tolist()):
            return False
        tail = self.told[TAIL]
        if ends(raw, tail, self.prefix):
            return True
        if VERSIONS[self.version] == "1.2":
            signatures = signatures_at(raw, tail, self.prefix, self.declared)
            if signatures is not None:
                self.signatures = signatures
                return True
        return False

    def _sound(self, doubts: list[int]) -> bool:
        raw = self.raw
        for place in range(0, len(doubts), 3):
            kind, start, end = doubts[place : place + 3]
            text = raw[start:end]
            if kind == LANGUAGE:
                if _LANGUAGE_FORM.fullmatch(text) is None:
                    return False
            elif text not in _sound:
                if _URI_FORM.fullmatch(text) is None:
                    return False
                if len(_sound) < _MOST_SOUND and len(text) <= 200:
                    _sound.add(text)
        return True

    def blocks(self, first: int, last: int) -> Block:
        return blocks_of(self.raw, self.events[first:last].tolist())

    def whole(self) -> Block:
        found = self.blocks(0, self.told[EVENTS])
        if self.signatures:
            found["Signature"] = ["signed"] * len(self.signatures)
        return found


def look_over(raw: bytes) -> Plain | None:
    """What is found in a plain message; None for any other, and while there is no compiled code."""
    kernels = compiled.kernels()
    # a view or an array of bytes has other types for compiled code
    if kernels is None or type(raw) is not bytes or len(raw) > MAX_BYTES:
        return None
    passed = _Passed(raw)
    if not passed.taken(kernels):
        return None
    found = _Looking(passed)
    told = passed.told
    if told[FLAGGED] or told[ODD]:
        found.units()
    if told[INFOS] > 1:
        found.sequence()
    found.findings.finish()
    return Plain(
        VERSIONS[passed.version],
        found.findings,
        len(passed.signatures),
        signature_faults(passed.signatures),
        _OUTCOMES[told[WORST]],
        found.odd,
    )


def blocks_again(raw: bytes) -> Block:
    """The blocks of a message that `look_over` took; empty where there is no compiled code any more."""
    kernels = compiled.kernels()
    passed = _Passed(raw)
    return passed.whole() if kernels is not None and passed.taken(kernels) else {}


class _Looking:
    """The rules over what the screen marked."""

    def __init__(self, passed: _Passed) -> None:
        self.passed = passed
        self.findings = Findings(VERSIONS[passed.version])
        self.odd: list[Block] = []
        self.alert: Block | None = None
        self.sent: datetime | None = None

    def units(self) -> None:
        passed, findings = self.passed, self.findings
        count, events = passed.told[UNITS], passed.told[EVENTS]
        rows = passed.units[:count].tolist()
        ends_at = [row[FIRST] - 1 for row in rows[1:]]
        ends_at.append(events)
        asked = _OUTCOMES[passed.told[WORST]] != "unresolved"
        for row, last in zip(rows, ends_at, strict=True):
            what, first, info, number, found, outcome, codes = row
            if what == AREA:
                if found == AREA_CODED:
                    coded_only(f"alert/info[{info}]/area[{number}]", codes, findings)
                elif found or not outcome:
                    self.area(f"alert/info[{info}]/area[{number}]", first, last, found, asked and not outcome)
            elif not found:
                continue
            elif what == RESOURCE:
                block = passed.blocks(first, last)
                check_resource(block, f"alert/info[{info}]/resource[{number}]", findings)
            elif found == INFO_EXECUTE:
                executes(f"alert/info[{info}]", findings)
            elif what == INFO:
                alert = self.above(ends_at[0])
                check_info(passed.blocks(first, last), f"alert/info[{info}]", alert, self.sent, findings)
            else:
                alert = self.above(last)
                check_alert(alert, findings)

    def above(self, last: int) -> Block:
        """The alert's own elements."""
        if self.alert is None:
            self.alert = self.passed.blocks(0, last)
            # that there are any is all that its rules ask of them
            if self.passed.told[INFOS]:
                self.alert["info"] = []
            self.sent = judge_time(first_of(self.alert, "sent"), self.findings.strict).instant
        return self.alert

    def area(self, path: str, first: int, last: int, found: int, odd: bool) -> None:
        raw, findings = self.passed.raw, self.findings
        rows = self.passed.events[first:last].tolist()
        polygons = [row for row in rows if row[0] == _POLYGON]
        if found == AREA_ASTRAY:
            for number, row in enumerate(polygons, 1):
                if row[3] >> VERDICT == OUTSIDE:
                    pair = raw[row[4] : row[2]].split(None, 1)[0]
                    lat, _, lon = pair.partition(b",")
                    astray(f"{path}/polygon[{number}]", float(lat), float(lon), row[5], findings)
            if not odd:
                return
        block = blocks_of(raw, rows)
        if polygons:
            texts: list[str] = block["polygon"]
            verdicts = decided(texts, [(None, SOUND, ASTRAY)[row[3] >> VERDICT] for row in polygons])
            findings.rings.update(zip(texts, verdicts, strict=True))
        if found == LOOK:
            check_area(block, path, findings)
        if odd:
            self.odd.append(block)

    def sequence(self) -> None:
        """Infos that are for the same language, event and audience must not contradict each other."""
        passed = self.passed
        events = passed.events[: passed.told[EVENTS], :4]
        infos: list[dict[int, str]] = []
        for number, start, end, mark in events[_COMPARED[events[:, 0]]].tolist():
            if number == _INFO:
                infos.append({})
            else:
                flags = mark if number in _FREE else 0
                infos[-1].setdefault(number, text_of(passed.raw, start, end, flags))
        seen: dict[tuple[str, str, str], tuple[str, ...]] = {}
        for info in infos:
            language = info.get(_LANGUAGE, "").lower() or "en-us"
            key = (language, info.get(_EVENT, ""), info.get(_AUDIENCE, ""))
            told = tuple(info.get(number, "") for number in _TOLD)
            # nearly always they say the same: nothing of their areas is to be looked at then
            if seen.setdefault(key, told) != told:
                check_sequence(passed.whole(), self.findings)
                return
