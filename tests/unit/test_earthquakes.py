"""Earthquake catalogues: laws found again in made-up catalogues, published numbers given back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2

from anlan.assess.evaluate import evaluate
from anlan.assess.events.aftershocks import GENERIC_CALIFORNIA, percent, productivity, sentence
from anlan.assess.events.etas import (
    Etas,
    _log_likelihood,
    _score_and_slope,
    fit_etas,
    residual_change,
    simulate,
)
from anlan.assess.events.magnitudes import completeness, gutenberg_richter
from anlan.assess.events.omori import OmoriUtsu, decay, fit_omori
from anlan.assess.events.rates import beta_statistic, poisson_change
from anlan.model.state import State
from chain_pack import HOUR, QUAKE, T0, MemoryLake, chain_pack, quake


def omori_times(k: float, c: float, p: float, until: float, seed: int) -> np.ndarray:
    """A Poisson process of this rate, by the inverse of its integral."""
    rng = np.random.default_rng(seed)
    share = rng.random(rng.poisson(k * decay(0, until, c, p)))
    low, high = c ** (1 - p), (until + c) ** (1 - p)
    return np.asarray((low + share * (high - low)) ** (1 / (1 - p)) - c)


# -- magnitudes ---------------------------------------------------------------------------------------


def test_b_is_found_again_and_its_error_is_that_of_repeated_catalogues() -> None:
    rng = np.random.default_rng(1)
    fits = [
        gutenberg_richter(np.round(3.95 + rng.exponential(1 / (0.9 * math.log(10)), 800), 1), 4.0)
        for _ in range(200)
    ]
    found = np.array([fit.b for fit in fits])
    assert found.mean() == pytest.approx(0.9, abs=0.01)
    assert np.mean([fit.error for fit in fits]) == pytest.approx(found.std(), rel=0.15)


def test_without_the_half_bin_b_would_be_too_high() -> None:
    """Aki's estimator on ten magnitudes by hand: mean 4.36, completeness 4.0, bins of 0.1."""
    magnitudes = np.array([4.0, 4.0, 4.1, 4.1, 4.2, 4.3, 4.4, 4.6, 4.9, 5.0] * 2)
    fit = gutenberg_richter(magnitudes, 4.0)
    assert fit.b == pytest.approx(math.log10(math.e) / (4.36 - 3.95))
    assert fit.b < math.log10(math.e) / (4.36 - 4.0)
    assert 10 ** (fit.a - fit.b * 3.95) == pytest.approx(20)


