"""Messages that come late: older, by their own instant of sending, than what their chain had when they came.

Feeds lag, lose messages and bring old ones again, and whoever can send to a feed can send it what was true
yesterday. What stands is ended by nobody but its own sender's reference; so, the other way round, what is
older than the newest word of its chain does not come into force by coming last. A late message is refused
(it stands nowhere and ends nothing, and is shown with its reason) where

- an earlier message that it builds on had been cancelled, later than it was sent;
- what was newer in its chain had all ended: an old message never brings an ended warning back; or
- what was newer tells of every place, and of the time, that it tells of: there is a newer word on each.

Else it tells of something that nothing newer does (one warning that was split into two comes so when a feed
lags), and stands, marked. A late cancel does nothing to what a newer message had ended already.

Messages that came at one instant are never late for each other, nor is one whose followers came before it:
these end it as ever. Nothing here asks the clock; a message came when it was first known, or at its own
instant of sending where that is later.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from anlan.model.relayed import Relayed

Name = tuple[str, str]
Spot = tuple[str, str]
#: the code of the reason: of `docs/reference/reasons.md`
REPLAYED = "replayed"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Late:
    """`newer`: the id of the newest message of its chain that was here when it came. `spent`: the names
    (sender, identifier) on which it has no effect; `refused`: it stands nowhere and has no effect at all."""

    newer: str
    refused: bool
    spent: frozenset[Name] = frozenset()


def late(messages: Iterable[Relayed], follows: Mapping[str, Sequence[Name]]) -> dict[str, Late]:
    """Those of `messages` (neither held nor answers) that came late, by id. `follows`: id -> the names of
    the earlier messages of its own sender that it follows, whether they are here or not."""
    found: dict[str, Late] = {}
    for chain in _chains(messages, follows):
        if _out_of_order(chain):
            found |= _Chain(chain, follows).walk()
    return found


def came(message: Relayed) -> datetime:
    """When it could first count."""
    return max(message.known, message.sent)


def _chains(messages: Iterable[Relayed], follows: Mapping[str, Sequence[Name]]) -> list[list[Relayed]]:
    """Messages that name each other, or the same message, whether that is here or not."""
    root: dict[tuple[str, str, str], tuple[str, str, str]] = {}

    def find(node: tuple[str, str, str]) -> tuple[str, str, str]:
        root.setdefault(node, node)
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    together = list(messages)
    for one in together:
        own = find((*one.key, one.status))
        for name in follows.get(one.id, ()):
            root[find((*name, one.status))] = own
    groups: dict[tuple[str, str, str], list[Relayed]] = {}
    for one in together:
        groups.setdefault(find((*one.key, one.status)), []).append(one)
    return list(groups.values())


def _out_of_order(chain: Sequence[Relayed]) -> bool:
    """True where any message came after one that was sent later."""
    first: datetime | None = None
    for _, same in groupby(sorted(chain, key=lambda one: one.sent, reverse=True), key=lambda one: one.sent):
        instants = [came(one) for one in same]
        if first is not None and max(instants) > first:
            return True
        first = min(instants) if first is None else min(first, *instants)
    return False


class _Chain:
    """One chain, walked in the order in which its messages came."""

    def __init__(self, chain: Sequence[Relayed], follows: Mapping[str, Sequence[Name]]) -> None:
        self._messages = sorted(chain, key=lambda one: (came(one), one.sent, one.id))
        self._follows = follows
        self._by_name: dict[Name, list[Relayed]] = {}
        for one in chain:
            self._by_name.setdefault(one.key, []).append(one)
        self._newest: Relayed | None = None
        self._announced = _NEVER
        #: name -> when the last message that names it was sent; the same of cancels alone
        self._named: dict[Name, datetime] = {}
        self._cancelled: dict[Name, datetime] = {}
        #: announcements, the newest first, less those found to have ended
        self._heads: list[tuple[float, str, Relayed]] = []
        #: spot -> the newest message that tells of it (at all; of the whole of it): when sent, until when
        self._told: dict[Spot, tuple[datetime, datetime | None]] = {}
        self._told_whole: dict[Spot, tuple[datetime, datetime | None]] = {}

    def walk(self) -> dict[str, Late]:
        found: dict[str, Late] = {}
        for _, same in groupby(self._messages, key=came):
            arrived = list(same)
            found |= {one.id: late for one in arrived if (late := self._judge(one)) is not None}
            for one in arrived:
                if one.id not in found or not found[one.id].refused:
                    self._add(one)
        return found

    def _judge(self, one: Relayed) -> Late | None:
        names = self._follows.get(one.id, ())
        if self._newest is None or self._newest.sent <= one.sent or not names:
            return None
        if one.msg_type == "Cancel":
            spent = frozenset(name for name in names if self._named.get(name, _NEVER) > one.sent)
            return Late(self._newest.id, spent.issuperset(names), spent) if spent else None
        if self._named.get(one.key, _NEVER) >= one.sent:
            return None
        ended = self._announced > one.sent and not self._stands(one)
        if ended or self._over(one) or self._all_told(one):
            return Late(self._newest.id, True, frozenset(names))
        return Late(self._newest.id, False)

    def _over(self, one: Relayed) -> bool:
        """An earlier message that it builds on had been cancelled, later than it was sent."""
        if not self._cancelled:
            return False
        todo, seen = list(self._follows[one.id]), set[Name]()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            if self._cancelled.get(name, _NEVER) > one.sent:
                return True
            for earlier in self._by_name.get(name, ()):
                todo += self._follows.get(earlier.id, ())
        return False

    def _stands(self, one: Relayed) -> bool:
        """Something newer stood when it came."""
        while self._heads:
            head = self._heads[0][2]
            # what has ended has ended for all that come later: the walk is in their order
            over = head.ends is not None and head.ends <= came(one)
            if not over and self._named.get(head.key, _NEVER) < head.sent:
                return head.sent > one.sent
            heapq.heappop(self._heads)
        return False

    def _all_told(self, one: Relayed) -> bool:
        """Something newer tells of each place that it tells of, and not only of a time before."""
        begins = min((info.onset or info.effective or one.sent for info in one.infos), default=one.sent)
        spots = _spots(one)
        for spot, partial in spots.items():
            sent, until = (self._told if partial else self._told_whole).get(spot, (_NEVER, None))
            if sent <= one.sent or (until is not None and until <= begins):
                return False
        return bool(spots)

    def _add(self, one: Relayed) -> None:
        if self._newest is None or (one.sent, one.id) > (self._newest.sent, self._newest.id):
            self._newest = one
        for name in self._follows.get(one.id, ()):
            self._named[name] = max(self._named.get(name, _NEVER), one.sent)
            if one.msg_type == "Cancel":
                self._cancelled[name] = max(self._cancelled.get(name, _NEVER), one.sent)
        if one.msg_type == "Cancel":
            return
        self._announced = max(self._announced, one.sent)
        heapq.heappush(self._heads, (-one.sent.timestamp(), one.id, one))
        for spot, partial in _spots(one).items():
            if spot == ("", ""):
                continue
            for told in (self._told,) if partial else (self._told, self._told_whole):
                if told.get(spot, (_NEVER, None))[0] <= one.sent:
                    told[spot] = (one.sent, one.ends)


def _spots(message: Relayed) -> dict[Spot, bool]:
    """What a message tells of: a place of the pack, or an area in its own words where no place is known; and
    whether only of a part of it."""
    found: dict[Spot, bool] = {}
    for info in message.infos:
        for area in info.areas:
            for place in area.places or ("",):
                spot = (place, "" if place else area.description.strip())
                found[spot] = found.get(spot, True) and place in area.partial
    return found
