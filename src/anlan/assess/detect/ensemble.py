"""Several detectors on one series, one answer: votes, or learnt weights.

`rule="vote"`: the weights of the members that raise an alarm, as a share of all weights, reach `quorum`.
`rule="stack"`: a logistic combination (Wolpert 1992, Neural Networks 5:241-259) of the members' evidence,

    log odds = intercept + sum_i weight_i z_i,    z_i = normal quantile of 1 - p_i, within -EDGE ... EDGE

where a member that states no p-value gives its score instead of z; an alarm is a log odds above `cut`.
Weights, intercept and cut are learnt on history by `anlan.assess.stacking`.

A member that does not know may not decide: the answer is the one that holds whatever the unknown members
would have said, and unknown where that is undecided. So a dead input neither raises nor clears an alarm.

`expected`, `threshold`, `variance` are those of the first member, whose words explain the finding;
`score` is the share of votes, or the log odds minus `cut`; `p_value` combines the known members' by the
Cauchy combination test (Liu, Xie 2020, J Am Stat Assoc 115:393-402), which holds however they depend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy.special import ndtri

from anlan.assess.detect.panel import Alarm, Detection, Floats, Panel, Reason, Test, detection
from anlan.assess.detect.spec import REQUIRED, Param, Spec

Rule: TypeAlias = Literal["vote", "stack"]
Members: TypeAlias = Sequence[str | Mapping[str, Any]]

#: evidence is held within these, so that one member alone cannot outshout all others
EDGE = 8.0


def ensemble(
    panel: Panel,
    test: Test,
    *,
    members: Members,
    weights: Sequence[float] | None = None,
    rule: Rule = "vote",
    quorum: float = 0.5,
    intercept: float = 0.0,
    cut: float = 0.0,
) -> Detection:
    """Test `panel` at `test` with every member. `members`: names, or tables with `detector` and its
    parameters; `weights` one each (all 1 by default), for votes above 0; `quorum` above 0, at most 1."""
    named = [_member(one) for one in members]
    share = np.ones(len(named)) if weights is None else np.asarray(weights, dtype=np.float64)
    _check(named, share, rule, quorum)
    found = run_members(panel, test, members)
    alarms = np.stack([one.alarm for one in found])
    if rule == "vote":
        part = share / share.sum()
        certain = np.einsum("m,mst->st", part, alarms == Alarm.YES)
        possible = certain + np.einsum("m,mst->st", part, alarms == Alarm.UNKNOWN)
        # shares are sums of fractions: 0.1 + 0.2 reaches 0.3
        low, high, score = certain >= quorum - 1e-12, possible >= quorum - 1e-12, certain
    else:
        heard = np.stack([evidence(one) for one in found])
        silent = np.isnan(heard)
        known = intercept + np.einsum("m,mst->st", share, np.where(silent, 0.0, heard))
        swing = EDGE * np.einsum("m,mst->st", np.abs(share), silent)
        low, high = known - swing > cut, known + swing > cut
        score = np.where(swing > 0, np.nan, known - cut)
    alarm = np.where(low, Alarm.YES, np.where(high, Alarm.UNKNOWN, Alarm.NO)).astype(np.int8)
    lead = found[0]
    unknown = alarm == Alarm.UNKNOWN
    why = np.full(alarm.shape, np.int16(Reason.OK))
    for one in reversed(found):
        why = np.where(one.alarm == Alarm.UNKNOWN, one.reason, why)
    return detection(
        lead.test,
        alarm=alarm,
        reason=np.where(unknown, why, Reason.OK).astype(np.int16),
        expected=lead.expected,
        threshold=lead.threshold,
        score=score,
        p_value=cauchy(np.stack([one.p_value for one in found]), np.abs(share)),
        variance=lead.variance,
        phi=lead.phi,
    )


def run_members(panel: Panel, test: Test, members: Members) -> list[Detection]:
    """What every member finds, in their order."""
    from anlan.assess.detect.registry import detector

    at = panel.test_indexes(test)
    return [detector(name)(panel, at, **params) for name, params in map(_member, members)]


def evidence(found: Detection) -> Floats:
    """z of each cell within +-EDGE, or the score where the method has no p-value; NaN where unknown."""
    with np.errstate(invalid="ignore"):
        z = -ndtri(np.clip(found.p_value, 1e-300, 1 - 1e-16))
    heard: Floats = np.clip(np.where(np.isnan(found.p_value), found.score, z), -EDGE, EDGE)
    return np.where(found.alarm == Alarm.UNKNOWN, np.nan, heard)


def cauchy(p: Floats, weights: Floats) -> Floats:
    """Combined p-value [n_series, n_test] of `p` [n_members, n_series, n_test], the NaN ones left out;
    NaN where no member states one (Liu, Xie 2020, equation 1)."""
    known = ~np.isnan(p)
    weight = weights[:, None, None] * known
    whole = weight.sum(axis=0)
    inside = np.clip(np.where(known, p, 0.5), 1e-300, 1 - 1e-15)
    # near 0 the tangent is 1 / (p pi), without the loss of digits
    steep = np.where(inside < 1e-15, 1 / (inside * np.pi), np.tan((0.5 - np.maximum(inside, 1e-15)) * np.pi))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * steep).sum(axis=0) / whole
        joint = np.where(mean > 1e15, 1 / (mean * np.pi), 0.5 - np.arctan(mean) / np.pi)
    combined: Floats = np.where(whole > 0, joint, np.nan)
    return combined


def _member(one: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(one, str):
        return one, {}
    params = dict(one)
    name = params.pop("detector", None)
    if not isinstance(name, str):
        raise ValueError(f"a member is a name or a table with 'detector', found {one!r}")
    return name, params


def _check(named: Sequence[tuple[str, Any]], weights: Floats, rule: str, quorum: float) -> None:
    if not named:
        raise ValueError("an ensemble needs at least one member, found none")
    if any(name == "ensemble" for name, _ in named):
        raise ValueError("an ensemble cannot be a member of an ensemble")
    if weights.shape != (len(named),) or not np.isfinite(weights).all():
        raise ValueError(
            f"weights must be {len(named)} finite numbers, one a member, found {weights.tolist()}"
        )
    if rule == "vote" and not (weights > 0).all():
        raise ValueError(f"votes must weigh more than 0, found {weights.tolist()}")
    if not 0 < quorum <= 1:
        raise ValueError(f"quorum must lie above 0 and be at most 1, found {quorum}")


def _history(params: Mapping[str, Any], freq: int) -> int:
    """The longest of the members'."""
    from anlan.assess.detect.registry import spec

    longest = 0
    for name, given in map(_member, params["members"]):
        one = spec(name)
        longest = max(longest, one.history(one.complete(given), freq))
    return longest


SPECS = (
    Spec(
        "ensemble",
        ensemble,
        (
            Param("members", "list", REQUIRED, "detectors: names, or tables with `detector` and parameters"),
            Param("weights", "list or none", None, "one number a member; none: all alike"),
            Param(
                "rule",
                "str",
                "vote",
                "count votes, or add up evidence with learnt weights",
                ("vote", "stack"),
            ),
            Param("quorum", "float", 0.5, "vote: share of the weights that must raise an alarm"),
            Param("intercept", "float", 0.0, "stack: log odds without evidence"),
            Param("cut", "float", 0.0, "stack: log odds above which there is an alarm"),
        ),
        title="several detectors, one answer",
        source="Wolpert 1992, Neural Networks 5:241-259; Liu, Xie 2020, J Am Stat Assoc 115:393-402",
        history=_history,
        values="reading",
        needs_history=True,
    ),
)
