"""Every detector passes the battery that plug-ins must pass, and the battery sees what it should."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anlan.assess.detect import registry
from anlan.assess.detect.panel import Alarm, Panel, Reason, decide, detection
from anlan.assess.detect.spec import Param, Spec
from anlan.testing.check_detector import axis, check_detector, difficult_series

#: what detectors need that have no default for it
GIVEN: dict[str, dict[str, Any]] = {
    "threshold": {"limit": 10.0},
    "ensemble": {"members": ["ears_c1", "seasonal_z"]},
}
#: CDC's method tests sums of four weeks
SUMS = {"cdc"}
#: OutbreakP, and CUSUM and GLR without a mean given, know no baseline but all that came before
WHOLE_AXIS = {"outbreak_p", "cusum", "glrpois", "glrnb"}


@pytest.mark.parametrize("name", registry.names())
def test_a_built_in_detector_conforms(name: str) -> None:
    check_detector(registry.spec(name), GIVEN.get(name), sums=name in SUMS, whole_axis=name in WHOLE_AXIS)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ewma", {"compat": "pynssp"}),
        ("cidars", {"fixed_threshold": 1}),
        ("rate_of_change", {"limit": 5.0, "over": 2}),
        ("cusum_reset", {"fir": 0.5, "sides": "down", "reset": False}),
        ("return_level", {"method": "gev", "min_peaks": 5, "sides": "down"}),
    ],
)
def test_a_detector_conforms_with_other_parameters_too(name: str, params: dict[str, Any]) -> None:
    check_detector(registry.spec(name), params)


def test_the_weekly_axis_of_the_battery_has_53_week_years() -> None:
    years = axis(52, 700).astype("datetime64[D]")
    weeks = [d.item().isocalendar().week for d in years]
    assert weeks.count(53) == 3
    assert len(difficult_series(axis(12, 40), 12)) >= 15


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path) -> Any:
    """A distribution on the path that adds the how-to's detector and would like to replace `threshold`."""
    page = (root / "docs" / "howto" / "write-a-detector.md").read_text("utf-8")
    (tmp_path / "doubling.py").write_text(page.split("```python\n")[1].split("```")[0])
    folder = tmp_path / "doubling-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: doubling\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(
        "[anlan.detectors]\ndoubled = doubling:SPEC\nthreshold = doubling:nothing\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry.specs.cache_clear()
    yield
    registry.specs.cache_clear()


@pytest.mark.usefixtures("installed")
def test_the_detector_of_the_how_to_is_found_when_installed_conforms_and_replaces_none() -> None:
    assert "doubled" in registry.names()
    assert registry.spec("threshold").title == "fixed limit"
    check_detector(registry.spec("doubled"))
    found = registry.detector("doubled")(Panel(np.array([[2.0, 3.0, 7.0, np.nan]]), 52), slice(None))
    assert found.alarm.tolist() == [[-1, 0, 1, -1]]
    assert registry.described()["doubled"] == {"times": "float"}


def good(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    """Alarm above `times` the mean of the three values before."""
    at = panel.test_indexes(test)
    y = panel.counts[:, at]
    rows = at[:, None] - np.arange(1, 4)
    past = panel.counts[:, np.maximum(rows, 0)].mean(axis=2)
    past[:, at < 3] = np.nan
    reason = np.where(np.isnan(past), Reason.TOO_FEW_HISTORY, Reason.OK).astype(np.int16)
    reason[np.isnan(y)] = Reason.MISSING_VALUE
    blind = [Reason.MISSING_VALUE, Reason.TOO_FEW_HISTORY]
    return detection(at, expected=past, alarm=decide(y > times * past, reason, blind), reason=reason)


GOOD = Spec(
    "good",
    good,
    (Param("times", "float", 2.0, "growth"),),
    title="growth",
    source="a test",
    history=lambda params, freq: 3,
)


def looks_ahead(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    tail = np.nan_to_num(panel.counts[:, -1:], posinf=0.0)
    return replace(found, expected=found.expected + tail)


def asks_the_neighbours(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, expected=found.expected + len(panel.counts))


def calls_missing_calm(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    calm = np.maximum(found.alarm, Alarm.NO).astype(np.int8)
    return replace(found, alarm=calm, state=np.ones_like(calm), reason=np.zeros_like(found.reason))


def gives_no_reason(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, reason=np.zeros_like(found.reason))


def gives_other_types(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, alarm=found.alarm.astype(np.int64))


def falls_over_a_hole(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    if np.isnan(panel.counts).any():
        raise ZeroDivisionError("a hole")
    return good(panel, test, times=times)


def writes_into_the_panel(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    panel.counts[:1, :1] += 1
    return found


def remembers_the_beginning(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, expected=found.expected + panel.n_time - panel.test_indexes(test)[-1:] * 0)


def throws_dice(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, expected=found.expected + np.random.default_rng().random())


def goes_on_from_time_to_time(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, score=np.cumsum(np.ones(found.alarm.shape), axis=1))


def trips_over_denominators(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    if panel.population is not None and not (panel.population > 0).all():
        raise ValueError("population must be above zero")
    return good(panel, test, times=times)


def doubts_itself(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    found = good(panel, test, times=times)
    return replace(found, p_value=np.full(found.alarm.shape, 1.5))


def too_short(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
    if panel.n_time < 4:
        raise ValueError("needs four periods at least")
    return good(panel, test, times=times)


def test_the_battery_passes_a_good_detector() -> None:
    assert check_detector(GOOD) == 52


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (looks_ahead, "changes answers before it|change earlier answers|changes its answer"),
        (asks_the_neighbours, "alone it has another answer than in company"),
        (calls_missing_calm, "a missing value is not unknown"),
        (gives_no_reason, "an unknown answer has no reason"),
        (gives_other_types, "alarm is int64, expected int8"),
        (falls_over_a_hole, "raises on difficult series, 52 periods a year: ZeroDivisionError"),
        (writes_into_the_panel, "writes into the panel"),
        (remembers_the_beginning, "the axis after a time changes|before the declared history"),
        (throws_dice, "asked twice it gives two answers"),
        (goes_on_from_time_to_time, "times one by one"),
        (trips_over_denominators, "raises for a panel of .*population must be above zero"),
        (doubts_itself, "a p-value outside 0"),
        (too_short, r"raises for a panel of \(17, 1\): .*needs four periods"),
    ],
)
def test_the_battery_names_what_a_detector_does_wrong(run: Any, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_detector(replace(GOOD, run=run))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"history": lambda params, freq: 2}, "before the declared history change the answer"),
        ({"params": (Param("times", "float", 3.0, "growth"),)}, "the real default of times is 2.0"),
        ({"params": ()}, "described and real parameters differ: times"),
        ({"params": (Param("times", "float", 2.0, ""),)}, "times is described without its meaning"),
        ({"source": ""}, "it has no title or no source"),
    ],
)
def test_the_battery_names_what_a_description_says_wrong(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_detector(replace(GOOD, **wrong))


def test_a_required_parameter_is_asked_for() -> None:
    with pytest.raises(AssertionError, match="give the required parameter 'limit'"):
        check_detector(registry.spec("threshold"))


def test_a_detector_that_takes_no_axis_is_named() -> None:
    def never(panel: Panel, test: Any, *, times: float = 2.0) -> Any:
        raise ValueError("this detector takes nothing")

    with pytest.raises(AssertionError, match="no axis is good for it: refused 52, 365, 12"):
        check_detector(replace(GOOD, run=never))
