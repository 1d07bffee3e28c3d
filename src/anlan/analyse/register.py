"""Run a register of cases and write what came out in the reference's long form.

A register is a JSON file with a list `cases`; each names its `id`, `detector`, `input` (a file in the
folder `inputs` beside the register), `series`, `freq`, `epoch_as_date` and `control`, the peer's own
parameter names. A case that cannot be answered stands in `errors.csv` and stops no other.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anlan.analyse.peer_cases import Case, Load, Rows, answer, tables
from anlan.model.errors import AnlanError, InvalidValue, NotFound, StoreUnavailable, Unreadable

ERRORS = "errors.csv"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case: the file its rows went to and how many, or its error. `expected` is the
    peer's own error where the register says that the case must fail."""

    case: str
    detector: str
    file: str
    rows: int
    error: str
    expected: str

    @property
    def as_expected(self) -> bool:
        """Failed where it must, answered where it can be."""
        return bool(self.error) == bool(self.expected)


def read_document(path: Path) -> tuple[dict[str, Any], list[Any]]:
    """The register at `path` and its list `cases`; NotFound or Unreadable where it is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound("the register cannot be read", where=str(path), found=str(error.strerror)) from error
    except ValueError as error:
        raise Unreadable("not a register", where=str(path), found=str(error), expected="JSON") from error
    cases = document.get("cases") if isinstance(document, dict) else None
    if not isinstance(cases, list):
        raise Unreadable(
            "not a register", where=str(path), found=type(document).__name__, expected="a list `cases`"
        )
    return document, cases


def read_register(path: Path) -> list[Case]:
    """The cases of a register; NotFound, Unreadable or InvalidValue say what is wrong with it."""
    _, cases = read_document(path)
    seen: set[str] = set()
    for number, case in enumerate(cases):
        lacking = [key for key in ("id", "detector") if not (isinstance(case, dict) and case.get(key))]
        if lacking or case["id"] in seen:
            raise InvalidValue(
                "a case that is not one",
                where=f"{path}: cases[{number}]",
                found=f"no {lacking[0]}" if lacking else f"the id {case['id']!r} again",
                expected="an id of its own and a detector",
            )
        seen.add(case["id"])
    return cases


def run_register(path: Path, out: Path, told: Callable[[int, int], None] | None = None) -> list[Outcome]:
    """Answer every case of the register at `path` into `out`. `told(done, of)` is called after each."""
    cases = read_register(path)
    load = tables(path.parent / "inputs")
    files: dict[str, list[tuple[str, Rows]]] = {}
    outcomes = []
    for number, case in enumerate(cases, start=1):
        outcome, rows = _outcome(case, load)
        outcomes.append(outcome)
        if not outcome.error:
            files.setdefault(outcome.file, []).append((outcome.case, rows))
        if told is not None:
            told(number, len(cases))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, answered in files.items():
            _write(out / name, answered)
        with (out / ERRORS).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("case", "detector", "error", "peer_error"))
            writer.writerows((o.case, o.detector, o.error, o.expected) for o in outcomes if o.error)
    except OSError as error:
        raise StoreUnavailable("cannot write", where=str(out), found=str(error.strerror)) from error
    return outcomes


def file_of(case: Case) -> str:
    """The file that the rows of a case go to: its own `output` where that is the name of a CSV file, or
    `out_<detector>.csv`."""
    named = Path(str(case.get("output") or "")).name
    return named if named.endswith(".csv") and named != ERRORS else f"out_{case['detector']}.csv"


def cell(value: Any) -> str:
    """A value as the reference writes it: the fewest digits that read back to the same double, whole
    numbers without a point, NA where there is none."""
    if value is None:
        return "NA"
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | np.integer):
        return str(int(value))
    number = float(value)
    if math.isnan(number):
        return "NA"
    if math.isinf(number):
        return "Inf" if number > 0 else "-Inf"
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _outcome(case: Case, load: Load) -> tuple[Outcome, Rows]:
    expected = ""
    if case.get("status", "ok") != "ok":
        expected = str(case.get("error") or "an error")
    rows: Rows = []
    said = ""
    try:
        rows = answer(case, load)
    except (AnlanError, ValueError) as error:
        said = str(error) or type(error).__name__
    except FileNotFoundError as error:
        said = f"there is no such input: {error.filename}"
    except KeyError as error:
        said = f"the case lacks {error.args[0]}"
    except Exception as error:
        # a register is written by strangers: whatever is wrong with a case must not stop the others
        said = f"the case cannot be read: {type(error).__name__}: {error}"
    said = " ".join(said.split())
    return Outcome(str(case["id"]), str(case["detector"]), file_of(case), len(rows), said, expected), rows


def _write(path: Path, answered: Sequence[tuple[str, Rows]]) -> None:
    """All cases of one file; a case that lacks a column of another has NA there."""
    columns: dict[str, None] = {}
    for _, rows in answered:
        for row in rows[:1]:
            columns |= dict.fromkeys(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("case", *columns))
        for case, rows in answered:
            writer.writerows((case, *(cell(row.get(column)) for column in columns)) for row in rows)
