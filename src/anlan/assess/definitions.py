"""A change of definition as a mark on a series: what may be compared with what.

Two values are comparable where the same definitions were in force for both, or where the pack gives the
factor between them. So a detector that tests a value reads its history as if it had always been counted
the way the tested value was: rescaled where a factor is given, else unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.model.errors import UnknownPlace
from anlan.model.indicator import Definition, Indicator
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Instants = NDArray[np.datetime64]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Marks:
    """The definitions of an indicator over a grid: `active` [n_definitions, n_times], whether a period
    lies under a definition; `blurred` same shape, whether its value holds something of both sides of one
    of the definition's dates; `applies` [n_places, n_definitions]; `partly` same shape, where it holds for
    a part of what is added up there, so that no factor fits the whole."""

    definitions: tuple[Definition, ...]
    active: Flags
    blurred: Flags
    applies: Flags
    partly: Flags

    def blur(self) -> Flags:
        """[n_places, n_times]: values that are of no one definition."""
        if not self.definitions:
            return np.zeros((len(self.applies), self.active.shape[1]), dtype=bool)
        found: Flags = (self.applies.astype(np.int64) @ self.blurred.astype(np.int64)) > 0
        return found

    def alike(self, tests: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """(rows, positions in `tests`): places and tested periods that share one history. A change of
        definition parts the periods of the places where it applies, and of no other."""
        parts = []
        patterns, of = np.unique(self.applies, axis=0, return_inverse=True)
        for n, pattern in enumerate(patterns):
            here = self.active[pattern][:, tests].astype(np.int8)
            breaks = 1 + np.flatnonzero((np.diff(here, axis=1) != 0).any(axis=0))
            rows = np.flatnonzero(of.reshape(-1) == n)
            parts += [(rows, columns) for columns in np.split(np.arange(len(tests)), breaks)]
        return parts

    def scale(self, test: int) -> Floats:
        """[n_places, n_times]: what makes a value comparable with one of period `test`; 1 under the same
        definitions, NaN where nothing does."""
        scale = np.ones((len(self.applies), self.active.shape[1]))
        for n, definition in enumerate(self.definitions):
            factor = np.nan if definition.factor is None else definition.factor
            ahead = ~self.active[n] & self.active[n, test]
            behind = self.active[n] & ~self.active[n, test]
            one = np.where(ahead, factor, np.where(behind, 1.0 / factor, 1.0))
            one = np.where(self.partly[:, n : n + 1] & (ahead | behind), np.nan, one)
            scale *= np.where(self.applies[:, n : n + 1], one, 1.0)
        return scale

    def said(self, row: int, test: int, history: Flags) -> tuple[Reason, ...]:
        """What a finding about period `test` of place `row` says: every definition that parts it from a
        known value of the `history` [n_times] that its detector reads, or that blurs the value itself."""
        found = []
        for n, definition in enumerate(self.definitions):
            if not self.applies[row, n]:
                continue
            parted = bool((history & (self.active[n] != self.active[n, test])).any())
            if self.blurred[n, test]:
                found.append(_mixed(definition))
            elif parted:
                apart = definition.factor is None or bool(self.partly[row, n])
                found.append(_changed(definition) if apart else _rescaled(definition))
        return tuple(found)

    def changes(self, row: int, first: int) -> list[tuple[int, bool, Definition, Text]]:
        """(period, whether it begins there, definition, what follows) of every change of what is counted at
        place `row` after period `first`, in order of time."""
        found = []
        for n, definition in enumerate(self.definitions):
            if not self.applies[row, n]:
                continue
            steps = 1 + np.flatnonzero(np.diff(self.active[n].astype(np.int8)))
            apart = definition.factor is None or bool(self.partly[row, n])
            words = (_changed if apart else _rescaled)(definition).text
            found += [(t, bool(self.active[n, t]), definition, words) for t in steps.tolist() if t > first]
        return sorted(found, key=lambda one: one[0])


def marks(indicator: Indicator, pack: Pack, places: Sequence[str], times: Instants, step: timedelta) -> Marks:
    """The definitions of `indicator` laid over `places` and `times` (the start of each period, `step`
    long). A period of a day or more counts by the civil dates it covers: half a day after its start in
    UTC is its first day anywhere from UTC-12 to UTC+12."""
    definitions = indicator.definitions
    shape = (len(definitions), len(times))
    active, blurred = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    if step >= _DAY:
        first = (times + np.timedelta64(12, "h")).astype("datetime64[D]").astype("datetime64[us]")
        last = first + _us(step) - _us(_DAY)
    else:
        first = last = times.astype("datetime64[us]")
    for n, definition in enumerate(definitions):
        validity = definition.validity
        active[n] = True
        if validity.since is not None:
            active[n] &= last >= _date(validity.since)
        if validity.until is not None:
            active[n] &= last < _date(validity.until)
        for day in (_date(day) for day in (validity.since, validity.until) if day is not None):
            straddles = (first < day) & (day <= last)
            blurred[n] |= straddles | ((last >= day) & (first < day + _us(definition.mixed)))
    applies = np.array([[_applies(d, pack, p, times) for d in definitions] for p in places], dtype=bool)
    applies = applies.reshape(len(places), len(definitions))
    return Marks(definitions, active, blurred, applies, np.zeros_like(applies))


def _applies(definition: Definition, pack: Pack, place: str, times: Instants) -> bool:
    if not definition.places or place in definition.places:
        return True
    day: date = times[-1].astype("datetime64[D]").astype(date)
    try:
        return any(area in definition.places for area in pack.ancestry(place, day))
    except UnknownPlace:
        return False


def _us(duration: timedelta) -> np.timedelta64:
    return np.timedelta64(duration // timedelta(microseconds=1), "us")


def _date(day: date) -> np.datetime64:
    return np.datetime64(day, "us")


def _when(definition: Definition) -> Text:
    since, until = definition.validity.since, definition.validity.until
    if until is None:
        return Text(f"on {since}", f"自{since}起")
    return Text(f"from {since} to {until}", f"自{since}至{until}")


def _changed(definition: Definition) -> Reason:
    when, title = _when(definition), definition.title
    return Reason(
        "definition_changed",
        Text(
            f"What is counted changed {when.en} ({title.en}): values on the other side are not compared.",
            f"{when.zh}统计口径变更（{title.zh}）：变更前后的数值不作比较。",
        ),
        definition.basis,
    )


def _rescaled(definition: Definition) -> Reason:
    when, title = _when(definition), definition.title
    return Reason(
        "definition_rescaled",
        Text(
            f"What is counted changed {when.en} ({title.en}): values on the other side are rescaled by "
            f"{definition.factor:g} ({definition.factor_basis}).",
            f"{when.zh}统计口径变更（{title.zh}）：另一侧数值按系数 {definition.factor:g} 换算"
            f"({definition.factor_basis})。",
        ),
        definition.basis,
    )


def _mixed(definition: Definition) -> Reason:
    when, title = _when(definition), definition.title
    return Reason(
        "definition_mixed",
        Text(
            f"What is counted changed {when.en} ({title.en}): this value holds something of both "
            "definitions and is unknown.",
            f"{when.zh}统计口径变更（{title.zh}）：该值混有两种口径，视为未知。",
        ),
        definition.basis,
    )
