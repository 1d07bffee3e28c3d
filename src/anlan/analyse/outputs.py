"""The files that `anlan detect` leaves: findings, the alarms in the order of looking, what was held back,
and the report."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anlan.analyse.findings import Findings
from anlan.analyse.held import Held
from anlan.analyse.report import report
from anlan.analyse.words import CHOICES
from anlan.assess.detect.panel import Alarm, Known, Reason
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.multiplicity import Choice
from anlan.model.errors import StoreUnavailable

FINDINGS, ALARMS, QUARANTINE, REPORT = "findings.csv", "alarms.csv", "quarantine.csv", "report.html"


def write(found: Findings, folder: Path, source: str) -> tuple[Path, ...]:
    """Write the four files into `folder`, which is made where it is not there; StoreUnavailable where
    that fails. `source` is what the report calls the input."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _findings(found, folder / FINDINGS)
        _alarms(found, folder / ALARMS)
        _held(found.laid.held, folder / QUARANTINE)
        (folder / REPORT).write_text(report(found, source), encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable("cannot write", where=str(folder), found=str(error.strerror)) from error
    return tuple(folder / name for name in (FINDINGS, ALARMS, QUARANTINE, REPORT))


def _findings(found: Findings, path: Path) -> None:
    """Every tested cell, series by series. Numbers with the fewest digits that read back to the same
    double; NA where nothing is known or the method has no such quantity."""
    axis = found.laid.axis
    header = ["series", "k", *(["date"] if axis.dates is not None else [])]
    header += ["value", "expected", "threshold", "score", "p_value", "q_value", "alarm", "state"]
    header += ["reason", "reason_en", "reason_zh"]
    labels = [axis.label(int(i)) for i in found.test]
    words = {int(r): (r.name.lower(), reason_words(r).en, reason_words(r).zh) for r in Reason}
    numbers = (found.values, found.expected, found.threshold, found.score, found.p_value, found.q_values)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row, name in enumerate(found.series):
            for j, at in enumerate(found.test):
                alarm = int(found.alarm[row, j])
                writer.writerow(
                    [
                        name,
                        int(axis.k[at]),
                        *([labels[j]] if axis.dates is not None else []),
                        *(number(array[row, j]) for array in numbers),
                        "NA" if alarm == Alarm.UNKNOWN else alarm,
                        "known" if found.state[row, j] == Known.KNOWN else "unknown",
                        *words[int(found.reason[row, j])],
                    ]
                )


def _alarms(found: Findings, path: Path) -> None:
    """Every alarm, newest period first, those to be looked at before the others."""
    listed = found.look_list()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*listed.columns, "reason_en", "reason_zh"))
        for row in listed.iter_rows(named=True):
            words = CHOICES[Choice[row["choice"].upper()]]
            cells = [_cell(value) for value in row.values()]
            writer.writerow((*cells, words.en, words.zh))


def _cell(value: Any) -> str:
    if value is None:
        return "NA"
    if isinstance(value, bool):
        return str(int(value))
    return number(value) if isinstance(value, float) else str(value)


def _held(held: Sequence[Held], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("line", "column", "found", "code", "reason_en", "reason_zh"))
        writer.writerows((h.line, h.column, h.found, h.code, h.say.en, h.say.zh) for h in held)


def number(value: Any) -> str:
    """The fewest digits that read back to the same double, whole numbers without a point, NA for NaN."""
    plain = float(value)
    if np.isnan(plain):
        return "NA"
    if np.isinf(plain):
        return "Inf" if plain > 0 else "-Inf"
    return str(int(plain)) if plain == int(plain) and abs(plain) < 1e15 else repr(plain)
