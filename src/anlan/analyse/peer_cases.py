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
from anlan.assess.models.peer_case import NUMBER, numbers
from anlan.assess.models.peer_control import check_control

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
            with (folder / name).open(encoding="utf-8-sig", newline="") as file:
                columns, *rows = list(csv.reader(file)) or [[]]
            for line, row in enumerate(rows, start=2):
                if len(row) != len(columns):
                    raise ValueError(f"{name}: line {line} has {len(row)} cells, expected {len(columns)}")
            kept[name] = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
        return kept[name]

    return load


def answer(case: Case, load: Load) -> Rows:
    """The rows of a case in the long form, without its id; ValueError where it cannot be answered."""
    name = case["detector"]
    if name in models.RUN:
        check_control(name, case.get("control") or {})
        return models.RUN[name](case, load)
    if name not in peer_names.PEER:
        raise ValueError(
            f"no detector of a register is called {name!r}; expected one of: {', '.join(names())}"
        )
    lacking = [key for key in ("input", "series", "freq") if not case.get(key)]
    if lacking:
        raise ValueError(f"the case lacks {', '.join(lacking)}; expected the input, its series and freq")
    case = {**case, "freq": _plain(case["freq"]), "control": _control(case)}
    panel = panel_of(case, load)
    return peer_names.rows(case, panel, peer_names.tested_rows(case, panel))


def _control(case: Case) -> dict[str, Any]:
    """The control list as the detectors take it: a range written as "101:171" or "101..171" in numbers,
    other parameters `_plain`."""
    control = case.get("control") or {}
    if not isinstance(control, Mapping):
        raise ValueError(f"control must be a list of parameters by name, found {control!r}")
    found = {name: _plain(v) for name, v in control.items() if name not in ("range", "limit54")}
    if "limit54" in control:
        limit = control["limit54"]
        found["limit54"] = [_plain(v) for v in limit] if isinstance(limit, list) else _plain(limit)
    if "range" in control:
        chosen = control["range"]
        found["range"] = [int(k) for k in numbers(chosen)] if isinstance(chosen, str) else chosen
    return found


def _plain(value: Any) -> Any:
    """A value as R has it, where it knows no difference: one in a list is itself, 5.0 is 5, "TRUE" is true
    and "0.05" a number."""
    if isinstance(value, Mapping):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return _plain(value[0]) if len(value) == 1 else [_plain(v) for v in value]
    if isinstance(value, str):
        if value in ("TRUE", "FALSE"):
            return value == "TRUE"
        return _plain(float(value)) if re.fullmatch(NUMBER, value.strip()) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


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
    if case.get("epoch_as_date") and "date" not in table:
        raise ValueError(f"epoch_as_date needs a column `date`; found {', '.join(table)}")
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
