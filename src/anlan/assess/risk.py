"""The level of a finding by a risk matrix: how severe its amount is, how sure it is.

The matrix is read as Taggart and Wilke (2025, NHESS 25, 2657) do, by `anlan.model.matrix`: the probability of
at least each severity gives a certainty per column, and the most severe of the cells so marked is the level.
The rule says how much is how severe, and where the probability comes from: a forecast states one for each
severity, a detection has one for all the severities that its amount reaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from anlan.model.indicator import Rule
from anlan.model.matrix import Cell, Matrix
from anlan.model.text import Text

if TYPE_CHECKING:
    from anlan.assess.graded import Numbers

#: sums of votes and probabilities are sums of fractions: 0.1 + 0.2 reaches 0.3
CLOSE = 1e-12


def amounts(rule: Rule, matrix: Matrix, day: date) -> tuple[float | None, ...]:
    """From which amount on each severity of the matrix is reached, mildest first, by the steps in force on
    that day; None where the rule has none."""
    steps = {one.column: one.at_least for one in rule.severities if one.validity.covers(day)}
    return tuple(steps.get(column.id) for column in matrix.columns)


def certainty(rule: Rule, numbers: Numbers) -> float:
    """How sure a detection is, 0 to 1; NaN where it does not say."""
    said = 1.0 - numbers.p_value if rule.certainty == "p_value" else numbers.score
    return said if math.isnan(said) else min(max(said, 0.0), 1.0)


def probabilities(
    rule: Rule, matrix: Matrix, at: datetime, numbers: Numbers, downwards: bool
) -> tuple[float, ...] | None:
    """The probability of at least each severity, mildest first; None where it is not known. A severity
    without a step in force is reached with the next severer one. `downwards`: less is worse."""
    if rule.certainty == "probability":
        if len(numbers.chances) != len(matrix.columns) or any(map(math.isnan, numbers.chances)):
            return None
        return numbers.chances
    sure, measure = certainty(rule, numbers), numbers.measure(rule.measure)
    if math.isnan(sure) or math.isnan(measure):
        return None
    below = downwards and rule.measure != "score"
    hit = [
        limit is not None and (measure <= limit if below else measure >= limit)
        for limit in amounts(rule, matrix, at.date())
    ]
    return tuple(sure if any(hit[place:]) else 0.0 for place in range(len(hit)))


def cell_of(matrix: Matrix, chances: Sequence[float]) -> Cell:
    """The cell that gives the level, from the probabilities of nested severities."""
    return matrix.assess([min(1.0, one + CLOSE) if one > 0 else one for one in chances])


def read_off(rule: Rule, matrix: Matrix, at: datetime, numbers: Numbers, downwards: bool) -> Cell | None:
    """Where a finding at `at` falls in the matrix of its rule; None where that is not known."""
    chances = probabilities(rule, matrix, at, numbers, downwards)
    return None if chances is None else cell_of(matrix, chances)


def worst(matrix: Matrix, chances: Sequence[Sequence[float]]) -> int:
    """Of several times ahead the one whose cell gives the most severe level, the likeliest of these."""
    levels = [cell_of(matrix, one).level or 5 for one in chances]
    return min(range(len(chances)), key=lambda n: (levels[n], *(-one for one in chances[n]), n))


def said(
    rule: Rule, matrix: Matrix, at: datetime, numbers: Numbers, downwards: bool, colours: Sequence[Text]
) -> Text | None:
    """How the matrix comes to its level, in one sentence, for the grounds of the finding; None where it says
    nothing. `colours`: the names of levels 1 to 4."""
    chances = probabilities(rule, matrix, at, numbers, downwards)
    if chances is None:
        return None
    cell = cell_of(matrix, chances)
    en = ", ".join(f"{c.name.en} {_percent(p)}" for c, p in zip(matrix.columns, chances, strict=True))
    zh = "、".join(f"{c.name.zh} {_percent(p)}" for c, p in zip(matrix.columns, chances, strict=True))
    if cell.row is None or cell.column is None:
        return Text(
            f"Matrix {matrix.title.en}: {en}; no row is reached, so no level.",
            f"矩阵“{matrix.title.zh}”：{zh}；未达到任何一行，无级别。",
        )
    row = next(one for one in matrix.rows if one.id == cell.row)
    column = next(one for one in matrix.columns if one.id == cell.column)
    colour = colours[cell.level - 1] if cell.level is not None else Text("no level", "无级别")
    return Text(
        f"Matrix {matrix.title.en}: {en}. Cell {column.name.en} × {row.name.en}: {colour.en} "
        f"[{matrix.id}/{cell.row}/{cell.column}; {matrix.basis}].",
        f"矩阵“{matrix.title.zh}”：{zh}。取“{column.name.zh}×{row.name.zh}”格：{colour.zh}"
        f"[{matrix.id}/{cell.row}/{cell.column};{matrix.basis}]。",
    )


def _percent(chance: float) -> str:
    if 0 < chance < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= chance < 1 else f"{100 * chance:.0f} %"
