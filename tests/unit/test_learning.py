"""Weights of an ensemble from a table and a list of what happened, learnt before what is tested."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from anlan.analyse.axis import Axis
from anlan.analyse.detection import run
from anlan.analyse.laid import Laid
from anlan.analyse.learning import learn_before, read_truth
from anlan.assess.detect.ensemble import evidence, run_members
from anlan.assess.detect.panel import Alarm, Panel
from anlan.model.errors import InvalidValue

MEMBERS = ["ears_c1", "ears_c2"]
N, T = 40, 150


def made(missing: bool = False) -> tuple[Laid, np.ndarray]:
    """Daily counts of `N` series, an outbreak of three days in each every fifty days."""
    rng = np.random.default_rng(2)
    counts = rng.poisson(12, (N, T)).astype(float)
    truth = np.zeros((N, T), dtype=bool)
    for row in range(N):
        for start in (20 + row % 9, 60 + row % 11, 125 + row % 7):
            truth[row, start : start + 3] = True
    counts[truth] += rng.poisson(12, int(truth.sum()))
    if missing:
        counts[0, :140] = np.nan
        counts[1, 140:] = np.nan
    days = np.datetime64("2024-01-01") + np.arange(T)
    none = np.zeros(0, dtype=np.int64)
    axis = Axis(365, days, np.arange(1, T + 1), none)
    return Laid(Panel(counts, 365, dates=days), tuple(f"s{n}" for n in range(N)), axis), truth


def events(folder: Path, *lines: str) -> Path:
    path = folder / "truth.csv"
    path.write_text("\n".join(["series,start,end", *lines]) + "\n")
    return path


def test_weights_are_the_likeliest_of_the_past_and_the_tested_days_had_no_say() -> None:
    laid, truth = made()
    tests = np.arange(120, T)
    found = learn_before(laid, "ensemble", {"members": MEMBERS}, truth, tests, "", 0.01)
    assert (found.first, found.last) == ("2024-01-12", "2024-04-29")
    at = np.arange(11, 120)
    heard = np.stack([evidence(one) for one in run_members(laid.panel, at, MEMBERS)])
    x, y = heard.reshape(2, -1).T, truth[:, at].ravel()

    def loss(beta: Any) -> float:
        odds = x @ beta[:2] + beta[2]
        return float((np.logaddexp(0, odds) - y * odds).sum() + 0.5 * (beta[:2] ** 2).sum())

    other = minimize(loss, np.zeros(3), method="BFGS").x
    assert_allclose([*found.learnt.weights, found.learnt.intercept], other, rtol=1e-4, atol=1e-6)
    changed = Laid(Panel(laid.panel.counts.copy(), 365, dates=laid.panel.dates), laid.series, laid.axis)
    changed.panel.counts[:, 120:] *= 7
    again = learn_before(changed, "ensemble", {"members": MEMBERS}, truth, tests, "", 0.01)
    assert again.learnt == found.learnt


def test_the_rule_of_a_pack_that_is_written_gives_the_same_findings() -> None:
    laid, truth = made()
    found = learn_before(laid, "ensemble", {"members": MEMBERS}, truth, np.arange(120, T), "", 0.01)
    written = tomllib.loads(found.toml({}))["rule"]["params"]
    one = run(laid, "ensemble", "last 30", found.params({"members": MEMBERS}))
    two = run(laid, "ensemble", "last 30", written)
    assert (one.alarm == two.alarm).all()
    assert_allclose(one.score, two.score)
    true = truth[:, 120:]
    assert (one.alarm[true] == Alarm.YES).mean() > 0.3
    assert (one.alarm[~true] == Alarm.YES).mean() < 0.05


def test_what_a_member_does_not_know_is_left_out_and_stays_unknown() -> None:
    laid, truth = made(missing=True)
    found = learn_before(laid, "ensemble", {"members": MEMBERS}, truth, np.arange(120, T), "", 0.01)
    assert found.learnt.left_out == 109 and "109 left out" in found.toml({})
    told = run(laid, "ensemble", "last 30", found.params({"members": MEMBERS}))
    assert (told.alarm[:2, 20:] == Alarm.UNKNOWN)[1].all()  # silent at the end
    assert (told.alarm[0, :25] == Alarm.UNKNOWN).all()  # its history is too short
    assert (told.alarm[2:] != Alarm.UNKNOWN).all()


@pytest.mark.parametrize(
    ("detector", "params", "tests", "span", "said"),
    [
        ("ears_c1", {}, 120, "", "only an ensemble learns"),
        ("ensemble", {}, 120, "", "no members"),
        ("ensemble", {"members": MEMBERS}, 15, "", "more past (11 times before the first"),
        ("ensemble", {"members": MEMBERS}, 30, "", "some of either kind are needed"),
        ("ensemble", {"members": MEMBERS}, 120, "last 40", "must lie before what is tested"),
    ],
)
def test_what_cannot_be_learnt_says_why(
    detector: str, params: dict[str, Any], tests: int, span: str, said: str
) -> None:
    laid, truth = made()
    with pytest.raises(InvalidValue) as caught:
        learn_before(laid, detector, params, truth, np.arange(tests, T), span, 0.01)
    assert said in str(caught.value)


def test_an_event_marks_every_day_that_it_reaches_into(tmp_path: Path) -> None:
    laid, _ = made()
    going = read_truth(events(tmp_path, "s1,2024-01-05,2024-01-07", "s3,2023-12-01,2024-01-01"), laid)
    assert np.argwhere(going).tolist() == [[1, 4], [1, 5], [1, 6], [3, 0]]
    weeks = np.datetime64("2024-01-01") + 7 * np.arange(20)
    axis = Axis(52, weeks, np.arange(1, 21), np.zeros(0, dtype=np.int64))
    weekly = Laid(Panel(np.ones((1, 20)), 52, dates=weeks), ("s1",), axis)
    assert np.argwhere(read_truth(events(tmp_path, "s1,2024-01-14,2024-01-15"), weekly))[:, 1].tolist() == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s99,2024-01-05,2024-01-07", "line 2: no such series"),
        ("s1,5 Jan,2024-01-07", "line 2: no time"),
        ("s1,2024-01-05,2024-01-01", "line 2: ends before it starts"),
        ("s1,2024-01-05", "line 2"),
    ],
)
def test_an_event_that_cannot_be_is_refused_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_truth(events(tmp_path, line), made()[0])
    assert said in str(caught.value)
