"""What would be expected: population through time, indirect standardisation, trends.

Population is given at census dates and runs in straight lines between them; before the first and after
the last it stays as it was there. Cases expected in a cell of stratum s are the rate of s in the whole
study area and period times the person-time of the cell in s (indirect standardisation), added up over
the strata, so that the total expected equals the total observed.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.periods import Periods

Floats = npt.NDArray[np.float64]


def person_time(
    census: npt.NDArray[np.datetime64], population: Floats, periods: Periods
) -> Floats:  # fmt: skip
    """Mean population over the study period that each period gives its part of: [..., n_periods], whose
    sum over the periods is the mean population. `census` [n_dates] increasing, `population`
    [..., n_dates]."""
    days = np.asarray(census).astype("datetime64[D]").astype(np.int64).astype(np.float64)
    if len(days) > 1 and (np.diff(days) <= 0).any():
        raise ValueError("census dates must be strictly increasing")
    bounds = periods.bounds.astype(np.int64).astype(np.float64)
    weight = np.zeros((len(days), len(periods)))
    for one in range(len(days)):
        unit = np.zeros(len(days))
        unit[one] = 1.0
        knots = np.union1d(np.clip(days, bounds[0], bounds[-1]), bounds)
        values = np.interp(knots, days, unit)
        area = np.concatenate([[0.0], np.cumsum(np.diff(knots) * (values[1:] + values[:-1]) / 2)])
        weight[one] = np.diff(np.interp(bounds, knots, area))
    found: Floats = population @ (weight / (bounds[-1] - bounds[0]))
    return found


def standardised(cases: Floats, person: Floats) -> Floats:
    """Expected cases [n_places, n_periods] from `cases` and `person` [n_places, n_periods, n_strata].
    ValueError where a stratum has cases and nobody at risk."""
    total = cases.sum(axis=(0, 1))
    at_risk = person.sum(axis=(0, 1))
    bad = np.flatnonzero((total > 0) & (at_risk <= 0))
    if bad.size:
        raise ValueError(f"stratum {bad[0]} has {total[bad[0]]:g} cases and a population of 0")
    found: Floats = (person * total / np.where(at_risk > 0, at_risk, 1.0)).sum(axis=2)
    return found


def nonparametric_time(cases: Floats, expected: Floats) -> Floats:
    """Expected scaled in every period to the cases of that period; both [n_places, n_periods]."""
    seen = cases.sum(axis=0)
    thought = expected.sum(axis=0)
    found: Floats = expected * np.divide(seen, thought, out=np.zeros_like(seen), where=thought > 0)
    return found


def log_linear_time(expected: Floats, percent: float, periods: Periods) -> Floats:
    """Expected with a trend of `percent` per year, the total unchanged."""
    if percent <= -100:
        raise ValueError(f"a yearly trend must be above -100 %, found {percent}")
    years = _years(periods)
    trended = expected * np.exp(years * math.log1p(percent / 100.0))
    found: Floats = trended * (expected.sum() / trended.sum())
    return found


def fitted_trend(cases: Floats, expected: Floats, periods: Periods) -> float:
    """The yearly trend in percent that maximises the Poisson likelihood of the totals per period."""
    slope = fit_slope(cases.sum(axis=0), expected.sum(axis=0), _years(periods))
    return math.expm1(slope) * 100.0


def fit_slope(cases: Floats, expected: Floats, years: Floats) -> float:
    """Slope b of cases ~ Poisson(expected exp(a + b years)), by Newton's method."""
    slope = 0.0
    centred = years - years.mean()
    for _ in range(100):
        shape = expected * np.exp(slope * centred)
        mean = shape * float(cases.sum() / shape.sum())
        average = float((mean * centred).sum() / mean.sum())
        score = float(((cases - mean) * centred).sum())
        information = float((mean * (centred - average) ** 2).sum())
        if information <= 0:
            return slope
        step = max(-2.0, min(2.0, score / information))
        slope += step
        if abs(step) < 1e-12:
            break
    return slope


def _years(periods: Periods) -> Floats:
    """The start of each period in years, every period counted as equally long."""
    return np.asarray(np.arange(len(periods)) * periods.mean_years, dtype=np.float64)
