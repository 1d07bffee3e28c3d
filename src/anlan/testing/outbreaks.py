"""Simulated weekly counts with outbreaks: the protocol that outbreak detectors are compared on.

Noufaily, Enki, Farrington, Garthwaite, Andrews, Charlett (2013), "An improved algorithm for outbreak
detection in multiple surveillance systems", Stat Med 32(7):1206-1222, section 4: seven parameter sets, each
with and without trend and season, give 28 scenarios. The weekly mean is

    mu(t) = exp(theta + beta t + sum_{j=1..m} gamma1 cos(2 pi j t / 52) + gamma2 sin(2 pi j t / 52))

t = 1 ... 624, and the count negative binomial with variance phi mu (Poisson where phi is 1). Weeks 1-312
are for training, 313-575 hold four outbreaks, and one more begins in the 49 tested weeks 576-624. An
outbreak that begins in week t0 has Poisson(k sqrt(phi mu(t0))) cases, at least one, and each falls
floor(Z) weeks later, log Z normal with mean 0 and standard deviation 0.5.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

WEEKS = 624
FIRST_BASELINE, FIRST_TESTED = 313, 576
PAST_SIZES = (2, 3, 5, 10)
TESTED = np.arange(FIRST_TESTED, WEEKS + 1)

#: theta, phi, beta, gamma1, gamma2 of the seven parameter sets
PARAMETER_SETS = (
    (0.1, 1.5, 0.0025, 0.6, 0.6),
    (-2.0, 2.0, 0.005, 0.1, 0.3),
    (1.5, 1.0, 0.003, 0.2, -0.4),
    (0.5, 5.0, 0.002, 0.5, 0.5),
    (2.5, 3.0, 0.001, 1.0, 0.1),
    (3.75, 1.1, 0.001, 0.1, -0.1),
    (5.0, 1.2, 0.0001, 0.05, 0.01),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One of the 28: level, dispersion, slope per week, and the season's two coefficients (0: none)."""

    number: int
    theta: float
    phi: float
    beta: float
    gamma1: float
    gamma2: float

    def mean(self) -> npt.NDArray[np.float64]:
        """Expected count of weeks 1 ... 624."""
        t = np.arange(1, WEEKS + 1)
        angle = 2 * np.pi * t / 52
        mean: npt.NDArray[np.float64] = np.exp(
            self.theta + self.beta * t + self.gamma1 * np.cos(angle) + self.gamma2 * np.sin(angle)
        )
        return mean


SCENARIOS = tuple(
    Scenario(4 * block + 2 * trend + season + 1, theta, phi, trend * beta, season * g1, season * g2)
    for block, (theta, phi, beta, g1, g2) in enumerate(PARAMETER_SETS)
    for trend in (0, 1)
    for season in (0, 1)
)


@dataclass(frozen=True, slots=True)
class Study:
    """Simulated series: `clean` and `hit` [n_series, 624] without and with outbreaks, `current`
    [n_series, 2] first and last week (from 1) of the outbreak in the tested weeks, `size` [n_series] its k,
    `scenario` [n_series]."""

    clean: npt.NDArray[np.float64]
    hit: npt.NDArray[np.float64]
    current: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    scenario: npt.NDArray[np.int64]


def simulate(repeats: int, seed: int) -> Study:
    """`repeats` series of each scenario; k of the current outbreak runs through 1 ... 10."""
    rng = np.random.default_rng(seed)
    clean, hit, current, size, scenario = [], [], [], [], []
    for one in SCENARIOS:
        mean = one.mean()
        for repeat in range(repeats):
            quiet = (
                rng.poisson(mean)
                if one.phi == 1
                else rng.negative_binomial(mean / (one.phi - 1), 1 / one.phi)
            )
            loud = quiet.copy()
            for _ in range(4):
                start = int(rng.integers(FIRST_BASELINE, FIRST_TESTED))
                _add(loud, start, int(rng.choice(PAST_SIZES)), one.phi, mean, rng)
            k = repeat % 10 + 1
            start = int(rng.integers(FIRST_TESTED, WEEKS + 1))
            current.append((start, _add(loud, start, k, one.phi, mean, rng)))
            clean.append(quiet)
            hit.append(loud)
            size.append(k)
            scenario.append(one.number)
    return Study(
        np.array(clean, dtype=np.float64),
        np.array(hit, dtype=np.float64),
        np.array(current, dtype=np.int64),
        np.array(size, dtype=np.int64),
        np.array(scenario, dtype=np.int64),
    )


def _add(
    counts: npt.NDArray[np.int64],
    start: int,
    k: int,
    phi: float,
    mean: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> int:
    """Add an outbreak that begins in week `start` (from 1); the week of its last case."""
    cases = 0
    while cases == 0:
        cases = int(rng.poisson(k * np.sqrt(phi * mean[start - 1])))
    weeks = start + np.floor(np.exp(rng.normal(0.0, 0.5, cases))).astype(np.int64)
    np.add.at(counts, weeks[weeks <= WEEKS] - 1, 1)
    return int(weeks.max())


def read_study(baseline: Path, outbreaks: Path) -> Study:
    """Series that were simulated elsewhere: `baseline` a gzipped CSV of one column a series (sSS_RR) and
    one row a week, `outbreaks` a CSV with series, kind (past, current), start, end, k and the added cases
    as week:cases;..."""
    with gzip.open(baseline) as raw:
        rows = list(csv.reader(io.TextIOWrapper(raw)))
    names = rows[0][1:]
    clean = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]]).T.copy()
    hit, current = clean.copy(), np.zeros((len(names), 2), dtype=np.int64)
    size = np.zeros(len(names), dtype=np.int64)
    row_of = {name: place for place, name in enumerate(names)}
    with outbreaks.open() as file:
        for one in csv.DictReader(file):
            row = row_of[one["series"]]
            for pair in one["week_cases"].split(";"):
                week, cases = map(int, pair.split(":"))
                hit[row, week - 1] += cases
            if one["kind"] == "current":
                current[row], size[row] = (int(one["start"]), int(one["end"])), int(one["k"])
    return Study(clean, hit, current, size, np.array([int(name[1:3]) for name in names]))


Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """Per series: `false` alarms where there was no outbreak; whether the current outbreak was `found`, and
    in its `first` week; weeks of `delay` (-1: not found); `table` [n_series, 4] weeks with outbreaks added:
    true positives, false negatives, false positives, true negatives."""

    false: npt.NDArray[np.int64]
    found: Truth
    first: Truth
    delay: npt.NDArray[np.int64]
    table: npt.NDArray[np.int64]


def count(clean: Truth, hit: Truth, current: npt.NDArray[np.int64]) -> Counts:
    """Alarms [n_series, 49] of the tested weeks, without and with outbreaks, against what was added."""
    inside = (current[:, :1] <= TESTED) & (current[:, 1:] >= TESTED)
    right = hit & inside
    found: Truth = np.asarray(right.any(axis=1))
    delay = np.where(found, right.argmax(axis=1) - inside.argmax(axis=1), -1)
    table = np.stack(
        [right.sum(1), (~hit & inside).sum(1), (hit & ~inside).sum(1), (~hit & ~inside).sum(1)], axis=1
    )
    first: Truth = np.equal(delay, 0)
    return Counts(clean.sum(axis=1), found, first, delay, table)
