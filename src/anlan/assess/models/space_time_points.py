"""Prospective detection of a space-time cluster in a stream of point events.

Assunção, Correa (2009), "Surveillance to detect emerging space-time clusters", Comput Stat Data Anal
53:2817-2830. For events 1..n in order of time, the cluster that starts with event k is the disc of a
given radius around it, from then on. With N_kn its events up to n and mu_kn what is expected there when
time and place are independent,

    mu_kn = N(disc_k, all time up to n) N(everywhere, k..n) / n
    Lambda_kn = (1 + epsilon)^N_kn exp(-epsilon mu_kn),    R_n = sum_k Lambda_kn

(Shiryaev-Roberts), or their maximum (CUSUM). Alarm at the first n with R_n above the threshold; the
cluster's centre is the event k with the greatest Lambda_kn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PointClusterDetection:
    """`statistic` [n_events]; index of the event that gave the first alarm and of the one at the cluster's
    centre, None where there was no alarm."""

    statistic: Floats
    first_alarm: int | None
    centre: int | None


def detect_point_cluster(
    x: Floats,
    y: Floats,
    t: Floats,
    *,
    radius: float,
    epsilon: float,
    threshold: float,
    cusum: bool = False,
    compat: Literal["mended", "surveillance"] = "mended",
) -> PointClusterDetection:
    """Run the detector over events at `x`, `y` (any length unit, as `radius`) and times `t`, strictly
    rising. `epsilon`: relative excess within the cluster to look for. Memory grows with one row of events
    at a time, time with their number squared. `compat="surveillance"`: the CUSUM never falls, as the peer
    shows it (it keeps the greatest value of all events so far); the first alarm is the same."""
    if not (x.shape == y.shape == t.shape) or x.ndim != 1:
        raise ValueError(f"x, y, t must have one length, found {x.shape}, {y.shape}, {t.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(t).all()):
        raise ValueError("x, y, t must be known and finite for every event")
    if (np.diff(t) <= 0).any():
        raise ValueError("times must be ascending without ties")
    if radius <= 0 or epsilon <= 0:
        raise ValueError(f"radius and epsilon must be above 0, found {radius} and {epsilon}")
    n = len(x)
    statistic = np.zeros(n)
    greatest = np.full(n, -np.inf)
    centre = np.zeros(n, dtype=np.int64)
    number = np.arange(1, n + 1)
    for k in range(n):
        inside = (x - x[k]) ** 2 + (y - y[k]) ** 2 < radius**2
        ever = np.cumsum(inside)[k:]
        since = np.cumsum(inside[k:])
        expected = ever * np.arange(1, n - k + 1) / number[k:]
        value = np.exp(since * np.log1p(epsilon) - epsilon * expected)
        statistic[k:] += value
        higher = value > greatest[k:]
        greatest[k:][higher] = value[higher]
        centre[k:][higher] = k
    if cusum:
        statistic = np.maximum.accumulate(greatest) if compat == "surveillance" else greatest
    above = np.flatnonzero(statistic > threshold)
    if not above.size:
        return PointClusterDetection(statistic, None, None)
    return PointClusterDetection(statistic, int(above[0]), int(centre[above[0]]))
