"""Conditions of rules: three outcomes, and faults found before service."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from anlan.model.errors import InvalidValue
from anlan.packs.conditions import compile_condition, examine

NAN = math.nan
GIVEN: Mapping[str, object] = {
    "value": 4.0,
    "expected": 2.0,
    "threshold": 3.0,
    "score": 1.5,
    "p_value": 0.01,
    "alarm": True,
    "known": True,
    "place": "cn/110105",
    "month": 7,
}


@pytest.mark.parametrize(
    ("expression", "changes", "outcome"),
    [
        ("value > 3.0", {}, True),
        ("value > 3", {}, True),
        ("value > 4.0", {}, False),
        ("value > 3.0", {"value": 4}, True),
        ("value - expected > 1.5 && p_value < 0.05", {}, True),
        ('place.startsWith("cn/11") && month in [6, 7, 8]', {}, True),
        ("true", {}, True),
        # a number that is missing decides nothing
        ("value > 3.0", {"value": NAN}, None),
        ("value > 3.0", {"value": None}, None),
        ("value < 3.0", {"value": NAN}, None),
        ("!(value > 3.0)", {"value": NAN}, None),
        ("value != 3.0", {"value": NAN}, None),
        ("value == value", {"value": NAN}, None),
        # and is not asked where it does not matter
        ("alarm || value > 3.0", {"value": NAN}, True),
        ("value > 3.0 || alarm", {"value": NAN}, True),
        ("value > 3.0 && alarm", {"value": NAN, "alarm": False}, False),
        ("known ? value > 3.0 : false", {"value": NAN, "known": False}, False),
        ("score > 1.0", {"value": NAN}, True),
    ],
)
def test_the_outcome_is_yes_no_or_unknown(
    expression: str, changes: Mapping[str, object], outcome: bool | None
) -> None:
    condition = compile_condition(expression)
    assert condition.outcome({**GIVEN, **changes}) is outcome
    assert condition.evaluate({**GIVEN, **changes}) is (outcome is True)


def test_a_variable_that_is_not_given_is_an_error() -> None:
    with pytest.raises(InvalidValue, match="expected value"):
        compile_condition("value > 3.0").outcome({"alarm": True})


def test_a_failing_condition_is_an_error_where_nothing_is_missing() -> None:
    with pytest.raises(InvalidValue, match="the condition fails"):
        compile_condition("month / 0 > 1").outcome(GIVEN)


def test_a_condition_without_yes_or_no_is_an_error() -> None:
    with pytest.raises(InvalidValue, match="no yes or no"):
        compile_condition("value + 1.0").outcome(GIVEN)


def test_a_condition_is_compiled_once() -> None:
    assert compile_condition("value > 77.0") is compile_condition("value > 77.0")


@pytest.mark.parametrize("expression", ["value >", "value = 3", "", "(" * 3000, "value > 3.0 and alarm"])
def test_what_is_not_cel_does_not_compile(expression: str) -> None:
    with pytest.raises(InvalidValue):
        compile_condition(expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("value >", "not a CEL expression"),
        ("value = 3", "not a CEL expression"),
        ("valu > 3", "no such variable"),
        ("alarm || valu > 3", "no such variable"),
        ('value > "x"', "operands do not fit"),
        ('alarm || value > "x"', "operands do not fit"),
        ('alarm && score > 2.5 && value > "x"', "operands do not fit"),
        ("value + 1 > 3.0", "operands do not fit"),
        ("alarm > 1", "operands do not fit"),
        ("value + 1.0", "the condition gives no yes or no"),
        ('"yes"', "the condition gives no yes or no"),
        ("median(value) > 3.0", "no such function"),
        ('place.matches("(")', "a function of the condition fails"),
        ("12 / (month - 7) > 1", "the condition fails for some values"),
        ("[true][month - 1]", "the condition fails for some values"),
        ("month > 12", "no sample makes the condition true"),
        ("value > 3.0 && value < 2.0", "no sample makes the condition true"),
        ("v" * 3000, "the condition is too long"),
    ],
)
def test_each_kind_of_fault_is_found_before_service(expression: str, message: str) -> None:
    assert [problem.message for problem in examine(expression)] == [message]


@pytest.mark.parametrize(
    "expression",
    [
        "alarm",
        "known && value >= 150.0 && value < 250.0",
        "score > 1.0 || p_value < 0.001",
        'place == "cn/110000"',
        "month in [6, 7, 8]",
        "[value, expected].exists(x, x > threshold)",
        "value > expected * 2.0",
        "value > 1e-7",
        "double(month) * 2.0 > value",
    ],
)
def test_sound_conditions_have_no_problem(expression: str) -> None:
    assert examine(expression) == ()


def test_two_unknown_variables_are_two_problems() -> None:
    assert [problem.found for problem in examine("a > 1 || b > 1")] == ["a", "b"]
