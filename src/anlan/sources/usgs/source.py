"""The feed as a source: each poll gives what changed, history follows the feed's own `updated`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from anlan.formats.table import gunzip
from anlan.formats.usgs import BrokenQuake, Quake, read_quakes
from anlan.formats.values import sha256
from anlan.model.errors import BadInput, Hostile, InvalidValue
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch
from anlan.sources.batches import DAWN, by_known, unchanged, whole
from anlan.sources.manifest import duration
from anlan.sources.recorded import recorded
from anlan.sources.registry import Kind
from anlan.sources.tools import Tools, find_file
from anlan.sources.usgs.events import Events, Seen, newest

LIMIT = 64_000_000


class UsgsSource:
    """`at` is the origin time. `known` is when the feed was received; in history when the feed says it
    was updated, or `known_lag` after the origin time."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        where = f"source {definition.id}.options"
        options = definition.options
        if tools.resolve_point is None and "outside" not in options:
            raise InvalidValue(
                "no way to a place", where=where, found="no outlines", expected="option outside"
            )
        if "url" in options and tools.poller is None:
            raise InvalidValue("an address needs a poller", where=f"{where}.url", expected="file")
        self.definition = definition
        self._tools = tools
        self._events = Events(definition, tools)
        self._lag = duration(options["known_lag"], f"{where}.known_lag") if "known_lag" in options else None
        self._seen = Seen(earlier=tools.earlier)
        self._digest = ""

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse."""
        return self._parse(raw, ref, known, pack, Seen())

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.fetch: events that are new or have changed since the last one."""
        options = self.definition.options
        ref = str(options.get("url") or options.get("file") or "")
        if not ref:
            return unchanged(self.definition, now)
        try:
            if "url" in options and self._tools.poller is not None:
                answer = self._tools.poller.ask(ref)
                if answer.unchanged:
                    return unchanged(self.definition, now)
                raw = answer.body
            else:
                raw = find_file(ref, pack, f"source {self.definition.id}.options.file").read_bytes()
        except Hostile as error:
            return whole(self.definition, b"", ref, now, error)
        if sha256(raw) == self._digest:
            return unchanged(self.definition, now)
        self._digest = sha256(raw)
        return self._parse(raw, ref, now, pack, self._seen)

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history, from the files of `recorded` or from `file`."""
        found: list[tuple[datetime, str, int, Quake, str]] = []
        quarantined: list[Quarantined] = []
        for ref, raw, fault in recorded(self.definition, pack, LIMIT):
            try:
                if fault is not None:
                    raise fault
                quakes = read_quakes(raw, ref)
            except BadInput as error:
                quarantined += whole(self.definition, raw, ref, DAWN, error).quarantined
                continue
            for number, quake in enumerate(quakes, start=1):
                if isinstance(quake, BrokenQuake):
                    quarantined.append(self._events.held(quake, number, DAWN, ref))
                else:
                    found.append((self._known(quake), ref, number, quake, sha256(raw)))
        observations: list[Observation] = []
        seen = Seen()
        for known, ref, number, quake, digest in sorted(found, key=lambda item: item[:3]):
            result = self._events.observe(quake, number, known, ref, digest, pack, seen)
            if isinstance(result, Quarantined):
                quarantined.append(result)
            else:
                observations += result
        yield from by_known(self.definition, observations, quarantined)

    def whole(self, item: Quarantined) -> bytes:
        """As anlan.sources.push.source.PushSource.whole."""
        return item.raw

    def _known(self, quake: Quake) -> datetime:
        if self._lag is not None:
            return quake.at + self._lag
        return quake.updated or quake.at

    def _parse(self, raw: bytes, ref: str, known: datetime, pack: Pack, seen: Seen) -> Batch:
        try:
            quakes = read_quakes(gunzip(raw, ref, LIMIT), ref)
        except BadInput as error:
            return whole(self.definition, raw, ref, known, error)
        numbered = list(enumerate(quakes, start=1))
        used = newest(
            [(number, quake) for number, quake in numbered if isinstance(quake, Quake)],
            seen,
            self._events.indicator,
        )
        observations: list[Observation] = []
        quarantined: list[Quarantined] = []
        for number, quake in numbered:
            if isinstance(quake, BrokenQuake):
                quarantined.append(self._events.held(quake, number, known, ref))
                continue
            if number not in used:
                quarantined.append(self._events.superseded(quake, number, known, ref))
                continue
            result = self._events.observe(quake, number, known, ref, sha256(raw), pack, seen)
            if isinstance(result, Quarantined):
                quarantined.append(result)
            else:
                observations += result
        return Batch(self.definition.id, known, tuple(observations), tuple(quarantined))


KIND = Kind(Path(__file__).parent, UsgsSource)
