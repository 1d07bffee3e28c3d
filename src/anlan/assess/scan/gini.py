"""Which largest share of the population to believe: the Gini coefficient of the clusters reported.

Han, Zhu, Kulldorff, Hostovich, Stinchcomb, Tatalovich, Lewis, Feuer (2016), "Using Gini coefficient to
determining optimal cluster reporting sizes for spatial scan statistics", Int J Health Geogr 15:27.
For each share the significant clusters that do not overlap are ordered by observed / expected; the
coefficient is twice the area between the diagonal and the curve of expected against observed shares.
"""

from __future__ import annotations

import numpy as np

from anlan.assess.scan.engine import Engine, Floats
from anlan.assess.scan.montecarlo import p_value
from anlan.assess.scan.params import ScanParams
from anlan.assess.scan.secondary import LEAST, Candidate, candidates, without_overlap
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

#: shares that are tried, as far as the scan allows
SHARES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20, 0.25, 0.30, 0.40, 0.50)
LEVEL = 0.05


def coefficient(observed: Floats, expected: Floats, total: float) -> float:
    """Gini coefficient of clusters with `observed` and `expected` cases of `total`, and the rest."""
    seen = np.append(observed, total - observed.sum()) / total
    thought = np.append(expected, total - expected.sum()) / total
    order = np.argsort(-seen / np.maximum(thought, 1e-300), kind="stable")
    x = np.concatenate([[0.0], np.cumsum(thought[order])])
    y = np.concatenate([[0.0], np.cumsum(seen[order])])
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1])) - 1.0)


def best_share(
    engine: Engine,
    zones: Zones,
    windows: Windows,
    params: ScanParams,
    kept: list[Candidate],
    drawn: Floats,
) -> tuple[list[Candidate], set[int]]:
    """The clusters of the share with the largest coefficient after `kept`, without those already there,
    and which of all of them belong to that share."""
    best_value, best_clusters = 0.0, []
    total = float(engine.describe(np.arange(len(engine.at_risk)), 0, 1)["observed"])
    for share in [s for s in SHARES if s < params.population_share] + [params.population_share]:
        narrowed = narrow(zones, engine.at_risk, share)
        clusters = without_overlap(
            candidates(engine.observed(narrowed, windows, LEAST), narrowed), params.overlap
        )
        strong = [
            c for c in clusters if len(drawn) and p_value(c.statistic, drawn, params.stop_after) < LEVEL
        ]
        if not strong:
            continue
        known = [engine.describe(c.members, c.start, c.end) for c in strong]
        value = coefficient(
            np.array([k["observed"] for k in known]), np.array([k["expected"] for k in known]), total
        )
        if value > best_value + 1e-12:
            best_value, best_clusters = value, strong
    have = {(frozenset(c.members.tolist()), c.start, c.end) for c in kept}
    chosen = {(frozenset(c.members.tolist()), c.start, c.end) for c in best_clusters}
    added = [c for c in best_clusters if (frozenset(c.members.tolist()), c.start, c.end) not in have]
    together = sorted([*kept, *added], key=lambda c: -c.statistic)
    marked = {
        number
        for number, c in enumerate(together)
        if (frozenset(c.members.tolist()), c.start, c.end) in chosen
    }
    return together, marked


def narrow(zones: Zones, at_risk: Floats, share: float) -> Zones:
    """The same chains with only those zones that hold at most `share` of the population at risk."""
    limit = share * at_risk.sum() * (1 + 1e-12)
    held = np.cumsum(at_risk[zones.places])
    before = np.concatenate([[0.0], held])[zones.ptr[:-1]]
    inside = held - np.repeat(before, np.diff(zones.ptr))
    return Zones(
        zones.ptr, zones.first, zones.places, zones.stop & (inside <= limit), zones.centre, zones.shape,
        zones.shapes, zones.factor,
    )  # fmt: skip
