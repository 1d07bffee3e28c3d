"""`anlan.detect` from Python: any holder of counts in, the same answer out."""

from __future__ import annotations

import doctest
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import anlan
from anlan.assess.detect.ears import ears
from anlan.assess.detect.panel import Alarm, Detection, Panel, Reason
from anlan.assess.detect.reason_words import REASONS
from anlan.assess.detect.registry import specs
from anlan.assess.multiplicity import q_values
from anlan.model.errors import InvalidValue

WEEKS = np.arange("2020-01-06", "2020-06-01", 7, dtype="datetime64[D]")
COUNTS = np.random.default_rng(1).poisson([[3.0], [8.0]], (2, len(WEEKS))).astype(float)
COUNTS[0, 3] = np.nan
COUNTS[1, -2] = 60


def wide() -> pl.DataFrame:
    return pl.DataFrame({"date": WEEKS, "a": COUNTS[0], "b": COUNTS[1]})


def found(data: Any, **more: Any) -> Any:
    return anlan.detect(data, "ears_c1", test="last 5", **more)


def test_the_example_of_the_docstring_is_true() -> None:
    failed, tried = doctest.testmod(anlan)
    assert tried > 0
    assert failed == 0


def test_importing_anlan_loads_no_engine() -> None:
    script = "import sys, anlan; anlan.detect; print(sorted({'numba', 'polars', 'scipy'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_it_is_the_detector_itself() -> None:
    panel = Panel(COUNTS, 52, dates=WEEKS)
    own = ears(panel, slice(-5, None))
    ours = found(panel)
    assert isinstance(ours, Detection)
    for name in ("expected", "threshold", "score", "p_value", "alarm", "state", "reason"):
        assert_array_equal(getattr(ours, name), getattr(own, name))


def test_arrays_and_frames_wide_and_long_give_the_same_answer() -> None:
    pandas = pytest.importorskip("pandas")
    panel = found(Panel(COUNTS, 52, dates=WEEKS), series=["a", "b"]).frame()
    long = wide().unpivot(index="date", variable_name="series", value_name="value")
    frame = wide().to_pandas()
    for data in (
        wide(),
        wide().with_columns(pl.col("date").cast(pl.String)),
        wide().lazy(),
        long,
        long.sample(fraction=1.0, shuffle=True, seed=4).sort("series", maintain_order=True),
        frame,
        frame.set_index("date"),
        frame.melt("date", var_name="series"),
        pandas.DataFrame({"a": COUNTS[0], "b": COUNTS[1]}, index=pandas.DatetimeIndex(WEEKS)),
    ):
        assert found(data).frame().equals(panel)
    plain = found(COUNTS, freq=52, series=["a", "b"]).frame()
    assert plain.equals(panel.drop("date"))
    assert found(COUNTS[1], freq=52).series == ("1",)


def test_unknown_is_null_and_has_a_reason_in_words() -> None:
    counts = COUNTS.copy()
    counts[0, -1] = np.nan
    frame = found(Panel(counts, 52, dates=WEEKS)).frame()
    last = frame.row(4, named=True)
    assert (last["alarm"], last["state"], last["reason"]) == (None, "unknown", "missing_value")
    assert last["reason_en"] != last["reason_zh"]
    assert frame["alarm"].null_count() == 1
    assert len(WEEKS) - 1 in found(Panel(counts, 52)).alarms()["k"]
    assert found(Panel(counts, 52)).alarms()["alarm"].all()


def test_a_short_history_is_unknown_and_not_an_error() -> None:
    answer = anlan.detect(wide(), "farrington_flexible", test="last 2")
    assert (answer.reason == Reason.TOO_FEW_HISTORY).all()
    assert (answer.alarm == -1).all()


