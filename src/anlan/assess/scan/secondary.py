"""Which clusters are reported: the strongest, then weaker ones that do not merely repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from anlan.assess.scan.engine import Best
from anlan.assess.scan.params import Overlap
from anlan.assess.scan.statistic import TIE
from anlan.assess.scan.zones import Ints, Zones

#: a cluster below this is nothing
LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best zone about one centre in one span: `statistic`, `chain`, `centre` (-1: everywhere), `members`,
    periods [start, end)."""

    statistic: float
    chain: int
    position: int
    centre: int
    members: Ints
    start: int
    end: int


def candidates(best: Best, zones: Zones) -> list[Candidate]:
    """The best window of each centre among those that end with the same period, over all shapes, the
    strongest first; of windows over all places only the best one.

    Of equal windows of a chain the smaller zone wins, then the earlier start. Two shapes with the same
    places differ in the last digits of a sum taken in another order, and the larger wins, as it does in
    the program of reference. Of equal clusters the purely temporal comes first, then the one with fewer
    places, then the centre that comes first by id.
    """
    top: dict[tuple[int, int], int] = {}
    centres = zones.centre[best.chain].tolist()
    for row, (centre, (position, start, end)) in enumerate(zip(centres, best.where.tolist(), strict=True)):
        value = float(best.value[row])
        if value < LEAST:
            continue
        key = (centre, -1 if centre < 0 else end)
        other = top.get(key)
        if other is None:
            top[key] = row
        elif best.chain[row] != best.chain[other]:
            if value > best.value[other]:
                top[key] = row
        elif value > best.value[other] + TIE or (
            value > best.value[other] - TIE and (position, start) < tuple(best.where[other, :2].tolist())
        ):
            top[key] = row
    found = []
    for (centre, _), row in top.items():
        position, start, end = best.where[row].tolist()
        chain = int(best.chain[row])
        members = zones.members(chain, position)
        found.append(Candidate(float(best.value[row]), chain, position, centre, members, start, end))
    return sorted(found, key=cmp_to_key(_before))


def _before(one: Candidate, other: Candidate) -> int:
    if abs(one.statistic - other.statistic) > TIE:
        return -1 if one.statistic > other.statistic else 1
    keys = [(c.centre >= 0, len(c.members), c.centre) for c in (one, other)]
    return (keys[0] > keys[1]) - (keys[0] < keys[1])


def without_overlap(ordered: Sequence[Candidate], rule: Overlap) -> list[Candidate]:
    """Those of `ordered` that the rule allows beside the stronger ones kept. A purely temporal cluster
    is always kept and never in the way; under `none` neither are clusters of other times."""
    kept: list[Candidate] = []
    sets: list[set[int]] = []
    for one in ordered:
        members = set(one.members.tolist())
        if one.centre < 0 or all(
            (rule == "none" and (one.end <= other.start or other.end <= one.start))
            or _allowed(rule, one.centre, members, other.centre, others)
            for other, others in zip(kept, sets, strict=True)
            if other.centre >= 0
        ):
            kept.append(one)
            sets.append(members)
    return kept


def _allowed(rule: Overlap, centre: int, members: set[int], other: int, others: set[int]) -> bool:
    if rule == "none":
        return not members & others
    if rule == "no_centre_in_other":
        return centre not in others and other not in members
    if rule == "no_centre_in_stronger":
        return centre not in others
    if rule == "no_centre_in_weaker":
        return other not in members
    if rule == "no_mutual_centres":
        return centre not in others or other not in members
    return True
