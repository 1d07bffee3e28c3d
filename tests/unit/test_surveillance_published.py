"""The surveillance family on numbers that stand here: no file and no R is needed.

The series are written by a formula or in full; the numbers of `compat="surveillance"` are those of the R
package surveillance 1.20.3 on them. The default forms are worked out by hand or by a library.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import nbinom

from anlan.assess.detect.cusum import TRANSFORMS
from anlan.assess.detect.panel import Alarm, Detection, Floats, Panel, Reason, Trend
from anlan.assess.detect.registry import detector
from anlan.assess.detect.rki import UPPER

TIME = np.arange(120.0)
#: 0 to 10 cases in an order without trend or season
MIXED = (7 * TIME**2 + 3 * TIME) % 11
LAST = np.arange(114, 120)
#: a rise from a quiet start
RISE = np.array([3.0, 1, 2, 2, 4, 3, 5, 8, 9, 12])


def package(name: str, y: Floats, test: Any, freq: int = 52, **params: Any) -> Detection:
    return detector(name)(Panel(y[None], freq), test, compat="surveillance", **params)


def mended(name: str, y: Floats, test: Any, freq: int = 52, **params: Any) -> Detection:
    return detector(name)(Panel(np.atleast_2d(y), freq), test, **params)


def test_farrington_gives_the_packages_bound_mean_and_alarm() -> None:
    found = package("farrington", MIXED, LAST, 12, b=5, w=2, limit54=(0, 4), alpha=0.1)
    assert_allclose(
        found.threshold[0],
        [
            10.806611654402083,
            9.242872536162038,
            8.659116670855614,
            8.431673611062033,
            8.431673611062033,
            8.659116670855612,
        ],
        rtol=1e-12,
    )
    assert_allclose(
        found.expected[0],
        [
            3.468767496467171,
            3.3070686037180606,
            3.580012147261743,
            3.6529156913224816,
            3.6529156913224785,
            3.580012147261744,
        ],
        rtol=1e-12,
    )
    assert found.alarm[0].tolist() == [0, 0, 0, 0, 1, 0]
    rising = MIXED.copy()
    rising[59:] += np.arange(61) // 3
    found = package("farrington", rising, LAST, 12, b=5, w=2, limit54=(0, 4), alpha=0.1, powertrans="1/2")
    assert_allclose(
        found.threshold[0],
        [
            23.06195823676195,
            23.296315724772256,
            22.445498666765115,
            22.321905523622952,
            22.13629747959776,
            22.92309187193569,
        ],
        rtol=1e-12,
    )
    assert found.trend[0].tolist() == [Trend.NOT_KEPT] * 6  # it would lead above every past count


def test_bayes_gives_the_packages_quantile_which_is_that_of_the_negative_binomial() -> None:
    found = package("bayes", MIXED, LAST, b=1, w=3)
    assert found.threshold[0].tolist() == [8, 7, 8, 8, 8, 8]
    assert found.alarm[0].tolist() == [0, 0, 0, 0, 1, 0]
    history = np.concatenate([MIXED[111:114], MIXED[59:66]])
    law = nbinom(history.sum() + 0.5, 10 / 11)
    assert found.threshold[0, 0] == law.ppf(0.95)
    assert_allclose(found.p_value[0, 0], law.sf(MIXED[114] - 1), rtol=1e-12)
    assert_allclose([found.expected[0, 0], found.variance[0, 0]], [law.mean(), law.var()], rtol=1e-12)


def test_rki_takes_the_published_limits_up_to_a_mean_of_20_and_two_standard_deviations_above() -> None:
    found = package("rki", MIXED, LAST, b=2, w=2, act_y=True)
    assert_array_equal(found.threshold[0], [9.598, 8.102, 8.102, 9.598, 8.102, 9.598])
    assert found.alarm[0].tolist() == [0, 0, 0, 0, 1, 0]
    assert set(found.threshold[0]) <= set(UPPER)
    found = package("rki", 10 * MIXED, LAST, b=2, w=2, act_y=True)
    assert_allclose(
        found.threshold[0],
        [
            123.90806303599618,
            110.42586522065966,
            106.60497697278261,
            123.46281277654256,
            108.9142842854285,
            110.79082195753953,
        ],
        rtol=1e-12,
    )


def test_cdc_compares_four_week_sums() -> None:
    found = package("cdc", MIXED, LAST, b=2, m=0, alpha=0.2)
    assert_allclose(
        found.threshold[0],
        [
            16.219712424042683,
            23.659137272128053,
            18.829568636064025,
            15,
            18.829568636064025,
            23.659137272128053,
        ],
        rtol=1e-12,
    )
    assert found.alarm[0].tolist() == [1, 0, 0, 0, 1, 0]


def test_outbreak_p_gives_the_packages_statistic_and_count() -> None:
    value = package("outbreak_p", RISE, slice(0, 10), k=10, ret="value")
    assert_allclose(
        value.threshold[0],
        [
            1,
            1,
            1,
            1,
            1.7945064765538425,
            1.7685451259248648,
            3.9167620160302037,
            50.39424598956218,
            642.654920552092,
            45189.320343919375,
        ],
        rtol=1e-12,
    )
    assert value.alarm[0].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    cases = package("outbreak_p", RISE, slice(0, 10), k=10, ret="cases")
    assert_array_equal(cases.threshold[0], [np.nan, 11, 8, 7, 7, 7, 7, 6, 2, np.nan])
    # the default bound is the largest count without an alarm, where there is one
    ours = mended("outbreak_p", RISE, slice(0, 10), k=10)
    assert ours.threshold[0].tolist() == [np.inf, 10, 7, 6, 6, 6, 6, 5, 1, -1]
    assert_array_equal(ours.alarm, value.alarm)


CUSUM: dict[str, tuple[list[float], list[float]]] = {
    "rossi": (
        [0, 1.0260210306950965, 3.6126470451884476, 6.69359454711956, 11.206889500740282],
        [6.841654225367918, 6.841654225367918, 4.904933593392169, 0.8672228320103992, 0],
    ),
    "standard": (
        [0, 1.1782927833565473, 4.293077239816803, 8.05335892064496, 13.750132274576828],
        [7, 7, 5, 0, 0],
    ),
    "anscombe": (
        [0, 0.9667642864888808, 3.328379612905918, 6.113576066457945, 10.0845892612016],
        [7.177918322442878, 7.177918322442878, 5.1320954422404546, 1.2389578011995164, 0],
    ),
    "anscombe2nd": (
        [0, 1.0743471572168646, 3.5435453543618847, 6.4363246786418955, 10.514920744113535],
        [6.751803605674044, 6.751803605674044, 4.544303615980727, 0.7682407463892998, 0],
    ),
    "pearsonNegBin": (
        [0, 1.0071514112205469, 3.7533236815417244, 7.079169571563112, 12.144036320685132],
        [6.712771730569566, 6.712771730569566, 4.975326076683478, 0.2378804227973914, 0],
    ),
    "anscombeNegBin": (
        [0, 0.7766245465256878, 2.693689954521284, 4.943689390262291, 8.094992736073173],
        [2, 1.2233754534743122, 0, 0, 0],
    ),
    "none": (
        [2.5, 7, 14.5, 23, 34.5],
        [0, 0, 0, 0, 0],
    ),
}


@pytest.mark.parametrize("trans", TRANSFORMS)
def test_cusum_gives_the_packages_sums_and_bounds(trans: str) -> None:
    found = package("cusum", RISE, slice(5, 10), k=0.5, h=2, trans=trans)
    sums, bounds = CUSUM[trans]
    loose = 1e-7 if trans == "anscombeNegBin" else 1e-12  # the package's table has ten digits
    assert_allclose(found.score[0] * 2, sums, rtol=loose)
    assert_allclose(found.threshold[0], bounds, rtol=loose, atol=1e-12)
    assert found.alarm[0].tolist() == [int(s >= 2) for s in sums]


def test_cusum_takes_the_packages_regression_mean() -> None:
    found = package("cusum", MIXED, LAST, k=0.5, h=2, m="glm")
    assert_allclose(
        found.expected[0],
        [
            4.028288134973157,
            4.028536487223339,
            4.02847831349935,
            4.028114475301163,
            4.027450359909345,
            4.026495797048383,
        ],
        rtol=1e-11,
    )
    assert_allclose(found.score[0] * 2, [0, 0, 0.482270369466675, 0, 2.4760804700495997, 0], rtol=1e-10)


def test_cusum_begins_anew_after_an_alarm_where_asked() -> None:
    found = mended("cusum", np.array([0.0, 3, 3, 3, 3]), slice(0, 5), m=1.0, k=0.5, h=2.5, reset=True)
    assert_allclose(found.score[0] * 2.5, [0, 1.5, 3, 1.5, 3])
    assert found.alarm[0].tolist() == [0, 0, 1, 0, 1]
    assert found.threshold[0].tolist() == [3, 3, 2, 3, 2]


GLR: list[tuple[dict[str, Any], list[float], list[int]]] = [
    (
        {"alpha": 0, "c_arl": 4},
        [
            0.046964670381863916,
            0,
            0,
            0,
            0.3800145169829423,
            0.35530565634849065,
            1.1400435509488265,
            4.421648785356673,
            5.028404609158579,
            9.323391014966141,
        ],
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ),
    (
        {"alpha": 0, "c_arl": 4, "ret": "cases"},
        [9, 9, 9, 9, 9, 9, 9, 8, 9, 9],
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ),
    (
        {"alpha": 0, "c_arl": 4, "theta": np.log(2)},
        [
            0,
            0,
            0,
            0,
            0.27258872223978114,
            0,
            0.9657359027997265,
            4.010913347279288,
            3.7383246250395077,
            9.556090791758852,
        ],
        [0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
    ),
    (
        {"alpha": 0.1, "c_arl": 3},
        [
            0.03709539938920581,
            0,
            0,
            0,
            0.2934129226848985,
            0.2773575456730233,
            0.8802387680546964,
            3.2598014776134505,
            3.572908246853064,
            6.3864872158648165,
        ],
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ),
    (
        {"alpha": 0.1, "c_arl": 3, "theta": 0.5, "ret": "cases"},
        [
            11.163533134026048,
            11.163533134026048,
            11.163533134026048,
            11.163533134026048,
            11.163533134026048,
            10.390741342792326,
            10.617949551558608,
            8.845157760324884,
            4.072365969091164,
            11.163533134026048,
        ],
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
    ),
    (
        {"alpha": 0, "c_arl": 4, "change": "epi"},
        [
            0,
            0,
            0,
            0,
            3.9015160536502066e-08,
            5.460077500774714e-08,
            0.965936656729865,
            4.731551128407611,
            5.028404609158578,
            9.323391014966143,
        ],
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ),
]


@pytest.mark.parametrize(("params", "column", "alarm"), GLR)
def test_glr_gives_the_packages_statistics_and_counts(
    params: dict[str, Any], column: list[float], alarm: list[int]
) -> None:
    found = package("glrnb", RISE, slice(0, 10), mu0=2.5, **params)
    assert_allclose(found.threshold[0], column, rtol=1e-10)
    assert found.alarm[0].tolist() == alarm


def test_glr_estimates_the_packages_mean_and_overdispersion() -> None:
    found = package("glrnb", MIXED, LAST, s=1, trend=True)
    assert_allclose(
        found.expected[0],
        [
            4.068598026090512,
            4.070208699370616,
            4.0714277720698355,
            4.072246155800468,
            4.072660720325223,
            4.072674344504327,
        ],
        rtol=1e-9,
    )
    assert_allclose(
        found.threshold[0], [0, 0, 0.08939931529479539, 0, 0.5974366565673712, 0.04634015384622356], rtol=1e-8
    )


NAMES = ("farrington", "bayes", "rki", "cdc", "outbreak_p", "cusum", "glrpois", "glrnb")
#: 6 years of weeks
N = 312


def hard() -> dict[str, Floats]:
    """Series that break what is not looked after."""
    rng = np.random.default_rng(11)
    one, constant = np.zeros(N), np.full(N, 4.0)
    one[100] = 1
    early = rng.poisson(5.0, N).astype(np.float64)
    holes = early.copy()
    holes[::7] = np.nan
    return {
        "all zero": np.zeros(N),
        "one case": one,
        "constant": constant,
        "huge": rng.poisson(1e6, N).astype(np.float64),
        "missing weeks": holes,
        "nothing known": np.full(N, np.nan),
        "usual": early,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_hard_series_has_an_answer_or_a_reason(name: str) -> None:
    series = hard()
    params: dict[str, Any] = {"ret": "cases"} if name.startswith("glr") else {}
    found = mended(name, np.array(list(series.values())), slice(300, N), **params)
    reasons = dict(zip(series, found.reason, strict=True))
    alarms = dict(zip(series, found.alarm, strict=True))
    assert (alarms["nothing known"] == Alarm.UNKNOWN).all()
    assert (reasons["nothing known"] == Reason.MISSING_VALUE).all()
    for easy in ("constant", "huge", "usual", "all zero", "one case"):
        assert (alarms[easy] != Alarm.UNKNOWN).all(), easy
    assert (alarms["all zero"] == Alarm.NO).all()
    gone = np.isnan(series["missing weeks"][300:])
    if name != "cdc":  # four weeks of which one is missing may still be above the bound
        assert ((alarms["missing weeks"] == Alarm.UNKNOWN) == gone).all()
    assert (found.reason[found.alarm == Alarm.UNKNOWN] != Reason.OK).all()


@pytest.mark.parametrize("name", NAMES)
def test_an_outbreak_out_of_nothing_is_an_alarm(name: str) -> None:
    y = np.zeros(N)
    y[-1] = 30
    params: dict[str, Any] = {"ret": "cases"} if name.startswith("glr") else {}
    found = mended(name, y, slice(300, N), **params)
    assert found.alarm[0].tolist() == [0] * 11 + [1]
    assert found.threshold[0, -1] < 30


@pytest.mark.parametrize("name", NAMES)
def test_an_alarm_is_a_count_above_the_bound(name: str) -> None:
    rng = np.random.default_rng(3)
    y = rng.negative_binomial(2, 2 / (2 + rng.uniform(0.2, 30, (30, 1))), (30, N)).astype(np.float64)
    params: dict[str, Any] = {"ret": "cases"} if name.startswith("glr") else {}
    if name == "farrington":
        params = {"limit54": (0, 4)}
    found = mended(name, y, slice(290, N), **params)
    value = y[:, 290:]
    if name == "cdc":
        value = np.sum([y[:, 290 - i : N - i] for i in range(4)], axis=0)
    assert (found.alarm != Alarm.UNKNOWN).all()
    assert_array_equal(found.alarm == Alarm.YES, value > found.threshold)
    assert 0 < (found.alarm == Alarm.YES).sum() < found.alarm.size


@pytest.mark.parametrize("name", ["bayes", "rki", "cdc"])
def test_too_short_a_series_is_refused_or_unknown(name: str) -> None:
    panel = Panel(np.ones((2, 60)), 52)
    with pytest.raises(ValueError, match="series is too short: 2 year"):
        detector(name)(panel, [59], b=2)
    found = detector(name)(panel, [59], b=2, short_history="unknown")
    assert (found.alarm == Alarm.UNKNOWN).all()
    assert (found.reason == Reason.TOO_FEW_HISTORY).all()


def test_farrington_uses_the_years_there_are() -> None:
    y = np.tile([2.0, 3, 4, 3], 45)
    short, long = mended("farrington", y, [179], b=5), mended("farrington", y, [179], b=3)
    assert short.alarm[0, 0] != Alarm.UNKNOWN
    assert_allclose(short.threshold, long.threshold)
    found = mended("farrington", y, [10])
    assert found.reason[0, 0] == Reason.TOO_FEW_HISTORY
    assert found.alarm[0, 0] == Alarm.UNKNOWN


@pytest.mark.parametrize("name", ["farrington", "cusum", "glrpois", "glrnb"])
def test_a_first_period_without_history_is_unknown(name: str) -> None:
    found = mended(name, np.full(30, 3.0), slice(0, 5))
    assert (found.alarm == Alarm.UNKNOWN).all()
    assert (found.reason == Reason.TOO_FEW_HISTORY).all()


def test_too_few_recent_cases_give_no_bound_where_the_package_has_0() -> None:
    y = np.where(np.arange(N) % 26 == 0, 1.0, 0.0)
    test = [N - 1]
    assert package("farrington", y, test).threshold[0, 0] == 0
    ours = mended("farrington", y, test)
    assert np.isnan(ours.threshold[0, 0])
    assert ours.alarm[0, 0] == Alarm.NO
    assert ours.reason[0, 0] == Reason.TOO_FEW_CASES


def test_a_silence_is_a_decrease_where_the_packages_poisson_chart_sees_nothing() -> None:
    y = np.zeros(10)
    assert package("glrpois", y, slice(0, 10), mu0=2.0, dir="dec").alarm.sum() == 0
    ours = mended("glrpois", y, slice(0, 10), mu0=2.0, dir="dec")
    assert_allclose(ours.score[0] * 5, [2, 4, 6, 2, 4, 6, 2, 4, 6, 2])
    assert ours.alarm[0].tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("farrington", {"fit_fun": "population_offset"}, "needs a panel with population"),
        ("farrington", {"w": 60}, "w must be at least 0 and below a year"),
        ("bayes", {"alpha": 1.5}, "alpha must lie between 0 and 1, found 1.5"),
        ("rki", {"b": 0}, "leaves no reference values"),
        ("cdc", {"m": 7}, "m must be 0 to 6 months"),
        ("outbreak_p", {"k": 0}, "k must be above 0"),
        ("cusum", {"m": [1.0, 2.0]}, "one number or one per tested period"),
        ("cusum", {"trans": "log"}, "must be one of standard, rossi"),
        ("glrpois", {"theta": 0}, "theta must be a number other than 0"),
        ("glrnb", {"mu0": 3.0}, "give alpha with mu0"),
        ("glrnb", {"change": "epi", "dir": "dec"}, "dir must be inc"),
    ],
)
def test_a_bad_parameter_is_named_with_what_was_expected(
    name: str, params: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        mended(name, np.ones(N), slice(300, 305), **params)


@pytest.mark.parametrize("name", ["cusum", "glrpois", "glrnb"])
def test_a_chart_takes_periods_in_order_alone(name: str) -> None:
    with pytest.raises(ValueError, match="contiguous and in order"):
        mended(name, np.ones(N), [300, 302])
