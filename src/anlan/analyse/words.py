"""The answers of a detector in words."""

from __future__ import annotations

import math

from anlan.assess.detect.panel import Alarm
from anlan.model.text import Text

#: an alarm, in one word
ALARMS = {
    Alarm.YES: Text("alarm", "报警"),
    Alarm.NO: Text("no alarm", "未报警"),
    Alarm.UNKNOWN: Text("unknown", "未知"),
}


def shown(value: float) -> str:
    """A number for people: at most three digits behind the point, an en dash where there is none."""
    if math.isnan(value):
        return "–"
    if 1e6 <= abs(value) < 1e12:
        return f"{value:.0f}"
    if abs(value) >= 1e12 or (value != 0 and abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:.3f}".rstrip("0").rstrip(".")
