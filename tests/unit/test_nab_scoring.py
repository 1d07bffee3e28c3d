"""The scoring rules of the Numenta Anomaly Benchmark, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.review.nab import (
    LOW_FALSE_NEGATIVES,
    LOW_FALSE_POSITIVES,
    STANDARD,
    Floats,
    Profile,
    Worth,
    normalised,
    probation,
    raw_score,
    tune,
    worth,
)

WINDOWS = [(40, 49), (70, 89)]


def s(x: float) -> float:
    return 2 / (1 + math.exp(5 * x)) - 1


def at(*rows: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    detected = np.zeros(100, dtype=np.bool_)
    detected[list(rows)] = True
    return detected


def test_a_detector_that_never_speaks_has_0_and_a_perfect_one_100() -> None:
    for profile in (STANDARD, LOW_FALSE_POSITIVES, LOW_FALSE_NEGATIVES):
        file = worth(100, WINDOWS, profile)
        never = raw_score(at(), file, profile)
        assert never == -2 * profile.fn
        assert normalised(never, 2, profile) == 0
        assert_allclose(normalised(raw_score(at(40, 70), file, profile), 2, profile), 100)


@pytest.mark.parametrize(
    ("rows", "score"),
    [
        ((40,), 1.0 - 1),  # first row of the first window, the second missed
        ((49,), s(-0.1) / s(-1) - 1),  # its last row
        ((45,), s(-0.5) / s(-1) - 1),
        ((45, 47, 49), s(-0.5) / s(-1) - 1),  # only the best counts
        ((40, 70), 2.0),
        ((30,), -0.11 - 2),  # no window before
        ((10,), -2.0),  # in the rows for learning
        ((52,), 0.11 * s(3 / 9) - 2),  # three rows after a window of ten
        ((69,), 0.11 * s(20 / 9) - 2),
        ((99,), 0.11 * s(10 / 19) - 2),  # after the second window, measured by that one
        ((30, 31, 45), -0.22 + s(-0.5) / s(-1) - 1),
    ],
)
def test_each_detection_is_worth_what_the_rules_say(rows: tuple[int, ...], score: float) -> None:
    assert_allclose(raw_score(at(*rows), worth(100, WINDOWS)), score, atol=1e-12)


def test_three_widths_after_a_window_a_detection_costs_the_whole() -> None:
    file = worth(100, [(20, 24)])
    assert_allclose(file.value[24 + 12], 0.11 * s(3.0))
    assert file.value[24 + 13] == -0.11


def test_fifteen_percent_and_at_most_750_rows_are_for_learning() -> None:
    assert [probation(n) for n in (100, 1127, 5000, 22_695)] == [15, 169, 750, 750]


def every_threshold(scores: list[Floats], files: list[Worth], profile: Profile) -> float:
    levels = [np.inf, *np.unique(np.concatenate(scores)[~np.isnan(np.concatenate(scores))])]
    return max(
        sum(raw_score(x >= level, f, profile) for x, f in zip(scores, files, strict=True)) for level in levels
    )


@pytest.mark.parametrize("profile", [STANDARD, LOW_FALSE_POSITIVES, LOW_FALSE_NEGATIVES])
def test_the_tuned_threshold_is_the_best_of_all(profile: Profile) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        files = [worth(100, WINDOWS, profile), worth(60, [(30, 35)], profile)]
        scores = [rng.integers(0, 12, len(f.value)).astype(float) ** 2 for f in files]
        for x, f in zip(scores, files, strict=True):
            x[f.window >= 0] += rng.integers(0, 40)
            x[rng.random(len(x)) < 0.2] = np.nan
        found = tune(scores, files, profile)
        assert_allclose(found.raw, every_threshold(scores, files, profile), atol=1e-12)
        assert_allclose(found.raw, sum(found.files))


def test_a_detector_without_answers_is_the_one_that_never_speaks() -> None:
    found = tune([np.full(100, np.nan)], [worth(100, WINDOWS)])
    assert (found.normalised, found.hits, found.false_alarms) == (0.0, 0, 0)


def test_windows_that_overlap_or_leave_the_file_are_refused() -> None:
    with pytest.raises(ValueError, match="window 45 to 60 does not follow 49"):
        worth(100, [(40, 49), (45, 60)])
    with pytest.raises(ValueError, match="within 100 rows"):
        worth(100, [(90, 100)])
    with pytest.raises(ValueError, match="99 scores for a file of 100 rows"):
        tune([np.zeros(99)], [worth(100, WINDOWS)])
