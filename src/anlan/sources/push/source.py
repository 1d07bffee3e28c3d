"""Pushed observations as a source: it is never asked, it is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from anlan.formats.observations import code_of, fit, hold
from anlan.formats.pushed import JSON, Refused, read_pushed, unforeseen
from anlan.formats.values import canonical, sha256, to_plain
from anlan.model.errors import AnlanError, BadInput
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch
from anlan.sources.batches import DAWN, by_known, unchanged, whole
from anlan.sources.recorded import recorded
from anlan.sources.registry import Kind
from anlan.sources.tools import Tools

LIMIT = 64_000_000
_LOG = logging.getLogger("anlan.sources")


class PushSource:
    """Reads the bodies that partners post. Only the indicators that the source names are taken, any
    where it names none."""

    def __init__(self, definition: SourceDef, _tools: Tools) -> None:
        self.definition = definition

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse."""
        return self.read(raw, ref, known, pack, "")

    def read(self, raw: bytes, ref: str, known: datetime, pack: Pack, content_type: str) -> Batch:
        """`parse` of a body whose media type is known: what is held of it keeps a media type, so that it
        can be tried again under a source of whatever kind."""
        observations: list[Observation] = []
        quarantined: list[Quarantined] = []
        source = self.definition.id
        of_item = JSON if content_type else ""
        try:
            for number, item in enumerate(
                read_pushed(raw, ref, known, source, sha256(raw), content_type), start=1
            ):
                if isinstance(item, Refused):
                    quarantined.append(self._held(item.error, item.number, known, ref, item.raw, of_item))
                    continue
                try:
                    observations.append(self._allowed(fit(item, pack)))
                except AnlanError as error:
                    quarantined.append(self._held(error, number, known, ref, _as_sent(item, known), of_item))
        except BadInput as error:
            return whole(self.definition, raw, ref, known, error, content_type)
        except Exception as error:
            _LOG.exception("source %s: %s", source, ref)
            return whole(self.definition, raw, ref, known, unforeseen(error), content_type)
        return Batch(source, known, tuple(observations), tuple(quarantined))

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """Nothing to ask for: partners push."""
        del pack
        return unchanged(self.definition, now)

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history: the bodies of `recorded`, each observation at its own
        `known`; one that has none is held."""
        observations: list[Observation] = []
        quarantined: list[Quarantined] = []
        for ref, raw, fault in recorded(self.definition, pack, LIMIT):
            if fault is not None:
                quarantined += whole(self.definition, raw, ref, DAWN, fault).quarantined
                continue
            batch = self.parse(raw, ref, _NEVER, pack)
            for item in batch.observations:
                if item.known == _NEVER:
                    sentence = f"{ref}: item {item.provenance.line}: a recorded observation without known"
                    raw_item = canonical(to_plain(item))
                    quarantined.append(
                        hold(
                            self.definition.id,
                            ref,
                            item.provenance.line,
                            DAWN,
                            "bad_time",
                            sentence,
                            raw_item,
                        )
                    )
                else:
                    observations.append(item)
            quarantined += [
                hold(item.source, item.ref, item.line, DAWN, item.code, item.sentence, item.raw)
                for item in batch.quarantined
            ]
        yield from by_known(self.definition, observations, quarantined)

    def whole(self, item: Quarantined) -> bytes:
        """What was held, as a document that `parse` takes: for trying it again alone."""
        return item.raw if item.line is None else b"[" + item.raw + b"]"

    def _allowed(self, item: Observation) -> Observation:
        allowed = self.definition.indicators
        if allowed and item.indicator not in allowed:
            raise OtherIndicator(
                "not an indicator of this source",
                where="indicator",
                found=item.indicator,
                expected=", ".join(allowed),
            )
        return item

    def _held(
        self, error: AnlanError, number: int, known: datetime, ref: str, raw: bytes, content_type: str
    ) -> Quarantined:
        sentence = f"{ref}: item {number}: {error.sentence()}"
        code = code_of(error)
        return hold(self.definition.id, ref, number, known, code, sentence, raw, content_type=content_type)


def _as_sent(item: Observation, received: datetime) -> bytes:
    """The item again, without the instant of its receipt: sent twice it is held once."""
    plain = to_plain(item)
    if item.known == received:
        del plain["known"]
    return canonical(plain)


def pushed(definition: SourceDef) -> PushSource:
    """What partners push under a source of any kind is read by this."""
    return PushSource(replace(definition, kind="push", options={}), Tools())


class OtherIndicator(BadInput):
    """An indicator that this source may not bring."""

    reason_code = "other_indicator"


_NEVER = datetime.max.replace(tzinfo=DAWN.tzinfo)
KIND = Kind(Path(__file__).parent, PushSource)
