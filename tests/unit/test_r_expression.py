"""The part of R in which registers state their parameters."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from anlan.assess.models.hhh4_control import UnitCounts, add_season, formula_terms
from anlan.assess.models.r_expression import Call, argument, deparse, find, number, parse
from anlan.assess.models.r_value import Formula, evaluate


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("sin(2*pi*t/52)", "sin(2 * pi * t/52)"),
        ("I( (t-78) / 100 )", "I((t - 78)/100)"),
        ("list(ar=list(f=~1),x = -1)", "list(ar = list(f = ~1), x = -1)"),
        ("a[ ,1]", "a[, 1]"),
        ("2^-1", "2^-1"),
        ("1e5", "1e+05"),
        ("365.25", "365.25"),
        ("TRUE", "TRUE"),
        ('"NegBin1"', '"NegBin1"'),
    ],
)
def test_it_prints_as_r_does(text: str, printed: str) -> None:
    assert deparse(parse(text)) == printed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2^2", -4),
        ("2^3^2", 512),
        ("-1:2", [-1, 0, 1, 2]),
        ("1 - 2 - 3", -4),
        ("7 %% 3 * 2", 2),
        ("c(1, 2:4)", [1, 2, 3, 4]),
        ("seq(0.5, 1, by = 0.25)", [0.5, 0.75, 1.0]),
        ("rep(c(1, 2), 2)", [1, 2, 1, 2]),
        ("matrix(1:4, 2, 2)", [[1, 3], [2, 4]]),
        ("structure(c(1, 2, 3, 4), dim = c(2L, 2L))", [[1, 3], [2, 4]]),
        ("pi * 75^2", np.pi * 5625),
        ("x + 1", 4),
    ],
)
def test_it_works_out_what_r_would(text: str, value: object) -> None:
    assert_allclose(evaluate(parse(text), {"x": 3.0}), value)


def test_named_lists_dates_and_formulas_keep_their_form() -> None:
    found = evaluate(parse('list(f = ~1 + t, when = as.Date("2011-06-02"), NULL)'), {})
    assert isinstance(found["f"], Formula)
    assert found["when"] == np.datetime64("2011-06-02")
    assert found["3"] is None


@pytest.mark.parametrize("text", ["", "1 +", "f(1", "f(,))", "1 2", '"open', "x = 1"])
def test_what_is_no_expression_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"expression|expected"):
        parse(text)


@pytest.mark.parametrize("text", ["system('ls')", "get(x)", "q()"])
def test_it_knows_no_function_that_could_do_harm(text: str) -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        evaluate(parse(text), {})


def test_a_call_and_its_argument_are_found_within() -> None:
    call = find(parse("a(b(x = 2), control = list(range = 1:3))"), "b")
    assert call is not None
    assert evaluate(argument(call, "x") or call, {}) == 2
    assert argument(call, "y") is None


def test_numbers_have_fifteen_digits_at_most() -> None:
    assert [number(v) for v in (1 / 3, 1e-5, 123456.0, 1e15, 0.0)] == [
        "0.333333333333333",
        "1e-05",
        "123456",
        "1e+15",
        "0",
    ]


def test_seasons_are_written_out_as_pairs_of_waves() -> None:
    data = UnitCounts(np.ones((2, 5)), ["a", "b"], np.arange(5.0))
    call = parse("addSeason2formula(~1, S = 2, period = 26)")
    assert isinstance(call, Call)
    terms = formula_terms(Formula(add_season(call).arguments[0]), data)
    assert [term.name for term in terms] == [
        "1",
        "sin(2 * pi * t/26)",
        "cos(2 * pi * t/26)",
        "sin(4 * pi * t/26)",
        "cos(4 * pi * t/26)",
    ]
    assert_allclose(terms[3].values[0], np.sin(4 * np.pi * np.arange(5) / 26))
    own = parse("addSeason2formula(~1, S = c(0, 1), period = 52)")
    assert isinstance(own, Call)
    which = formula_terms(Formula(add_season(own).arguments[0]), data)[1].units
    assert which is not None
    assert which.tolist() == [False, True]
