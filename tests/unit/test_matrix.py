"""From how severe and how certain to a level: the published example, and that more never gives less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.errors import InvalidValue, NotFound
from anlan.model.matrix import Cell, Matrix, MatrixColumn, MatrixRow, faults_of
from anlan.model.text import Text
from anlan.packs.check import check
from sample_pack import FILES, MATRIX, write

WORD = Text("w", "字")
COLUMNS = tuple(MatrixColumn(id, WORD, "Severe", WORD) for id in ("MOD+", "SEV+", "EXT"))
# the SHORT-RANGE warning scaling of Taggart and Wilke (2025), its levels 1, 2, 3 as yellow, orange, red
ROWS = (
    MatrixRow("0.1", WORD, 0.1, (3, 3, 2)),
    MatrixRow("0.3", WORD, 0.3, (3, 2, 1)),
    MatrixRow("0.5", WORD, 0.5, (2, 1, 1)),
)
SHORT_RANGE = Matrix("short-range", WORD, COLUMNS, ROWS, "Taggart and Wilke (2025)")
levels = st.sampled_from([0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("probabilities", "row", "column", "level"),
    [
        # the two forecasts of the score's documentation: 0.45/0.22/0.05 and 0.65/0.32/0.09
        ((0.45, 0.22, 0.05), "0.3", "MOD+", 3),
        ((0.65, 0.32, 0.09), "0.5", "MOD+", 2),
        ((0.65, 0.55, 0.09), "0.5", "SEV+", 1),
        ((0.10, 0.10, 0.10), "0.1", "EXT", 2),
        ((0.50, 0.30, 0.10), "0.5", "MOD+", 2),
        ((0.09, 0.00, 0.00), None, None, None),
        ((0.0, 0.0, 0.0), None, None, None),
    ],
)
def test_probabilities_of_nested_severities_give_the_level_of_the_published_scaling(
    probabilities: tuple[float, ...], row: str | None, column: str | None, level: int | None
) -> None:
    assert SHORT_RANGE.assess(probabilities) == Cell("short-range", row, column, level)


def test_a_person_marks_a_cell_by_name() -> None:
    assert SHORT_RANGE.cell("0.3", "SEV+").level == 2
    with pytest.raises(NotFound, match="certainty"):
        SHORT_RANGE.cell("0.4", "SEV+")
    with pytest.raises(NotFound, match="severity"):
        SHORT_RANGE.cell("0.3", "MILD")


def test_what_cannot_be_nested_probabilities_is_refused() -> None:
    for wrong in ((0.2, 0.3, 0.1), (1.2, 0.3, 0.1), (0.5, -0.1, -0.2), (0.5, 0.2), (float("nan"), 0.1, 0.0)):
        with pytest.raises(InvalidValue):
            SHORT_RANGE.assess(wrong)


@given(st.lists(st.lists(levels, min_size=3, max_size=3).map(tuple), min_size=3, max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_matrix_without_fault_never_lowers_a_level_for_more(cells: list[tuple[int, ...]]) -> None:
    matrix = replace(SHORT_RANGE, rows=tuple(replace(r, levels=c) for r, c in zip(ROWS, cells, strict=True)))
    rank = [[0 if one == 0 else 5 - one for one in row] for row in cells]
    monotone = all(rank[i][j] >= rank[i][j - 1] for i in range(3) for j in range(1, 3)) and all(
        rank[i][j] >= rank[i - 1][j] for i in range(1, 3) for j in range(3)
    )
    assert (faults_of(matrix) == []) == monotone


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.lists(st.floats(0, 0.5), min_size=3, max_size=3))
def test_more_probable_is_never_less_severe(base: list[float], more: list[float]) -> None:
    low = sorted(base, reverse=True)
    high = sorted((min(1.0, b + m) for b, m in zip(low, more, strict=True)), reverse=True)
    before, after = SHORT_RANGE.assess(low).level, SHORT_RANGE.assess(high).level
    assert (after or 5) <= (before or 5)


# a severer column and a surer row beside those of the sample
PACKED = (
    MATRIX.replace("levels = [2]", "levels = [2, %s]").replace(
        "[[matrix.row]]",
        """[[matrix.column]]
id = "worse"
name = { en = "worse", zh = "更坏" }
severity = "Extreme"
means = { en = "worse", zh = "更坏" }

[[matrix.row]]""",
    )
    + """
[[matrix.row]]
id = "sure"
name = { en = "sure", zh = "确定" }
at_least = %s
levels = [%s, 1]
"""
)


@pytest.mark.parametrize(
    ("worse", "at_least", "sure", "fault"),
    [
        ("1", "0.6", "2", ""),
        ("3", "0.6", "2", "row[0].levels[1]: a severer column lowers the level"),
        ("1", "0.6", "3", "row[1].levels[0]: a surer row lowers the level"),
        ("1", "0.2", "2", "rows go up in certainty"),
        ("7", "0.6", "2", "no such level"),
    ],
)
def test_a_pack_with_a_matrix_that_lowers_a_level_is_refused_at_the_cell(
    tmp_path: Path, worse: str, at_least: str, sure: str, fault: str
) -> None:
    write(tmp_path / "tiny", {**FILES, "matrices.toml": PACKED % (worse, at_least, sure)})
    faults, _ = check(tmp_path / "tiny")
    said = [one.sentence() for one in faults if one.file == "matrices.toml"]
    assert bool(said) == bool(fault)
    if fault:
        where, _, message = fault.rpartition(": ")
        assert any(message in one and where in one for one in said), said


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("correct = ", "#correct = ", "a template without its correction"),
        ('valid = "P1D"', 'valid = "P30D"', "valid for longer than the hazard plausibly lasts"),
    ],
)
def test_a_template_ships_with_its_correction_and_a_plausible_end(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    plans = FILES["domains/water/plans.toml"]
    assert old in plans
    hazards = FILES["categories.toml"].replace('id = "flood"\n', 'id = "flood"\nlongest = "P7D"\n')
    assert hazards != FILES["categories.toml"]
    write(
        tmp_path / "tiny",
        {**FILES, "domains/water/plans.toml": plans.replace(old, new), "categories.toml": hazards},
    )
    faults, _ = check(tmp_path / "tiny")
    assert any(fault in one.sentence() and "plans.toml" in one.file for one in faults)


def test_the_matrices_that_ship_hold(root: Path) -> None:
    from anlan.packs.load import load_pack

    for name in ("cn", "demo"):
        pack = load_pack(name, (root / "packs",))
        assert pack.matrices
        assert [faults_of(matrix) for matrix in pack.matrices.values()] == [[] for _ in pack.matrices]
