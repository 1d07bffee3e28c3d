"""Weights of an ensemble learnt on history, and how well they would have done on what came later.

Logistic stacking (Wolpert 1992, Neural Networks 5:241-259) with a ridge on the weights. The score that is
reported is honest in time: history is cut into consecutive blocks, each is judged with weights learnt from
the blocks before it only, and `embargo` periods between the two are left out, since an outbreak reaches
over the border (Bergmeir, Hyndman, Koo 2018, Comput Stat Data Anal 120:70-83, on blocked forms).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from anlan.assess.detect.ensemble import Members, evidence, run_members
from anlan.assess.detect.panel import Floats, Panel, Test

Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a ranking of the cells does at one rate of false alarms: `rate` reached, share of true cells
    found, number of true cells."""

    rate: float
    found: float
    true: int


@dataclass(frozen=True, slots=True)
class Learnt:
    """Parameters for `ensemble(rule="stack")`, and the record on later blocks: of the stack, and of every
    member alone, at the same rate of false alarms. `trained` cells were used, `left_out` had an unknown
    member."""

    weights: tuple[float, ...]
    intercept: float
    cut: float
    stack: Judged
    members: tuple[Judged, ...]
    trained: int
    left_out: int


def learn(
    panel: Panel,
    truth: Truth,
    test: Test,
    members: Members,
    *,
    rate: float = 0.01,
    blocks: int = 5,
    embargo: int = 4,
    ridge: float = 1.0,
) -> Learnt:
    """Learn from `truth` [n_series, n_time] (true where an event was going on) at the periods of `test`,
    in order. `rate`: false alarms per cell without an event that the cut is set for. ValueError without
    any true cell in the history of the first judged block, or with too few periods for the blocks."""
    at = panel.test_indexes(test)
    if truth.shape != panel.counts.shape:
        raise ValueError(f"truth must have the shape of counts {panel.counts.shape}, found {truth.shape}")
    if blocks < 2 or len(at) < 2 * blocks:
        raise ValueError(f"{blocks} blocks need at least {2 * max(blocks, 2)} periods, found {len(at)}")
    if not 0 < rate < 1:
        raise ValueError(f"rate must lie between 0 and 1, found {rate}")
    heard = np.stack([evidence(one) for one in run_members(panel, at, members)])
    known = ~np.isnan(heard).any(axis=0)
    label = truth[:, at]
    edges = np.linspace(0, len(at), blocks + 1).astype(int)
    outcome: list[tuple[Floats, Truth]] = []
    alone: list[list[tuple[Floats, Truth]]] = [[] for _ in range(len(heard))]
    for first, last in pairwise(edges[1:]):
        past = np.zeros(label.shape, dtype=bool)
        past[:, : max(0, first - embargo)] = True
        used = past & known
        if not label[used].any() or label[used].all():
            raise ValueError(
                f"the history before period {int(at[first])} holds {int(label[used].sum())} true cells of "
                f"{int(used.sum())}: some of either kind are needed; use fewer blocks or more history"
            )
        weights, intercept = logistic(heard[:, used].T, label[used], ridge)
        now = np.zeros(label.shape, dtype=bool)
        now[:, first:last] = True
        now &= known
        outcome.append((heard[:, now].T @ weights + intercept, label[now]))
        for place, one in enumerate(heard):
            alone[place].append((one[now], label[now]))
    everything = heard[:, known].T
    weights, intercept = logistic(everything, label[known], ridge)
    odds = everything @ weights + intercept
    return Learnt(
        tuple(float(w) for w in weights),
        float(intercept),
        float(np.quantile(odds[~label[known]], 1 - rate, method="higher")),
        judge(*_join(outcome), rate),
        tuple(judge(*_join(one), rate) for one in alone),
        int(known.sum()),
        int((~known).sum()),
    )


def logistic(x: Floats, y: Truth, ridge: float) -> tuple[Floats, float]:
    """(weights, intercept) that minimise the logistic loss plus ridge / 2 |weights|^2, by Newton's method
    with halved steps where a whole one would not go down."""
    design = np.column_stack([x, np.ones(len(x))])
    penalty = np.append(np.full(x.shape[1], ridge), 0.0)
    beta = np.zeros(design.shape[1])
    beta[-1] = np.log(max(y.mean(), 1e-9) / max(1 - y.mean(), 1e-9))

    def loss(at: Floats) -> float:
        eta = design @ at
        return float((np.logaddexp(0, eta) - y * eta).sum() + 0.5 * (penalty * at**2).sum())

    now = loss(beta)
    for _ in range(100):
        mean = 1 / (1 + np.exp(-np.clip(design @ beta, -700, 700)))
        slope = design.T @ (mean - y) + penalty * beta
        curve = (design * (mean * (1 - mean))[:, None]).T @ design + np.diag(penalty + 1e-12)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while (then := loss(beta - size * step)) > now and size > 1e-10:
            size /= 2
        beta = beta - size * step
        if now - then < 1e-12 * (1 + abs(now)):
            break
        now = then
    return beta[:-1], float(beta[-1])


def judge(rank: Floats, truth: Truth, rate: float) -> Judged:
    """Share of true cells above the threshold that lets at most `rate` of the others through."""
    bound = np.quantile(rank[~truth], 1 - rate, method="higher")
    above = rank > bound
    true = int(truth.sum())
    return Judged(float(above[~truth].mean()), float(above[truth].mean()) if true else float("nan"), true)


def _join(parts: list[tuple[Floats, Truth]]) -> tuple[Floats, Truth]:
    return np.concatenate([rank for rank, _ in parts]), np.concatenate([truth for _, truth in parts])
