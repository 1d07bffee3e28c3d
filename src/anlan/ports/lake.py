"""The store of observations, with both of their times."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anlan.model.observation import Observation
from anlan.model.quarantine import Quarantined


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: `new` rows written, `repeated` already there (same content key)."""

    new: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Newest values as known then, in long form, sorted by (place, event, at). `value` NaN where the
    source reported a gap. Arrays have one length: `place`, `event` object (str); `at`, `known`
    datetime64[us] UTC; `value`, `lon`, `lat` float64 (NaN where none)."""

    place: NDArray[np.object_]
    event: NDArray[np.object_]
    at: NDArray[np.datetime64]
    known: NDArray[np.datetime64]
    value: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


class Lake(Protocol):
    """Append-only and idempotent: the key of an observation is the digest of its content."""

    def append(self, observations: Iterable[Observation]) -> Appended:
        """Durable when it returns."""
        ...

    def read(
        self,
        indicator: str,
        *,
        known: datetime,
        places: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Slice:
        """The newest revision, of those known at or before `known`, of every (place, event, at) with
        `since` <= at < `until`. Canonical order: place, event, at."""
        ...

    def digest(self, slice: Slice) -> str:
        """SHA-256 over the slice in canonical form: what a finding cites as evidence."""
        ...

    def quarantine(self, items: Iterable[Quarantined]) -> int:
        """Keep what cannot be used. Idempotent by id. Number of new ones."""
        ...

    def quarantined(self, status: str | None = None) -> list[Quarantined]:
        """What is held, newest first."""
        ...


@runtime_checkable
class Stamped(Protocol):
    """What a lake may offer besides: whether what was known then has changed since."""

    def stamp(self, indicator: str, known: datetime) -> Hashable:
        """While it is the same, every read of the indicator `known` then answers the same."""
        ...
