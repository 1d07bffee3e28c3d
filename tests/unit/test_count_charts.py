"""Run lengths and designs of control charts, and the charts themselves, where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom, nbinom, poisson

from anlan.assess.detect.panel import Alarm, Panel, Reason
from anlan.assess.detect.registry import detector
from anlan.assess.models.categorical_cusum import categorical_cusum
from anlan.assess.models.cusum_design import decision_interval, design_table, reference_value, shifted
from anlan.assess.models.lr_run_length import (
    binomial_cusum_run_length,
    count_cusum_run_length,
    lr_cusum_run_length,
    step_matrix,
)
from anlan.assess.models.paired_cusum import paired_binary_cusum, paired_cusum_arl
from anlan.assess.models.rogerson import rogerson
from anlan.assess.models.run_length import arl_cusum, common_denominator


def simulated_run_length(h: float, k: float, theta: float, start: float, runs: int = 4000) -> float:
    rng = np.random.default_rng(1)
    value, length = np.full(runs, start), np.zeros(runs)
    going = np.ones(runs, dtype=bool)
    while going.any():
        value = np.maximum(0.0, value + rng.poisson(theta, runs) - k)
        length += going
        going &= value < h
    return float(length.mean())


def test_a_chart_with_one_state_has_a_geometric_run_length() -> None:
    """h = k = 1: a signal as soon as one count is above 1."""
    found = arl_cusum(1, 1, 0.7)
    assert found.arl == pytest.approx(1 / poisson.sf(1, 0.7), rel=1e-12)


def test_run_lengths_are_those_of_simulated_charts() -> None:
    found = arl_cusum(4.5, 1.3, 1.0)
    assert found.arl == pytest.approx(simulated_run_length(4.5, 1.3, 1.0, 0.0), rel=0.06)
    head = simulated_run_length(4.5, 1.3, 1.0, 2.3)  # h/2 on the grid of tenths
    assert found.fast_initial_response == pytest.approx(head, rel=0.06)


def test_the_packages_numbers_for_poisson_and_binomial_counts() -> None:
    """`arlCusum` of R `surveillance` 1.20.3."""
    assert arl_cusum(4, 1, 0.8).arl == pytest.approx(56.80744469103891, rel=1e-9)
    assert arl_cusum(4, 1, 0.8).fast_initial_response == pytest.approx(47.32467661900284, rel=1e-9)
    assert arl_cusum(10, 2, 0.8).arl > 1e5
    one = arl_cusum(1, 1, 0.1, law="binomial", n=20)
    assert one.arl == pytest.approx(1 / binom.sf(1, 20, 0.1), rel=1e-10)


def test_a_run_length_beyond_the_arithmetic_is_unknown() -> None:
    assert math.isnan(arl_cusum(7.7, 2.5, 0.1).arl)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"h": 0, "k": 1}, "nonpositive"),
        ({"h": 3, "k": 4, "winsorise": 2}, "Winsorization"),
        ({"h": 3, "k": 1, "law": "normal"}, "distribution"),
    ],
)
def test_impossible_charts_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        arl_cusum(theta=1.0, **settings)  # type: ignore[arg-type]


def test_denominators_are_the_smallest_common_ones() -> None:
    assert [common_denominator(*xy) for xy in ((4, 1), (4.5, 1), (4.2, 1.5), (1.3, 2.7))] == [1, 2, 10, 10]


def test_a_chart_needs_something_to_tell_apart() -> None:
    with pytest.raises(ValueError, match=r"must differ from the one in control: 0\.1"):
        design_table(np.array([0.1]), 200, s=1, law="binomial", n=20)


def test_a_reference_value_is_that_of_the_likelihood_ratio() -> None:
    theta1 = shifted(4.0, 1.0)
    assert theta1 == 6.0
    k = reference_value(4.0, theta1, round_k=False)
    assert k == pytest.approx(2 / math.log(1.5))
    y = k  # the log likelihood ratio of k cases is 0
    assert y * math.log(theta1 / 4) - (theta1 - 4) == pytest.approx(0)
    assert reference_value(4.0, theta1) == 4.9
    assert shifted(0.2, 2.0, "binomial") == pytest.approx(1 / 3)


def test_a_designed_chart_runs_about_as_long_as_asked() -> None:
    for design in design_table(np.array([0.7, 1.9, 3.0]), 300):
        assert design.arl == arl_cusum(design.h, design.k, design.theta0).arl
        shorter = arl_cusum(round(design.h - 0.5, 1), design.k, design.theta0).arl
        assert shorter < 300 or design.relative_error < 0.02
    assert decision_interval(0.5, 500).h == 4.7  # hValues of the package
    with pytest.raises(ValueError, match="ARL0"):
        decision_interval(0.5, 1)


def plain_step(llr: np.ndarray, p: np.ndarray, h: float, g: int) -> np.ndarray:
    """The chain as Höhle (2010) writes it, entry by entry."""
    edge = [-math.inf, *np.linspace(0, h, g)]

    def below(x: float) -> float:
        return float(p[llr <= x].sum())

    matrix = np.zeros((g + 1, g + 1))
    for j in range(g):
        c, d = edge[j], edge[j + 1]
        for k in range(g):
            a, b = edge[k], edge[k + 1]
            if j == 0:
                matrix[j, k] = below(b) - below(a)
            else:
                m = (c + d) / 2
                high = below(b - c) + 4 * below(b - m) + below(b - d)
                matrix[j, k] = (high - below(a - c) - 4 * below(a - m) - below(a - d)) / 6
        matrix[j, g] = max(0.0, 1 - matrix[j, :g].sum())
    matrix[g, g] = 1
    return matrix


def test_the_chain_of_a_likelihood_ratio_chart_is_the_plain_one() -> None:
    y = np.arange(60.0)
    llr = y * math.log(1.4) - 0.4 * 5
    p = poisson.pmf(y, 5)
    assert_allclose(step_matrix(llr, p, 3.0, 9), plain_step(llr, p, 3.0, 9), atol=1e-14)


def test_the_first_period_signals_with_the_probability_of_one_count() -> None:
    h, mu0, mu1, alpha = 1.0, np.full(3, 5.0), np.full(3, 9.0), 0.1
    law = count_cusum_run_length(mu0, mu0, mu1, h, alpha=alpha, outcomes=200, g=8)
    size = 1 / alpha
    y = np.arange(201)
    llr = nbinom.logpmf(y, size, size / (size + 9)) - nbinom.logpmf(y, size, size / (size + 5))
    assert law.pmf[0] == pytest.approx(nbinom.pmf(y, size, size / (size + 5))[llr > h].sum(), rel=1e-9)
    assert (np.diff(law.cdf) >= 0).all()
    assert_allclose(law.cdf, np.cumsum(law.pmf))
    assert math.isnan(law.arl)


def test_one_period_repeated_for_ever_has_a_mean_run_length() -> None:
    one = np.array([0.1])
    law = binomial_cusum_run_length(one, one, one * 2, np.array([30.0]), 2.0, g=12)
    many = binomial_cusum_run_length(
        np.full(4000, 0.1), np.full(4000, 0.1), np.full(4000, 0.2), np.full(4000, 30.0), 2.0, g=12
    )
    assert law.arl == pytest.approx(1 + (1 - many.cdf).sum(), rel=1e-6)
    with pytest.raises(ValueError, match="g must be"):
        lr_cusum_run_length([one], [one], 1.0, g=1)


def test_a_proportion_chart_restarts_after_its_alarm() -> None:
    n, y = 20, np.array([2.0, 8.0, 2.0, np.nan, 9.0])
    p0, p1 = 0.1, 0.3
    llr = y * math.log(p1 / p0) + (n - y) * math.log((1 - p1) / (1 - p0))
    both = np.stack([y, n - y])
    pi0, pi1 = (np.repeat([[p], [1 - p]], 5, axis=1) for p in (p0, p1))
    found = categorical_cusum(both, pi0, pi1, 3.0, cases=True)
    assert_allclose(found.statistic[[0, 1, 2, 4]], [max(0, llr[0]), llr[1], max(0, llr[2]), llr[4]])
    assert found.alarm.tolist() == [0, 1, 0, -1, 1]
    needed = int(found.cases[1])
    step = math.log(p1 / p0) - math.log((1 - p1) / (1 - p0))
    assert needed == math.ceil((3 - n * math.log((1 - p1) / (1 - p0))) / step)


def test_a_paired_chart_alarms_by_one_series_or_by_both() -> None:
    theta0, theta1 = np.array([-2.0, -1.5, 1.0]), np.array([-1.0, -0.8, 1.0])
    x = np.array([[1, 1, 1, 0, np.nan, 1], [1, 0, 1, 0, 0, 1]], dtype=float)
    limits = {"h1": 2.0, "h2": 9.0, "h11": 9.0, "h22": 9.0}
    alone = paired_binary_cusum(x, theta0, theta1, **limits)
    assert alone.alarm[0].tolist() == [0, 0, 1, 0, -1, 0]
    assert not (alone.alarm[1] == 1).any()
    both = paired_binary_cusum(x, theta0, theta1, h1=9, h2=9, h11=0.5, h22=0.3)
    assert both.alarm[:, 0].tolist() == [1, 1]
    with pytest.raises(ValueError, match="0, 1 or missing"):
        paired_binary_cusum(x + 1, theta0, theta1, **limits)


def test_the_surgeons_example_of_the_paired_chart() -> None:
    """Outcomes of Steiner, Cook, Farewell (1999), with coarser weights and limits."""
    p, w2 = np.array([0.9215, 0.05, 0.02, 0.0085]), np.array([-1, 7])
    found = paired_cusum_arl(p, np.array([-1, 7, -2, 5]), w2, h1=20, h2=18, h11=10, h22=9)
    # `pairedbinCUSUM.runlength` of R `surveillance` 1.20.3
    assert found == pytest.approx(510.57569027768005, rel=1e-9)


def test_a_changing_mean_is_judged_against_its_own_interval() -> None:
    y = np.array([[0, 3, 9, 1, 0, 2], [0, 3, 9, np.nan, 0, 2]], dtype=float)
    table = design_table(np.array([1.0, 2.0]), 200)
    found = rogerson(Panel(y, 52), slice(0, 6), theta0=np.array([1, 2, 1, 2, 1, 2.0]), table=table)
    h = {d.theta0: d.h for d in table}
    k = {d.theta0: reference_value(d.theta0, shifted(d.theta0, 1)) for d in table}
    middle, value = h[1.0], 0.0  # 1.5 lies as near to 1 as to 2: the first one counts
    for t, theta in enumerate([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]):
        value = max(0.0, value + middle / h[theta] * (y[0, t] - k[theta]))
        assert found.score[0, t] == pytest.approx(value / middle)
        assert found.alarm[0, t] == (value >= middle)
    assert found.alarm[1, 3] == Alarm.UNKNOWN
    assert found.reason[1, 3] == Reason.MISSING_VALUE
    assert_array_equal(found.alarm[0, :3], found.alarm[1, :3])


def test_the_count_that_would_alarm_does() -> None:
    table = design_table(np.array([2.0]), 200)
    rng = np.random.default_rng(2)
    y = rng.poisson(3.5, (1, 40)).astype(float)
    found = rogerson(Panel(y, 52), slice(0, 40), theta0=np.full(40, 2.0), table=table, limit=0.5)
    assert_array_equal(found.alarm == 1, y >= found.threshold)
    assert (found.alarm == 1).any()


@pytest.mark.parametrize("mean", [0.4, 2.0, 13.0, 60.0])
def test_the_detector_of_a_panel_runs_as_long_as_asked_without_an_outbreak(mean: float) -> None:
    rng = np.random.default_rng(3)
    y = rng.poisson(mean, (300, 104 + 200)).astype(float)
    found = detector("rogerson")(Panel(y, 52), slice(104, 304), arl0=200.0)
    first = np.where((found.alarm == 1).any(axis=1), (found.alarm == 1).argmax(axis=1) + 1, 201)
    # the mean is estimated from two years, which shortens some runs; an exponential law has 63 % within ARL0
    assert 0.45 < (first <= 200).mean() < 0.85
    risen = y.copy()
    risen[:, 150:] += 2 * np.sqrt(mean)
    late = detector("rogerson")(Panel(risen, 52), slice(104, 304), arl0=200.0)
    assert (late.alarm[:, 46:66] == 1).any(axis=1).mean() > 0.95
