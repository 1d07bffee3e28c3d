"""p-values of the places that a rule tests at the same time, adjusted for how many there are.

A family is what one officer answers for: the places of one level (provinces, counties) that a rule of one
domain looks at in one period. What is unknown there is no test (`anlan.assess.multiplicity`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anlan.assess.finding import Look, wanted
from anlan.assess.graded import UNKNOWN, Numbers
from anlan.assess.multiplicity import q_values
from anlan.model.indicator import Rule
from anlan.packs.conditions import compile_condition

Told = dict[str, list[Numbers]]


def controlled(rule: Rule) -> bool:
    """Whether the condition of the rule asks for a `q_value`."""
    return any(name == "q_value" for name, _ in compile_condition(rule.when).names)


def adjusted(detect: Callable[..., Told]) -> Callable[..., Told]:
    """`detect` (a look first), whose numbers carry the q-values of their families."""

    def with_q_values(look: Look, *rest: object) -> Told:
        return families(look, detect(look, *rest))

    return with_q_values


def families(look: Look, found: Told) -> Told:
    """The numbers of every place and tested period, with `q_value`; NaN of places that the rule does not look
    at, and where nothing is known."""
    places = [place for place in sorted(found) if wanted(look.rule, look.pack, place, look.now)]
    if not places or not found[places[0]]:
        return found
    p = np.array([[_p(one) for one in found[place]] for place in places])
    levels = np.array([look.pack.place(place, look.now).level for place in places])
    level: NDArray[np.int64] = np.unique(levels, return_inverse=True)[1].ravel().astype(np.int64)
    q = q_values(p, level[:, np.newaxis] * p.shape[1] + np.arange(p.shape[1]))
    sizes = [[int((~np.isnan(p[level == own, t])).sum()) for t in range(p.shape[1])] for own in level]
    return {
        **found,
        **{
            place: [
                replace(one, q_value=float(q[n, t]), tested=sizes[n][t]) for t, one in enumerate(found[place])
            ]
            for n, place in enumerate(places)
        },
    }


def _p(one: Numbers) -> float:
    return float("nan") if one.alarm == UNKNOWN else one.p_value
