"""Weights of an ensemble learnt on a table's own past, from a list of what is known to have happened.

Learning ends before the first tested time, so that the findings are those of weights that had not seen
them; how good they are is told by blocks of the past, each judged with weights of the blocks before it
(`anlan.assess.stacking`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from anlan.analyse.axis import MONTHLY, Axis
from anlan.analyse.csv_file import separator_of
from anlan.analyse.laid import Laid
from anlan.analyse.span import indexes
from anlan.assess.detect.panel import Ints
from anlan.assess.detect.registry import spec
from anlan.assess.stacking import Learnt, Truth, learn
from anlan.formats.table import BrokenRecord, gunzip, read_csv
from anlan.model.errors import InvalidValue, NotFound, StoreUnavailable

WEIGHTS = "weights.toml"
COLUMNS = ("series", "start", "end")


@dataclass(frozen=True, slots=True)
class Learning:
    """What was `learnt` for the `members`, at the times from `first` to `last`; `params` for the ensemble."""

    members: tuple[str, ...]
    learnt: Learnt
    first: str
    last: str

    def params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The ensemble's parameters with what was learnt."""
        weights = list(self.learnt.weights)
        return {
            **given,
            "rule": "stack",
            "weights": weights,
            "intercept": self.learnt.intercept,
            "cut": self.learnt.cut,
        }

    def toml(self, given: Mapping[str, Any]) -> str:
        """The parameters as a rule of a pack holds them."""
        params = self.params(given)
        names = ", ".join(f'"{name}"' for name in self.members)
        lines = [
            f"# learnt on {self.first} to {self.last}: {self.learnt.trained} values, "
            f"{self.learnt.left_out} left out for an unknown member",
            "[rule.params]",
            f"members = [{names}]",
            'rule = "stack"',
            f"weights = [{', '.join(repr(float(w)) for w in params['weights'])}]",
            f"intercept = {float(params['intercept'])!r}",
            f"cut = {float(params['cut'])!r}",
        ]
        return "\n".join(lines) + "\n"

    def write(self, given: Mapping[str, Any], folder: Path) -> Path:
        """`WEIGHTS` in the folder, which is made where it is not there; StoreUnavailable where that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / WEIGHTS).write_text(self.toml(given), encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable("cannot write", where=str(folder), found=str(error.strerror)) from error
        return folder / WEIGHTS


def learn_before(
    laid: Laid, detector: str, params: Mapping[str, Any], truth: Truth, tests: Ints, span: str, rate: float
) -> Learning:
    """Weights for `detector`, which must be the ensemble, from the times in `span` (words; all that have the
    members' history, where there are none) before the first tested one. InvalidValue where that is no
    ensemble, its members are no plain names, the times run into the tests, or the past is too short or
    holds no event."""
    if detector != "ensemble":
        raise InvalidValue("only an ensemble learns", where="truth", found=detector, expected="ensemble")
    members = params.get("members")
    if not isinstance(members, list) or not all(isinstance(name, str) for name in members):
        raise InvalidValue(
            "no members", where="--param members", found=repr(members), expected="names of detectors"
        )
    first_test = int(tests.min())
    history = max(
        spec(name).history(spec(name).complete(spec(name).live), laid.panel.freq) for name in members
    )
    at = indexes(span, laid.axis) if span else np.arange(min(history, first_test), first_test)
    if at.size and int(at.max()) >= first_test:
        raise InvalidValue(
            "what is learnt from must lie before what is tested",
            where="learn",
            found=f"{span}, up to {laid.axis.label(int(at.max()))}",
            expected=f"times before {laid.axis.label(first_test)}",
        )
    try:
        learnt = learn(laid.panel, truth, at, members, rate=rate)
    except ValueError as error:
        longest = f"{history} times before the first, for the members' history"
        raise InvalidValue(
            "nothing can be learnt", where="truth", found=str(error), expected=f"more past ({longest})"
        ) from error
    return Learning(tuple(members), learnt, laid.axis.label(int(at.min())), laid.axis.label(int(at.max())))


def read_truth(path: Path, laid: Laid, encoding: str = "utf-8") -> Truth:
    """Where an event was going on [n_series, n_time], from rows of `series`, `start`, `end` (days, or numbers
    k; both ends count, and so does a week or month that an event reaches into). NotFound where the file
    cannot be read; InvalidValue for another header, a series that the table lacks, a time that is none or
    an end before its start, each with file and line."""
    try:
        raw = gunzip(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(path), found=str(error.strerror)) from error
    file = read_csv(raw, str(path), encoding=encoding, delimiter=separator_of(raw, str(path), encoding))
    if not set(COLUMNS) <= set(file.columns):
        raise InvalidValue(
            "no events",
            where=f"{path}: line 1",
            found=", ".join(file.columns[:12]),
            expected="the columns " + ", ".join(COLUMNS),
        )
    at = [file.columns.index(name) for name in COLUMNS]
    row = {name: i for i, name in enumerate(laid.series)}
    going = np.zeros(laid.panel.counts.shape, dtype=bool)
    starts, ends = _bounds(laid.axis)
    for record in file.records:
        where = f"{path}: line {record.line}"
        if isinstance(record, BrokenRecord):
            raise InvalidValue(record.message, where=where, found=record.found, expected=record.expected)
        name, start, end = (record.cells[i].strip() for i in at)
        if name not in row:
            raise InvalidValue(
                "no such series", where=where, found=repr(name), expected="a series of the table"
            )
        first, last = (_time(text, laid.axis, where) for text in (start, end))
        if last < first:
            raise InvalidValue("ends before it starts", where=where, found=f"{start} to {end}")
        going[row[name]] |= (starts <= last) & (ends >= first)
    return going


def _bounds(axis: Axis) -> tuple[Ints, Ints]:
    """First and last day of each time (or its number), as whole numbers."""
    if axis.dates is None:
        return axis.k, axis.k
    days = axis.dates.astype("datetime64[D]")
    if axis.freq == MONTHLY:
        after = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
        return days.astype(np.int64), after.astype(np.int64) - 1
    step = int(np.diff(days).astype(np.int64).min()) if len(days) > 1 else 1
    return days.astype(np.int64), days.astype(np.int64) + step - 1


def _time(text: str, axis: Axis, where: str) -> int:
    try:
        if axis.dates is None:
            return int(text)
        return int(np.datetime64(text, "D").astype(np.int64))
    except ValueError:
        kind = "a number k" if axis.dates is None else "a day, such as 2019-09-01"
        raise InvalidValue("no time", where=where, found=repr(text), expected=kind) from None
