"""Findings as the chart island reads them: one document with the axis, the series and all words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.analyse.findings import Findings
from anlan.analyse.words import ALARMS
from anlan.assess.detect.panel import Alarm
from anlan.assess.detect.reason_words import REASONS
from anlan.model.text import Text

#: whole numbers below have six digits at most
MILLION = 1e6
WORDS = {
    "value": Text("value", "数值"),
    "expected": Text("expected", "预期"),
    "threshold": Text("threshold", "阈值"),
    "alarm": ALARMS[Alarm.YES],
    "no_alarm": ALARMS[Alarm.NO],
    "unknown": ALARMS[Alarm.UNKNOWN],
    "later": Text("as known now", "现在已知"),
    "in_the_end": Text("expected in the end, 95 %", "最终预计，95%"),
    "so_far": Text("so far; in the end unknown", "目前数；最终数未知"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One series of a chart: `values` one per time of the axis, the others one per tested time; `later`
    the values as known later, where the chart looks back; `place` its id on a map; `marks` (index of the
    axis, label) of changes of what is counted; `point` (longitude, latitude) of a place that a map draws as a
    point; `whole` of the place that the others are parts of; `coming` of periods of which reports still come
    (index of the axis; lower, median, upper of the count in the end, NaN where it cannot be estimated)."""

    name: Text
    values: NDArray[np.float64]
    expected: NDArray[np.float64]
    threshold: NDArray[np.float64]
    alarm: NDArray[np.int8]
    reason: NDArray[np.int16]
    later: NDArray[np.float64] | None = None
    place: str = ""
    marks: tuple[tuple[int, str], ...] = ()
    point: tuple[float, float] | None = None
    whole: bool = False
    coming: tuple[tuple[int, float, float, float], ...] = ()


def document(axis: Sequence[str], tested: Sequence[int], rows: Sequence[Row], unit: Text) -> dict[str, Any]:
    """Plain JSON: `axis` labels of the times, `tested` indexes of it."""
    at = np.asarray(tested, dtype=np.int64)
    return {
        "unit": _both(unit),
        "axis": list(axis),
        "tested": [int(i) for i in tested],
        "series": [_series(row, at) for row in rows],
        "reasons": {str(int(reason)): _both(text) for reason, text in REASONS.items()},
        "words": {name: _both(text) for name, text in WORDS.items()},
    }


def chart_document(found: Findings, rows: Sequence[int]) -> dict[str, Any]:
    """The series `rows` of `found`, in that order, under their own names."""
    axis = found.laid.axis
    return document(
        [axis.label(i) for i in range(axis.n_time)],
        [int(i) for i in found.test],
        [
            Row(
                Text(found.series[i] or "–", found.series[i] or "–"),
                found.panel.counts[i],
                found.expected[i],
                found.threshold[i],
                found.alarm[i],
                found.reason[i],
                marks=tuple((change.at, str(n + 1)) for n, change in enumerate(found.changes)),
            )
            for i in rows
        ],
        Text("–", "–"),
    )


def _series(row: Row, tested: NDArray[np.int64]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": _both(row.name),
        "values": _numbers(row.values),
        "expected": _numbers(row.expected),
        "threshold": _numbers(row.threshold),
        "near": _numbers(_nearness(row.values[tested], row.expected, row.threshold)),
        "alarm": [int(a) for a in row.alarm],
        "reason": [int(r) for r in row.reason],
    }
    if row.place:
        shown["place"] = row.place
    if row.marks:
        shown["marks"] = [{"at": at, "label": label} for at, label in row.marks]
    if row.point is not None:
        shown["at"] = list(row.point)
    if row.whole:
        shown["whole"] = True
    if row.coming:
        shown["coming"] = [
            {"at": at, "lower": low, "median": middle, "upper": high}
            for at, *bounds in row.coming
            for low, middle, high in (_numbers(np.array(bounds)),)
        ]
    if row.later is not None:
        shown["later"] = _numbers(row.later)
    return shown


def _nearness(
    value: NDArray[np.float64], expected: NDArray[np.float64], bound: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far a value is from the expected towards the bound: 0 at the one, 1 at the other. The score
    itself is on another scale in some detectors."""
    with np.errstate(divide="ignore", invalid="ignore"):
        near: NDArray[np.float64] = (value - expected) / (bound - expected)
    return np.where(np.isfinite(near), near, np.nan)


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    """Six digits, which is more than a screen shows; null where there is no number. Counts are what they
    are: only the others are written out to be cut."""
    return [
        None if not math.isfinite(v) else v if v.is_integer() and abs(v) < MILLION else float(f"{v:.6g}")
        for v in values.tolist()
    ]
