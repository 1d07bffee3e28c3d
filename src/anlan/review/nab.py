"""Scores of streaming detectors after the rules of the Numenta Anomaly Benchmark.

Lavin, Ahmad (2015), "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark",
ICMLA 2015:38-44, and the scoring code published with it (release 1.1). Each labelled anomaly has a window
of rows. With

    s(x) = 2 / (1 + exp(5 x)) - 1

a detection in a window scores tp s(-(steps to the window's end + 1) / width) / s(-1), and only the best of a
window counts: early is better; a missed window costs fn. A detection outside costs fp, less the nearer it
follows a window: it scores fp s(steps past the end / (width - 1)), and -fp where none came before or it is
more than three widths late. The first 15 % of the rows, at most 750, are for learning and are not scored. A
detector has one threshold for all files, the best one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

#: part of a file, and most rows, that are not scored
PROBATION, MOST_PROBATION = 0.15, 750


@dataclass(frozen=True, slots=True)
class Profile:
    """What a detection in a window, one outside and a missed window weigh."""

    tp: float
    fp: float
    fn: float


STANDARD = Profile(1.0, 0.11, 1.0)
LOW_FALSE_POSITIVES = Profile(1.0, 0.22, 1.0)
LOW_FALSE_NEGATIVES = Profile(1.0, 0.11, 2.0)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a detection at each row is worth, [rows], and the window that a row lies in, -1 = none;
    `windows` of the file; `scored` rows."""

    value: Floats
    window: Ints
    windows: int
    scored: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best threshold of a detector over all files: a row with a score at least that high is a
    detection. `raw` over all files, `files` each, `normalised` 0 (no detection) ... 100 (perfect);
    `hits` windows found, `false_alarms` rows outside."""

    threshold: float
    raw: float
    normalised: float
    files: tuple[float, ...]
    hits: int
    false_alarms: int


def sigmoid(x: Floats) -> Floats:
    """s(x), and -1 beyond three widths."""
    with np.errstate(over="ignore"):
        s: Floats = 2 / (1 + np.exp(5 * x)) - 1
    return np.where(x > 3, -1.0, s)


def probation(rows: int) -> int:
    """Rows at the beginning that are not scored."""
    return min(int(PROBATION * rows), MOST_PROBATION)


def worth(rows: int, windows: Sequence[tuple[int, int]], profile: Profile = STANDARD) -> Worth:
    """What a detection at each of `rows` is worth; `windows` as first and last row, in order. A window
    that ends in the rows for learning is no window. ValueError where windows overlap or leave the file."""
    at = np.arange(rows)
    value = np.full(rows, -profile.fp)
    member = np.full(rows, -1, dtype=np.int64)
    end = -1
    for number, (first, last) in enumerate(windows):
        if not end < first <= last < rows:
            raise ValueError(f"window {first} to {last} does not follow {end} within {rows} rows")
        width = last - first + 1
        inside = slice(first, last + 1)
        value[inside] = profile.tp * sigmoid(-(last - at[inside] + 1) / width) / sigmoid(np.array(-1.0))
        member[inside] = number
        after = slice(last + 1, rows)
        late = (at[after] - last) / (width - 1) if width > 1 else np.full(rows - last - 1, np.inf)
        value[after] = profile.fp * sigmoid(late)
        end = last
    scored = at >= probation(rows)
    counted = {int(n) for n in member[scored]} - {-1}
    return Worth(np.where(scored, value, 0.0), member, len(counted), scored)


def raw_score(detected: npt.NDArray[np.bool_], file: Worth, profile: Profile = STANDARD) -> float:
    """The score of one file whose rows `detected` are detections."""
    seen = detected & file.scored
    total = float(file.value[seen & (file.window < 0)].sum())
    found = np.unique(file.window[seen & (file.window >= 0)])
    total += sum(float(file.value[seen & (file.window == n)].max()) for n in found)
    return total - profile.fn * (file.windows - len(found))


def normalised(raw: float, windows: int, profile: Profile = STANDARD) -> float:
    """0 for a detector that never speaks, 100 for one that is right at the first row of each window."""
    null = -profile.fn * windows
    return 100 * (raw - null) / (profile.tp * windows - null)


def tune(scores: Sequence[Floats], files: Sequence[Worth], profile: Profile = STANDARD) -> Tuned:
    """The threshold that scores best over all files together; `scores` [rows] of each, higher is odder,
    NaN = no answer, which is no detection. ValueError where shapes differ."""
    for score, file in zip(scores, files, strict=True):
        if score.shape != file.value.shape:
            raise ValueError(f"{len(score)} scores for a file of {len(file.value)} rows")
    score = np.concatenate([np.where(f.scored, s, np.nan) for s, f in zip(scores, files, strict=True)])
    of = np.repeat(np.arange(len(files)), [len(f.value) for f in files])
    row = np.concatenate([np.arange(len(f.value)) for f in files])
    ordered = np.argsort(-score, kind="stable")
    ordered = ordered[~np.isnan(score[ordered])]
    windows = sum(f.windows for f in files)
    total = best = -profile.fn * windows
    threshold = np.inf
    standing: dict[tuple[int, int], float] = {}
    for place, n in enumerate(ordered.tolist()):
        file, at = files[of[n]], int(row[n])
        window, value = int(file.window[at]), float(file.value[at])
        if window < 0:
            total += value
        else:
            key = (int(of[n]), window)
            now = standing.get(key, -profile.fn)
            if key not in standing or value > now:
                total += value - now
                standing[key] = value
        last = place + 1 == len(ordered) or score[ordered[place + 1]] < score[n]
        if last and total > best:
            best, threshold = total, float(score[n])
    detected = [s >= threshold for s in scores]
    each = tuple(raw_score(d, f, profile) for d, f in zip(detected, files, strict=True))
    hits = sum(
        len(np.unique(f.window[d & f.scored & (f.window >= 0)])) for d, f in zip(detected, files, strict=True)
    )
    false = sum(int((d & f.scored & (f.window < 0)).sum()) for d, f in zip(detected, files, strict=True))
    return Tuned(threshold, sum(each), normalised(sum(each), windows, profile), each, hits, false)
