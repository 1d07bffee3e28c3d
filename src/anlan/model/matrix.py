"""A risk matrix: from how severe and how certain to a warning level.

After Taggart and Wilke, "Warnings based on risk matrices: a coherent framework with consistent
evaluation" (NHESS 25, 2657, 2025). Severity categories are nested (at least moderate, at least severe …);
each gets the highest certainty whose threshold the probability of at least that severity reaches; the
level is the most severe that the cells so marked give. Below the first row and left of the first column
nothing is warned of (their row and column of zeros).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anlan.model.domain import LEVELS
from anlan.model.errors import InvalidValue, NotFound
from anlan.model.text import Text
from anlan.model.time import Validity

NO_LEVEL = 0


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """A severity category: what happens at least. `severity` is the CAP severity that it stands for;
    `means` says what it means for people, so that two persons pick the same."""

    id: str
    name: Text
    severity: str
    means: Text


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A certainty category: `at_least` is the lowest probability that belongs to it, above 0 and at most
    1. `levels` holds one entry per column, mildest first: 1 (most severe) to 4, or 0 for no warning."""

    id: str
    name: Text
    at_least: float
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Where an assessment falls: `row` and `column` of the matrix, None for below them all; `level` 1 to
    4 or None."""

    matrix: str
    row: str | None
    column: str | None
    level: int | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix for hazards at places (empty: all). `rows` from the least certain up, `columns` from the
    mildest severity up."""

    id: str
    title: Text
    columns: tuple[MatrixColumn, ...]
    rows: tuple[MatrixRow, ...]
    basis: str
    hazards: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    validity: Validity = field(default_factory=Validity)

    def cell(self, row: str, column: str) -> Cell:
        """The cell that a person marks; NotFound names the categories there are."""
        rows, columns = [r.id for r in self.rows], [c.id for c in self.columns]
        for id, known, axis in ((row, rows, "certainty"), (column, columns, "severity")):
            if id not in known:
                raise NotFound(
                    f"no such {axis}", where=f"matrix {self.id}", found=repr(id), expected=", ".join(known)
                )
        level = self.rows[rows.index(row)].levels[columns.index(column)]
        return Cell(self.id, row, column, level or None)

    def assess(self, probabilities: Sequence[float]) -> Cell:
        """The cell that gives the level, from the probability of at least each column's severity (one
        per column, mildest first). InvalidValue where one is no probability, or a severer category is
        more probable than a milder one, which nested categories cannot be."""
        if len(probabilities) != len(self.columns):
            raise InvalidValue(
                "not one probability per severity",
                where=f"matrix {self.id}",
                found=str(len(probabilities)),
                expected=str(len(self.columns)),
            )
        for place, one in enumerate(probabilities):
            if not 0 <= one <= 1 or (place and one > probabilities[place - 1]):
                raise InvalidValue(
                    "not the probabilities of nested severities",
                    where=f"matrix {self.id}: {self.columns[place].id}",
                    found=str(one),
                    expected="0 to 1, none above that of the milder one",
                )
        best = Cell(self.id, None, None, None)
        for number, one in enumerate(probabilities):
            reached = [row for row in self.rows if one >= row.at_least]
            if not reached:
                continue
            level = reached[-1].levels[number] or None
            if best.row is None or (level or 5) < (best.level or 5):
                best = Cell(self.id, reached[-1].id, self.columns[number].id, level)
        return best


def faults_of(matrix: Matrix) -> list[tuple[tuple[str | int, ...], str, str, str]]:
    """(keys, message, found, expected) of everything that makes it no matrix: the properties of table 1
    of Taggart and Wilke (2025), by which more of either never lowers the level."""
    found: list[tuple[tuple[str | int, ...], str, str, str]] = []
    if not matrix.columns or not matrix.rows:
        found.append(((), "a matrix without rows or columns", "", "at least one of each"))
    for key, ids in (("column", [c.id for c in matrix.columns]), ("row", [r.id for r in matrix.rows])):
        found += [
            ((key, place, "id"), "the category stands twice", repr(id), "ids of their own")
            for place, id in enumerate(ids)
            if id in ids[:place]
        ]
    for number, row in enumerate(matrix.rows):
        if not 0 < row.at_least <= 1:
            text = "no probability that something can be at least"
            found.append((("row", number, "at_least"), text, str(row.at_least), "above 0, at most 1"))
        if number and row.at_least <= matrix.rows[number - 1].at_least:
            below = str(matrix.rows[number - 1].at_least)
            found.append(
                (("row", number, "at_least"), "rows go up in certainty", str(row.at_least), f"above {below}")
            )
        if len(row.levels) != len(matrix.columns):
            found.append(
                (
                    ("row", number, "levels"),
                    "not one level per column",
                    str(len(row.levels)),
                    str(len(matrix.columns)),
                )
            )
            continue
        for place, level in enumerate(row.levels):
            keys: tuple[str | int, ...] = ("row", number, "levels", place)
            if level not in (NO_LEVEL, *LEVELS):
                found.append((keys, "no such level", str(level), "0 (none), or 1 (most severe) to 4"))
                continue
            milder = row.levels[place - 1] if place else NO_LEVEL
            above = matrix.rows[number - 1].levels if number else ()
            surer = above[place] if place < len(above) else NO_LEVEL
            if _rank(level) < _rank(milder):
                found.append(
                    (keys, "a severer column lowers the level", str(level), f"{milder} or more severe")
                )
            if _rank(level) < _rank(surer):
                found.append((keys, "a surer row lowers the level", str(level), f"{surer} or more severe"))
    return found


def _rank(level: int) -> int:
    """0 for none, 1 for blue … 4 for red."""
    return 0 if level == NO_LEVEL else 5 - level
