"""The answers of a detector in words."""

from __future__ import annotations

import math

from anlan.assess.detect.panel import Alarm
from anlan.assess.multiplicity import Choice
from anlan.model.text import Text

#: an alarm, in one word
ALARMS = {
    Alarm.YES: Text("alarm", "报警"),
    Alarm.NO: Text("no alarm", "未报警"),
    Alarm.UNKNOWN: Text("unknown", "未知"),
}

#: what becomes of an alarm among all the others, and why
CHOICES = {
    Choice.NONE: Text("no alarm", "未报警"),
    Choice.LOOK: Text("to be looked at", "需查看"),
    Choice.GOES_ON: Text("goes on: looked at the period before", "延续：上一期已查看"),
    Choice.MAY_BE_CHANCE: Text(
        "may be chance: of so many series some reach this, and the control of false discoveries drops it",
        "可能出于偶然：同时检测的序列众多，未通过错误发现率控制",
    ),
    Choice.OVER_BUDGET: Text(
        "beyond the budget: as many as it allows are more pressing", "超出限额：更紧迫的报警已占满限额"
    ),
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