@pytest.mark.parametrize(
    ("data", "more", "says"),
    [
        (COUNTS, {}, "an array does not tell its periods per year"),
        ({"a": [1]}, {}, "found dict; expected a Panel"),
        (COUNTS, {"freq": 52, "series": ["a"]}, r"found 1 name\(s\)"),
        (COUNTS, {"freq": 52, "basline": 7}, "did you mean baseline"),
        (Panel(COUNTS, 52), {"freq": 12}, "the panel has another freq"),
        (pl.DataFrame({"x": [1.0]}), {}, "no column of times"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_found(data: Any, more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        found(data, **more)


def test_an_unknown_detector_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected one of: .*farrington_flexible"):
        anlan.detect(COUNTS, "farington", freq=52)


def test_population_comes_in_any_form() -> None:
    for people in (np.full(COUNTS.shape, 1e5), np.full(len(WEEKS), 1e5), wide().with_columns(a=1e5, b=1e5)):
        panel = found(wide(), population=people).panel
        assert_array_equal(panel.population, np.full(COUNTS.shape, 1e5))
    with pytest.raises(InvalidValue, match="the population has no such series"):
        found(wide(), population=wide().rename({"a": "c"}))


def test_no_parameter_of_a_detector_is_hidden_by_one_of_detect() -> None:
    own = {"data", "detector", "test", "freq", "population", "series"}
    hidden = {(s.name, p.name) for s in specs().values() for p in s.params if p.name in own}
    assert not hidden


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    assert all(words.en != words.zh for words in REASONS.values())


def test_many_series_tested_at_once_get_adjusted_p_values_time_by_time() -> None:
    many = np.random.default_rng(3).poisson(5.0, (40, 30)).astype(float)
    answer = anlan.detect(many, "ears_c1", freq=52, test="last 2")
    for column in range(2):
        assert_array_equal(answer.q_values[:, column], q_values(answer.p_value[:, column]))
    assert (answer.q_values >= answer.p_value).all()
    assert answer.frame()["q_value"].to_list() == answer.q_values.ravel().tolist()


def weekly(jump: float = 2.0) -> pl.DataFrame:
    """Two series of 200 weeks from Monday 2018-01-01; from the week of 2020-11-16 on twice as much counts."""
    rng = np.random.default_rng(12)
    level = np.where(np.arange(200) < 150, 20, 20 * jump)
    days = np.datetime64("2018-01-01") + 7 * np.arange(200)
    a, b = rng.poisson(level), rng.poisson(level)
    b[190] += 60
    return pl.DataFrame({"date": days.astype(str), "a": a, "b": b})


def test_a_change_of_what_is_counted_is_a_mark_and_no_jump() -> None:
    how: dict[str, Any] = {"test": "last 60", "baseline": 9}
    jumped = anlan.detect(weekly(), "ears_c2", **how)
    assert jumped.alarm[:, 10:13].max() == Alarm.YES
    marked = anlan.detect(weekly(), "ears_c2", **how, changed=["2020-11-16"])
    # the history of before is not compared: a while nobody knows, then the outbreak alone
    assert (marked.alarm[:, 10:21] == Alarm.UNKNOWN).all()
    assert (marked.reason[:, 10:21] == Reason.TOO_FEW_HISTORY).all()
    assert (marked.alarm[:, :10] != Alarm.UNKNOWN).all() and marked.alarm[1, 50] == Alarm.YES
    assert (marked.threshold[:, :10] == jumped.threshold[:, :10]).all()
    assert (marked.threshold[:, 21:] == jumped.threshold[:, 21:]).all()
    assert marked.values.tolist() == jumped.values.tolist()
    assert any(
        "2020-11-16: values on the other side are not compared" in note.en for note in marked.laid.notes
    )
    assert any("2020-11-16 变更" in note.zh for note in marked.laid.notes)


def test_with_a_factor_the_two_sides_are_compared_in_the_terms_of_the_tested_value() -> None:
    how: dict[str, Any] = {"test": "last 60", "baseline": 9}
    exact = weekly(1.0)
    doubled = exact.with_columns(
        pl.when(pl.int_range(pl.len()) >= 150).then(2 * pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in ("a", "b")
    )
    before, after = (
        anlan.detect(exact, "ears_c2", **how),
        anlan.detect(doubled, "ears_c2", **how, changed=["2020-11-16=2"]),
    )
    assert (before.alarm == after.alarm).all()
    np.testing.assert_allclose(after.threshold[:, 10:], 2 * before.threshold[:, 10:], rtol=1e-12)
    np.testing.assert_allclose(after.threshold[:, :10], before.threshold[:, :10], rtol=1e-12)


def test_a_week_through_which_the_change_runs_belongs_to_neither_side() -> None:
    found = anlan.detect(weekly(), "ears_c2", test="149:152", baseline=9, changed=["2020-11-11"])
    assert found.alarm[0].tolist() == [Alarm.NO, Alarm.UNKNOWN, Alarm.UNKNOWN, Alarm.UNKNOWN]
    assert any("through which it runs is unknown" in note.en for note in found.laid.notes)
    days = anlan.detect(np.ones((1, 40)), "ears_c1", freq=365, test="last 5", changed=["30"])
    assert days.changes[0].at == 29 and not days.changes[0].mixed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2050-01-01"], "no time of the table is at or after the change"),
        (["2018-01-01"], "nothing lies before the change"),
        (["2020-11-16=-1"], "no factor"),
        (["2020-11-16", "2020-11-16=2"], "two changes at one time"),
    ],
)
def test_a_change_that_cannot_be_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        anlan.detect(weekly(), "ears_c2", changed=words)


def test_an_undecided_combination_is_no_test_beside_the_others() -> None:
    rng = np.random.default_rng(3)
    counts = rng.poisson(20, (50, 40)).astype(float)
    counts[7, -2] = np.nan  # one member of two reads it, and the vote hangs on that one
    how: dict[str, Any] = {"freq": 365, "test": [39], "quorum": 0.1}
    found = anlan.detect(counts, "ensemble", members=["ears_c1", "ears_c2"], **how)
    assert found.alarm[7, 0] == Alarm.UNKNOWN and not np.isnan(found.p_value[7, 0])
    assert np.isnan(found.q_values[7, 0])
    others = np.delete(np.arange(50), 7)
    assert_array_equal(found.q_values[others, 0], q_values(found.p_value[others, 0]))
