"""A file from anywhere, looked at as a whole: its messages, what is wrong with each, who signed it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from anlan.formats.cap.container import LIMITS, Item, open_bytes
from anlan.formats.cap.examine import examine
from anlan.formats.cap.fault import CapFault
from anlan.formats.cap.gazetteer import Gazetteer, read_gazetteer
from anlan.formats.cap.ground import Ground, Mending
from anlan.formats.cap.message import CapAlert
from anlan.formats.cap.signature import Verdict, verify
from anlan.formats.cap.trust import Trust
from anlan.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each message: `profiles` besides the rules of CAP, `documents` the profiles of what
    it travels in (`anlan.formats.cap.container.DOCUMENTS`), `trust` for its signatures,
    `at` the instant at which they must hold, or `at_sent` that of each message's sending, `skip` how many
    items are already known. `ground`: whether each target is to be laid on the ground; `gazetteers`: files
    of geocodes for it, each with its scheme (see `anlan.formats.cap.gazetteer`)."""

    profiles: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    trust: Trust = field(default_factory=Trust)
    at: datetime | None = None
    at_sent: bool = False
    skip: int = 0
    ground: bool = False
    gazetteers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One item of a file as it was looked at.

    `valid` by the schema of its `version`, None where there is nothing to validate; `identifier` and
    `sender` as written. `alert` is None for what cannot be used as a message; `verdict` for what cannot be
    parsed. `ground`: how well its target is known (the outcomes of `anlan.formats.cap.ground`), with what
    was mended; "" where that was not asked. `seconds`: how long it took, without finding it in the file."""

    item: Item
    version: str = ""
    valid: bool | None = None
    identifier: str = ""
    sender: str = ""
    alert: CapAlert | None = None
    findings: tuple[CapFault, ...] = ()
    verdict: Verdict | None = None
    ground: str = ""
    mendings: tuple[Mending, ...] = ()
    seconds: float = 0.0

    @property
    def readable(self) -> bool:
        """True for a message that can be used in spite of its findings."""
        return self.alert is not None


def look(raw: bytes, file: str, asked: Asked | None = None) -> Iterator[Look]:
    """Every item of a file, in order, here and now. Never raises for what is in the file."""
    asked = asked or Asked()
    index = 0
    try:
        for number, item in enumerate(open_bytes(raw, file, LIMITS, asked.documents)):
            index = index if item.index is None else item.index + 1
            if number >= asked.skip:
                yield guarded(item, asked)
    except Exception as error:
        told = f"{file}: {type(error).__name__} while messages were looked for"
        yield Look(Item(file, index, "", raw, "parser_failed", told))


def guarded(item: Item, asked: Asked) -> Look:
    """One item looked at; a fault of the reader itself costs that item alone."""
    try:
        return look_at(item, asked)
    except MemoryError:
        code, why = "parser_memory", "it needs more memory than one message may"
    except Exception as error:
        code, why = "parser_failed", f"{type(error).__name__} while it was looked at"
    return Look(replace(item, code=code, sentence=f"{item.file}: {why}"))


def look_at(item: Item, asked: Asked) -> Look:
    """One item looked at."""
    if item.code:
        return _refused(item, asked)
    began = time.perf_counter()
    found = examine(item.raw, asked.profiles)
    alert = found.alert
    at = alert.sent if asked.at_sent and alert is not None else asked.at
    verdict: Verdict | None = None
    with contextlib.suppress(BadInput):
        verdict = verify(item.raw, found.sender, asked.trust, at=at)
    ground = Ground("")
    if asked.ground and alert is not None:
        ground = found.ground(_gazetteer(asked.gazetteers))
    return Look(
        item,
        found.version,
        found.valid,
        found.identifier,
        found.sender,
        alert,
        found.findings,
        verdict,
        ground.outcome,
        ground.records,
        time.perf_counter() - began,
    )


def _refused(item: Item, asked: Asked) -> Look:
    """A document that holds no message: its faults by the rules of CAP, where it is one at all."""
    began = time.perf_counter()
    faults = item.findings
    if item.index is not None and item.raw and item.code in ("unreadable", "hostile"):
        faults = tuple(fault for fault in examine(item.raw, asked.profiles).findings if fault.blocking)
    if item.code == "hostile" and not any(fault.rule in ("S-size", "S-no-dtd") for fault in faults):
        # what it is packed in says nothing of what it unpacks to
        faults = (CapFault("(document)", "S-size", item.sentence, "a document within the limits", False),)
    return Look(
        item,
        valid=False if item.index is not None and faults else None,
        findings=faults,
        seconds=time.perf_counter() - began,
    )


@cache
def _gazetteer(files: tuple[tuple[str, str], ...]) -> Gazetteer | None:
    if not files:
        return None
    return Gazetteer(entry for scheme, path in files for entry in read_gazetteer(Path(path), scheme))
