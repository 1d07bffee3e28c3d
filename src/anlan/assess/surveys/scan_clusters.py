"""Clusters in space and time as findings: the prospective scan of Kulldorff, period by period.

One finding per cluster, at the smallest place of the tree that covers it, or one at each of its members
(`at_place`). A cluster moves and changes its size from period to period, so it is known by its seat: the
centre it had when it was first found. Whatever cluster holds the seat later continues it; where one cluster
holds two seats, the more severe one goes on and the other ends, with the reason `scan_moved`.

Kulldorff (2001), J R Stat Soc A 164:61-72 (prospective); Kulldorff, Heffernan, Hartman, Assuncao, Mostashari
(2005), PLoS Med 2:e59 (permutation).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from anlan.assess.cluster_scan import (
    Scanned,
    Settings,
    cluster_words,
    cover,
    coverage_words,
    ends,
    panel,
    scanned,
    study,
)
from anlan.assess.detect.spec import Param
from anlan.assess.finding import NOTHING, Look, pick, wanted
from anlan.assess.graded import NO, YES, Numbers
from anlan.assess.grid import instant
from anlan.assess.scan import Cluster
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told, live, step_of
from anlan.model.reason import Reason
from anlan.model.text import Text

NAN = float("nan")
MODELS = ("permutation", "poisson")
MOVED = Reason(
    "scan_moved",
    Text(
        "The cluster goes on under another place, or as part of another cluster.",
        "该聚集区转至其他地点，或并入另一聚集区。",
    ),
)
MOMENT = timedelta(microseconds=1)
#: no cluster holds the seat
QUIET = Numbers(0.0, 0.0, NAN, 0.0, 1.0, NO)


def settings_of(params: Mapping[str, Any]) -> Settings:
    """The parameters of the rule as settings of the study."""
    distance = params["max_distance"]
    return Settings(
        "prospective",
        params["model"],
        int(params["periods"]),
        int(params["longest"]),
        float(params["population_share"]),
        None if distance is None else float(distance),
        int(params["replications"]),
        int(params["seed"]),
    )


def scanned_places(look: Look, seen: tuple[str, ...]) -> tuple[str, ...]:
    """The places that the rule names, or those with counts that have none below them: a place and its
    parts are never scanned together."""
    if look.rule.places:
        return tuple(place for place in seen if wanted(look.rule, look.pack, place, look.now))
    known = [place for place in seen if wanted(look.rule, look.pack, place, look.now)]
    above = {up for place in known for up in look.pack.ancestry(place, look.now)[1:]}
    return tuple(place for place in known if place not in above)


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """The newest scans, as many as hysteresis asks for."""
    rule, now, step = look.rule, look.now, step_of(look)
    chosen = settings_of(params)
    back = math.ceil((rule.hold + rule.keep) / step)
    since, until = now - step * (chosen.periods + back + 2), now + MOMENT
    slice = look.lake.read(rule.indicator, known=now, since=since, until=until)
    places = scanned_places(look, tuple(sorted(set(slice.place.tolist()))))
    grid, values = panel(slice, look.indicator, look.pack, places)
    end = ends(values)
    tests = [
        scanned(study(grid, values, end - n, look.indicator, look.pack, chosen, now))
        for n in range(back, -1, -1)
    ]
    newest = tests[-1]
    rows = pick(slice, np.isin(slice.place, newest.study.places))
    at = instant(grid.times[end - 1]) if end else now
    if newest.unknown is not None:
        why = Reason(
            "scan_unknown",
            Text(f"The scan has no answer: {newest.unknown.en}.", f"聚集扫描无结果：{newest.unknown.zh}。"),
        )
        return Surveyed({}, since, until, at, rows, why)
    found: dict[Key, Told] = {}
    alpha = float(params["significance"])
    members = params["at_place"] == "members"
    for seat, place in _seats(look, newest, alpha):
        here = _holding(newest, seat)
        numbers = tuple(_numbers(one, seat, alpha) for one in tests)
        reasons = (_reason(here, newest, look),) if here is not None else ()
        for where in _where(look, here, place, members):
            found[where, seat] = Told(at, numbers, rows, reasons, look.indicator.unit)
    moved = {key: (MOVED,) for key in live(look) if key not in found}
    return Surveyed(found, since, until, at, rows, reasons=moved)


def _seats(look: Look, newest: Scanned, alpha: float) -> list[tuple[str, str]]:
    """(seat, the place of its live finding or ""): those with a level first, of several in one cluster the
    most severe alone; then the centres of new clusters."""
    severest: dict[str, tuple[int, str]] = {}
    for (place, event), finding in live(look).items():
        level = finding.level or 4
        severest[event] = min(severest.get(event, (level, place)), (level, place))
    seats: list[tuple[str, str]] = []
    taken: set[int] = set()
    for seat, (_, place) in sorted(severest.items(), key=lambda one: (one[1][0], one[0])):
        holder = _holding(newest, seat)
        if holder is not None and holder.rank in taken:
            continue  # another seat goes on with this cluster: this one ends
        if holder is not None:
            taken.add(holder.rank)
        seats.append((seat, place))
    for cluster in newest.clusters:
        strong = cluster.p_value is not None and cluster.p_value <= alpha
        if cluster.rank not in taken and strong and cluster.centre is not None:
            seats.append((cluster.centre, ""))
    return seats


def _holding(found: Scanned, seat: str) -> Cluster | None:
    return next((c for c in found.clusters if seat in c.members), None)


def _numbers(found: Scanned, seat: str, alpha: float) -> Numbers:
    if found.unknown is not None:
        return NOTHING
    cluster = _holding(found, seat)
    if cluster is None:
        return QUIET
    p = NAN if cluster.p_value is None else cluster.p_value
    thought = NAN if cluster.expected is None else cluster.expected
    return Numbers(cluster.observed, thought, NAN, cluster.statistic, p, YES if p <= alpha else NO)


def _where(look: Look, cluster: Cluster | None, place: str, members: bool) -> tuple[str, ...]:
    """Where the finding stands: of a cluster that is gone, where it stood."""
    if cluster is None:
        return (place,) if place else ()
    around = None if members else cover(look.pack, cluster.members, look.now)
    return cluster.members if around is None else (around,)


def _reason(cluster: Cluster, found: Scanned, look: Look) -> Reason:
    words, scope = cluster_words(cluster, look.pack, look.now), coverage_words(found.study)
    return Reason("scan_cluster", Text(f"{words.en} {scope.en}", f"{words.zh}{scope.zh}"))


SPEC = SurveySpec(
    "scan_clusters",
    run,
    (
        Param("model", "str", "permutation", "counts alone, or with the population of places", MODELS),
        Param("periods", "int", 52, "periods of the study, the newest included"),
        Param("longest", "int", 4, "the longest cluster, in periods"),
        Param("population_share", "float", 0.5, "the largest share of all cases (people) in a cluster"),
        Param("max_distance", "float or none", None, "the largest radius in km"),
        Param("significance", "float", 0.05, "the p-value from which down a cluster is an alarm"),
        Param("replications", "int", 999, "data sets drawn under the null"),
        Param("seed", "int", 1, "of the replications"),
        Param("at_place", "str", "cover", "smallest place around it, or each member", ("cover", "members")),
    ),
    "prospective space-time scan: clusters of places",
    "Kulldorff 2001; Kulldorff et al. 2005",
    ("count",),
    hysteresis=True,
    downwards=False,
    numbers={
        "value": "cases in the cluster",
        "expected": "cases there without a cluster",
        "score": "log likelihood ratio",
        "p_value": "how often chance alone gives one as strong anywhere",
    },
    event="the seat: the place at the centre of the cluster when it was first found",
)
