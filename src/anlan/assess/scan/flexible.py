"""Flexible zones: every connected set of at most K places about a centre, each set once.

Tango, Takahashi (2005), "A flexibly shaped spatial scan statistic for detecting clusters", Int J Health
Geogr 4:11. The places about a centre are its K - 1 nearest in steps of the graph (nearer first, then by
index), with the centre itself; a zone is a connected set of them that holds the centre.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from anlan.assess.scan.zones import Floats, Graph, Zones, sets_as_zones

#: more zones than this would not be searched in any useful time
MOST = 20_000_000


def flexible(graph: Graph, at_risk: Floats, share: float, most_places: int) -> Zones:
    """Zones of up to `most_places` places that hold at most `share` of the population at risk."""
    if not 1 <= most_places <= 30:
        raise ValueError(f"flexible zones hold 1 to 30 places, found {most_places}")
    neighbours = symmetric(graph)
    limit = share * at_risk.sum() * (1 + 1e-12)
    seen: set[frozenset[int]] = set()
    found: list[list[int]] = []
    for centre in range(len(neighbours)):
        for members in connected(neighbours, centre, nearest(neighbours, centre, most_places)):
            key = frozenset(members)
            if key in seen or float(at_risk[members].sum()) > limit:
                continue
            seen.add(key)
            found.append(members)
            if len(found) > MOST:
                raise ValueError(f"more than {MOST} zones: allow fewer than {most_places} places in a zone")
    return sets_as_zones(found, len(neighbours))


def symmetric(graph: Graph) -> list[list[int]]:
    """Neighbours in both directions, without the place itself, in order."""
    both: list[set[int]] = [set() for _ in graph.neighbours]
    for place, others in enumerate(graph.neighbours):
        for other in others:
            if other != place:
                both[place].add(other)
                both[other].add(place)
    return [sorted(others) for others in both]


def nearest(neighbours: list[list[int]], centre: int, count: int) -> list[int]:
    """The centre and its nearest places in steps of the graph, `count` in all."""
    steps = {centre: 0}
    queue = deque([centre])
    while queue:
        place = queue.popleft()
        for other in neighbours[place]:
            if other not in steps:
                steps[other] = steps[place] + 1
                queue.append(other)
    return sorted(steps, key=lambda place: (steps[place], place))[:count]


def connected(neighbours: list[list[int]], centre: int, allowed: list[int]) -> Iterator[list[int]]:
    """Every connected set within `allowed` that holds `centre`, each once, as members in the order in
    which they joined. A place passed over in a branch is never taken up again below it."""
    within = set(allowed)

    def extend(members: list[int], barred: frozenset[int]) -> Iterator[list[int]]:
        yield members
        edge = sorted({o for m in members for o in neighbours[m] if o in within} - set(members) - barred)
        for number, place in enumerate(edge):
            yield from extend([*members, place], barred | frozenset(edge[:number]))

    yield from extend([centre], frozenset())
