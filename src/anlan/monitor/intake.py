"""Intake: what of a batch may enter the lake, and what is held instead."""

from __future__ import annotations

from anlan.formats.observations import code_of, fit, hold
from anlan.formats.pushed import JSON
from anlan.formats.values import canonical, to_plain
from anlan.model.errors import AnlanError, BadInput
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch


class KnownLater(BadInput):
    """An observation that says it was known later than the batch that brought it."""

    reason_code = "future_known"


def admit(batch: Batch, pack: Pack) -> tuple[tuple[Observation, ...], tuple[Quarantined, ...]]:
    """(accepted, quarantined). Accepted observations are of an indicator of the pack, in its unit and
    within its bounds, at a place in force at their `at`, and known no later than the batch. What is
    not is quarantined with its reason, after what the source itself had quarantined."""
    accepted: list[Observation] = []
    quarantined = list(batch.quarantined)
    for observation in batch.observations:
        try:
            accepted.append(_known_by(batch, fit(observation, pack)))
        except AnlanError as error:
            quarantined.append(_held(batch, observation, error))
    return tuple(accepted), tuple(quarantined)


def _known_by(batch: Batch, observation: Observation) -> Observation:
    if observation.known > batch.known:
        raise KnownLater(
            "known later than received",
            where="known",
            found=observation.known.isoformat(),
            expected=f"at most {batch.known.isoformat()}",
        )
    return observation


def _held(batch: Batch, observation: Observation, error: AnlanError) -> Quarantined:
    origin = observation.provenance
    line = "" if origin.line is None else f": line {origin.line}"
    return hold(
        batch.source,
        origin.ref,
        origin.line,
        batch.known,
        code_of(error),
        f"{origin.ref}{line}: {observation.indicator} at {observation.place}: {error.sentence()}",
        canonical(to_plain(observation)),
        observation.indicator,
        # held as it was understood, not as its source wrote it
        "" if origin.line is None else JSON,
    )
