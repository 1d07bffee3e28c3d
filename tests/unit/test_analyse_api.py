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
from anlan.assess.detect.panel import Detection, Panel, Reason
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
