"""Cases of the R package's register for control charts: their run lengths, their designs, the charts.

See `register`, which lists them by the package's names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Panel
from anlan.assess.models.categorical_cusum import categorical_cusum
from anlan.assess.models.cusum_design import CusumDesign, design_table
from anlan.assess.models.epidemic_component import Floats
from anlan.assess.models.lr_run_length import (
    RunLengthLaw,
    binomial_cusum_run_length,
    count_cusum_run_length,
)
from anlan.assess.models.paired_cusum import paired_binary_cusum, paired_cusum_arl
from anlan.assess.models.peer_case import (
    NUMBER,
    Case,
    Load,
    Row,
    beside,
    call_of,
    call_text,
    columns,
    control_of,
    given_in,
    numbers,
    or_none,
    series_names,
    stated,
    whole,
)
from anlan.assess.models.rogerson import rogerson
from anlan.assess.models.run_length import arl_cusum


def _law(case: Case) -> Any:
    """Distribution and, for the binomial one, its n."""
    name = stated(case, "distr") or stated(case, "distribution") or "poisson"
    return name, float(stated(case, "n", 1))


def run_design_table(case: Case, load: Load) -> list[Row]:
    """`hValues`: theta0, h, k, ARL, rel.tol."""
    del load
    given = given_in(call_of(case, "hValues"), "theta0")
    theta0 = numbers(control_of(case)["theta0"]) if given is None else np.atleast_1d(given)
    law, n = _law(case)
    designs = design_table(
        theta0,
        float(stated(case, "ARL0")),
        s=float(stated(case, "s", 1)),
        rel_tol=float(stated(case, "rel.tol", 0.02)),
        law=law,
        n=n,
        round_k=bool(stated(case, "roundK", True)),
        digits=int(stated(case, "digits", 1)),
        fast_initial_response=bool(stated(case, "FIR", False)),
    )
    return [
        {"theta0": d.theta0, "h": d.h, "k": d.k, "ARL": d.arl, "rel.tol": d.relative_error} for d in designs
    ]


def run_arl(case: Case, load: Load) -> list[Row]:
    """`arlCusum` over every combination of h, k, theta (h fastest): ARL, FIR_ARL."""
    del load
    control = control_of(case)
    law, n = _law(case)
    winsorise = stated(case, "W")
    rows: list[Row] = []
    for theta in numbers(control.get("theta", 2.4)):
        for k in numbers(control.get("k", 3)):
            for h in numbers(control.get("h", 10)):
                found = arl_cusum(
                    float(h),
                    float(k),
                    float(theta),
                    law=law,
                    n=n,
                    digits=int(stated(case, "digits", 1)),
                    winsorise=None if winsorise is None else float(winsorise),
                )
                if math.isnan(found.arl):
                    raise ValueError(f"I - R is singular for h = {h}, k = {k}, theta = {theta}")
                rows.append(
                    {
                        "h": whole(h),
                        "k": whole(k),
                        "theta": float(theta),
                        "ARL": found.arl,
                        "FIR_ARL": found.fast_initial_response,
                    }
                )
    return rows


def run_lr_run_length(case: Case, load: Load) -> list[Row]:
    """`LRCUSUM.runlength`: h, t, pmf, cdf over the periods of the call or, where it asks for `$arl`, h, arl.
    Negative binomial where there is an alpha, else Poisson, or binomial where the call says so."""
    del load
    control = control_of(case)
    text = call_text(case)
    n, g = float(stated(case, "n", 100)), int(stated(case, "g", 5))
    periods = re.search(r"for (\d+) (?:week|day|month|period)|rep\([^,()]+, (\d+)\)", text)
    repeated = int(next(p for p in periods.groups() if p)) if periods else 1
    values = {name: numbers(control[name]) for name in ("mu", "mu0", "mu1") if control.get(name) is not None}
    if not {"mu0", "mu1"} <= set(values):
        raise ValueError(f"LRCUSUM.runlength needs mu0 and mu1, found {', '.join(values) or 'neither'}")
    length = max(repeated, *(len(v) for v in values.values()))
    mu0 = np.broadcast_to(values["mu0"], length)
    mu1 = np.broadcast_to(values["mu1"], length)
    mu = np.broadcast_to(values.get("mu", values["mu0"]), length)
    only_arl = "$arl" in text or str(case.get("output", "")).endswith("_arl.csv")
    if only_arl:
        mu, mu0, mu1 = mu[:1], mu0[:1], mu1[:1]

    def law(h: float) -> RunLengthLaw:
        if "alpha" not in control and re.search(r"(?<!negative )\bbinom|dbinom", text):
            return binomial_cusum_run_length(mu, mu0, mu1, np.full(mu.shape, n), h, g=g)
        alpha = float(control.get("alpha") or 0)
        return count_cusum_run_length(mu, mu0, mu1, h, alpha=alpha, outcomes=int(n), g=g)

    rows: list[Row] = []
    for h in numbers(control["h"]):
        found = law(float(h))
        if only_arl:
            rows.append({"h": whole(h), "arl": found.arl})
            continue
        rows += [
            {"h": whole(h), "t": t, "pmf": float(p), "cdf": float(c)}
            for t, (p, c) in enumerate(zip(found.pmf, found.cdf, strict=True), 1)
        ]
    return rows


def run_categorical(case: Case, load: Load) -> list[Row]:
    """`categoricalCUSUM` of positives out of the population: k, value, alarm, p0, p1."""
    control = control_of(case)
    names = series_names(case)
    positive = columns(load(str(case["input"])), names)[0]
    total = columns(load(beside(case, "population")), names)[0]
    ks = numbers(control["range"]).astype(np.int64)
    p0 = _proportion(control["pi0"], math.nan, positive, total)
    p1 = _proportion(control["pi1"], p0, positive, total)
    y = np.stack([positive, total - positive])[:, ks - 1]
    pi0, pi1 = (np.repeat([[p], [1 - p]], len(ks), axis=1) for p in (p0, p1))
    cases = stated(case, "ret", "value") == "cases"
    found = categorical_cusum(y, pi0, pi1, float(control.get("h", 5)), cases=cases)
    values = found.cases if cases else found.statistic
    return [
        {"k": int(k), "value": or_none(v), "alarm": int(a) if a >= 0 else None, "p0": p0, "p1": p1}
        for k, v, a in zip(ks, values, found.alarm, strict=True)
    ]


def _proportion(given: Any, p0: float, positive: Floats, total: Floats) -> float:
    """A number, or in words: "mean share of weeks 1-100", "odds of pi0 times 1.2", "pi0 times 1.2"."""
    if isinstance(given, (int, float)):
        return float(given)
    text = str(given)
    if match := re.search(r"share of \w+ (\d+) ?(?:-|to|\.\.|:) ?(\d+)", text):
        rows = slice(int(match[1]) - 1, int(match[2]))
        return float(positive[rows].sum() / total[rows].sum())
    if match := re.search(rf"(odds of )?pi0 times ({NUMBER})", text):
        factor = float(match[2])
        if not match[1]:
            return p0 * factor
        odds = factor * p0 / (1 - p0)
        return odds / (1 + odds)
    if match := re.fullmatch(rf" *({NUMBER}) *", text):
        return float(match[1])
    raise ValueError(f"cannot tell a proportion from {text!r}")


def run_rogerson(case: Case, load: Load) -> list[Row]:
    """`algo.rogerson`: series, k, upperbound, alarm."""
    control = control_of(case)
    names = series_names(case)
    call = call_of(case, "algo.rogerson")
    counts = columns(load(str(case["input"])), names)
    if not isinstance(control.get("range"), (Mapping, list, str)):
        raise ValueError("rogerson needs a range")
    ks = numbers(control["range"]).astype(np.int64)
    theta0 = given_in(call, "theta0t")
    if theta0 is None:
        rows = load(re.sub(r"\.csv$", "_theta0t.csv", str(case["input"])))
        at = {int(float(k)): float(v) for k, v in zip(rows["k"], rows["theta0t"], strict=True)}
        theta0 = [at[int(k)] for k in ks]
    theta0 = np.asarray(theta0, dtype=np.float64).reshape(len(ks), -1)
    law, n = str(stated(case, "distribution", "poisson")), given_in(call, "nt")
    if n is None and control.get("n") is not None:
        n = np.full(len(ks), float(control["n"]))
    table = given_in(call, "hValues")
    s = float(stated(case, "s"))
    if table is None:
        designs: Sequence[CusumDesign] = design_table(np.unique(theta0), float(stated(case, "ARL0")), s=s)
    else:
        designs = [
            CusumDesign(float(row[0]), float(row[1]), float(row[2]), math.nan, math.nan)
            for row in np.atleast_2d(table)
        ]
    limit = stated(case, "limit")
    found = rogerson(
        Panel(counts, max(1, int(case.get("freq") or 1))),
        ks - 1,
        theta0=theta0[:, 0] if theta0.shape[1] == 1 else theta0.T,
        table=designs,
        s=s,
        law=law,  # type: ignore[arg-type]  # checked where it is used
        n=None if n is None else np.asarray(n, dtype=np.float64).ravel(),
        fast_initial_response=bool(stated(case, "FIR", False)),
        limit=None if limit is None or float(limit) < 0 else float(limit),
        digits=int(stated(case, "digits", 1)),
    )
    return [
        {
            "series": name,
            "k": int(k),
            "upperbound": or_none(found.threshold[i, j]),
            "alarm": int(found.alarm[i, j]) if found.alarm[i, j] >= 0 else None,
        }
        for i, name in enumerate(names)
        for j, k in enumerate(ks)
    ]


def run_paired(case: Case, load: Load) -> list[Row]:
    """`pairedbinCUSUM`: series, k, upperbound (the statistic), alarm."""
    control = control_of(case)
    names = series_names(case)
    counts = columns(load(str(case["input"])), names)
    ks = numbers(control["range"]) if control.get("range") else np.arange(1, counts.shape[1] + 1)
    at = ks.astype(np.int64) - 1
    found = paired_binary_cusum(
        counts[:, at],
        numbers(control["theta0"]),
        numbers(control["theta1"]),
        **{name: float(control[name]) for name in ("h1", "h2", "h11", "h22")},
        compat="surveillance",
    )
    return [
        {
            "series": name,
            "k": int(k),
            "upperbound": or_none(found.statistic[i, j]),
            "alarm": int(found.alarm[i, j]) if found.alarm[i, j] >= 0 else None,
        }
        for i, name in enumerate(names)
        for j, k in enumerate(ks)
    ]


def run_paired_arl(case: Case, load: Load) -> list[Row]:
    """`pairedbinCUSUM.runlength`: arl."""
    del load
    control = control_of(case)
    limits = {name: int(control[name]) for name in ("h1", "h2", "h11", "h22")}
    w1, w2 = (numbers(control[name]).astype(np.int64) for name in ("w1", "w2"))
    return [{"arl": paired_cusum_arl(numbers(control["p"]), w1, w2, **limits)}]
