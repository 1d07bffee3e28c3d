"""Compare two folders of long-form outputs, detector by detector.

Agreement of a case: the same rows, alarms, flags and other whole-number answers exactly, the rest to a
relative difference of 1e-9 (1e-6 for fits and run lengths found by search, one case for nowcasts drawn at
random). Missing agrees with missing alone.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anlan.analyse.register import Outcome
from anlan.model.errors import NotFound

#: columns that say which row it is, by detector; `series` and `k` elsewhere. Where a file has none of
#: them, rows are compared in their order
KEYS = {
    "arlCusum": ("h", "k", "theta"),
    "hValues": ("theta0",),
    "LRCUSUM.runlength": ("h", "t"),
    "hhh4": ("parameter",),
    "nowcast": ("date",),
    "stcd": ("event",),
}
#: exact answers
EXACT = frozenset({"alarm", "trend", "converged", "nobs", "idxFA", "idxCC", "reported", "aggregate4"})
#: relative tolerance where it is not 1e-9
TOLERANCE = dict.fromkeys(
    ("hhh4", "LRCUSUM.runlength", "arlCusum", "hValues", "pairedbinCUSUM.runlength"), 1e-6
)
#: absolute tolerance where it is not that of zero
SAMPLED = {"nowcast": 1.0}
#: a difference of this size about zero is none
ZERO = 1e-12
#: the same for scores, which are the quotient of two differences: 0 where count and expectation meet
NEAR_ZERO = {"score": 1e-7}

Rows = dict[tuple[str, ...], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a case disagrees first, and by how much at worst (relative; inf where one is missing)."""

    case: str
    column: str
    row: str
    ours: str
    theirs: str
    relative: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """One detector: cases compared, cases that agree, rows compared, the worst relative difference of
    all compared numbers, errors that had to be and are."""

    detector: str
    cases: int
    agreed: int
    rows: int
    worst: float
    must_fail: int
    failed: int
    differences: tuple[Difference, ...]


def agreements(outcomes: Sequence[Outcome], ours: Path, theirs: Path) -> list[Agreement]:
    """Agreement of every detector of the run, in order of first appearance. A case whose
    output `theirs` lacks disagrees; NotFound where there is no such folder."""
    if not theirs.is_dir():
        raise NotFound("no such folder of outputs", where=str(theirs))
    read: dict[tuple[Path, str], dict[str, Rows]] = {}

    def rows(folder: Path, o: Outcome) -> Rows:
        key = (folder / o.file, o.detector)
        if key not in read:
            read[key] = _read(*key) if key[0].exists() else {}
        return read[key].get(o.case, {})

    found = []
    for detector in dict.fromkeys(o.detector for o in outcomes):
        mine = [o for o in outcomes if o.detector == detector]
        must = [o for o in mine if o.expected]
        compared, agreed, seen, worst = 0, 0, 0, 0.0
        differences: list[Difference] = []
        for o in mine:
            if o.expected:
                continue
            compared += 1
            if o.error:
                differences.append(Difference(o.case, "", "", o.error, "an answer", math.inf))
                continue
            count, relative, difference = _compare(o, rows(ours, o), rows(theirs, o))
            seen += count
            worst = max(worst, relative)
            if difference is None:
                agreed += 1
            else:
                differences.append(difference)
        failed = sum(bool(o.error) for o in must)
        found.append(
            Agreement(detector, compared, agreed, seen, worst, len(must), failed, tuple(differences))
        )
    return found


def _compare(o: Outcome, ours: Rows, theirs: Rows) -> tuple[int, float, Difference | None]:
    """(rows compared, worst relative difference, the worst disagreement)."""
    if not theirs:
        return 0, math.inf, Difference(o.case, "", "", f"{len(ours)} rows", "no rows", math.inf)
    tolerance, absolute = TOLERANCE.get(o.detector, 1e-9), SAMPLED.get(o.detector, ZERO)
    worst, bad = 0.0, None
    for key, row in theirs.items():
        other = ours.get(key)
        where = ", ".join(key)
        if other is None:
            return len(theirs), math.inf, Difference(o.case, "", where, "no row", "a row", math.inf)
        for column, wanted in row.items():
            got = other.get(column, "no column")
            relative = _relative(got, wanted)
            if relative == 0.0:
                continue
            near = _absolute(got, wanted) <= max(absolute, NEAR_ZERO.get(column, 0.0))
            if column in EXACT or not (near or relative <= tolerance):
                if bad is None or relative > bad.relative:
                    bad = Difference(o.case, column, where, got, wanted, relative)
                worst = max(worst, relative)
            elif not near:
                worst = max(worst, relative)
    return len(theirs), worst, bad


def _number(text: str) -> float | None:
    """NaN for NA; None where it is no number."""
    if text == "NA":
        return math.nan
    try:
        return float(text)
    except ValueError:
        return None


def _relative(a: str, b: str) -> float:
    """Difference over the greater of the two; inf where only one is a number."""
    if a == b:
        return 0.0
    x, y = _number(a), _number(b)
    if x is None or y is None or math.isnan(x) != math.isnan(y):
        return math.inf
    if x == y or (math.isnan(x) and math.isnan(y)):
        return 0.0
    relative = abs(x - y) / max(abs(x), abs(y))
    return relative if math.isfinite(relative) else math.inf


def _absolute(a: str, b: str) -> float:
    x, y = _number(a), _number(b)
    return math.inf if x is None or y is None or math.isnan(x) or math.isnan(y) else abs(x - y)


def _read(path: Path, detector: str) -> dict[str, Rows]:
    """case -> key -> the other columns of its row."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            keys = [c for c in KEYS.get(detector, ("series", "k")) if c in columns]
            found: dict[str, Rows] = {}
            for row in reader:
                rows = found.setdefault(row["case"], {})
                key = tuple(_plain(row[c]) for c in keys) or (str(len(rows) + 1),)
                rows[key] = _without(row, ("case", *keys))
            return found
    except OSError as error:
        raise NotFound("no such output", where=str(path), found=str(error.strerror)) from error
    except KeyError as error:
        raise NotFound(
            "no such column", where=str(path), found=", ".join(columns), expected="case"
        ) from error


def _plain(text: str) -> str:
    """A key as a number where it is one, so that 0.50 finds 0.5."""
    number = _number(text)
    return text if number is None else repr(number)


def _without(row: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    out = set(names)
    return {name: value for name, value in row.items() if name not in out}
