"""Settings at the edge of what R `surveillance` 1.20.3 takes (R 4.2.2): its numbers, and where it stops."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from anlan.analyse.peer_cases import answer

N = 312
COUNTS = [3 + (k * 7919) % 11 + round(3 * math.sin(2 * math.pi * k / 52)) for k in range(1, N + 1)]
FEW: dict[str, Any] = {"range": {"from": 309, "to": 312}, "b": 4}
LAST: dict[str, Any] = {"range": {"from": 305, "to": 312}, "k": 0.4, "h": 2, "m": 6, "alpha": 0}


def line_list() -> dict[str, list[str]]:
    first = dt.date(2011, 5, 4)
    begun = [first + dt.timedelta(days=(i * 13) % 61) for i in range(400)]
    told = [day + dt.timedelta(days=(i * 7) % 23) for i, day in enumerate(begun)]
    return {"e": [str(d) for d in begun], "r": [str(d) for d in told]}


def column(values: Sequence[float | None]) -> list[str]:
    return ["NA" if value is None else repr(value) for value in values]


def replaced(at: Mapping[int, float | None], base: Sequence[float] = COUNTS) -> list[str]:
    """`base` with other values in some rows, counted from 1."""
    return column([at.get(k, value) for k, value in enumerate(base, 1)])


PEOPLE = [50_000.0 + 10 * k for k in range(1, N + 1)]
TABLES: dict[str, dict[str, list[str]]] = {
    "y.csv": {"y": column(COUNTS)},
    "half.csv": {"y": column([c + 0.5 for c in COUNTS])},
    "short.csv": {"y": column(COUNTS[:40])},
    "minus.csv": {"y": replaced({205: -3})},
    "gone.csv": {"y": replaced({310: None, 311: None, 312: None})},
    "none.csv": {"y": column(COUNTS)},
    "none.population.csv": {"y": replaced({205: 0}, PEOPLE)},
    "lost.csv": {"y": column(COUNTS)},
    "lost.population.csv": {"y": replaced({205: None}, PEOPLE)},
    "list.csv": line_list(),
}


def load(name: str) -> dict[str, list[str]]:
    if name not in TABLES:
        raise FileNotFoundError(name)
    return TABLES[name]


def rows(detector: str, table: str, control: dict[str, Any], freq: int = 52) -> list[dict[str, Any]]:
    case = {"id": "a", "detector": detector, "input": table, "series": "y", "freq": freq}
    return answer({**case, "epoch_as_date": False, "control": control}, load)


@pytest.mark.parametrize(
    ("detector", "table", "control", "freq", "numbers"),
    [
        (
            "farringtonFlexible",
            "y.csv",
            {**FEW, "weightsThreshold": 0},
            52,
            {
                "upperbound": [13.7355905177638, 11.4110847442981, 10.858583800147, 10.7993363133765],
                "expected": [8.50489005755041, 6.72184104437501, 6.30348494448139, 6.26028773503694],
            },
        ),
        (
            "farringtonFlexible",
            "half.csv",
            {**FEW, "thresholdMethod": "nbPlugin", "noPeriods": 3},
            52,
            {
                "upperbound": [14, 14, 14, 14],
                "pvalue": [0.129912304711582, 0.195437537397643, 0.251743797856937, 0.314549662710489],
            },
        ),
        (
            "cusum",
            "y.csv",
            {**LAST, "trans": "pearsonNegBin"},
            52,
            {
                "cusum": [
                    *[0] * 4,
                    *[2.04948974278318, 3.69073119510249, 5.33197264742181, 6.56496580927726],
                ],
                "upperbound": [*[11.8787753826796] * 5, 6.8585712797929, 2.83836717690617, 0],
            },
        ),
        (
            "bayes",
            "short.csv",
            {"range": {"from": 38, "to": 40}, "b": 2, "w": 2, "actY": True, "alpha": 0.02},
            1,
            {"upperbound": [14, 13, 11]},
        ),
        (
            "nowcast",
            "list.csv",
            {
                "now": "2011-06-27",
                "when": ["2011-06-06", "2011-06-13", "2011-06-20"],
                "dEventCol": "e",
                "dReportCol": "r",
                "D": 3,
                "method": "lawless",
                "aggregate.by": "1 week",
                "N.tInf.max": 400,
            },
            52,
            {
                "reported": [47, 35, 23],
                "nowcast": [47, 45, 49],
                "lower95": [47, 38, 35],
                "upper95": [47, 52, 64],
            },
        ),
    ],
    ids=["weights from 0", "halves of cases", "no overdispersion", "a window past the end", "weeks"],
)
def test_the_packages_numbers(
    detector: str, table: str, control: dict[str, Any], freq: int, numbers: dict[str, list[float]]
) -> None:
    found = rows(detector, table, control, freq)
    for name, values in numbers.items():
        assert [row[name] for row in found] == pytest.approx(values, rel=1e-9), name


def test_the_beginning_of_a_word_is_the_word_where_the_package_takes_it_so() -> None:
    plain = rows("farringtonFlexible", "y.csv", FEW)
    assert rows("farringtonFlexible", "y.csv", {**FEW, "fitFun": "algo.farrington.fitGLM"}) == plain
    chart = {"range": {"from": 300, "to": 312}, "mu0": [6.0] * 13, "alpha": 0}
    assert rows("glrpois", "y.csv", {**chart, "dir": "i", "ret": "v"}) == rows("glrpois", "y.csv", chart)
    with pytest.raises(ValueError, match="threshold_method must be one of"):  # there it runs another method
        rows("farringtonFlexible", "y.csv", {**FEW, "thresholdMethod": "nb"})


@pytest.mark.parametrize(
    ("detector", "table", "control", "said"),
    [
        ("farringtonFlexible", "minus.csv", {**FEW, "noPeriods": 5}, "reference count is negative"),
        ("farrington", "minus.csv", {**FEW, "range": [309]}, "reference count is negative"),
        ("farringtonFlexible", "none.csv", {**FEW, "populationOffset": True}, "population is missing or not"),
        ("farringtonFlexible", "lost.csv", {**FEW, "populationOffset": True}, "population is missing or not"),
        (
            "farrington",
            "none.csv",
            {**FEW, "fitFun": "algo.farrington.fitGLM.populationOffset"},
            "population is missing or not",
        ),
        (
            "rki",
            "gone.csv",
            {"range": {"from": 308, "to": 312}, "b": 1, "w": 6, "actY": True},
            "a reference value is missing",
        ),
        ("earsC", "y.csv", {"range": [100], "method": "C3"}, "C3 needs more than one tested row"),
    ],
)
def test_where_the_package_stops_the_reason_is_told(
    detector: str, table: str, control: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        rows(detector, table, control)


def test_a_window_that_reaches_past_the_end_stops_the_rule_that_takes_no_missing_value() -> None:
    with pytest.raises(ValueError, match="a reference value is missing"):
        rows("rki", "short.csv", {"range": [40], "b": 1, "w": 2, "actY": False}, freq=1)


def test_orders_of_neighbourhood_are_those_of_the_table_or_worked_out_where_the_case_says_so() -> None:
    places = ("a", "b", "c", "d")
    line = {p: [str(int(abs(i - j) == 1)) for i in range(4)] for j, p in enumerate(places)}
    orders = {p: [str(abs(i - j)) for i in range(4)] for j, p in enumerate(places)}
    counts = {p: column(COUNTS[j : j + 90]) for j, p in enumerate(places)}
    tables = {"n.csv": counts, "n.adjacency.csv": line, "o.csv": counts, "o.adjacency.csv": orders}
    control = "list(ne = list(f = ~1, weights = W_powerlaw(maxlag = 3)), end = list(f = ~1))"
    case = {
        "id": "a",
        "detector": "hhh4",
        "series": list(places),
        "freq": 52,
        "control": {"control": control},
    }
    told = answer({**case, "input": "o.csv"}, tables.__getitem__)
    assert [row["parameter"] for row in told] == ["ne.1", "end.1", "neweights.d"]
    for said in (
        "nbOrder(W, maxlag = 3)",
        "nbOrder(W, 3)",
        "nbOrder(W, maxlag = Inf)",
        "nbOrder of the units",
    ):
        notes = f"neighbourhood(x) <- {said}"
        assert answer({**case, "input": "n.csv", "notes": notes}, tables.__getitem__) == told
    for said in ("", "neighbourhood(x) <- nbOrder(W)"):
        with pytest.raises(ValueError, match="found 0 and 1 alone"):
            answer({**case, "input": "n.csv", "notes": said}, tables.__getitem__)
