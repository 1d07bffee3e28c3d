"""Which places of an indicator report on, and which have stopped or stand still.

A place that has stopped is no silent source: the others report on, no rule has a level there, and nothing
is found. It is unknown all the same. Here is what of each place was last reported, and whether that is too
long ago, or has been the same value for longer than the indicator can stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from anlan.ports.lake import Slice

Instants = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Reports:
    """What each place last reported; all of one length, places sorted. `at`: its newest period with a value,
    known `since`; `value` its value, which every period from `same` on has had. Times datetime64[us] UTC."""

    places: tuple[str, ...]
    at: Instants
    since: Instants
    value: NDArray[np.float64]
    same: Instants


def newest(slice: Slice) -> Reports:
    """The newest report of each place of a slice; gaps that a source reported are no reports."""
    here = np.flatnonzero(~np.isnan(slice.value))
    place, at, value = slice.place[here], slice.at[here], slice.value[here]
    first = np.ones(len(here), dtype=bool)
    first[1:] = place[1:] != place[:-1]
    last = np.flatnonzero(np.append(first[1:], True)) if len(here) else np.empty(0, dtype=np.int64)
    changed = first.copy()
    changed[1:] |= value[1:] != value[:-1]
    runs = np.maximum.accumulate(np.where(changed, np.arange(len(here)), 0))
    return Reports(
        tuple(place[last].tolist()), at[last], slice.known[here][last], value[last], at[runs[last]]
    )


def renewed(before: Reports, after: Reports) -> Reports:
    """`before` with what `after` says of some of its places and of new ones; `after` reaches back to the
    newest period that each had before, at least. The same period again, revised, is no later report."""
    row = {place: n for n, place in enumerate(before.places)}
    old = np.array([row.get(place, -1) for place in after.places], dtype=np.int64)
    had = old >= 0
    since, same = after.since.copy(), after.same.copy()
    again = had & (before.at[old] == after.at) if row else had
    since[again] = before.since[old[again]]
    # a run that began before what `after` looked at
    longer = had & (before.value[old] == after.value) & (same <= before.at[old]) if row else had
    same[longer] = np.minimum(same[longer], before.same[old[longer]])
    kept = np.setdiff1d(np.arange(len(before.places)), old[had])
    places = [*(before.places[n] for n in kept), *after.places]
    order = sorted(range(len(places)), key=places.__getitem__)
    return Reports(
        tuple(places[n] for n in order),
        np.concatenate([before.at[kept], after.at])[order],
        np.concatenate([before.since[kept], since])[order],
        np.concatenate([before.value[kept], after.value])[order],
        np.concatenate([before.same[kept], same])[order],
    )


def stopped(reports: Reports, now: np.datetime64, patience: timedelta) -> NDArray[np.bool_]:
    """[n_places]: no later period has come for longer than `patience`."""
    found: NDArray[np.bool_] = now - reports.since > np.timedelta64(patience)
    return found


def stuck(reports: Reports, step: timedelta, limit: timedelta | None) -> NDArray[np.bool_]:
    """[n_places]: the newest value has been the same for `limit` or longer, its own period of length `step`
    included; nowhere without a limit."""
    if limit is None:
        return np.zeros(len(reports.places), dtype=bool)
    need = -(-limit // step) - 1
    # half a step of grace: an hour of summer time is no period
    found: NDArray[np.bool_] = reports.at - reports.same >= np.timedelta64(need * step - step // 2)
    return found


def rows(reports: Reports, which: NDArray[np.bool_]) -> Sequence[int]:
    """The rows of the places that `which` names, those first that reported longest ago."""
    chosen = np.flatnonzero(which)
    found: list[int] = chosen[np.argsort(reports.since[chosen], kind="stable")].tolist()
    return found
