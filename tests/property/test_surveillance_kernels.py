"""The kernels of the surveillance family against readable twins, on whatever panel comes up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import polygamma
from scipy.stats import nbinom, t
from statsmodels.genmod.families import NegativeBinomial, Poisson  # type: ignore[import-untyped]
from statsmodels.genmod.generalized_linear_model import GLM  # type: ignore[import-untyped]

from anlan.assess.detect import farrington_plain as plain
from anlan.assess.detect.bounds import delta_bound
from anlan.assess.detect.cusum import transformed
from anlan.assess.detect.harmonic_glm import digamma, fit_seasonal, harmonic_design, predict, trigamma
from anlan.assess.detect.panel import Alarm, Detection, Floats, Panel
from anlan.assess.detect.registry import detector
from anlan.assess.detect.rki import UPPER

YEAR = 12
N = 8 * YEAR
TEST = np.arange(N - 6, N)
#: mean, dispersion, share missing
SERIES = st.tuples(st.floats(0.1, 60), st.floats(1.05, 6), st.sampled_from([0.0, 0.0, 0.15]))
PANELS = st.tuples(st.lists(SERIES, min_size=1, max_size=4), st.integers(0, 2**32 - 1))
NAMES = ("farrington", "bayes", "rki", "outbreak_p", "cusum", "glrpois", "glrnb")


def counts_of(series: list[tuple[float, float, float]], seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    rows = []
    for mean, phi, missing in series:
        size = mean / (phi - 1)
        season = mean * (1 + 0.5 * np.sin(2 * np.pi * np.arange(N) / YEAR))
        y = rng.negative_binomial(size, size / (size + season)).astype(np.float64)
        y[rng.random(N) < missing] = np.nan
        rows.append(y)
    return np.array(rows)


def run(name: str, counts: Floats, freq: int = YEAR, **params: Any) -> Detection:
    return detector(name)(Panel(counts, freq), TEST, **params)


def plain_farrington(y: Floats, now: int, b: int, w: int, alpha: float) -> tuple[float, float, bool]:
    """(mean, bound, trend kept) by a design matrix and a QR decomposition."""
    rows = [now - YEAR * i + j for i in range(b, 0, -1) for j in range(-w, w + 1)]
    rows = [k for k in rows if k >= 0 and not math.isnan(y[k])]
    time, past = np.array(rows, dtype=np.float64), y[rows]
    found = (math.nan, math.nan, False)
    for sloped in (True, False):
        x = np.column_stack([np.ones(len(rows)), time - time.mean()] if sloped else [np.ones(len(rows))])
        point = np.array([1, now - time.mean()] if sloped else [1.0])
        zero, freedom = np.zeros(len(rows)), len(rows) - x.shape[1]
        fit = plain.glm(x, past, zero, np.ones(len(rows)))

        def dispersion(fit: plain.PlainFit, freedom: int = freedom) -> float:
            return max(float((fit.work * ((past - fit.mu) / fit.mu) ** 2).sum()) / freedom, 1.0)

        omega = plain.weights(plain.anscombe(x, past, fit, dispersion(fit)), 1.0)
        fit = plain.glm(x, past, zero, omega)
        phi = dispersion(fit)
        covariance = phi * np.linalg.inv(x.T @ (x * fit.work[:, None]))
        mu, se = math.exp(float(point @ fit.coef)), math.sqrt(float(point @ covariance @ point))
        bound, _ = delta_bound(np.zeros(1), np.array([mu]), np.array([se]), np.array([phi]), alpha / 2, "2/3")
        found = (mu, float(bound[0]), sloped)
        if sloped:
            p = 2 * t.sf(abs(fit.coef[1]) / math.sqrt(covariance[1, 1]), freedom)
            if p < 0.05 and mu <= past.max() and se <= 1:
                break
    return found


@settings(max_examples=12, deadline=None)
@given(PANELS)
def test_farrington_is_the_regression_written_out(panel: tuple[Any, int]) -> None:
    counts = counts_of(*panel) + 1  # no window without cases
    found = run("farrington", counts, b=6, w=2, alpha=0.05, limit54=(0, 4))
    for s, y in enumerate(counts):
        for j, now in enumerate(TEST):
            mu, bound, kept = plain_farrington(y, int(now), 6, 2, 0.05)
            assert_allclose(found.expected[s, j], mu, rtol=1e-8)
            assert_allclose(found.threshold[s, j], bound, rtol=1e-8)
            assert bool(found.trend[s, j]) == kept


def windows(y: Floats, now: int, b: int, w: int) -> Floats:
    """The known reference values of the last w periods and of b past years."""
    rows = [*range(now - w, now), *(now - YEAR * i + j for i in range(1, b + 1) for j in range(-w, w + 1))]
    known: Floats = y[rows][~np.isnan(y[rows])]
    return known


@settings(max_examples=25, deadline=None)
@given(PANELS, st.integers(0, 3), st.integers(1, 4))
def test_bayes_and_rki_are_their_formulas(panel: tuple[Any, int], b: int, w: int) -> None:
    counts = counts_of(*panel)
    bayes = run("bayes", counts, b=b, w=w, alpha=0.02)
    rki = run("rki", counts, b=b, w=w, act_y=True)
    for s, y in enumerate(counts):
        for j, now in enumerate(TEST):
            past = windows(y, int(now), b, w)
            if not past.size:
                assert bayes.alarm[s, j] == rki.alarm[s, j] == Alarm.UNKNOWN
                continue
            law = nbinom(past.sum() + 0.5, len(past) / (len(past) + 1))
            assert bayes.threshold[s, j] == law.ppf(0.98)
            assert_allclose(bayes.p_value[s, j], law.sf(y[now] - 1), rtol=1e-9)
            mean = past.mean()
            if mean <= 20:
                assert rki.threshold[s, j] == UPPER[int(mean)]
            elif len(past) > 1:
                assert_allclose(rki.threshold[s, j], mean + 2 * past.std(ddof=1), rtol=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.tuples(st.floats(0.1, 60), st.floats(1.05, 6)), st.integers(0, 2**32 - 1))
def test_cdc_is_mean_and_spread_of_four_week_sums(series: tuple[float, float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.poisson(series[0], 300).astype(np.float64)
    y[rng.random(300) < 0.02] = np.nan
    found = detector("cdc")(Panel(y[None], 52), [299], b=3, m=1)
    first = [299 - 52 * i + 4 * j - 3 for i in (3, 2, 1) for j in (-1, 0, 1)]
    sums = np.array([y[k : k + 4].sum() for k in first])
    sums = sums[~np.isnan(sums)]
    spread = sums.std(ddof=1) * math.sqrt(1 + 1 / len(sums))
    assert_allclose(found.expected[0, 0], sums.mean(), rtol=1e-12)
    assert_allclose(found.threshold[0, 0], sums.mean() + 2.241402727604947 * spread, rtol=1e-9)


def plain_outbreak(y: list[float]) -> float:
    """Log of the statistic; blocks are pooled as long as their means do not rise."""
    blocks: list[list[float]] = []
    for value in y:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) >= np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    mean = sum(y) / len(y)
    return float(sum(sum(b) * math.log(sum(b) / len(b) / mean) for b in blocks if sum(b) > 0))


@settings(max_examples=6, deadline=None)
@given(PANELS)
def test_outbreak_p_is_the_likelihood_ratio_of_the_isotonic_fit(panel: tuple[Any, int]) -> None:
    counts = counts_of(*panel)
    found = run("outbreak_p", counts, k=20)
    for s, y in enumerate(counts):
        for j, now in enumerate(TEST):
            past = [v for v in y[: now + 1] if not math.isnan(v)]
            if math.isnan(y[now]):
                assert found.alarm[s, j] == Alarm.UNKNOWN
                continue
            assert_allclose(found.score[s, j], plain_outbreak(past) / math.log(20), rtol=1e-9, atol=1e-9)
            bound = found.threshold[s, j]
            if bound >= 0:
                assert plain_outbreak([*past[:-1], bound]) <= math.log(20) + 1e-9
            assert plain_outbreak([*past[:-1], bound + 1]) >= math.log(20) - 1e-9


@settings(max_examples=15, deadline=None)
@given(PANELS, st.sampled_from(["standard", "rossi", "anscombe", "anscombe2nd", "none"]), st.booleans())
def test_cusum_is_its_recursion(panel: tuple[Any, int], trans: Any, reset: bool) -> None:
    counts = counts_of(*panel)
    found = run("cusum", counts, trans=trans, m=5.0, k=0.5, h=3.0, reset=reset)
    for s, y in enumerate(counts):
        now = 0.0
        for j, value in enumerate(y[TEST]):
            if math.isnan(value):
                assert found.alarm[s, j] == Alarm.UNKNOWN
                continue
            z = float(transformed(np.array([value]), np.array([5.0]), trans, 0.1)[0])
            now = max(0.0, now + z - 0.5)
            assert_allclose(found.score[s, j], now / 3, rtol=1e-12, atol=1e-12)
            assert found.alarm[s, j] == int(now >= 3)
            now = 0.0 if reset and now >= 3 else now


def likeliest(total: Callable[[float], float], low: float, high: float) -> float:
    """The largest value of a sum of log likelihood ratios, at least 0."""
    found = minimize_scalar(
        lambda p: -total(p), bounds=(low, high), method="bounded", options={"xatol": 1e-9}
    )
    return max(0.0, float(-found.fun))


def plain_glr(
    x: Floats, mu: float, alpha: float, sign: int, least: int, window: int, c: float
) -> list[float]:
    """Statistics of an intercept chart, the maximum looked for by golden section."""
    found, begin = [], 0
    for n in range(len(x)):
        best = 0.0
        low = begin if window < 0 else max(begin, n - window)
        for k in range(low, n - least + 2):
            part = x[k : n + 1]

            def total(kappa: float, part: Floats = part) -> float:
                if alpha == 0:
                    return float((kappa * part + (1 - math.exp(kappa)) * mu).sum())
                shrink = math.log((1 + alpha * mu) / (1 + alpha * mu * math.exp(kappa)))
                return float((kappa * part + (part + 1 / alpha) * shrink).sum())

            best = max(best, likeliest(total, *((0, 9) if sign > 0 else (-40, 0))))
        found.append(best)
        if best >= c:
            begin = n + 1
    return found


@settings(max_examples=6, deadline=None)
@given(
    st.lists(st.integers(0, 14), min_size=8, max_size=8),
    st.sampled_from([0.0, 0.15, 1.5]),
    st.sampled_from(["inc", "dec"]),
    st.integers(1, 3),
    st.sampled_from([-1, 4]),
)
def test_glr_is_the_largest_likelihood_ratio(
    x: list[int], alpha: float, direction: str, least: int, window: int
) -> None:
    y = np.array(x, dtype=np.float64)
    found = detector("glrnb")(
        Panel(y[None], 52),
        slice(0, 8),
        mu0=4.0,
        alpha=alpha,
        dir=direction,
        mtilde=least,
        m=window,
        c_arl=3.1,
        ret="cases",
    )
    wanted = plain_glr(y, 4.0, alpha, 1 if direction == "inc" else -1, least, window, 3.1)
    assert_allclose(found.score[0] * 3.1, wanted, rtol=1e-6, atol=1e-6)
    above = y > found.threshold[0] if direction == "inc" else y < found.threshold[0]
    assert_array_equal(found.alarm[0] == Alarm.YES, above)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=7, max_size=7), st.sampled_from([0.0, 0.15, 1.5]))
def test_the_epidemic_chart_is_the_largest_likelihood_ratio(x: list[int], alpha: float) -> None:
    y = np.array([3, *x], dtype=np.float64)
    found = detector("glrnb")(Panel(y[None], 52), slice(1, 8), mu0=3.0, alpha=alpha, change="epi", c_arl=1e9)
    for n in range(1, 8):
        best = 0.0
        for k in range(1, n + 1):
            now, last = y[k : n + 1], y[k - 1 : n]

            def total(rate: float, now: Floats = now, last: Floats = last) -> float:
                mean = 3.0 + rate * last
                if alpha == 0:
                    return float((now * np.log(mean / 3) - (mean - 3)).sum())
                shrink = np.log((1 + alpha * 3) / (1 + alpha * mean))
                return float((now * (np.log(mean / 3) + shrink) + shrink / alpha).sum())

            # negative binomial likelihoods may have more than one peak
            best = max(best, *(likeliest(total, low, low + 0.5) for low in np.arange(0, 15, 0.5)))
        assert found.score[0, n - 1] * 1e9 <= best + 1e-6
        assert_allclose(found.score[0, n - 1] * 1e9, best, rtol=1e-5 if alpha == 0 else 0.2, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.5, 50), st.floats(1.2, 5), st.integers(0, 2**32 - 1), st.integers(0, 2), st.booleans())
def test_the_seasonal_regression_is_that_of_a_library(
    mean: float, phi: float, seed: int, harmonics: int, trend: bool
) -> None:
    y = counts_of([(mean, phi, 0.0)], seed)[0] + 1
    design = harmonic_design(N, YEAR, harmonics, trend)
    coef = np.empty(design.shape[1])
    for alpha, family in ((0.0, Poisson()), (0.3, NegativeBinomial(alpha=0.3))):
        # the negative binomial steps close in slowly, and R's rule stops them early
        converged, _, _, known = fit_seasonal(design, y, 60, alpha, coef)
        assert converged
        assert known == 60
        theirs = GLM(y[:60], design[:60], family=family).fit(tol=1e-12).predict(design)
        assert_allclose([predict(design, coef, i) for i in range(N)], theirs, rtol=1e-4 if alpha else 1e-6)


@given(st.floats(1e-3, 1e6))
def test_digamma_and_trigamma_are_those_of_a_library(x: float) -> None:
    assert_allclose(digamma(x), polygamma(0, x), rtol=1e-12, atol=1e-12)
    assert_allclose(trigamma(x), polygamma(1, x), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(PANELS)
def test_other_series_and_their_order_change_nothing(name: str, panel: tuple[Any, int]) -> None:
    counts = counts_of(*panel)
    params: dict[str, Any] = {"ret": "cases"} if name.startswith("glr") else {}
    alone = run(name, counts, **params)
    among = run(name, np.vstack([np.full((1, N), np.nan), counts[::-1], np.zeros((1, N))]), **params)
    for field in alone.__slots__:
        if field != "test":
            assert_array_equal(getattr(among, field)[1:-1][::-1], getattr(alone, field), err_msg=field)
    missing = np.isnan(counts[:, TEST])
    assert (alone.alarm[missing] == Alarm.UNKNOWN).all()
