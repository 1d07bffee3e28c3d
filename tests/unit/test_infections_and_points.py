"""Back-projection and detection of a cluster of points, against plain twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.models.back_projection import back_project, infection_interval
from anlan.assess.models.space_time_points import detect_point_cluster

CASES = np.array([0, 1, 4, 9, 14, 11, 6, 3, 1, 0, 2, 5], dtype=float)
INCUBATION = np.array([0.1, 0.3, 0.4, 0.2])


def plain_step(lam: np.ndarray, y: np.ndarray, f: np.ndarray, k: int) -> np.ndarray:
    """Becker, Watson, Carlin (1991), eq. 3a and 3b, sum by sum."""
    n = len(y)

    def delay(d: int) -> float:
        return float(f[d]) if 0 <= d < len(f) else 0.0

    phi = np.zeros(n)
    for t in range(n):
        total = 0.0
        for d in range(n - t):
            mean = sum(lam[i] * delay(t + d - i) for i in range(t + d + 1))
            total += y[t + d] * delay(d) / mean if mean > 0 else 0.0
        phi[t] = lam[t] / f[: n - t].sum() * total
    if k == 0:
        return phi
    out = np.zeros(n)
    for t in range(n):
        at = [t + i - k // 2 for i in range(k + 1)]
        w = [math.comb(k, i) / 2**k for i in range(k + 1)]
        inside = [(i, x) for i, x in zip(at, w, strict=True) if 0 <= i < n]
        out[t] = sum(phi[i] * x for i, x in inside) / sum(x for _, x in inside)
    return out


@pytest.mark.parametrize("k", [0, 2, 4])
def test_each_step_is_the_plain_one(k: int) -> None:
    lam = np.full(len(CASES), CASES.mean())
    for steps in (1, 2, 3):
        lam = plain_step(lam, CASES, INCUBATION, k)
        found = back_project(CASES, INCUBATION, k=k, eps=1e-30, max_steps=steps - 1)
        assert found.steps == steps
        assert_allclose(found.infections, lam, rtol=1e-12, atol=1e-12)


def test_without_incubation_infections_are_the_cases() -> None:
    found = back_project(CASES, np.array([1.0]), k=0, eps=1e-12)
    assert_allclose(found.infections, CASES, atol=1e-9)
    assert found.converged


def test_infections_come_before_the_cases_and_are_as_many() -> None:
    cases = np.zeros(40)
    cases[20:23] = (10, 40, 10)
    found = back_project(cases, INCUBATION, k=0, eps=1e-9, max_steps=5000)
    assert found.infections.sum() == pytest.approx(60, rel=1e-6)
    assert 17 < np.average(np.arange(40), weights=found.infections) < 20


def test_the_interval_holds_the_curve_that_made_the_cases() -> None:
    days = np.arange(60)
    true = 5 + 60 * np.exp(-(((days - 28) / 9) ** 2))
    mean = np.convolve(true, INCUBATION)[:60]
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(10):
        cases = rng.poisson(mean).astype(float)
        lower, upper = infection_interval(cases, INCUBATION, draws=60)
        inside.append(((lower <= true) & (true <= upper))[:55])
    assert 0.8 < np.mean(inside) < 1
    again = infection_interval(cases, INCUBATION, draws=60)
    assert_allclose(again[0], lower)
    with pytest.raises(ValueError, match="draws"):
        infection_interval(cases, INCUBATION, draws=1)


def test_no_case_means_no_infection() -> None:
    found = back_project(np.zeros(8), INCUBATION)
    assert found.converged
    assert not found.infections.any()


@pytest.mark.parametrize(
    ("cases", "incubation", "k", "said"),
    [
        (CASES, INCUBATION, 3, "even"),
        (np.array([1.0, np.nan]), INCUBATION, 2, "known"),
        (-CASES, INCUBATION, 2, "negative"),
        (CASES, np.array([]), 2, "incubation"),
    ],
)
def test_what_cannot_be_back_projected_is_named(
    cases: np.ndarray, incubation: np.ndarray, k: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        back_project(cases, incubation, k=k)


def events(n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, 100, (2, n))
    x[25:] = rng.normal(30, 2, n - 25)
    y[25:] = rng.normal(70, 2, n - 25)
    return x, y, np.cumsum(rng.exponential(1, n))


@pytest.mark.parametrize("cusum", [False, True])
def test_the_statistic_is_the_plain_sum_or_maximum(cusum: bool) -> None:
    """Assunção and Correa (2009), pair by pair."""
    x, y, t = events()
    found = detect_point_cluster(x, y, t, radius=8, epsilon=0.5, threshold=1e9, cusum=cusum)
    for n in range(len(x)):
        values = []
        for k in range(n + 1):
            near = [(x[i] - x[k]) ** 2 + (y[i] - y[k]) ** 2 < 64 for i in range(n + 1)]
            mu = sum(near) * (n - k + 1) / (n + 1)
            values.append(1.5 ** sum(near[k:]) * math.exp(-0.5 * mu))
        assert found.statistic[n] == pytest.approx(max(values) if cusum else sum(values), rel=1e-12)


def test_the_alarm_comes_with_the_cluster_and_shows_where_it_is() -> None:
    x, y, t = events()
    found = detect_point_cluster(x, y, t, radius=8, epsilon=1.0, threshold=60)
    assert found.first_alarm is not None
    assert found.centre is not None
    assert found.first_alarm >= 25
    assert abs(x[found.centre] - 30) < 8
    assert found.statistic[found.first_alarm] > 60
    assert (found.statistic[: found.first_alarm] <= 60).all()
    none = detect_point_cluster(x, y, t, radius=8, epsilon=1.0, threshold=1e12)
    assert none.first_alarm is None


def test_unordered_or_unknown_events_are_refused() -> None:
    x, y, t = events()
    with pytest.raises(ValueError, match="ascending"):
        detect_point_cluster(x, y, t[::-1].copy(), radius=1, epsilon=1, threshold=1)
    with pytest.raises(ValueError, match="known"):
        detect_point_cluster(np.where(x > 50, np.nan, x), y, t, radius=1, epsilon=1, threshold=1)
    with pytest.raises(ValueError, match="above 0"):
        detect_point_cluster(x, y, t, radius=0, epsilon=1, threshold=1)