def test_completeness_lies_a_little_above_the_fullest_bin() -> None:
    magnitudes = np.repeat([3.8, 3.9, 4.0, 4.1, 4.2], [5, 20, 50, 40, 30])
    assert completeness(magnitudes) == pytest.approx(4.2)
    assert completeness(magnitudes, correction=0.0) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("magnitudes", "words"),
    [([4.5] * 5, "at least 20 events at or above 4 are needed, found 5"), ([], "at least 20")],
)
def test_too_few_magnitudes_are_refused(magnitudes: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        gutenberg_richter(np.array(magnitudes), 4.0)


# -- Omori-Utsu ---------------------------------------------------------------------------------------


def test_omori_parameters_are_found_again() -> None:
    fits = [fit_omori(omori_times(100, 0.05, 1.15, 100, seed), 0, 100) for seed in range(12)]
    assert np.mean([fit.p for fit in fits]) == pytest.approx(1.15, abs=0.04)
    assert np.exp(np.mean([math.log(fit.c) for fit in fits])) == pytest.approx(0.05, rel=0.25)
    assert all(fit.expected(0, 100) == pytest.approx(fit.events) for fit in fits)


def test_the_fit_is_at_the_maximum_of_the_full_likelihood() -> None:
    times = omori_times(80, 0.1, 1.2, 50, 3)
    fit = fit_omori(times, 0.2, 50)
    seen = times[times > 0.2]

    def likelihood(k: float, c: float, p: float) -> float:
        return float(np.log(k * (seen + c) ** -p).sum()) - k * decay(0.2, 50, c, p)

    best = likelihood(fit.k, fit.c, fit.p)
    assert fit.log_likelihood == pytest.approx(best)
    for k, c, p in ((1.02, 1, 1), (0.98, 1, 1), (1, 1.2, 1), (1, 0.8, 1), (1, 1, 1.02), (1, 1, 0.98)):
        assert likelihood(fit.k * k, fit.c * c, fit.p * p) < best


@pytest.mark.parametrize("p", [0.7, 0.999999, 1.0, 1.000001, 1.3])
def test_the_integral_of_the_decay_is_exact_through_p_of_one(p: float) -> None:
    exact, _ = quad(lambda t: (t + 0.03) ** -p, 0.5, 90)
    assert decay(0.5, 90, 0.03, p) == pytest.approx(exact, rel=1e-9)


def test_what_the_data_do_not_settle_is_said() -> None:
    even = np.linspace(0.01, 10, 60)  # no decay at all
    assert fit_omori(even, 0, 10).at_bound
    with pytest.raises(ValueError, match="at least 10 aftershocks are needed, found 3"):
        fit_omori(np.array([1.0, 2, 3]), 0, 10)
    with pytest.raises(ValueError, match="found 5 to 5"):
        fit_omori(even, 5, 5)


# -- Reasenberg-Jones ---------------------------------------------------------------------------------


def test_the_generic_law_gives_what_others_compute_from_it() -> None:
    # magnitude 6.5: 32.57 events of 4 or more in a year, by hand from the closed form
    area = (0.05**-0.08 - 365.05**-0.08) / 0.08
    found = GENERIC_CALIFORNIA.expected(6.5, 4.0, 0, 365)
    assert found == pytest.approx(10 ** (-1.67 + 0.91 * 2.5) * area)
    assert found == pytest.approx(32.57, abs=0.005)


def test_probability_is_that_of_one_event_or_more() -> None:
    law = GENERIC_CALIFORNIA
    assert law.probability(7.0, 6.0, 0, 0) == 0.0
    assert law.probability(7.0, 5.0, 0, 30) == pytest.approx(1 - math.exp(-law.expected(7.0, 5.0, 0, 30)))
    parts = law.expected(7, 5, 0, 1) + law.expected(7, 5, 1, 30)
    assert parts == pytest.approx(law.expected(7, 5, 0, 30))
    low, high = law.interval(7.8, 5.0, 0, 1)
    assert low < law.expected(7.8, 5.0, 0, 1) < high


def test_a_sequence_teaches_its_own_productivity() -> None:
    own = productivity(GENERIC_CALIFORNIA, np.linspace(0.01, 0.99, 50), 7.0, 4.0, 0, 1)
    assert own.expected(7.0, 4.0, 0, 1) == pytest.approx(50)
    assert "50 events" in own.named.en and "50次" in own.named.zh
    with pytest.raises(ValueError, match="no productivity of its own"):
        productivity(GENERIC_CALIFORNIA, np.array([5.0]), 7.0, 4.0, 0, 1)


def test_the_sentence_gives_number_interval_chance_and_whose_parameters() -> None:
    text = sentence(GENERIC_CALIFORNIA, 7.8, 6.0, 1, 8)
    assert text.en == (
        "Next 7 days: 1.7 aftershocks of magnitude 6 or more expected (95 %: 0 to 5); at least one: 82 % "
        "(generic values for California, Reasenberg and Jones 1989)."
    )
    assert text.zh.startswith("今后7天：预计 6 级及以上余震 1.7 次")
    assert (percent(0.004), percent(0.9999), percent(0.5)) == ("< 1 %", "> 99 %", "50 %")


# -- rates --------------------------------------------------------------------------------------------


def test_a_change_of_rate_is_judged_exactly() -> None:
    # 10 in 10 days, then 10 in 5: P(X >= 10) of a binomial of 20 with share 1/3
    found = poisson_change(10, 10, 10, 5)
    exact = sum(math.comb(20, k) * (1 / 3) ** k * (2 / 3) ** (20 - k) for k in range(10, 21))
    assert found.ratio == 2
    assert found.p_faster == pytest.approx(exact)
    assert found.p_faster + found.p_slower > 1  # the count itself lies in both
    assert poisson_change(0, 5, 0, 5).p_faster == 1
    assert math.isinf(poisson_change(0, 5, 3, 5).ratio) and math.isnan(poisson_change(0, 5, 0, 5).ratio)


def test_beta_is_the_surplus_in_its_standard_deviations() -> None:
    assert beta_statistic(30, 10, 100, 100) == pytest.approx((30 - 10) / 3)
    assert math.isnan(beta_statistic(0, 10, 0, 100))
    for wrong in ((5, 100, 10, 100), (11, 10, 10, 100)):
        with pytest.raises(ValueError, match="found"):
            beta_statistic(*wrong)


# -- ETAS ---------------------------------------------------------------------------------------------

TRUE = Etas(mu=0.5, k=0.02, c=0.01, alpha=1.2, p=1.2, completeness=3.0)


@pytest.mark.parametrize("seed", [0, 2])
def test_etas_parameters_are_found_again_on_simulated_catalogues(seed: int) -> None:
    times, magnitudes = simulate(TRUE, 1.0, 600.0, seed, largest=7.0)
    fit = fit_etas(times, magnitudes, 3.0, 0.0, 600.0)
    assert fit.converged
    assert fit.mu == pytest.approx(0.5, rel=0.25)
    # twice the gain in likelihood over the truth is chi-squared with five degrees of freedom
    gain = 2 * (fit.log_likelihood - TRUE.score(times, magnitudes, 0.0, 600.0))
    assert 0 < gain < chi2.ppf(0.999, 5)


def test_the_fitted_model_explains_as_many_events_as_there_were() -> None:
    times, magnitudes = simulate(TRUE, 1.0, 400.0, 5, largest=7.0)
    fit = fit_etas(times, magnitudes, 3.0, 0.0, 400.0)
    assert fit.transformed(times, magnitudes, np.array([400.0]))[0] == pytest.approx(fit.events, rel=0.01)


def test_the_likelihood_is_the_one_written_in_the_docstring() -> None:
    times, magnitudes = simulate(TRUE, 1.0, 300.0, 6, largest=6.0)
    fit = fit_etas(times, magnitudes, 3.0, 20.0, 300.0)

    def rate(t: float) -> float:
        past = times < t
        weights = fit.k * np.exp(fit.alpha * (magnitudes[past] - 3.0))
        return fit.mu + float((weights * (t - times[past] + fit.c) ** -fit.p).sum())

    seen = times[times > 20.0]
    area = float(np.diff(fit.transformed(times, magnitudes, np.array([20.0, 300.0])))[0])
    assert fit.log_likelihood == pytest.approx(sum(math.log(rate(t)) for t in seen) - area)
    steps, _ = quad(rate, 20.0, 21.0, points=times[(times > 20) & (times < 21)], limit=500)
    ends = fit.transformed(times, magnitudes, np.array([20.0, 21.0]))
    assert ends[1] - ends[0] == pytest.approx(steps, rel=1e-4)


def test_the_slope_that_is_climbed_is_that_of_the_likelihood() -> None:
    times, magnitudes = simulate(TRUE, 1.0, 100.0, 8, largest=6.0)
    above = magnitudes - 3.0
    first = int(np.searchsorted(times, 10.0, side="right"))
    x = np.array([math.log(0.4), math.log(0.03), math.log(0.02), math.log(1.0), 1.1])

    def plain(x: np.ndarray) -> float:
        return float(_log_likelihood(times, above, first, 10.0, 100.0, *np.exp(x[:4]), x[4]))

    score, slope = _score_and_slope(times, above, first, 10.0, 100.0, *np.exp(x[:4]), x[4])
    assert score == pytest.approx(plain(x), rel=1e-12)
    steps = np.eye(5) * 1e-5
    assert slope == pytest.approx([(plain(x + h) - plain(x - h)) / 2e-5 for h in steps], rel=1e-5, abs=1e-4)


def test_aftershocks_are_no_change_of_rate_but_a_swarm_is() -> None:
    times, magnitudes = simulate(TRUE, 1.0, 700.0, 7, largest=7.0)
    quiet = residual_change(TRUE, times, magnitudes, 500.0, 560.0)
    assert min(quiet.p_faster, quiet.p_slower) > 0.01
    swarm = np.sort(np.concatenate([times, np.linspace(500.1, 559.9, 120)]))
    small = np.full(len(swarm), 3.0)
    assert residual_change(TRUE, swarm, small, 500.0, 560.0).p_faster < 1e-6


def test_a_catalogue_that_would_explode_says_so() -> None:
    assert TRUE.branching_ratio(1.0) == pytest.approx(0.5246, abs=1e-4)
    assert math.isinf(TRUE.branching_ratio(0.5)) and math.isinf(
        Etas(0.5, 0.02, 0.01, 1.2, 1.0, 3.0).branching_ratio(1.0)
    )
    with pytest.raises(ValueError, match="at least 50 events"):
        fit_etas(np.arange(10.0), np.full(10, 4.0), 3.0, 0.0, 10.0)
    with pytest.raises(ValueError, match="ascending"):
        fit_etas(np.array([2.0, 1.0]), np.array([3.0, 3.0]), 3.0, 0.0, 10.0)


def test_a_fit_can_be_drawn() -> None:
    fit = OmoriUtsu(10.0, 0.1, 1.1, 0.0, 20, 0.0, 10.0, False)
    assert fit.rate(np.array([0.0, 1.0])) == pytest.approx([10 * 0.1**-1.1, 10 * 1.1**-1.1])


# -- in a finding -------------------------------------------------------------------------------------


def test_a_new_earthquake_level_says_what_may_follow_where_the_rule_asks_for_it() -> None:
    rule = replace(QUAKE, outlook="aftershocks")
    pack = chain_pack()
    lake, state = MemoryLake(), State()
    lake.append([quake(T0, 7.8, T0 + HOUR)])
    (raised,) = evaluate(rule, pack, lake, state, T0 + 24 * HOUR)  # type: ignore[arg-type]
    assert [reason.code for reason in raised.reasons] == ["aftershock_outlook"]
    law = GENERIC_CALIFORNIA
    expected = law.expected(7.8, 5.0, 1.0, 8.0)
    words = raised.reasons[0].text
    assert f"Next 7 days: {expected:.1f} aftershocks of magnitude 5 or more expected" in words.en
    assert words.en.endswith(
        f"One as strong as this or stronger: {percent(law.probability(7.8, 7.8, 1.0, 8.0))}."
    )
    assert f"{expected:.1f} 次" in words.zh
    assert evaluate(QUAKE, pack, lake, state, T0 + 24 * HOUR)[0].reasons == ()  # type: ignore[arg-type]
    # the end of the level announces nothing
    state.put(raised.id, raised)
    (ended,) = evaluate(rule, pack, lake, state, T0 + 96 * HOUR)  # type: ignore[arg-type]
    assert ended.change == "ended" and ended.reasons == ()
