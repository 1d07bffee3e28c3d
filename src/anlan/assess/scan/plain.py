"""The readable twin of `search`: every zone, every span, one after the other, logarithms and all.

Slow on purpose, and the measure of the fast one: the two must agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from anlan.assess.scan.engine import Floats, Ints
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones


def zone_members(zones: Zones) -> Iterator[tuple[int, int, Ints]]:
    """Chain, absolute position and places of every zone, in the order in which they are searched."""
    for chain in range(len(zones.centre)):
        for position in range(int(zones.ptr[chain] + zones.first[chain]), int(zones.ptr[chain + 1])):
            if zones.stop[position]:
                yield chain, position, zones.members(chain, position)


def poisson_ratio(cases: float, expected: float, total: float) -> float:
    """Kulldorff (1997), equation 3, for whichever side the rate lies."""

    def part(observed: float, thought: float) -> float:
        return observed * math.log(observed / thought) if observed > 0 else 0.0

    return part(cases, expected) + part(total - cases, total - expected)


def bernoulli_ratio(cases: float, people: float, total: float, everybody: float) -> float:
    """Kulldorff (1997), equation 2."""

    def part(count: float, of: float) -> float:
        return count * math.log(count / of) if count > 0 else 0.0

    def side(ill: float, all_of: float) -> float:
        return part(ill, all_of) + part(all_of - ill, all_of)

    return side(cases, people) + side(total - cases, everybody - people) - side(total, everybody)


def best_windows(
    cases: Ints,
    measure: Floats,
    zones: Zones,
    windows: Windows,
    *,
    bernoulli: bool,
    high: bool,
    low: bool,
    min_cases: int,
) -> dict[int, tuple[float, int, int, int]]:
    """For every chain with a window that qualifies: statistic, position, first period, period after the
    last; of equal ones the first. `cases` and `measure` [n_places, n_periods]."""
    total, whole = float(cases.sum()), float(measure.sum())
    found: dict[int, tuple[float, int, int, int]] = {}
    for chain, position, members in zone_members(zones):
        for start, end in windows.spans():
            inside = float(cases[members, start:end].sum())
            size = float(measure[members, start:end].sum())
            is_high = high and inside >= min_cases and inside * whole > total * size
            is_low = low and inside * whole < total * size
            if not (is_high or is_low):
                continue
            if bernoulli:
                value = bernoulli_ratio(inside, size, total, whole)
            else:
                value = poisson_ratio(inside, size * total / whole, total)
            value *= float(zones.factor[chain])
            if chain not in found or value > found[chain][0] + 1e-9:
                found[chain] = (value, position, start, end)
    return found


def best_window(*args: object, **options: object) -> float:
    """The largest statistic of all; 0 where no window qualifies."""
    found = best_windows(*args, **options)  # type: ignore[arg-type]
    return max((one[0] for one in found.values()), default=0.0)


def connected_sets(neighbours: list[list[int]], centre: int, allowed: list[int]) -> set[frozenset[int]]:
    """Every connected set of `allowed` places that holds the centre: all subsets, tried one by one."""
    others = [place for place in allowed if place != centre]
    found = set()
    for mask in range(1 << len(others)):
        chosen = {centre, *(place for bit, place in enumerate(others) if mask >> bit & 1)}
        reached, todo = {centre}, [centre]
        while todo:
            for other in neighbours[todo.pop()]:
                if other in chosen and other not in reached:
                    reached.add(other)
                    todo.append(other)
        if reached == chosen:
            found.add(frozenset(chosen))
    return found


def multinomial_ratio(inside: Floats, total: Floats) -> float:
    """Jung, Kulldorff, Richard (2010), without order."""
    outside = total - inside
    value = 0.0
    for side in (inside, outside):
        value += float(sum(c * math.log(c / side.sum()) for c in side if c > 0))
    return value - float(sum(c * math.log(c / total.sum()) for c in total if c > 0))


def ordinal_ratio(inside: Floats, total: Floats) -> float:
    """Jung, Kulldorff, Klassen (2007), high: the best over all ways to pool neighbours under which the
    ratio of the shares rises, tried one by one."""
    n = len(total)
    best = 0.0
    for cuts in range(1 << (n - 1)):
        edges = [0, *(k + 1 for k in range(n - 1) if cuts >> k & 1), n]
        pooled_in = np.add.reduceat(inside, edges[:-1])
        pooled = np.add.reduceat(total, edges[:-1])
        out = pooled - pooled_in
        rising = all(
            pooled_in[k + 1] * out[k] >= pooled_in[k] * out[k + 1] for k in range(len(edges) - 2)
        )  # fmt: skip
        if rising:
            best = max(best, multinomial_ratio(pooled_in, pooled))
    return best
