"""Findings of one series in a line: how many alarms, how many unknown, how it stands at the last time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anlan.analyse.findings import Findings
from anlan.analyse.words import CHOICES, shown
from anlan.assess.detect.panel import Alarm
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.multiplicity import Choice
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Line:
    """`row` of the findings; `alarms` the times with an alarm; `unknown` times by reason number;
    `value`, `expected`, `threshold`, `alarm` (an `Alarm`), `reason` at the last tested time, and what
    becomes of the alarm there among the others (`choice`)."""

    row: int
    series: str
    tested: int
    alarms: tuple[str, ...]
    unknown: dict[int, int]
    last: str
    value: float
    expected: float
    threshold: float
    alarm: Alarm
    reason: int
    choice: Choice = Choice.NONE

    def sentence(self) -> Text:
        """The line in words."""
        times = ", ".join(self.alarms[-5:])
        en = [f"{len(self.alarms)} alarm(s) in {self.tested} tested time(s)"]
        zh = [f"检测 {self.tested} 个时间，报警 {len(self.alarms)} 次"]
        if times:
            en[0] += f", the last: {times}" if len(self.alarms) > 5 else f": {times}"
            zh[0] += f"，最近为：{times}" if len(self.alarms) > 5 else f"：{times}"
        for reason, count in sorted(self.unknown.items()):
            words = reason_words(reason)
            en.append(f"{count} unknown: {words.en}")
            zh.append(f"{count} 个未知：{words.zh}")
        words = reason_words(self.reason)
        if self.alarm == Alarm.UNKNOWN:
            en.append(f"{self.last}: unknown, {words.en}")
            zh.append(f"{self.last}：未知，{words.zh}")
        else:
            en.append(
                f"{self.last}: {shown(self.value)}, expected {shown(self.expected)}, "
                f"threshold {shown(self.threshold)}"
            )
            zh.append(
                f"{self.last}：{shown(self.value)}，预期 {shown(self.expected)}，阈值 {shown(self.threshold)}"
            )
            if self.reason:
                en[-1] += f" ({words.en})"
                zh[-1] += f"({words.zh})"
            if self.choice in (Choice.MAY_BE_CHANCE, Choice.OVER_BUDGET):
                en.append(CHOICES[self.choice].en)
                zh.append(CHOICES[self.choice].zh)
        return Text("; ".join(en), ";".join(zh))


def lines(found: Findings) -> list[Line]:
    """One line per series: those with an alarm at the last time first (to be looked at before the others, by
    surprise times exposure), then those unknown there, then by number of alarms."""
    axis = found.laid.axis
    chosen = found.chosen()
    last, rank = chosen.choice[:, -1], chosen.rank[:, -1]
    labels = [axis.label(int(i)) for i in found.test]
    made = []
    for row, name in enumerate(found.series):
        alarm, reason = found.alarm[row], found.reason[row]
        reasons, counts = np.unique(reason[alarm == Alarm.UNKNOWN], return_counts=True)
        made.append(
            Line(
                row,
                name,
                len(labels),
                tuple(label for label, a in zip(labels, alarm, strict=True) if a == Alarm.YES),
                {int(r): int(c) for r, c in zip(reasons, counts, strict=True)},
                labels[-1],
                float(found.values[row, -1]),
                float(found.expected[row, -1]),
                float(found.threshold[row, -1]),
                Alarm(int(alarm[-1])),
                int(reason[-1]),
                Choice(int(last[row])),
            )
        )
    order = {Alarm.YES: 0, Alarm.UNKNOWN: 1, Alarm.NO: 2}
    left_out = (Choice.MAY_BE_CHANCE, Choice.OVER_BUDGET)
    return sorted(
        made,
        key=lambda line: (
            order[line.alarm],
            line.choice in left_out,
            int(rank[line.row]),
            -len(line.alarms),
            line.row,
        ),
    )
