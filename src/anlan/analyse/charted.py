"""Findings as the chart island reads them: one document with the axis, the series and all words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anlan.analyse.findings import Findings
from anlan.analyse.words import ALARMS
from anlan.assess.detect.panel import Alarm
from anlan.assess.detect.reason_words import REASONS
from anlan.model.text import Text

WORDS = {
    "value": Text("value", "数值"),
    "expected": Text("expected", "预期"),
    "threshold": Text("threshold", "阈值"),
    "alarm": ALARMS[Alarm.YES],
    "no_alarm": ALARMS[Alarm.NO],
    "unknown": ALARMS[Alarm.UNKNOWN],
}


def chart_document(
    found: Findings,
    rows: Sequence[int],
    names: Sequence[Text] | None = None,
    unit: Text | None = None,
) -> dict[str, Any]:
    """The series `rows` of `found`, in that order, under `names` (their own by default)."""
    axis = found.laid.axis
    say = names if names is not None else [Text(found.series[i], found.series[i]) for i in rows]
    return {
        "unit": _both(unit) if unit is not None else {"en": "", "zh": ""},
        "axis": [axis.label(i) for i in range(axis.n_time)],
        "tested": [int(i) for i in found.test],
        "series": [
            {
                "name": _both(name),
                "values": _numbers(found.panel.counts[i]),
                "expected": _numbers(found.expected[i]),
                "threshold": _numbers(found.threshold[i]),
                "score": _numbers(_nearness(found, i)),
                "alarm": [int(a) for a in found.alarm[i]],
                "reason": [int(r) for r in found.reason[i]],
            }
            for i, name in zip(rows, say, strict=True)
        ],
        "reasons": {str(int(reason)): _both(text) for reason, text in REASONS.items()},
        "words": {name: _both(text) for name, text in WORDS.items()},
    }


def _nearness(found: Findings, row: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How far a value is from the expected towards the bound: 0 at the one, 1 at the other. The score
    itself is on another scale in some detectors."""
    value, expected, bound = found.values[row], found.expected[row], found.threshold[row]
    with np.errstate(divide="ignore", invalid="ignore"):
        near: np.ndarray[Any, np.dtype[np.float64]] = (value - expected) / (bound - expected)
    return np.where(np.isfinite(near), near, np.nan)


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    """Six digits, which is more than a screen shows; null where there is no number."""
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in values.tolist()]
