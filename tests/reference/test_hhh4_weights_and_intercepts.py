"""Estimated weights and random intercepts of the endemic-epidemic model against R `surveillance` 1.20.3.

The package ends its search at a relative change of 1e-5 of coefficients and variances, so that its answer
hangs on where it begins; here stand its estimates after Newton steps with its own score and information
(`hhh4_weights_and_intercepts.json`). Weights agree to 1e-10 of a standard error, random effects, whose
coefficients and variances are found in turn, to 1e-8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.assess.models.hhh4_control import UnitCounts, fit_control

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).parent / "hhh4_weights_and_intercepts.json").read_text("utf-8")
)


@pytest.mark.parametrize("model", KNOWN["models"], ids=lambda model: str(model["name"]))
def test_estimates_errors_and_variances_are_the_packages(model: dict[str, Any]) -> None:
    counts = np.array(KNOWN["counts"], dtype=np.float64)
    rows = np.arange(len(counts), dtype=np.float64)
    orders = np.abs(rows[:, None] - rows)
    time = np.arange(counts.shape[1], dtype=np.float64)
    fit = fit_control(model["control"], UnitCounts(counts, KNOWN["units"], time, None, orders))
    random = "variance" in model
    error = np.array(model["errors"])
    assert fit.converged
    assert list(fit.names) == model["names"]
    away = np.abs(fit.theta - model["estimates"]) / error
    assert away.max() < (1e-8 if random else 1e-10)
    np.testing.assert_allclose(fit.se, error, rtol=1e-8 if random else 1e-10)
    assert fit.loglik == pytest.approx(model["loglik"], rel=1e-9 if random else 1e-12)
    if not random:
        assert fit.variance_parameters is None
        return
    assert fit.variance_parameters is not None and fit.marginal is not None
    np.testing.assert_allclose(fit.variance_parameters, model["variance"], atol=1e-8)
    assert fit.marginal == pytest.approx(model["marginal"], abs=1e-8)
    assert np.isnan(fit.aic), "random effects have no number of parameters: the package gives NA"
