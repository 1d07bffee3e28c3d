"""Categorical models: multinomial (no order) and ordinal (rising or falling risk).

Jung, Kulldorff, Klassen (2007), "A spatial scan statistic for ordinal data", Stat Med 26:1594-1607; Jung,
Kulldorff, Richard (2010), "A spatial scan statistic for multinomial data", Stat Med 29:1910-1918. With
c_k of C_k people of category k inside, n and N in all:

    sum_k c_k ln(c_k / n) + (C_k - c_k) ln((C_k - c_k) / (N - n)) - C_k ln(C_k / N)

Ordinal and high: the ratio of the share inside to the share outside must not fall from one category to
the next; neighbours that break this are pooled (pool-adjacent-violators), low the other way round.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from anlan.assess.scan.engine import Best, Floats, Ints
from anlan.assess.scan.sampling import generator, shuffled_values
from anlan.assess.scan.statistic import TIE
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

#: so many people at most are dealt their category one by one
DEALT = 200_000


@njit(cache=True, nogil=True, inline="always")
def _term(count, people):  # type: ignore[no-untyped-def]
    return count * np.log(count / people) if count > 0.0 else 0.0


@njit(cache=True, nogil=True)
def categorical_ratio(inside, total, sign, pooled):  # type: ignore[no-untyped-def]
    """The log likelihood ratio of counts `inside` of `total` [n_categories]; `sign` 0 multinomial, 1
    ordinal high, -1 ordinal low. `pooled` [n_categories] gets the first category of each one's pool."""
    n_categories = len(total)
    n, everyone = 0.0, 0.0
    for k in range(n_categories):
        n += inside[k]
        everyone += total[k]
    if n <= 0.0 or n >= everyone:
        return 0.0
    rest = everyone - n
    head = np.empty(n_categories, dtype=np.int64)
    inn = np.empty(n_categories)
    out = np.empty(n_categories)
    n_pools = 0
    for k in range(n_categories):
        head[n_pools], inn[n_pools], out[n_pools] = k, inside[k], total[k] - inside[k]
        n_pools += 1
        while sign != 0 and n_pools > 1:
            before, last = n_pools - 2, n_pools - 1
            # shares inside to outside: inn / out, compared without dividing
            if sign * (inn[last] * out[before] - inn[before] * out[last]) > 0.0:
                break
            inn[before] += inn[last]
            out[before] += out[last]
            n_pools -= 1
    value = 0.0
    for j in range(n_pools):
        value += _term(inn[j], n) + _term(out[j], rest) - _term(inn[j] + out[j], everyone)
        until = head[j + 1] if j + 1 < n_pools else n_categories
        for k in range(head[j], until):
            pooled[k] = head[j]
    return value


@njit(cache=True, nogil=True)
def _search(ptr, first, places, stop, factor, spans, cases, total, signs, best, where):  # type: ignore[no-untyped-def]
    """`cases` [n_places, n_periods + 1, n_categories] running sums over the periods; `signs` to try."""
    n_times, n_categories = cases.shape[1], cases.shape[2]
    now = np.zeros((n_times, n_categories))
    inside = np.empty(n_categories)
    pooled = np.empty(n_categories, dtype=np.int64)
    for k in range(len(ptr) - 1):
        now[:] = 0.0
        for i in range(ptr[k], ptr[k + 1]):
            now += cases[places[i]]
            if i < ptr[k] + first[k] or not stop[i]:
                continue
            for s in range(len(spans)):
                for j in range(n_categories):
                    inside[j] = now[spans[s, 1], j] - now[spans[s, 0], j]
                for sign in signs:
                    value = factor[k] * categorical_ratio(inside, total, sign, pooled)
                    if value > best[k, s] + TIE:
                        best[k, s] = value
                        where[k, s] = i


class CategoryEngine:
    """`cases` [n_places, n_periods, n_categories]; the population at risk are the people counted."""

    block = 16

    def __init__(self, cases: Ints, seed: int, *, ordinal: bool, high: bool, low: bool) -> None:
        self.cases = cases
        self.seed = seed
        self.total = cases.sum(axis=(0, 1)).astype(np.float64)
        self.at_risk = cases.sum(axis=(1, 2)).astype(np.float64)
        signs = ([1] if high else []) + ([-1] if low else []) if ordinal else [0]
        self.signs = np.array(signs, dtype=np.int64)
        self.people = cases.sum(axis=2).ravel()

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Nothing is shared."""

    def strongest(self, zones: Zones, windows: Windows) -> float:
        return float(self._best(self.cases, zones, windows)[0].max())

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        value, position = self._best(self.cases, zones, windows)
        return Best.of_spans(value, position, windows.span_array(), floor)

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:
        return np.array(
            [self._best(self._drawn(replication), zones, windows)[0].max() for replication in replications]
        )

    def _drawn(self, replication: int) -> Ints:
        """Categories dealt anew to the people, each cell keeping its number of people."""
        n_categories = self.cases.shape[2]
        if self.people.sum() <= DEALT:
            labels = np.repeat(np.arange(n_categories), self.cases.sum(axis=(0, 1)))
            mixed = np.empty_like(labels)
            shuffled_values(self.seed, replication, labels, mixed)
            home = np.repeat(np.arange(len(self.people)), self.people)
            found = np.bincount(home * n_categories + mixed, minlength=self.cases.size)
            return np.asarray(found, dtype=np.int64).reshape(self.cases.shape)
        random = generator(self.seed, replication)
        left = self.cases.sum(axis=(0, 1))
        drawn = np.zeros((len(self.people), n_categories), dtype=np.int64)
        for cell, people in enumerate(self.people[:-1].tolist()):
            drawn[cell] = random.multivariate_hypergeometric(left, people, method="marginals")
            left = left - drawn[cell]
        drawn[-1] = left
        return drawn.reshape(self.cases.shape)

    def _best(self, cases: Ints, zones: Zones, windows: Windows) -> tuple[Floats, Ints]:
        spans = windows.span_array()
        best = np.zeros((len(zones.centre), len(spans)))
        where = np.zeros(best.shape, dtype=np.int64)
        running = np.zeros((len(cases), cases.shape[1] + 1, cases.shape[2]))
        np.cumsum(cases, axis=1, out=running[:, 1:])
        _search(
            zones.ptr, zones.first, zones.places, zones.stop, zones.factor, spans, running,
            self.total, self.signs, best, where,
        )  # fmt: skip
        return best, where

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:
        inside = self.cases[members, start:end].sum(axis=(0, 1)).astype(np.float64)
        values, pools = [], []
        for sign in self.signs:
            pooled = np.zeros(len(inside), dtype=np.int64)
            values.append(float(categorical_ratio(inside, self.total, sign, pooled)))
            pools.append(pooled)
        top = int(np.argmax(values))
        people = inside.sum()
        expected = people * self.total / self.total.sum()
        heads = np.unique(pools[top])
        return {
            "observed": float(people),
            "expected": None,
            "ode": None,
            "relative_risk": None,
            "high": None if self.signs[top] == 0 else bool(self.signs[top] > 0),
            "llr": values[top],
            "population": float(people),
            "categories": tuple(zip(inside.tolist(), expected.tolist(), strict=True)),
            "pooled": tuple(tuple(np.flatnonzero(pools[top] == head).tolist()) for head in heads),
        }
