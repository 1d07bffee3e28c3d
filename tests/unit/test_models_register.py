"""Cases of the package's register for the models: what is in words, what is in the call, what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from anlan.assess.models.peer_case import columns, numbers, stated
from anlan.assess.models.register import RUN
from anlan.assess.models.run_length import arl_cusum


def load(**tables: Mapping[str, Sequence[str]]) -> Any:
    def table(name: str) -> Mapping[str, Sequence[str]]:
        return tables[name.replace(".", "_")]

    return table


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (2, [2]),
        ([1, 2], [1, 2]),
        ("4,6,10", [4, 6, 10]),
        ("101:104", [101, 102, 103, 104]),
        ("0.5..1 by 0.25", [0.5, 0.75, 1.0]),
        ({"from": 3, "to": 5}, [3, 4, 5]),
    ],
)
def test_numbers_come_in_several_forms(words: object, meant: list[float]) -> None:
    assert numbers(words).tolist() == meant


def test_what_the_control_leaves_out_stands_in_the_call() -> None:
    case = {
        "control": {"k": 2, "m": None},
        "r_call": 'f(x, eps = 1e-7, by = "1 day", FIR = TRUE, m = 14, n = rep(3, 2), z = pi * 2)',
    }
    assert stated(case, "k") == 2
    assert stated(case, "eps") == 1e-7
    assert stated(case, "by") == "1 day"
    assert stated(case, "FIR") is True
    assert stated(case, "m") == 14
    assert stated(case, "n", "not a number") == "not a number"
    assert stated(case, "absent", 5) == 5


def test_a_name_with_blanks_finds_its_column() -> None:
    table = {"k": ["1"], "Lower_Saxony": ["7"], "Saxony": ["NA"]}
    found = columns(table, ["Lower Saxony", "Saxony"])
    assert found[0, 0] == 7
    assert math.isnan(found[1, 0])
    with pytest.raises(ValueError, match="no column 'Bavaria'"):
        columns(table, ["Bavaria"])


def test_a_table_of_run_lengths_goes_through_every_combination() -> None:
    case = {"control": {"h": "4,6", "k": "1,2", "theta": "0.8"}, "r_call": 'arlCusum(h, distr = "poisson")'}
    rows = RUN["arlCusum"](case, load())
    assert [(r["h"], r["k"]) for r in rows] == [(4, 1), (6, 1), (4, 2), (6, 2)]
    assert rows[3]["ARL"] == arl_cusum(6, 2, 0.8).arl
    with pytest.raises(ValueError, match="nonpositive"):
        RUN["arlCusum"]({"control": {"h": "0", "k": "1", "theta": "1"}}, load())


def test_a_design_table_takes_its_means_from_the_call_where_they_are_not_in_words() -> None:
    call = 'hValues(theta0 = c(0.5, 1), ARL0 = 500, s = 1, distr = "poisson")'
    rows = RUN["hValues"]({"control": {"theta0": "see the call"}, "r_call": call}, load())
    assert [(r["theta0"], r["h"], r["k"]) for r in rows] == [(0.5, 4.7, 0.8), (1.0, 6.4, 1.4)]


def test_a_proportion_is_given_in_words() -> None:
    case = {
        "input": "x.csv",
        "series": "positive",
        "control": {
            "range": "3:4",
            "h": 1,
            "pi0": "mean share of weeks 1-2",
            "pi1": "odds of pi0 times 2",
            "ret": "value",
        },
    }
    tables = load(x_csv={"positive": ["1", "3", "9", "NA"]}, x_population_csv={"positive": ["10"] * 4})
    rows = RUN["categoricalCUSUM"](case, tables)
    assert rows[0]["p0"] == 0.2
    assert rows[0]["p1"] == pytest.approx(1 / 3)
    assert rows[0]["value"] == pytest.approx(9 * math.log(5 / 3) + math.log((2 / 3) / 0.8))
    assert (rows[0]["alarm"], rows[1]["alarm"], rows[1]["value"]) == (1, None, None)


def test_events_are_counted_from_one_and_no_alarm_is_minus_one() -> None:
    events = {"x": ["0", "1", "50"], "y": ["0", "0", "50"], "t": ["1", "2", "3"]}
    control = {"radius": 5, "epsilon": 0.5, "threshold": 1.5}
    rows = RUN["stcd"]({"input": "e.csv", "control": control}, load(e_csv=events))
    assert [r["event"] for r in rows] == [1, 2, 3]
    assert {r["idxFA"] for r in rows} == {2}
    quiet = RUN["stcd"]({"input": "e.csv", "control": {**control, "threshold": 99}}, load(e_csv=events))
    assert {(r["idxFA"], r["idxCC"]) for r in quiet} == {(-1, -1)}


def hus(method: str, **control: Any) -> dict[str, Any]:
    return {
        "input": "hus.csv",
        "series": "line list",
        "control": {
            "now": "2011-06-02",
            "when": "2011-05-30..2011-06-01 daily",
            "dEventCol": "event",
            "dReportCol": "report",
            "method": method,
            "D": 3,
            **control,
        },
        "r_call": 'nowcast(control = list(dRange = as.Date(c("2011-05-20", "2011-06-02")), prior '
        "poisson-gamma with mean.lambda = 5, var.lambda = 30))",
    }


def line_list() -> Mapping[str, Sequence[str]]:
    rng = np.random.default_rng(2)
    event = np.repeat(np.datetime64("2011-05-20") + np.arange(14), 6)
    report = (event + rng.integers(0, 4, event.size)).astype(str)
    report[3] = "NA"
    return {"event": event.astype(str).tolist(), "report": report.tolist()}


def test_a_nowcast_answers_for_the_dates_asked() -> None:
    rows = RUN["nowcast"](hus("bayes.trunc"), load(hus_csv=line_list()))
    assert [r["date"] for r in rows] == ["2011-05-30", "2011-05-31", "2011-06-01"]
    for row in rows:
        assert isinstance(row["nowcast"], float)
        assert row["reported"] <= row["lower95"] <= row["nowcast"] <= row["upper95"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ({"when": "2011-06-05"}, "after now"),
        ({"D": 40}, "D>T"),
        ({"m": 2}, "longest delay"),
        ({"aggregate.by": "1 month"}, "months"),
        ({"aggregate.by": "1 week"}, "first day"),
        ({"method": "bayes.trunc.ddcp"}, "method must be"),
    ],
)
def test_nowcasts_that_the_package_refuses_are_refused(control: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RUN["nowcast"](hus(**{"method": "bayes.trunc", **control}), load(hus_csv=line_list()))


def test_a_model_of_a_dated_series_counts_days() -> None:
    days = np.datetime64("2020-01-06") + 7 * np.arange(120)
    wave = 20 + 15 * np.sin(2 * np.pi * (days - days[0]).astype(float) / 365.25)
    table = {"date": days.astype(str).tolist(), "a": [str(round(v)) for v in wave]}
    text = "list(end = list(f = addSeason2formula(~1, S = 1, period = 365.25)))"
    case = {"input": "a.csv", "series": "a", "freq": 52, "epoch_as_date": True, "control": {"control": text}}
    rows = RUN["hhh4"](case, load(a_csv=table))
    assert [r["parameter"] for r in rows] == [
        "end.1",
        "end.sin(2 * pi * t/365.25)",
        "end.cos(2 * pi * t/365.25)",
    ]
    assert rows[1]["estimate"] > 0.5  # type: ignore[operator]
    assert abs(rows[2]["estimate"]) < 0.2  # type: ignore[arg-type]
    assert {r["converged"] for r in rows} == {1}


def test_a_chart_of_paired_series_and_its_run_length() -> None:
    limits = {"h1": 2, "h2": 2, "h11": 1, "h22": 1}
    case = {
        "input": "p.csv",
        "series": ["x1", "x2"],
        "control": {"theta0": [-2, -1.5, 1], "theta1": [-1, -0.8, 1], **limits},
    }
    rows = RUN["pairedbinCUSUM"](case, load(p_csv={"x1": ["1"] * 5, "x2": ["1"] * 5}))
    assert [r["series"] for r in rows] == ["x1"] * 5 + ["x2"] * 5
    assert [r["alarm"] for r in rows[:5]] == [0, 0, 1, 0, 0]
    control = {"p": "0.25,0.25,0.25,0.25", "w1": "-1,1,-1,1", "w2": "-1,1", **limits}
    one = RUN["pairedbinCUSUM.runlength"]({"control": control}, load())
    assert one[0]["arl"] > 1  # type: ignore[operator]
