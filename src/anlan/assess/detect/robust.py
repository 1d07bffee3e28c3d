"""Location and spread that a few wild values do not move, and what either side of a bound means.

Median, and 1.4826 times the median absolute deviation; where more than half of the values are equal, 1.2533
times the mean absolute deviation instead (Iglewicz, Hoaglin 1993, "How to detect and handle outliers").
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from scipy.special import ndtr

from anlan.assess.detect.panel import Floats, Ints

Sides: TypeAlias = Literal["up", "down", "both"]

SIDES = ("up", "down", "both")

_MEDIAN_DEVIATION = 1.4826
_MEAN_DEVIATION = 1.2533


def location_scale(values: Floats) -> tuple[Floats, Floats, Ints]:
    """Median, spread and number of the known values along the last axis; NaN of none; the spread is 0
    where all are equal."""
    n = (~np.isnan(values)).sum(axis=-1)
    centre = median(values, n)
    with np.errstate(invalid="ignore"):
        away = np.abs(values - centre[..., None])
        scale = _MEDIAN_DEVIATION * median(away, n)
        mean = _MEAN_DEVIATION * np.where(np.isnan(away), 0.0, away).sum(axis=-1) / np.maximum(n, 1)
    return centre, np.where(scale == 0, mean, scale), n


def median(values: Floats, n: Ints) -> Floats:
    """Median of the `n` known values along the last axis; NaN where there is none."""
    ordered = np.sort(values, axis=-1)
    if not ordered.shape[-1]:
        return np.full(n.shape, np.nan)
    last = np.maximum(n - 1, 0)
    low = np.take_along_axis(ordered, (last // 2)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, ((last + 1) // 2)[..., None], axis=-1)[..., 0]
    return low + (high - low) / 2


def standardise(y: Floats, centre: Floats, scale: Floats) -> Floats:
    """(y - centre) / scale; over values that never varied +-inf off the centre and 0 on it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z: Floats = (y - centre) / scale
    z[(scale == 0) & (y == centre)] = 0.0
    return z


def on_sides(z: Floats, sides: Sides) -> Floats:
    """How far `z` lies on the side that counts."""
    if sides == "both":
        return np.abs(z)
    return z if sides == "up" else -z


def normal_tail(z: Floats, sides: Sides) -> Floats:
    """Probability of a normal value at least that far out on the side that counts."""
    tail: Floats = ndtr(-on_sides(z, sides)) * (2.0 if sides == "both" else 1.0)
    return tail


def check_sides(sides: str) -> None:
    """ValueError unless `sides` is one of the three."""
    if sides not in SIDES:
        raise ValueError(f"sides must be one of {', '.join(SIDES)}, found {sides!r}")
