"""The column `mu0` of R's `farringtonFlexible`: the mean that its bound is worked out from.

For `nb_plugin` that is the fitted mean, for `muan` its upper quantile. For `delta` the package takes exp()
of the quantile on the scale of the counts, which means nothing; it is given so that tables can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from anlan.assess.detect.farrington_fits import fit_all
from anlan.assess.detect.farrington_flexible import SPECS
from anlan.assess.detect.panel import Floats, Ints, Panel, Reason
from anlan.assess.detect.seasons import ReferenceRows, reference_rows


def package_rows(panel: Panel, at: Ints, params: Mapping[str, Any]) -> ReferenceRows:
    """The reference rows that the package takes; `params` as of `farrington_flexible`."""
    used = SPECS[0].complete(params)
    left_out = used["past_weeks_not_included"]
    return reference_rows(
        at,
        panel.n_time,
        freq=panel.freq,
        dates=panel.dates,
        b=used["b"],
        w=used["w"],
        no_periods=used["no_periods"],
        past_not_included=used["w"] if left_out is None else left_out,
        as_package=True,
    )


def mu0(panel: Panel, at: Ints, params: Mapping[str, Any]) -> Floats:
    """[n_series, n_test], NaN where no fit converged; `params` as of `farrington_flexible`."""
    used = SPECS[0].complete(params)
    fits = fit_all(
        panel,
        at,
        package_rows(panel, at, params),
        trend=used["trend"] and used["b"] >= 3,
        p_threshold_trend=used["p_threshold_trend"],
        reweight=used["reweight"],
        weights_threshold=used["weights_threshold"],
        population_offset=used["population_offset"],
        as_package=True,
    )
    mean = np.where(fits.reason == Reason.NO_CONVERGENCE, np.nan, fits.mu)
    if used["threshold_method"] == "nb_plugin":
        return mean
    far = ndtri(1 - used["alpha"]) * fits.se_log
    with np.errstate(over="ignore"):
        quantile: Floats = (
            np.exp(mean + far * mean) if used["threshold_method"] == "delta" else mean * np.exp(far)
        )
    return quantile
