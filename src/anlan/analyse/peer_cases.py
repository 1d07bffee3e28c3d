"""Cases of R's `surveillance` by the name of the detector: from a case and its tables to rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from anlan.assess.detect import peer_names
from anlan.assess.detect.panel import Floats, Panel
from anlan.assess.models import register as models

Case: TypeAlias = Mapping[str, Any]
Table: TypeAlias = Mapping[str, Sequence[str]]
Load: TypeAlias = Callable[[str], Table]
Rows: TypeAlias = list[dict[str, Any]]


def tables(folder: Path) -> Load:
    """Reads the input tables of a folder by file name: column -> its cells as text. Each is read once."""
    kept: dict[str, Table] = {}

    def load(name: str) -> Table:
        if name not in kept:
            if Path(name).name != name:
                raise ValueError(f"an input is a file of the folder `inputs`, found {name!r}")
            with (folder / name).open(encoding="utf-8", newline="") as file:
                columns, *rows = csv.reader(file)
            kept[name] = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
        return kept[name]

    return load


def answer(case: Case, load: Load) -> Rows:
    """The rows of a case in the long form, without its id; ValueError where it cannot be answered."""
    name = case["detector"]
    if name in models.RUN:
        return models.RUN[name](case, load)
    if name not in peer_names.PEER:
        raise ValueError(
            f"no detector of a register is called {name!r}; expected one of: {', '.join(names())}"
        )
    panel, case = panel_of(case, load), _ranged(case)
    return peer_names.rows(case, panel, peer_names.tested_rows(case, panel))


def _ranged(case: Case) -> Case:
    """The case with a range written as "101:171" as {from, to}."""
    control = case.get("control")
    if isinstance(control, dict) and isinstance(control.get("range"), str):
        low, _, high = control["range"].partition(":")
        return {**case, "control": {**control, "range": {"from": int(low), "to": int(high or low)}}}
    return case


def names() -> list[str]:
    """Every detector that a register may name."""
    return sorted({*models.RUN, *peer_names.PEER})


def panel_of(case: Case, load: Load) -> Panel:
    """The series of a case, with the table `<input>.population.csv` beside it where there is one."""
    series = case["series"] if isinstance(case["series"], list) else [case["series"]]
    table = load(case["input"])
    counts = _values(table, series)
    try:
        population = _values(load(re.sub(r"\.csv$", ".population.csv", case["input"])), series)
    except FileNotFoundError:
        population = None
    dates = np.array(table["date"], dtype="datetime64[D]") if case.get("epoch_as_date") else None
    return Panel(counts, case["freq"], population, dates)


def _values(table: Table, series: Sequence[str]) -> Floats:
    """Numbers [n_series, n_time]; a blank or comma in a name may stand as an underscore in the table."""
    found = []
    for name in series:
        column = name if name in table else re.sub("[, ]", "_", name)
        if column not in table:
            raise ValueError(f"the input has no column {name!r}; found {', '.join(table)}")
        found.append([np.nan if cell in ("NA", "NaN", "") else float(cell) for cell in table[column]])
    return np.array(found)
