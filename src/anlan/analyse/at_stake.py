"""Whose alarms a series are, and what is at stake: a table with a row per series.

Columns: `series`; `group`, the domain and level in which false discoveries are controlled and alarms
counted; `exposure`, the persons (subscribers, any stake) behind the series. Either of the two may lack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anlan.analyse.csv_file import separator_of
from anlan.assess.detect.panel import Floats
from anlan.formats.table import BrokenRecord, gunzip, read_csv
from anlan.model.errors import InvalidValue, NotFound
from anlan.model.text import Text

NAMES = {"series": ("series", "序列"), "group": ("group", "组"), "exposure": ("exposure", "暴露")}


@dataclass(frozen=True, slots=True)
class Stake:
    """`groups` and `exposure` [n_series], of which NaN is unknown; `notes` what a reader should know."""

    groups: tuple[str, ...]
    exposure: Floats
    notes: tuple[Text, ...] = ()


def read_stake(path: Path, series: Sequence[str], encoding: str = "utf-8") -> Stake:
    """The stake of these series. A series that the file does not name has no group (the empty one, which is
    a group of its own) and an unknown exposure, which a note says. NotFound where the file cannot be read;
    InvalidValue for a file without the columns, a broken row, a series told twice, an exposure that is no
    number or below 0, each with file and line."""
    try:
        raw = gunzip(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound("the file cannot be read", where=str(path), found=str(error.strerror)) from error
    file = read_csv(raw, str(path), encoding=encoding, delimiter=separator_of(raw, str(path), encoding))
    at = {
        role: next((file.columns.index(name) for name in names if name in file.columns), None)
        for role, names in NAMES.items()
    }
    name_at, group_at, exposure_at = at["series"], at["group"], at["exposure"]
    if name_at is None or (group_at is None and exposure_at is None):
        raise InvalidValue(
            "no column of the series, or nothing about them",
            where=f"{path}: line 1",
            found=", ".join(file.columns[:12]),
            expected="a column `series`, and `group`, `exposure` or both",
        )
    row = {name: i for i, name in enumerate(series)}
    groups, exposure = [""] * len(series), np.full(len(series), np.nan)
    told: set[str] = set()
    for record in file.records:
        where = f"{path}: line {record.line}"
        if isinstance(record, BrokenRecord):
            raise InvalidValue(record.message, where=where, found=record.found, expected=record.expected)
        name = record.cells[name_at]
        if name in told:
            raise InvalidValue("the series is told twice", where=where, found=repr(name), expected="one row")
        told.add(name)
        if name not in row:
            continue
        groups[row[name]] = record.cells[group_at].strip() if group_at is not None else ""
        if exposure_at is not None:
            exposure[row[name]] = _number(record.cells[exposure_at].strip(), where)
    return Stake(tuple(groups), exposure, tuple(_notes(series, told, exposure, exposure_at is not None)))


def _number(text: str, where: str) -> float:
    if text.lower() in ("", "na"):
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InvalidValue(
            "no exposure", where=f"{where}, column exposure", found=repr(text), expected="a number, 0 or more"
        )
    return value


def _notes(series: Sequence[str], told: set[str], exposure: Floats, asked: bool) -> list[Text]:
    notes = []
    lacking = [name for name in series if name not in told]
    if lacking:
        notes.append(
            Text(
                f"{len(lacking)} series have no row that says what is at stake, such as {lacking[0]}",
                f"{len(lacking)} 个序列没有说明其暴露的行，如 {lacking[0]}",
            )
        )
    unknown = int(np.isnan(exposure).sum()) if asked else 0
    if unknown:
        notes.append(
            Text(
                f"the exposure of {unknown} series is unknown: it counts as the largest known one",
                f"{unknown} 个序列的暴露未知：按已知最大值计",
            )
        )
    return notes
