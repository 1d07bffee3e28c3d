"""How good probabilistic forecasts are: proper scores, so that honesty pays.

CRPS of an ensemble: Gneiting and Raftery (2007), JASA 102:359-378, equation 21; "fair" is that of Ferro
(2014), QJRMS 140:1917-1923, which does not punish a small ensemble for being small. Weighted interval
score: Bracher, Ray, Gneiting, Reich (2021), PLoS Comput Biol 17:e1008618, equation 1; it is twice the mean
pinball loss of the quantiles. Brier score and its parts: Murphy (1973), J Appl Meteorol 12:595-600.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def crps_ensemble(observed: Floats, members: Floats, *, fair: bool = False) -> Floats:
    """[n] from `observed` [n] and `members` [n, n_members], in the unit of the observation; NaN where the
    observation or any member is missing."""
    if members.ndim != 2 or len(observed) != len(members):
        raise ValueError(f"members must be [{len(observed)}, n_members], found {members.shape}")
    from scoringrules import crps_ensemble as score  # type: ignore[import-untyped] # compiles when imported

    return np.asarray(score(observed, members, estimator="fair" if fair else "nrg"), dtype=np.float64)


def weighted_interval_score(observed: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """[n] from `quantiles` [n, n_levels] at `levels` (ascending, symmetric about one half): the mean over
    the median and the central intervals that they form."""
    if not np.allclose(levels + levels[::-1], 1.0) or (np.diff(levels) <= 0).any():
        raise ValueError("levels must ascend and be symmetric about 0.5")
    y = observed[:, np.newaxis]
    pinball = np.where(y >= quantiles, levels * (y - quantiles), (1 - levels) * (quantiles - y))
    return np.asarray(2.0 * pinball.mean(axis=1))


def coverage(observed: Floats, quantiles: Floats, levels: Floats, central: float) -> float:
    """The share of known observations within the central interval of that size; ValueError where the
    quantiles do not hold its ends."""
    ends = (0.5 - central / 2, 0.5 + central / 2)
    columns = [np.flatnonzero(np.isclose(levels, end)) for end in ends]
    if any(len(column) != 1 for column in columns):
        raise ValueError(f"a central interval of {central:g} needs the levels {ends[0]:g} and {ends[1]:g}")
    low, high = (quantiles[:, column[0]] for column in columns)
    known = ~np.isnan(observed) & ~np.isnan(low)
    return float(((observed >= low) & (observed <= high))[known].mean()) if known.any() else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """Brier score and its parts, `brier` = `reliability` - `resolution` + `uncertainty` up to the spread
    within bins; `skill` against the base rate. Per bin: `forecast` mean probability, `observed` share of
    events, `count`."""

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    forecast: Floats
    observed: Floats
    count: NDArray[np.int64]

    @property
    def skill(self) -> float:
        """1 - brier / uncertainty: above 0 is better than always saying the base rate; NaN where the event
        never, or always, came."""
        return 1.0 - self.brier / self.uncertainty if self.uncertainty > 0 else float("nan")


def reliability(probability: Floats, happened: NDArray[np.bool_], bins: int = 10) -> Reliability:
    """The forecasts [n] against what happened [n], in equal bins of probability; empty bins are left out.
    ValueError for none, or probabilities outside 0 to 1."""
    if not len(probability):
        raise ValueError("probability must not be empty")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("probability must lie within 0 and 1")
    y = happened.astype(np.float64)
    number = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(number, minlength=bins)
    used = count > 0
    share = np.bincount(number, weights=y, minlength=bins)[used] / count[used]
    mean = np.bincount(number, weights=probability, minlength=bins)[used] / count[used]
    weight, base = count[used] / len(y), y.mean()
    return Reliability(
        float(((probability - y) ** 2).mean()),
        float((weight * (mean - share) ** 2).sum()),
        float((weight * (share - base) ** 2).sum()),
        float(base * (1 - base)),
        mean,
        share,
        count[used],
    )
