"""Nowcasts against plain twins: loops, simulation and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import beta, binom, nbinom

from anlan.assess.detect.panel import Reason
from anlan.assess.models.nowcast import METHODS, PoissonGamma, nowcast
from anlan.assess.models.nowcast_many import cumulated, nowcast_many
from anlan.assess.models.reporting_triangle import (
    ReportingTriangle,
    period_index,
    period_start,
    triangle_from_line_list,
)

DELAYS = np.array([0.15, 0.35, 0.25, 0.15, 0.1])
PRIOR = PoissonGamma(mean=20, variance=200)


def line_list(seed: int = 3, days: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    cases = rng.poisson(12, days)
    event = np.repeat(np.datetime64("2024-03-01") + np.arange(days), cases)
    return event, event + rng.choice(5, event.size, p=DELAYS)


def triangle(max_delay: int = 4, seed: int = 3) -> ReportingTriangle:
    event, report = line_list(seed)
    return triangle_from_line_list(
        event,
        report,
        now=np.datetime64("2024-04-09"),
        start=np.datetime64("2024-03-01"),
        max_delay=max_delay,
    )


def test_a_triangle_holds_each_case_once_and_nothing_of_tomorrow() -> None:
    event, report = line_list()
    now = np.datetime64("2024-03-20")
    found = triangle_from_line_list(event, report, now=now, start=event.min(), max_delay=4)
    assert np.nansum(found.counts) == ((event <= now) & (report <= now)).sum()
    for t in range(found.last + 1):
        for d in range(5):
            if t + d > found.last:
                assert np.isnan(found.counts[t, d])
            else:
                day = event.min() + t
                assert found.counts[t, d] == ((event == day) & (report - event == d)).sum()


def test_longer_delays_count_as_the_longest_and_are_told() -> None:
    short, full = triangle(2), triangle(4)
    assert short.longer == np.nansum(full.counts[:, 3:])
    assert_array_equal(short.reported(), full.reported())


def test_unknown_dates_are_left_out_and_impossible_triangles_named() -> None:
    event, report = line_list()
    day = event.min()
    with_gap = report.copy()
    with_gap[:5] = np.datetime64("NaT")
    found = triangle_from_line_list(event, with_gap, now=day + 39, start=day, max_delay=4)
    assert np.nansum(found.counts) == np.nansum(triangle().counts) - 5
    with pytest.raises(ValueError, match="D>T"):
        triangle_from_line_list(event, report, now=day + 3, start=day, max_delay=4)
    with pytest.raises(ValueError, match="no data available"):
        triangle_from_line_list(event + 90, report + 90, now=day + 9, start=day, max_delay=4)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    days = np.array(["2024-01-01", "2024-01-07", "2024-01-08"], dtype="datetime64[D]")
    assert np.diff(period_index(days, "1 week")).tolist() == [0, 1]
    for by in ("1 day", "1 week", "1 month"):
        assert period_start(int(period_index(days[:1], by)[0]), by) == days[0]


def test_window_sums_are_the_sums_over_what_was_seen() -> None:
    found = triangle()
    n, total = found.window_sums(m=10)
    for x in range(5):
        rows = range(found.last - 10, found.last - x + 1)
        assert n[x] == sum(found.counts[t, x] for t in rows)
        assert total[x] == sum(found.counts[t, : x + 1].sum() for t in rows)


@pytest.mark.parametrize("method", ["bayes.trunc", "bayes.notrunc"])
def test_the_integral_is_what_simulation_tends_to(method: str) -> None:
    """The plain twin draws delay distributions, as Höhle and an der Heiden (2014) do."""
    data = triangle()
    found = nowcast(data, method=method, prior=PRIOR, max_cases=120)  # type: ignore[arg-type]
    n, total = data.window_sums()
    rng = np.random.default_rng(8)
    kappa, draws = 0.1, 4000
    support = np.arange(121)
    left = np.ones(draws)  # part of cases with delay up to x
    reported = data.reported()
    for x in range(3, -1, -1):
        earlier = total[x + 1] - n[x + 1] if method == "bayes.trunc" else n[: x + 1].sum()
        left *= 1 - beta.rvs(kappa + n[x + 1], kappa * (x + 1) + earlier, size=draws, random_state=rng)
        t = data.last - x
        weight = binom.pmf(reported[t], support, left[:, None])
        weight *= nbinom.pmf(support, PRIOR.size, PRIOR.size / (PRIOR.size + PRIOR.mean))
        weight /= weight.sum(axis=1, keepdims=True)
        assert_allclose(found.pmf[t], weight.mean(axis=0), atol=0.003)


def test_the_closed_form_is_the_average_over_a_beta_law() -> None:
    data = triangle()
    found = nowcast(data, method="bayes.notrunc.bnb", max_cases=200)
    a = 0.1 + data.window_sums()[0]
    seen = data.reported()[-1]
    p = np.linspace(0, 1, 200_001)[1:-1]
    density = beta.pdf(p, a[0], a[1:].sum())
    n = np.arange(int(seen), int(seen) + 30)
    direct = [(nbinom.pmf(k - seen, seen + 1, p) * density).mean() for k in n]
    assert_allclose(found.pmf[-1, n], direct, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_every_law_is_a_law_and_keeps_what_is_reported(method: str) -> None:
    data = triangle()
    found = nowcast(data, method=method, prior=PRIOR)  # type: ignore[arg-type]
    known = data.reported()
    assert_allclose(found.pmf.sum(axis=1), 1, atol=1e-6)
    assert (found.lower >= known).all()
    assert (found.lower <= found.median).all()
    assert (found.median <= found.upper).all()
    assert_array_equal(found.median[:36] if method != "unif" else known[:36], known[:36])


def test_lawless_divides_by_the_part_reported() -> None:
    data = triangle()
    found = nowcast(data, method="lawless")
    n, total = data.window_sums()
    part = 1.0
    for x in range(3, -1, -1):
        part *= 1 - n[x + 1] / total[x + 1]
        assert found.delay_cdf[x] == pytest.approx(part)
        estimate = data.reported()[data.last - x] / part
        assert abs(found.median[data.last - x] - estimate) <= 1.5


def test_the_mended_interval_allows_for_the_delays_being_estimates() -> None:
    data = triangle()
    mended = nowcast(data, method="lawless")
    peer = nowcast(data, method="lawless", compat="surveillance")
    assert ((mended.upper - mended.lower) >= (peer.upper - peer.lower) - 2)[-4:].all()
    assert (mended.upper - mended.lower)[-1] > (peer.upper - peer.lower)[-1]


def test_a_delay_never_seen_makes_the_nowcast_unknown_not_zero() -> None:
    data = triangle()
    late = data.counts.copy()
    late[:, 0] = np.where(np.isnan(late[:, 0]), np.nan, 0)
    found = nowcast(ReportingTriangle(late, 0), method="lawless")
    assert np.isnan(found.median[-1])
    assert np.isfinite(found.median[:-1]).all()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "guess"}, "method must be"),
        ({"alpha": 1.0}, "alpha"),
        ({"method": "bayes.trunc"}, "prior"),
        ({"method": "unif", "m_form": "lawless1994"}, "lawless"),
        ({"method": "lawless", "max_cases": 3}, "max_cases"),
        ({"method": "lawless", "m": 0}, "m must be"),
    ],
)
def test_impossible_requests_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nowcast(triangle(), **settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="variance"):
        nowcast(triangle(), method="bayes.trunc", prior=PoissonGamma(5, 4))


def many(series: int = 60, periods: int = 40, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(2.5, 1, (series, 1, 1)))
    known = cumulated(rng.poisson(level * DELAYS, (series, periods, 5)).astype(float))
    final = known[:, -4:, -1].copy()
    known[:, np.arange(periods)[:, None] + np.arange(5) > periods - 1] = np.nan
    return known, final


def test_many_series_at_once_are_nearer_than_what_is_known_and_cover_the_truth() -> None:
    known, final = many(400)
    found = nowcast_many(known)
    naive, ours = np.abs(found.known - final).mean(axis=0), np.abs(found.median - final).mean(axis=0)
    assert (ours[1:] < 0.6 * naive[1:]).all()
    inside = (found.lower <= final) & (final <= found.upper)
    assert inside.mean() > 0.94
    assert (found.upper - found.lower).mean() < 25


def test_shares_without_borrowing_are_the_chain_ladder() -> None:
    known, _ = many(3)
    found = nowcast_many(known, shrink=0)
    for s in range(3):
        part = 1.0
        for x in range(3, -1, -1):
            rows = [t for t in range(40) if np.isfinite(known[s, t, x + 1])]
            part *= sum(known[s, t, x] for t in rows) / sum(known[s, t, x + 1] for t in rows)
            assert found.share[s, x] == pytest.approx(part)


def test_a_window_learns_from_the_last_reports_of_every_delay() -> None:
    known, _ = many(1)
    found = nowcast_many(known, shrink=0, window=6)
    rows = [t for t in range(40) if 40 - 1 - 6 < t + 1 <= 39]
    one = sum(known[0, t, 0] for t in rows) / sum(known[0, t, 1] for t in rows)
    assert found.share[0, 0] / found.share[0, 1] == pytest.approx(one)


def test_a_series_with_few_cases_takes_the_delays_of_all() -> None:
    known, _ = many(40)
    known[0] = np.where(np.isnan(known[0]), np.nan, 0.0)
    found = nowcast_many(known)
    common = nowcast_many(known, shrink=1e9).share
    assert_allclose(found.share[0], common[0], rtol=1e-6)
    assert (found.median[0] <= 2).all()


def test_what_is_missing_is_unknown_in_its_own_series_alone() -> None:
    known, _ = many(5)
    whole = nowcast_many(known, shrink=0)
    known[2, -1, 0] = np.nan
    found = nowcast_many(known, shrink=0)
    assert found.reason[2, -1] == Reason.MISSING_VALUE
    assert np.isnan(found.median[2, -1])
    assert_array_equal(np.delete(found.known, 2, axis=0), np.delete(whole.known, 2, axis=0))
    known[:, :, 2] = np.nan
    assert (nowcast_many(known).reason[[0, 1, 3, 4], 2:] == Reason.TOO_FEW_HISTORY).all()


def test_revisions_may_go_down_where_that_is_said() -> None:
    rng = np.random.default_rng(4)
    final = rng.poisson(200, (30, 40, 1)).astype(float)
    known = np.round(final * np.array([1.2, 1.1, 1.0, 1.0, 1.0]) * rng.normal(1, 0.02, (30, 40, 5)))
    truth = known[:, -4:, -1].copy()
    known[:, np.arange(40)[:, None] + np.arange(5) > 39] = np.nan
    found = nowcast_many(known, revisions="both")
    assert (found.median[:, -1] < found.known[:, -1]).mean() > 0.9
    assert np.abs(found.median - truth).mean() < 0.5 * np.abs(found.known - truth).mean()
    assert ((found.lower <= truth) & (truth <= found.upper)).mean() > 0.85
    with pytest.raises(ValueError, match="revisions"):
        nowcast_many(known, revisions="up")  # type: ignore[arg-type]
