"""Where a finished series changed its level: optimal segmentation, for looking back.

PELT (Killick, Fearnhead, Eckley 2012, "Optimal detection of changepoints with a linear computational
cost", J Am Stat Assoc 107:1590-1598) with the squared-error cost, through the library `ruptures` (Truong,
Oudre, Vayatis 2020, Signal Processing 167:107299), which is not there for Python 3.14 yet. It sees the
whole series, so it serves reviews and the search for a calm baseline, never a live alarm: for that there is
`bocpd`.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np

from anlan.assess.detect.panel import Floats, Ints
from anlan.assess.detect.robust import location_scale


def change_points(values: Floats, *, penalty: float = 3.0, min_size: int = 5) -> list[Ints]:
    """For each series of `values` [n_series, n_time] the indexes at which a new level begins.

    `penalty` times log(n) variances is what a further segment must save (3 is a cautious BIC); the variance
    is that of neighbouring differences, so that the steps sought do not count into it. Missing values are
    left out, and an index is that of the first known reading of the new level. A series with fewer than
    2 `min_size` known readings, or without variation, has no change points. RuntimeError where `ruptures`
    is not installed."""
    if penalty <= 0 or min_size < 2:
        raise ValueError(f"penalty must be above 0 and min_size at least 2, found {penalty} and {min_size}")
    try:
        ruptures = import_module("ruptures")
    except ImportError as error:
        raise RuntimeError("offline change points need the library ruptures (Python before 3.14)") from error
    found: list[Ints] = []
    for row in np.atleast_2d(np.asarray(values, dtype=np.float64)):
        at = np.flatnonzero(np.isfinite(row))
        known = row[at]
        if len(known) < 2 * min_size or known.min() == known.max():
            found.append(np.zeros(0, dtype=np.int64))
            continue
        _, scale, _ = location_scale(np.diff(known))
        variance = max(float(scale) ** 2 / 2, np.finfo(float).tiny)
        standard = (known - known.mean()) / np.sqrt(variance)
        fitted = ruptures.Pelt(model="l2", min_size=min_size, jump=1).fit(standard[:, None])
        ends = fitted.predict(pen=penalty * np.log(len(known)))
        found.append(at[np.array(ends[:-1], dtype=np.int64)])
    return found
