"""The conformance battery of sources: what every kind, built-in or added, must do."""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from anlan.formats.values import sha256
from anlan.model.pack import Pack
from anlan.ports.source import Batch, Source


def hostile_inputs(sample: bytes) -> dict[str, bytes]:
    """Inputs that no source may stumble over, by name, some of them made from a good sample."""
    choice = random.Random(20_260_101)  # noqa: S311
    flipped = bytearray(sample)
    for _ in range(min(20, len(flipped))):
        flipped[choice.randrange(len(flipped))] = choice.randrange(256)
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    gzip = packed.compress(sample) + packed.flush()
    return {
        "nothing": b"",
        "a blank": b" \n",
        "zero bytes": bytes(64),
        "noise": choice.randbytes(2_000),
        "a web page": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        "an entity bomb": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>'
        b"<a>&c;</a>",
        "deep JSON": b"[" * 100_000,
        "deep XML": b"<a>" * 10_000,
        "JSON that is not a feed": b'{"error": "over capacity"}',
        "a number that JSON has not": b'{"features": [NaN]}',
        "half of the sample": sample[: len(sample) // 2],
        "the sample with noise": bytes(flipped),
        "the sample in UTF-16": sample.decode("latin-1").encode("utf-16"),
        "a gzip file cut short": gzip[:-6],
        "half a character": b'{"observations": [{"indicator": "rain", "place": "\\ud800", "at": '
        b'"2017-09-14T02:00:00Z", "value": 1, "unit": "mm", "event": "\\ud800"}]}',
        "an integer of many digits": b'{"features": [{"id": "x", "properties": {"time": 1, "mag": '
        + b"9" * 400
        + b"}}]}",
        "a time before all time": b'{"observations": [{"indicator": "rain", "place": "xx/1", "at": '
        b'"0001-01-01T00:00:00+14:00", "value": 1, "unit": "mm"}]}',
        "a huge number": b'{"features": [{"id": "x", "properties": {"time": 1e400, "mag": 9}}]}',
    }


def check_source(source: Source, *, sample: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
    """Raise AssertionError naming what a source does wrong; the batch of the sample when it does
    nothing wrong. The sample must bring at least one observation."""
    batch = source.parse(sample, ref, known, pack)
    _say(bool(batch.observations), "the sample brings no observation")
    _say(
        batch == source.parse(sample, ref, known, pack),
        "parse gives two answers for one input: it is not pure",
    )
    _sound(source, batch, sample, ref, known, pack)
    for name, raw in hostile_inputs(sample).items():
        try:
            answer = source.parse(raw, ref, known, pack)
        except Exception as error:
            raise AssertionError(f"parse raises for {name}: {error!r}") from error
        _sound(source, answer, raw, ref, known, pack)
        made_of_sample = "sample" in name
        silent = not answer.observations and not answer.quarantined
        _say(not silent or raw.strip() in (b"", b"[]") or made_of_sample, f"{name} vanishes without a word")
    _say(
        bool(source.parse(b"\x00 not a document", ref, known, pack).quarantined),
        "a document that cannot be read is not quarantined",
    )
    again = source.parse(sample, ref, known.replace(year=known.year + 1), pack)
    _say(
        {item.id for item in again.quarantined} == {item.id for item in batch.quarantined},
        "the same fault gets another id when it is received again",
    )
    return batch


def check_history(source: Source, pack: Pack) -> tuple[Batch, ...]:
    """Raise AssertionError unless the recorded history is in order of `known`, one batch for each
    instant, nothing in it known later than its batch, and the same when read again."""
    batches = tuple(source.history(pack))
    instants = [batch.known for batch in batches]
    _say(instants == sorted(set(instants)), "history is not one batch for each instant, in order of known")
    for batch in batches:
        _say(batch.source == source.definition.id, f"a batch of another source: {batch.source}")
        late = [item for item in batch.observations if item.known > batch.known]
        _say(not late, f"an observation known later than its batch: {late[:1]}")
    _say(batches == tuple(source.history(pack)), "history read twice gives two answers")
    return batches


def _sound(source: Source, batch: Batch, raw: bytes, ref: str, known: datetime, pack: Pack) -> None:
    id = source.definition.id
    _say(batch.source == id, f"batch.source is {batch.source!r}, expected {id!r}")
    _say(batch.known == known, "batch.known is not when the bytes were received")
    for item in batch.observations:
        indicator = pack.indicators.get(item.indicator)
        _say(indicator is not None, f"an indicator the pack has not: {item.indicator}")
        _say(indicator is None or item.unit == indicator.unit, f"not in the indicator's unit: {item}")
        _say(item.known <= known or _tells_known(source), f"known later than received: {item}")
        _say(item.provenance.source == id and item.provenance.ref == ref, f"provenance is not ours: {item}")
        _say(item.provenance.digest == sha256(raw) or ref == "", f"provenance names other bytes: {item}")
        pack.place(item.place, item.at)
    ids = [held.id for held in batch.quarantined]
    _say(len(ids) == len(set(ids)), "two held items have one id")
    for held in batch.quarantined:
        _say(
            held.source == id and held.ref == ref, f"a held item of another source: {held.source} {held.ref}"
        )
        _say(bool(held.code) and bool(held.sentence), "a held item without its reason")
        _say(ref in held.sentence, f"a reason that does not name the input: {held.sentence}")
        _say(bool(held.raw) or not raw, "a held item without its bytes")
        _say(held == replace(held, status="held"), "a new item that is not held")


def _tells_known(source: Source) -> bool:
    options: dict[str, Any] = source.definition.options
    return "known" in options or "known_lag" in options


def _say(right: bool, wrong: str) -> None:
    if not right:
        raise AssertionError(wrong)
