"""What a case of the R package's register says: its parameters, its series, its tables.

A case is one entry of `cases.json` (`id`, `detector`, `input`, `series`, `epoch_as_date`, `control`,
`r_call` ...). Its parameters stand partly in `control`, numbers also in words ("0.5..3 by 0.1"), partly only
in the text of the call, which is R or R with prose in it; both are read here and nowhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from anlan.assess.models.epidemic_component import Floats
from anlan.assess.models.r_expression import Call, argument, find, parse
from anlan.assess.models.r_value import evaluate

Case: TypeAlias = Mapping[str, Any]
Table: TypeAlias = Mapping[str, Sequence[str]]
Load: TypeAlias = Callable[[str], Table]
Row: TypeAlias = dict[str, float | int | str | None]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


def control_of(case: Case) -> dict[str, Any]:
    """The control list, or what the register keeps of it."""
    return dict(case.get("control") or {})


def call_text(case: Case) -> str:
    """The call of the package, as text."""
    return str(case.get("r_call") or "")


def series_names(case: Case) -> list[str]:
    """Names of the series, in order."""
    series = case.get("series")
    return [str(s) for s in series] if isinstance(series, list) else [str(series)]


def columns(table: Table, names: Sequence[str]) -> Floats:
    """Numbers [n_names, n_rows]; a blank or comma in a name may stand as an underscore."""
    plain = {re.sub("[, ]", "_", column): column for column in table}
    found = []
    for name in names:
        column = name if name in table else plain.get(re.sub("[, ]", "_", name))
        if column is None:
            raise ValueError(f"the input has no column {name!r}; found {', '.join(table)}")
        found.append([cell_number(cell) for cell in table[column]])
    return np.array(found)


def cell_number(cell: str) -> float:
    """The number in a cell; NaN where there is none."""
    return math.nan if cell in ("NA", "NaN", "") else float(cell)


def beside(case: Case, kind: str) -> str:
    """Name of a table that belongs to the input: `x.csv` -> `x.<kind>.csv`."""
    return re.sub(r"\.csv$", f".{kind}.csv", str(case["input"]))


def numbers(value: Any) -> Floats:
    """1, [1, 2], "1,2", "1..3 by 0.5" or "1..3" (by 1), {from, to} as numbers."""
    if isinstance(value, Mapping):
        return np.arange(float(value["from"]), float(value["to"]) + 0.5)
    if isinstance(value, str):
        if match := re.fullmatch(
            rf"({NUMBER})\s*(?:\.\.|:)\s*({NUMBER})(?:\s+by\s+({NUMBER}))?", value.strip()
        ):
            start, end, by = float(match[1]), float(match[2]), float(match[3] or 1)
            return np.asarray(
                start + by * np.arange(math.floor((end - start) / by + 1e-10) + 1), dtype=np.float64
            )
        return np.array([float(part) for part in value.split(",")])
    return np.atleast_1d(np.asarray(value, dtype=np.float64))


def stated(case: Case, name: str, default: Any = None) -> Any:
    """A number or word of the control or, where it is not there, of the call's text (`name = value`)."""
    control = control_of(case)
    if control.get(name) is not None:
        return control[name]
    pattern = rf"(?<![\w.]){re.escape(name)} *= *(?:({NUMBER})(?!\w|\s*[*/:^])|\"([^\"]*)\"|(TRUE|FALSE)\b)"
    if match := re.search(pattern, call_text(case)):
        if match[1]:
            return float(match[1])
        return match[2] if match[2] is not None else match[3] == "TRUE"
    return default


def call_of(case: Case, function: str) -> Call | None:
    """The call of `function` in the case's text, where that is R and no prose."""
    try:
        return find(parse(call_text(case)), function)
    except ValueError:
        return None


def given_in(call: Call | None, name: str) -> Any:
    """An argument of a call, or an entry of its `control` list, worked out; None where it has none or
    speaks of what is not known here."""
    for place in (call, argument(call, "control") if call else None):
        value = argument(place, name) if isinstance(place, Call) else None
        if value is not None:
            try:
                return evaluate(value, {})
            except ValueError:
                return None
    return None


def or_none(value: float) -> float | None:
    """The value as a row has it: None where it is not known."""
    return None if math.isnan(value) else float(value)


def whole(value: float) -> float | int:
    """A whole number without its decimal point."""
    return int(value) if value == int(value) else float(value)
