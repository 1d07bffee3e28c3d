"""Batches: whole documents that cannot be used, and recorded history in the order it became known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from anlan.formats.observations import code_of, hold
from anlan.model.errors import AnlanError
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch, Received

#: what a request or an answer may carry is kept whole; of a larger document this much
MOST_KEPT = 64 * 1024 * 1024
DAWN = datetime(1970, 1, 1, tzinfo=UTC)


def whole(
    definition: SourceDef,
    raw: bytes,
    ref: str,
    known: datetime,
    error: AnlanError,
    content_type: str = "",
) -> Batch:
    """A batch of one document that cannot be used at all: kept whole, and where it is too large for that,
    the sentence says how much of it is kept."""
    code = code_of(error)
    kept = raw[:MOST_KEPT]
    sentence = error.sentence() if ref in error.sentence() else f"{ref}: {error.sentence()}"
    if len(kept) < len(raw):
        sentence += f"; the first {len(kept)} of its {len(raw)} bytes are kept"
    elif not raw and code == "hostile":
        sentence += "; none of its bytes are kept"
    item = hold(definition.id, ref, None, known, code, sentence, kept, content_type=content_type)
    return Batch(definition.id, known, (), (item,))


def unchanged(definition: SourceDef, known: datetime) -> Batch:
    """Asked, and nothing is new."""
    return Batch(definition.id, known, unchanged=True)


def by_known(
    definition: SourceDef,
    observations: Iterable[Observation],
    quarantined: Iterable[Quarantined],
    relayed: Iterable[Received] = (),
) -> Iterator[Batch]:
    """One batch for each instant of `known`, in order. What was held comes with the first batch at or
    after its own `known`."""
    news: dict[datetime, list[Observation]] = {}
    held: dict[datetime, list[Quarantined]] = {}
    for observation in observations:
        news.setdefault(observation.known, []).append(observation)
    for item in quarantined:
        held.setdefault(item.known, []).append(item)
    messages: dict[datetime, list[Received]] = {}
    for one in relayed:
        messages.setdefault(one.message.known, []).append(one)
    for known in sorted(news.keys() | held.keys() | messages.keys()):
        yield Batch(
            definition.id,
            known,
            tuple(news.get(known, ())),
            tuple(held.get(known, ())),
            relayed=tuple(messages.get(known, ())),
        )
