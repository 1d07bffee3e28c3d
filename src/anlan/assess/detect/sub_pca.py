"""A stretch that does not fit the patterns of the past: PCA of sliding windows (Sub-PCA).

The stretches of `length` readings of the past span, about their mean, a few main directions; the part of the
newest stretch outside them is its error. Aggarwal (2017), "Outlier Analysis", section 3.3; simple as it is,
it stands among the first of the table of TSB-AD (Liu, Paparrizos 2024, "The elephant in the room: towards
a reliable time-series anomaly detection benchmark", NeurIPS 37). There one PCA is fitted to the whole series;
here at each time to the `window` stretches that ended before the tested one began, so that nothing looks
ahead and no event explains itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.conformal import CALIBRATION, check_calibration, conformal
from anlan.assess.detect.matrix_profile import judged
from anlan.assess.detect.panel import Detection, Floats, Panel, Test
from anlan.assess.detect.spec import Param, Spec
from anlan.assess.detect.subsequences import carried, stretches


def sub_pca(
    panel: Panel,
    test: Test,
    *,
    length: int = 8,
    window: int = 104,
    explained: float = 0.9,
    calibration: int = 100,
    alpha: float = 0.01,
) -> Detection:
    """Test `panel` at `test`. As many directions are kept as explain the part `explained` of the variance;
    `score` is the error (root mean square, unit of the series) over the bound that the last `calibration`
    errors give: alarm above 1. Unknown where the tested value, or more than a quarter of the stretch, is
    missing, or fewer than two lengths of past stretches are known."""
    check_calibration(alpha, calibration)
    if length < 2:
        raise ValueError(f"length must be at least 2 periods, found {length}")
    if window < 2 * length:
        raise ValueError(f"window must be at least two lengths ({2 * length}), found {window}")
    if not 0 < explained < 1:
        raise ValueError(f"explained must lie between 0 and 1, found {explained}")
    at = panel.test_indexes(test)
    shape = (panel.n_series, len(at))
    bound, p_value, stat = (np.full(shape, np.nan) for _ in range(3))
    if at.size:
        begin = max(0, int(at.min()) - calibration - window - 2 * length)
        values = carried(panel.counts[:, begin : int(at.max()) + 1], length)
        first = int(at.min()) - begin
        errors = reconstruction_errors(values, length, window, explained, max(0, first - calibration))
        bounds, ranks = conformal(errors, first, calibration, alpha)
        bound, p_value = bounds[:, at - begin - first], ranks[:, at - begin - first]
        stat = errors[:, at - begin]
    return judged(panel, test, stat, bound, p_value)


def reconstruction_errors(
    values: Floats, length: int, window: int, explained: float, begin: int = 0
) -> Floats:
    """Root mean square of what the main directions of the past leave of the stretch that ends at each
    time from `begin` on, [n_series, n_time]; NaN where too little is known."""
    errors = np.full(values.shape, np.nan)
    if values.shape[1] < length:
        return errors
    parts = stretches(values, length)
    known: npt.NDArray[np.bool_] = np.asarray(~np.isnan(parts).any(axis=2))
    for t in range(max(begin, 2 * length), values.shape[1]):
        now = t - length + 1  # the tested stretch
        low, high = max(0, now - length + 1 - window), now - length + 1
        rows = known[:, now] & (known[:, low:high].sum(axis=1) >= 2 * length)
        if not rows.any():
            continue
        mask = known[rows, low:high, None]
        past = np.where(mask, parts[rows, low:high], 0.0)
        n = mask.sum(axis=1)
        mean = past.sum(axis=1) / n
        past = np.where(mask, past - mean[:, None], 0.0)
        variance, directions = np.linalg.eigh(past.transpose(0, 2, 1) @ past)
        left_out = np.maximum(variance, 0.0).cumsum(axis=1)  # smallest first
        minor = left_out <= (1 - explained) * left_out[:, -1:]
        along = np.einsum("rij,ri->rj", directions, parts[rows, now] - mean)
        errors[rows, t] = np.sqrt((np.where(minor, along, 0.0) ** 2).sum(axis=1) / length)
    return errors


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The calibration, each of its stretches with the past it is compared with."""
    del freq
    return int(params["calibration"]) + int(params["window"]) + 2 * int(params["length"])


SPECS = (
    Spec(
        "sub_pca",
        sub_pca,
        (
            Param("length", "int", 8, "readings in a stretch"),
            Param("window", "int", 104, "past stretches whose main directions are known patterns"),
            Param("explained", "float", 0.9, "part of their variance that the directions kept explain"),
            *CALIBRATION,
        ),
        title="stretch outside the patterns of the past (Sub-PCA)",
        source="Aggarwal 2017, Outlier Analysis, 3.3; Liu, Paparrizos 2024, NeurIPS 37",
        history=_history,
        values="reading",
    ),
)
