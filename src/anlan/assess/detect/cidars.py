"""The moving percentile method and the fixed thresholds of China's national early warning system CIDARS.

Yang, Li, Lan, Wang, Ma, Jin, Sun, Lv, Lai, Liao, Hu (2011), "A nationwide web-based automated system for
early outbreak detection and rapid response in China", Western Pac Surveill Response J 2(1):10-15,
doi:10.5365/wpsar.2010.1.1.009; Wang, Jiang, Michael, Zhao (2017), "How to select a proper early warning
threshold to detect infectious disease outbreaks based on CIDARS", BMC Public Health 17:570, whose
percentile is the spreadsheet's (linear between order statistics).

Common diseases: the cases of the last seven days, every day anew, against those of the same seven days
and the two blocks of seven days before and after them in each of the past three to five years (25 blocks).
A signal is a count above the percentile chosen for the disease and place: 80 or 90 to begin with, lower
where experience allowed. Rare and grave diseases (`fixed_threshold`): so many cases on one day are a
signal, usually one, whatever the history. On a weekly axis a block is a week.

Made to stand gaps, on which the publications are silent:

* a day of the current block missing: cases are never taken back, so a signal from the known days stands;
  without one the answer is unknown;
* a past block with at least four of seven days known counts as its daily mean times seven, one with
  fewer is left out; a year counts with three of its five blocks, and `min_years` years must count.

The p-value is the rank of the current block among the past ones, (1 + those as high) / (1 + all): with
25 blocks never below 0.04.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Dates, Detection, Floats, Ints, Panel, Reason, Test, decide, detection
from anlan.assess.detect.spec import Param, Spec

#: blocks about the same time in each year: the same, two before, two after
_ABOUT = np.arange(-2, 3)
#: of the five blocks of a year so many must be known for it to count
_BLOCKS_OF_A_YEAR = 3
#: known part of a past block from which on its mean stands for the whole
_KNOWN_PART = 4 / 7


def cidars(
    panel: Panel,
    test: Test,
    *,
    percentile: float = 0.8,
    years: int = 5,
    min_years: int = 3,
    block: int | None = None,
    min_cases: int = 1,
    fixed_threshold: int | None = None,
) -> Detection:
    """Test `panel` at `test`. `expected` is the median of the past blocks, `threshold` their
    `percentile`, both cases in a block of `block` periods (by default 7 on a daily axis, else 1); `score`
    the distance from the median in units of the bound's. With `fixed_threshold` the history is not read:
    `threshold` is that number, and the tested period alone decides."""
    if not 0 < percentile < 1:
        raise ValueError(f"percentile must lie between 0 and 1, found {percentile}")
    if not 1 <= min_years <= years:
        raise ValueError(f"min_years must lie between 1 and years, found {min_years} and {years}")
    if min_cases < 0:
        raise ValueError(f"min_cases must not be negative, found {min_cases}")
    length = _length(block, panel.freq)
    at = panel.test_indexes(test)
    if fixed_threshold is not None:
        return _fixed(panel, at, fixed_threshold)
    slots = _slots(panel)
    shape = (panel.n_series, len(at))
    now, bound, middle, p_value = (np.full(shape, np.nan) for _ in range(4))
    holed = np.zeros(shape, dtype=np.bool_)
    known = ~np.isnan(panel.counts)
    cases = _running(np.where(known, panel.counts, 0.0))
    days = _running(known.astype(np.float64))
    for j, t in enumerate(at.tolist()):
        ends = np.array([_years_back(panel, slots, t, back) for back in range(1, years + 1)])
        blocks = (ends[:, None] + length * _ABOUT).ravel()
        past, size = _sums(cases, days, slots, blocks, length)
        with np.errstate(invalid="ignore", divide="ignore"):
            past = np.where(size >= np.ceil(length * _KNOWN_PART), past * (length / size), np.nan)
        counted = (~np.isnan(past)).reshape(len(past), years, len(_ABOUT)).sum(axis=2)
        enough = (counted >= _BLOCKS_OF_A_YEAR).sum(axis=1) >= min_years
        current, seen = _sums(cases, days, slots, slots[t : t + 1], length)
        now[:, j], holed[:, j] = current[:, 0], seen[:, 0] < length
        past[~enough] = np.nan
        rank = (past >= current).sum(axis=1)
        n = (~np.isnan(past)).sum(axis=1)
        ordered = np.sort(past, axis=1)
        bound[:, j] = _quantile(ordered, n, percentile)
        middle[:, j] = _quantile(ordered, n, 0.5)
        p_value[enough, j] = ((1 + rank) / (1 + n))[enough]
    above = (now > bound) & (now >= min_cases)
    reason = np.full(shape, Reason.OK, dtype=np.int16)
    reason[np.isnan(bound)] = Reason.TOO_FEW_HISTORY
    unsure = holed & ~above
    reason[(unsure & ~np.isnan(bound)) | np.isnan(panel.counts[:, at])] = Reason.MISSING_VALUE
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (now - middle) / (bound - middle)
    score[(now == middle) & (bound == middle)] = 0.0
    for answer in (score, p_value):
        answer[reason != Reason.OK] = np.nan
    return detection(
        at,
        expected=middle,
        threshold=bound,
        score=score,
        p_value=p_value,
        alarm=decide(above, reason, [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]),
        reason=reason,
    )


def _fixed(panel: Panel, at: Ints, limit: int) -> Detection:
    if limit < 1:
        raise ValueError(f"fixed_threshold must be at least 1 case, found {limit}")
    y = panel.counts[:, at]
    reason = np.where(np.isnan(y), Reason.MISSING_VALUE, Reason.OK).astype(np.int16)
    return detection(
        at,
        threshold=np.full(y.shape, float(limit)),
        score=y / limit,
        alarm=decide(y >= limit, reason, [Reason.MISSING_VALUE]),
        reason=reason,
    )


def _length(block: int | None, freq: int) -> int:
    if block is None:
        return 7 if freq >= 360 else 1
    if block < 1:
        raise ValueError(f"block must be at least 1 period, found {block}")
    return block


def _slots(panel: Panel) -> Ints:
    """Which period each time is, counted without holes [n_time]: days, weeks or months of a dated axis."""
    if panel.dates is None:
        return np.arange(panel.n_time, dtype=np.int64)
    if panel.freq == 12:
        return panel.dates.astype("datetime64[M]").astype(np.int64)
    days = panel.dates.astype(np.int64)
    slots: Ints = days if panel.freq != 52 else (days - days[:1]) // 7
    return slots


def _years_back(panel: Panel, slots: Ints, t: int, back: int) -> int:
    """The slot of the same time `back` years before time `t`."""
    if panel.dates is None or panel.freq not in (52, 365):
        return int(slots[t]) - back * panel.freq
    days = _days_back(panel.dates, t, back)
    return int(slots[t]) - (round(days / 7) if panel.freq == 52 else days)


def _days_back(dates: Dates, t: int, back: int) -> int:
    """Days from the same date `back` years before to that of time `t`; 29 February becomes 1 March."""
    today: dt.date = dates[t].item()
    day = (3, 1) if (today.month, today.day) == (2, 29) else (today.month, today.day)
    return (today - dt.date(today.year - back, *day)).days


def _running(values: Floats) -> Floats:
    """Sums of the first 0, 1, 2 ... times, [n_series, n_time + 1]."""
    return np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)


def _sums(cases: Floats, days: Floats, slots: Ints, ends: Ints, length: int) -> tuple[Floats, Floats]:
    """Cases and known periods of the blocks of `length` slots that end at `ends`, [n_series, ends]."""
    high = np.searchsorted(slots, ends, side="right")
    low = np.searchsorted(slots, ends - length, side="right")
    return cases[:, high] - cases[:, low], days[:, high] - days[:, low]


def _quantile(ordered: Floats, n: Ints, q: float) -> Floats:
    """The quantile, linear between order statistics, of the first `n` values of each sorted row."""
    place = np.maximum(n - 1, 0) * q
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    row = np.arange(len(ordered))
    below, above = ordered[row, low], ordered[row, high]
    return below + (place - low) * (above - below)


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The years asked for with the blocks before and their length; leap days."""
    if params["fixed_threshold"] is not None:
        return 0
    length = _length(params["block"], freq)
    return int(params["years"]) * (freq + (freq >= 360) + (freq == 52)) + 3 * length


SPECS = (
    Spec(
        "cidars",
        cidars,
        (
            Param(
                "percentile", "float", 0.8, "percentile of the past blocks above which a count is a signal"
            ),
            Param("years", "int", 5, "past years compared with"),
            Param("min_years", "int", 3, "of these so many must be known"),
            Param("block", "int or none", None, "periods in a block; none = 7 on a daily axis, else 1"),
            Param("min_cases", "int", 1, "no signal with fewer cases in the current block"),
            Param(
                "fixed_threshold",
                "int or none",
                None,
                "a signal at this many cases in one period, whatever the history; none = percentiles",
            ),
        ),
        title="moving percentiles and fixed thresholds (CIDARS)",
        source="Yang et al. 2011, Western Pac Surveill Response J 2(1):10-15",
        history=_history,
    ),
)
