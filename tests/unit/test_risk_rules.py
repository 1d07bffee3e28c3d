"""A rule that goes by a risk matrix: how severe, how sure, and the level that follows, explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from anlan.assess.evaluate import evaluate
from anlan.assess.graded import NO, UNKNOWN, YES, Numbers, reached
from anlan.assess.risk import probabilities, read_off, worst
from anlan.formats.values import to_json
from anlan.model.finding import Finding
from anlan.model.indicator import Rule, SeverityBand
from anlan.model.law import Law
from anlan.model.matrix import Matrix, MatrixColumn, MatrixRow
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.provenance import Provenance
from anlan.model.state import State
from anlan.model.time import Validity
from anlan.packs.checks.loosening import looser_rule
from anlan.packs.checks.risk import risk_rules
from anlan.packs.conditions import compile_condition
from anlan.packs.definitions import Definitions, Item, Resolved
from anlan.packs.documents import Document, Origin
from chain_pack import DAY, GAUGE, LAW, SINCE, MemoryLake, both, chain_pack

NAN = float("nan")
NOW = datetime(2020, 6, 1, 12, tzinfo=UTC)
COLUMNS = tuple(
    MatrixColumn(id, both(id), severity, both("what it means"))
    for id, severity in (("some", "Moderate"), ("much", "Severe"), ("most", "Extreme"))
)
# the short-range table of Taggart and Wilke (2025), figure 3, with their three levels as 3, 2, 1
ROWS = (
    MatrixRow("possible", both("possible"), 0.1, (3, 3, 2)),
    MatrixRow("likely", both("likely"), 0.3, (3, 2, 1)),
    MatrixRow("surer", both("surer"), 0.5, (2, 1, 1)),
)
MATRIX = Matrix("risk", both("severity and certainty"), COLUMNS, ROWS, f"{LAW}#5", validity=SINCE)
STEPS = tuple(
    SeverityBand(column, at, f"{LAW}#5", SINCE)
    for column, at in (("some", 3.0), ("much", 4.0), ("most", 5.0))
)
RISK = replace(
    GAUGE, bands=(), matrix="risk", severities=STEPS, certainty="p_value", detector="ewma", params={}
)


def numbers(value: float, p: float = NAN, score: float = NAN, chances: tuple[float, ...] = ()) -> Numbers:
    return Numbers(value, NAN, NAN, score, p, YES, chances=chances)


def level(rule: Rule, found: Numbers, downwards: bool = False) -> int | None:
    cell = read_off(rule, MATRIX, NOW, found, downwards)
    assert cell is not None
    return cell.level


def test_the_amount_gives_the_column_and_the_p_value_the_row() -> None:
    assert level(RISK, numbers(3.5, 0.85)) == 3  # some, 15 %
    assert level(RISK, numbers(4.5, 0.85)) == 3
    assert level(RISK, numbers(4.5, 0.65)) == 2
    assert level(RISK, numbers(5.0, 0.05)) == 1
    assert level(RISK, numbers(5.0, 0.95)) is None  # 5 % is below every row
    assert level(RISK, numbers(2.9, 0.001)) is None  # below every column


def test_the_share_of_votes_is_the_certainty_of_an_ensemble() -> None:
    votes = replace(RISK, certainty="votes", detector="ensemble")
    assert level(votes, numbers(4.5, score=0.1 + 0.2)) == 2
    assert level(votes, numbers(4.5, score=0.75)) == 1


def test_a_forecast_states_a_probability_for_each_severity() -> None:
    chance = replace(RISK, certainty="probability", detector="forecast_probability")
    assert level(chance, numbers(0.5, chances=(0.8, 0.35, 0.12))) == 2
    assert level(chance, numbers(0.5, chances=(0.8, 0.05, 0.0))) == 2
    assert worst(MATRIX, [(0.9, 0.0, 0.0), (0.4, 0.35, 0.31), (0.4, 0.4, 0.31)]) == 2


def test_less_is_worse_where_the_indicator_falls() -> None:
    low = replace(RISK, severities=tuple(replace(s, at_least=-s.at_least) for s in STEPS))
    assert level(low, numbers(-4.5, 0.65), downwards=True) == 2
    assert level(low, numbers(-2.0, 0.0), downwards=True) is None


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (RISK, numbers(4.5)),
        (replace(RISK, certainty="probability"), numbers(0.5)),
        (replace(RISK, certainty="probability"), numbers(0.5, chances=(0.5, NAN, 0.1))),
    ],
)
def test_without_a_certainty_the_level_is_unknown(rule: Rule, found: Numbers) -> None:
    assert probabilities(rule, MATRIX, NOW, found, False) is None
    answers = reached(rule, compile_condition("alarm"), "x/a", NOW, found, False, MATRIX)
    assert set(answers.values()) == {UNKNOWN}


def test_a_level_takes_the_milder_ones_with_it_and_the_condition_is_a_gate() -> None:
    answers = reached(RISK, compile_condition("alarm"), "x/a", NOW, numbers(4.5, 0.65), False, MATRIX)
    assert answers == {1: NO, 2: YES, 3: YES, 4: YES}
    shut = reached(RISK, compile_condition("value > 9.0"), "x/a", NOW, numbers(4.5, 0.65), False, MATRIX)
    assert set(shut.values()) == {NO}


def test_an_amount_counts_from_its_date_on() -> None:
    old, new = Validity(date(2010, 1, 1), date(2020, 1, 1)), Validity(date(2020, 1, 1))
    dated = (SeverityBand("much", 4.0, "b", old), SeverityBand("much", 6.0, "b", new))
    rule = replace(RISK, severities=dated)
    assert NOW.year == 2020
    assert level(rule, numbers(4.5, 0.05)) is None
    # a milder severity without an amount of its own is reached with the severer one
    assert probabilities(rule, MATRIX, NOW, numbers(6.5, 0.05), False) == (0.95, 0.95, 0.0)


def _pack(rule: Rule, matrix: Matrix = MATRIX) -> Pack:
    found: Pack = chain_pack(rules={rule.id: rule}, matrices={matrix.id: matrix})
    return found


def findings(rule: Rule) -> list[Finding]:
    lake, state, pack = MemoryLake(), State(), _pack(rule)
    origin, found = Provenance("recorded", "t"), []
    for n in range(40):
        at = NOW + n * DAY
        value = 5.5 if n == 38 else 1.0 + 0.01 * (n % 3)
        lake.append([Observation("stage", "x/a", at, at, value, "m", origin)])
        for one in evaluate(rule, pack, lake, state, at):
            again = [x for x in evaluate(rule, pack, lake, state, at, only=one.place) if x.id == one.id]
            assert [to_json(x) for x in again] == [to_json(one)]
            state.put(one.id, one)
            found.append(one)
    return found


def test_the_finding_says_by_which_cell_it_has_its_level_and_comes_out_the_same_again() -> None:
    (raised,) = findings(RISK)
    assert (raised.change, raised.level) == ("raised", 1)
    assert raised.grounds[0].en.startswith("Matrix severity and certainty: some ")
    assert "[risk/surer/much; act-2010#5]" in raised.grounds[0].en
    assert "[risk/surer/much;act-2010#5]" in raised.grounds[0].zh


def test_a_record_on_history_belongs_to_the_cells_too() -> None:
    pack = _pack(RISK)
    milder = replace(MATRIX, rows=(replace(ROWS[0], at_least=0.2), *ROWS[1:]))
    assert pack.fingerprint(GAUGE) == GAUGE.fingerprint
    assert len({RISK.fingerprint, pack.fingerprint(RISK), _pack(RISK, milder).fingerprint(RISK)}) == 3


def faults(rule: Rule, matrices: Sequence[Matrix] = (MATRIX,)) -> list[str]:
    law = Law(LAW, both("act"), "law", SINCE)
    pack = chain_pack(rules={rule.id: rule}, matrices={one.id: one for one in matrices}, laws={LAW: law})
    items = Definitions()
    items.rules.append(Item(rule, Origin(Document("rules.toml", ""))))
    return [fault.sentence() for fault in risk_rules(Resolved(pack, items, ()))]


def test_a_sound_rule_has_no_fault() -> None:
    assert faults(RISK) == []
    assert faults(GAUGE) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (replace(GAUGE, certainty="votes"), "says something to no matrix"),
        (replace(RISK, bands=GAUGE.bands), "both bands and a matrix"),
        (replace(RISK, matrix="rsk"), "no such matrix; found 'rsk'; expected risk"),
        (replace(RISK, certainty=""), "no certainty"),
        (replace(RISK, certainty="votes"), "ewma states no votes"),
        (replace(RISK, certainty="probability"), "ewma states no probability"),
        (replace(RISK, detector="cusum"), "cusum states no p-value"),
        (
            replace(RISK, certainty="votes", detector="ensemble", params={"rule": "stack"}),
            "an ensemble that does not vote",
        ),
        (replace(RISK, severities=()), "no severity, so it never gives a level"),
        (replace(RISK, severities=(replace(STEPS[0], column="sum"),)), "no such column; found 'sum'"),
        (replace(RISK, severities=(replace(STEPS[0], validity=Validity()),)), "no date from which"),
        (replace(RISK, severities=(*STEPS, STEPS[0])), "two amounts of one severity at the same time"),
        (
            replace(RISK, severities=(STEPS[0], replace(STEPS[1], at_least=2.0))),
            "a severer severity begins before a milder one; found much from 2; expected at least 3",
        ),
    ],
)
def test_what_keeps_a_rule_from_its_matrix_is_a_fault(rule: Rule, words: str) -> None:
    assert any(words in fault for fault in faults(rule)), faults(rule)


def test_a_matrix_of_another_hazard_is_a_fault() -> None:
    (fault,) = faults(RISK, (replace(MATRIX, hazards=("quake",)),))
    assert "the matrix is for other hazards; found flood; expected quake" in fault


def test_a_later_amount_is_looser() -> None:
    later = replace(RISK, severities=(replace(STEPS[0], at_least=3.5), *STEPS[1:]))
    assert any("severity some from 3 to 3.5" in said for said in looser_rule(RISK, later, "up"))
    assert list(looser_rule(RISK, RISK, "up")) == []
    assert any("matrix is another" in said for said in looser_rule(RISK, replace(RISK, matrix="m"), "up"))
