"""From a probability to an act: what it costs to act against what is lost by not acting.

Acting costs C whether or not the event comes; not acting loses L when it does. Acting pays where the
probability is above C / L (Richardson 2000, QJRMS 126:649-667). A level of warning stands for measures of
a cost, so each has its ratio: a red warning stops a city and needs a high probability, a blue one costs
watching and needs little. In a pack the ratios are the bands of a rule over a probability (`measure =
"value"`, `at_least = C / L`, each with its basis); `level` says the same for a whole array.

`value` is the relative economic value: 1 for a forecast that knows, 0 for the better of always and never
acting, below 0 for one that does harm.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def level(probability: Floats, ratios: Mapping[int, float]) -> NDArray[np.int64]:
    """[n]: the most severe level (1 red to 4 blue) whose C / L the probability reaches, 0 for none, -1
    where the probability is missing. ValueError for ratios outside 0 to 1, or falling with severity."""
    order = sorted(ratios)  # 1 first
    if not ratios or any(number not in (1, 2, 3, 4) for number in order):
        raise ValueError(f"levels must be of 1 to 4, found {order}")
    if any(not 0 < ratios[number] < 1 for number in order):
        raise ValueError(f"C / L must lie between 0 and 1, found {dict(ratios)}")
    if any(ratios[a] < ratios[b] for a, b in itertools.pairwise(order)):
        raise ValueError(f"a more severe level must not need less probability, found {dict(ratios)}")
    found = np.zeros(len(probability), dtype=np.int64)
    for number in reversed(order):
        found[probability >= ratios[number]] = number
    found[np.isnan(probability)] = -1
    return found


def value(probability: Floats, happened: NDArray[np.bool_], ratio: float) -> float:
    """The relative economic value of acting where `probability` [n] reaches `ratio` = C / L; NaN where the
    event never, or always, came. ValueError for a ratio outside 0 to 1."""
    if not 0 < ratio < 1:
        raise ValueError(f"C / L must lie between 0 and 1, found {ratio}")
    base = float(happened.mean())
    acted = probability >= ratio
    # mean expense in units of the loss L
    spent = ratio * float(acted.mean()) + float((happened & ~acted).mean())
    climate, perfect = min(ratio, base), ratio * base
    return (climate - spent) / (climate - perfect) if climate > perfect else float("nan")
