"""A flood on its way down a river: how long it takes, and what is left of it on arrival.

Travel time by the lag at which the changes of the lower gauge follow those of the upper one best, and
Muskingum routing (McCarthy 1938; Cunge 1969, J Hydraul Res 7:205-230):

    O2 = C0 I2 + C1 I1 + C2 O1
    C0 = (dt / 2 - K X) / D,  C1 = (dt / 2 + K X) / D,  C2 = (K (1 - X) - dt / 2) / D,  D = K (1 - X) + dt / 2

with K the travel time, X the weight of inflow in storage (0 a reservoir, 0.5 pure delay). C0 + C1 + C2 = 1,
so water is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Travel:
    """`lag` in steps of the series, `correlation` of the changes at that lag, `pairs` it rests on."""

    lag: int
    correlation: float
    pairs: int


def travel_time(upstream: Floats, downstream: Floats, longest: int) -> Travel:
    """The lag of 0 to `longest` steps at which the day-to-day changes go together best. ValueError where
    no lag has 30 pairs that vary."""
    if upstream.shape != downstream.shape or upstream.ndim != 1:
        raise ValueError("both series must be of one dimension and length")
    up, down = np.diff(upstream), np.diff(downstream)
    best: Travel | None = None
    for lag in range(min(longest, len(up) - 1) + 1):
        a, b = up[: len(up) - lag], down[lag:]
        here = ~np.isnan(a) & ~np.isnan(b)
        if here.sum() < 30 or a[here].std() == 0 or b[here].std() == 0:
            continue
        found = Travel(lag, float(np.corrcoef(a[here], b[here])[0, 1]), int(here.sum()))
        if best is None or found.correlation > best.correlation:
            best = found
    if best is None:
        raise ValueError("no lag has 30 pairs of changes that vary")
    return best


@dataclass(frozen=True, slots=True)
class Muskingum:
    """`k` travel time and `step` in the same unit of time, `x` weight of inflow; `gain` the discharge below
    for one of a steady inflow (tributaries above 1, losses below)."""

    k: float
    x: float
    step: float
    gain: float = 1.0

    def __post_init__(self) -> None:
        if not (self.k > 0 and self.step > 0 and 0 <= self.x <= 0.5 and self.gain > 0):
            raise ValueError(
                "k, step and gain must be above 0 and x within 0 to 0.5, "
                f"found k={self.k}, step={self.step}, x={self.x}, gain={self.gain}"
            )

    @property
    def coefficients(self) -> tuple[float, float, float]:
        """C0, C1, C2. The first or last is negative where the step does not suit the reach
        (2 K X <= step <= 2 K (1 - X) is safe): the outflow can then dip before it rises."""
        half, whole = self.step / 2, self.k * (1 - self.x) + self.step / 2
        return (
            (half - self.k * self.x) / whole,
            (half + self.k * self.x) / whole,
            (self.k * (1 - self.x) - half) / whole,
        )

    def route(self, inflow: Floats, first: float | None = None) -> Floats:
        """The outflow for `inflow` [n]; it begins at `first`, else in balance with the first inflow. Where
        an inflow is missing the outflow is unknown (NaN), and begins again in balance when inflow returns."""
        c0, c1, c2 = self.coefficients
        out = np.full(len(inflow), np.nan)
        for t, now in enumerate(inflow):
            if np.isnan(now):
                continue
            if t and not np.isnan(out[t - 1]):
                out[t] = c0 * now + c1 * inflow[t - 1] + c2 * out[t - 1] / self.gain
            else:
                out[t] = first / self.gain if t == 0 and first is not None else now
            out[t] *= self.gain
        return out


def fit_muskingum(upstream: Floats, downstream: Floats, step: float) -> Muskingum:
    """K, X and gain by least squares on the whole stretch. ValueError for fewer than 30 known pairs."""
    here = ~np.isnan(upstream) & ~np.isnan(downstream)
    if here.sum() < 30:
        raise ValueError(f"at least 30 known pairs are needed, found {int(here.sum())}")
    ratio = float(downstream[here].mean() / upstream[here].mean())

    def model(w: Floats) -> Muskingum:
        return Muskingum(
            float(np.exp(w[0])) * step, 0.5 / (1 + float(np.exp(-w[1]))), step, float(np.exp(w[2])) * ratio
        )

    def loss(w: Floats) -> float:
        error = (model(np.clip(w, -6, 6)).route(upstream) - downstream)[here]
        return float(np.nanmean(error**2))

    starts = ((0.0, 0.0, 0.0), (1.5, 0.0, 0.0))
    best = min((minimize(loss, s, method="Nelder-Mead") for s in starts), key=lambda f: float(f.fun))
    return model(np.clip(best.x, -6, 6))
