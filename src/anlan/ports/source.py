"""Where observations come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.model.relayed import Relayed


@dataclass(frozen=True, slots=True)
class Received:
    """A message of somebody else and its bytes as they came."""

    message: Relayed
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What one fetch brought: usable observations, and what is not, with reasons; `relayed` every message
    of others that could be read, whatever became of it. `unchanged` True when the source said that nothing
    is new (HTTP 304)."""

    source: str
    known: datetime
    observations: tuple[Observation, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    unchanged: bool = False
    relayed: tuple[Received, ...] = ()


class Source(Protocol):
    """One configured source. `fetch` and `parse` never raise for bad data: they quarantine it."""

    definition: SourceDef

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """Bytes as received at `known` into observations. Pure."""
        ...

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """Ask the source once (a conditional request where it can)."""
        ...

    def whole(self, item: Quarantined) -> bytes:
        """What to parse again for a held item: its raw bytes as a document that `parse` reads."""
        ...

    def history(self, pack: Pack) -> Iterator[Batch]:
        """For replay: everything recorded, in order of `known`, one batch per instant of `known`."""
        ...


@runtime_checkable
class Rereads(Protocol):
    """A source whose messages may be looked at again when time has passed."""

    def again(self, raw: bytes, ref: str, now: datetime, pack: Pack) -> Batch:
        """One message that it brought before, judged as of `now` in the chain that it belongs to. Never
        raises for bad data."""
        ...
