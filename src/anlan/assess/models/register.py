"""Run cases of the R package `surveillance` for the models here: a case as a register states it, in; the
rows of the package's long-form output, out.

`load(name)` gives an input table by file name: column name -> its cells as text, "NA" = missing. A row is
column name -> value; None = not known. Impossible cases raise ValueError, saying why.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from anlan.assess.models.back_projection import back_project
from anlan.assess.models.epidemic_component import Floats
from anlan.assess.models.hhh4_control import UnitCounts, fit_control
from anlan.assess.models.neighbour_weights import neighbourhood_orders
from anlan.assess.models.nowcast import PoissonGamma, nowcast
from anlan.assess.models.peer_case import (
    Case,
    Load,
    Row,
    beside,
    call_text,
    columns,
    control_of,
    numbers,
    or_none,
    series_names,
    stated,
)
from anlan.assess.models.register_charts import (
    run_arl,
    run_categorical,
    run_design_table,
    run_lr_run_length,
    run_paired,
    run_paired_arl,
    run_rogerson,
)
from anlan.assess.models.reporting_triangle import period_index, period_start, triangle_from_line_list
from anlan.assess.models.space_time_points import detect_point_cluster


def run_hhh4(case: Case, load: Load) -> list[Row]:
    """`hhh4`: parameter, estimate, se, loglik, aic, nobs, converged."""
    control = control_of(case)
    text = control.get("control")
    if not isinstance(text, str):
        raise ValueError("hhh4 needs its control list as text")
    table = load(str(case["input"]))
    names = series_names(case)
    counts = columns(table, names)
    time = np.arange(counts.shape[1], dtype=np.float64)
    if case.get("epoch_as_date"):
        days = np.array(table["date"], dtype="datetime64[D]")
        time = (days - days.min()).astype(np.float64)
    population = adjacency = None
    if "population" in text:
        population = columns(load(beside(case, "population")), names)
    if re.search(r"adjacency|neighbourhood|W_powerlaw|W_np|nbOrder|\bcar\b", text) or re.search(
        r"\bne *= *list\((?!.*weights)", text
    ):
        adjacency = columns(load(beside(case, "adjacency")), names).T
        if re.search(r"W_powerlaw|W_np", text) and adjacency.max() <= 1:
            adjacency = _orders(case, adjacency)
    fit = fit_control(
        text, UnitCounts(counts, names, time, population, adjacency, int(case.get("freq") or 52))
    )
    if not fit.converged:
        raise ValueError("hhh4 did not converge: the maximum lies at the edge or the information is singular")
    estimates = fit.theta.copy()
    estimates[fit.sizes] = fit.overdispersion
    return [
        {
            "parameter": name.replace(",", ";"),
            "estimate": float(estimate),
            "se": float(se),
            "loglik": fit.loglik,
            "aic": or_none(fit.aic),
            "nobs": fit.n_observations,
            "converged": int(fit.converged),
        }
        for name, estimate, se in zip(fit.names, estimates, fit.se, strict=True)
    ]


def _orders(case: Case, adjacency: Floats) -> Floats:
    """Orders of neighbourhood from who borders on whom, where the case says that it takes them by
    `nbOrder`: the package needs another package for these, and works them out before the call."""
    said = f"{call_text(case)} {case.get('notes') or ''}"
    if "nbOrder" not in said:
        return adjacency
    called = re.search(r"nbOrder\(\s*\w+\s*(?:,\s*(?:maxlag\s*=\s*)?(\d+|Inf)\s*)?\)", said)
    greatest = (
        (called[1] or "1") if called else "Inf"
    )  # maxlag = 1 where the call has none, as in the package
    orders = neighbourhood_orders(adjacency, len(adjacency) - 1 if greatest == "Inf" else int(greatest))
    return orders.astype(np.float64)


def run_nowcast(case: Case, load: Load) -> list[Row]:
    """`nowcast`: date, reported, nowcast, lower95, upper95 for each date in `when`."""
    control = control_of(case)
    text = call_text(case)
    table = load(str(case["input"]))
    by = stated(case, "aggregate.by", "1 day")
    event, report = (
        np.array(["NaT" if cell in ("NA", "") else cell for cell in table[column]], dtype="datetime64[D]")
        for column in (control.get("dEventCol", "dHospital"), control.get("dReportCol", "dReport"))
    )
    now = np.datetime64(control["now"])
    when = _dates(control["when"], by)
    if by == "1 month":  # it compares "01" with 1
        raise ValueError("the package refuses every date for months, as not the first of one")
    if (when > now).any():
        raise ValueError(f"when must not lie after now ({now}), found {when.max()}")
    if control.get("dRange"):
        first, last = (np.datetime64(day) for day in control["dRange"])
    elif match := re.search(r'dRange *= *as\.Date\(c\("([^"]+)", *"([^"]+)"\)\)', text):
        first, last = np.datetime64(match[1]), np.datetime64(match[2])
    else:
        known_days = event[~np.isnat(event)]
        ends = period_index(np.array([known_days.min(), known_days.max()]), by)
        first, last = (np.datetime64(period_start(int(index), by)) for index in ends)
    for day in (now, first, last, *when):
        if by != "1 day" and period_start(int(period_index(np.array([day]), by)[0]), by) != day:
            raise ValueError(f"dates must be the first day of their period, found {day} for {by}")
    triangle = triangle_from_line_list(
        event, report, now=now, start=first, max_delay=int(stated(case, "D", 15)), by=by
    )
    prior = None
    if "gamma" in text or "gamma" in str(control.get("N.tInf.prior", "")):
        prior = PoissonGamma(float(stated(case, "mean.lambda")), float(stated(case, "var.lambda")))
    m = stated(case, "m")
    alpha = float(stated(case, "alpha", 0.05))
    found = nowcast(
        triangle,
        method=control["method"],
        m=None if m is None else int(m),
        m_form=stated(case, "m.interpretation", "hoehle_anderheiden2014"),
        alpha=alpha,
        prior=prior,
        max_cases=int(stated(case, "N.tInf.max", 300)),
        kappa=float(stated(case, "gd.prior.kappa", 0.1)),
        compat="surveillance",
    )
    start, end = (int(period_index(np.array([d]), by)[0]) for d in (first, last))
    known = ~(np.isnat(event) | np.isnat(report))
    seen = period_index(event[known & (period_index(report, by) <= period_index(np.array([now]), by))], by)
    rows: list[Row] = []
    for day in when:
        index = int(period_index(np.array([day]), by)[0])
        t = index - start
        inside = 0 <= t <= triangle.last and index <= end
        rows.append(
            {
                "date": str(day),
                "reported": float((seen == index).sum()) if start <= index <= end else None,
                "nowcast": float(found.median[t]) if inside else None,
                "lower95": float(found.lower[t]) if inside else None,
                "upper95": float(found.upper[t]) if inside else None,
            }
        )
    return rows


def _dates(value: Any, by: str) -> Any:
    """A date, a list of dates, or "first..last" with a step in words (daily, weekly, monthly)."""
    if isinstance(value, list):
        return np.array(value, dtype="datetime64[D]")
    ends = re.findall(r"\d{4}-\d{2}-\d{2}", str(value))
    if not ends:
        raise ValueError(f"when must be a date, dates, or the first and last of them, found {value!r}")
    first, last = np.datetime64(ends[0]), np.datetime64(ends[-1])
    if "month" in str(value) or by == "1 month":
        months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
        return months.astype("datetime64[D]")
    step = 7 if "week" in str(value) or by == "1 week" else 1
    return np.arange(first, last + np.timedelta64(1, "D"), np.timedelta64(step, "D"))


def run_back_projection(case: Case, load: Load) -> list[Row]:
    """`backprojNP`: k (row), lambda; `B` is not looked at: it adds an interval and changes no estimate."""
    names = series_names(case)
    counts = columns(load(str(case["input"])), names)
    file = re.search(r"inputs/([\w.-]+\.csv)", call_text(case)) or re.search(
        r"([\w.-]*incubation[\w.-]*\.csv)", str(case)
    )
    if file is None:
        raise ValueError("backprojNP: the case names no table of the incubation time")
    incubation = columns(load(file[1]), ["pmf"])[0]
    several = len(names) > 1
    rows: list[Row] = []
    for name, cases in zip(names, counts, strict=True):
        found = back_project(
            cases,
            incubation,
            k=int(stated(case, "k", 2)),
            eps=float(numbers(stated(case, "eps", 0.005))[-1]),
            max_steps=int(numbers(stated(case, "iter.max", 250))[-1]),
        )
        for k, value in enumerate(found.infections, 1):
            rows.append({**({"series": name} if several else {}), "k": k, "lambda": float(value)})
    return rows


def run_point_cluster(case: Case, load: Load) -> list[Row]:
    """`stcd`: event, R, idxFA, idxCC (1-based, -1 = none). The areas of the call are not used: nor does the
    peer, which estimates what is expected from the events."""
    control = control_of(case)
    x, y, t = columns(load(str(case["input"])), ["x", "y", "t"])
    found = detect_point_cluster(
        x,
        y,
        t,
        radius=float(control["radius"]),
        epsilon=float(control["epsilon"]),
        threshold=float(control["threshold"]),
        cusum=bool(stated(case, "cusum", False)),
        compat="surveillance",
    )
    first = -1 if found.first_alarm is None else found.first_alarm + 1
    centre = -1 if found.centre is None else found.centre + 1
    return [
        {"event": i, "R": float(r), "idxFA": first, "idxCC": centre} for i, r in enumerate(found.statistic, 1)
    ]


#: the peer's name -> what runs its cases
RUN: dict[str, Callable[[Case, Load], list[Row]]] = {
    "hhh4": run_hhh4,
    "nowcast": run_nowcast,
    "backprojNP": run_back_projection,
    "hValues": run_design_table,
    "arlCusum": run_arl,
    "LRCUSUM.runlength": run_lr_run_length,
    "categoricalCUSUM": run_categorical,
    "stcd": run_point_cluster,
    "rogerson": run_rogerson,
    "pairedbinCUSUM": run_paired,
    "pairedbinCUSUM.runlength": run_paired_arl,
}
