"""The relay's hub: what many received messages come to together.

Messages refer to each other by sender and identifier; the third part of a reference, the instant of
sending, is shown and not compared, because some issuers repeat their new instant there (CAP 1.2, section
3.2.1, references). Everything is worked out anew from all messages, so that their order of arrival, and
how often and by how many feeds they came, makes no difference, with one exception: what was older than its
chain when it came does not come into force by coming last (`anlan.warn.late`).

What a reference does:

- an Update replaces the messages it names, a Cancel cancels them, and nothing else: of a chain whose first
  message alone is cancelled the later ones stand, with a mark that somebody should look;
- it does nothing where it names a message of another sender, of another status (a test never cancels the
  real thing), one sent later than itself, or itself; each such reference says so;
- one that names nothing we have waits: it takes effect when that message comes.

Nothing leaves the board for want of news: a message without an end, or one whose every feed is silent,
stays and is marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from anlan.model.reason import Reason
from anlan.model.relayed import SENT_AHEAD, Feed, Relayed, RelayedReference
from anlan.model.state import State
from anlan.model.text import Text
from anlan.warn.late import REPLAYED, Late, late

#: what may be in force; acknowledgements and errors are answers to messages
ANNOUNCES = ("Alert", "Update")
ANSWERS = ("Ack", "Error")
ACTUAL = "Actual"
#: so long after sending a message that gives no end counts as of unknown end
UNENDED = timedelta(days=1)
#: so many variants of its bytes are kept of one message from one source
_MOST_FORMS = 4
_TRUST = ("broken", "unsigned", "integrity_only", "authenticated")

CAME = Reason(
    "sent_instant_came",
    Text("the instant at which it says it was sent has come", "其声称的发送时刻已到"),
)

STATES = (
    "in_force",
    "coming",
    "end_unknown",
    "replaced",
    "cancelled",
    "expired",
    "replayed",
    "answer",
    "cancel",
    "not_actual",
    "held",
)
OUTCOMES = (
    "applied",
    "missing",
    "other_sender",
    "other_status",
    "sent_later",
    "itself",
    "circular",
    "replayed",
    "unreadable",
    "answered",
    "held",
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A reference and what became of it: `outcome` of OUTCOMES, `targets` the ids of the messages that it
    names (several where one name has several contents)."""

    reference: RelayedReference
    outcome: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A message in its chain, whatever the time is. `replaced_by`, `cancelled_by`, `answered_by`: ids of
    the messages that did so, oldest first. `conflicts`: ids of others with its name and other content.
    `marks`: cancel_of_earlier (a cancel names an earlier message of its chain and not this one), branched
    (another message replaces the same one and both stand), late (it came after `newer` and stands beside it).
    `refused`: the code of the reason for which it stands nowhere and ends nothing, though it can be read and
    its source takes it; `newer` is the id of the message of its chain that had said something newer."""

    message: Relayed
    references: tuple[Resolved, ...]
    chain: str
    replaced_by: tuple[str, ...] = ()
    cancelled_by: tuple[str, ...] = ()
    answered_by: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    refused: str = ""
    newer: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A message at an instant: `state` of STATES; `ends` when the last of its blocks runs out, None where
    one gives no end; `current` False where every source it came by is silent."""

    link: Link
    state: str
    ends: datetime | None
    current: bool


@dataclass(slots=True)
class _Open:
    replaced: dict[str, None] = field(default_factory=dict)
    cancelled: dict[str, None] = field(default_factory=dict)
    answered: dict[str, None] = field(default_factory=dict)


def take(message: Relayed, held: Mapping[str, Relayed], now: datetime) -> tuple[str, Relayed] | None:
    """(received, repeated or released, the value to keep) of a message that arrives at `now`; None where
    nothing about it is new. The same content by another feed is the same message; of what two readings
    make of it, the better understood and the better trusted stands. released: it was held, and is not any
    more (its instant has come, or its source's policy has changed). What was held for its instant alone may
    then be held for another reason: that counts from now on."""
    feed = replace(message.feeds[0], known=now)
    before = held.get(message.id)
    if before is None:
        return "received", replace(message, known=now, feeds=(feed,))
    new = _new_way(feed, before.feeds)
    released = bool(before.held) and not message.held
    came = before.held == SENT_AHEAD and message.held not in ("", SENT_AHEAD)
    if not (new or released or came or _unresolved(message.infos) < _unresolved(before.infos)):
        return None
    infos = min(before.infos, message.infos, key=lambda infos: (_unresolved(infos), repr(infos)))
    held_still = bool(before.held and message.held)
    code, words = max((before.held, before.why_held), (message.held, message.why_held))
    if came:
        code, words = message.held, message.why_held
    return "released" if released else "repeated", replace(
        before,
        feeds=(*before.feeds, feed) if new else before.feeds,
        infos=infos,
        signature=max(before.signature, message.signature, key=_TRUST.index),
        held=code if held_still else "",
        why_held=words if held_still else "",
    )


def why(before: Relayed | None, after: Relayed) -> Reason | None:
    """Why a message is not held any more, or for another reason, where time alone did it."""
    came = before is not None and before.held == SENT_AHEAD and after.held != SENT_AHEAD
    return CAME if came else None


def due(state: State, now: datetime) -> list[Relayed]:
    """The messages held for an instant of sending that has come by now, in that order."""
    # all at once: another thread may take a message in meanwhile
    ids = sorted((sent, id) for id, sent in tuple(state.ahead.items()) if sent <= now)
    return [state.relayed[id] for _, id in ids]


def next_due(state: State, after: datetime | None) -> datetime | None:
    """The next instant at which one of them is to be looked at again; what was due before is looked at
    whenever anything is."""
    return min((sent for sent in state.ahead.values() if after is None or sent > after), default=None)


def _new_way(feed: Feed, feeds: Iterable[Feed]) -> bool:
    same = [one for one in feeds if one.source == feed.source]
    return len(same) < _MOST_FORMS and all(one.digest != feed.digest for one in same)


def _unresolved(infos: tuple[object, ...]) -> int:
    return sum(area.by == "unresolved" for info in infos for area in getattr(info, "areas", ()))


def chains(messages: Iterable[Relayed]) -> dict[str, Link]:
    """Every message in its chain, by id, in order of sending."""
    ordered = sorted(messages, key=lambda one: (one.sent, one.sender, one.identifier, one.id))
    by_key: dict[tuple[str, str], list[Relayed]] = {}
    by_name: dict[str, list[Relayed]] = {}
    for one in ordered:
        by_key.setdefault(one.key, []).append(one)
        by_name.setdefault(one.identifier, []).append(one)
    resolved = {
        one.id: tuple(_resolve(one, reference, by_key, by_name) for reference in one.references)
        for one in ordered
    }
    _break_circles(resolved, {one.id: one for one in ordered})
    came_late = late(_counting(ordered), {one.id: _followed(one, resolved[one.id]) for one in ordered})
    for id, behind in came_late.items():
        resolved[id] = tuple(_spent(reference, behind) for reference in resolved[id])
    effects: dict[str, _Open] = {one.id: _Open() for one in ordered}
    root = {one.id: one.id for one in ordered}
    for one in ordered:
        for reference in resolved[one.id]:
            if reference.outcome not in ("applied", "answered", REPLAYED):
                continue
            for target in reference.targets:
                effect = effects[target]
                if reference.outcome == "answered":
                    effect.answered[one.id] = None
                    continue
                if reference.outcome == REPLAYED:
                    # it stays in sight where its chain is looked at
                    _join(root, one.id, target)
                    continue
                (effect.cancelled if one.msg_type == "Cancel" else effect.replaced)[one.id] = None
                _join(root, one.id, target)
    # the first in order of sending names the chain
    names: dict[str, str] = {}
    for one in ordered:
        names.setdefault(_root(root, one.id), one.id)
    links: dict[str, Link] = {}
    for one in ordered:
        effect = effects[one.id]
        late_by = came_late.get(one.id)
        links[one.id] = Link(
            message=one,
            references=resolved[one.id],
            chain=names[_root(root, one.id)],
            replaced_by=tuple(effect.replaced),
            cancelled_by=tuple(effect.cancelled),
            answered_by=tuple(effect.answered),
            conflicts=tuple(other.id for other in by_key[one.key] if other.id != one.id),
            refused=REPLAYED if late_by is not None and late_by.refused else "",
            newer=late_by.newer if late_by is not None else "",
        )
    return _marked(links)


def _resolve(
    one: Relayed,
    reference: RelayedReference,
    by_key: Mapping[tuple[str, str], list[Relayed]],
    by_name: Mapping[str, list[Relayed]],
) -> Resolved:
    sender, name = _named(reference)
    if not sender or not name:
        return Resolved(reference, "unreadable")
    found = by_key.get((sender, name), [])
    ids = tuple(other.id for other in found)
    if (sender, name) == one.key:
        return Resolved(reference, "itself", ids)
    if not found:
        # known under another sender: perhaps the same office under a new name, which a person must say
        others = tuple(other.id for other in by_name.get(name, ()) if other.id != one.id)
        return Resolved(reference, "other_sender" if others else "missing", others)
    if one.msg_type in ANSWERS:
        return Resolved(reference, "answered", ids)
    if sender != one.sender:
        return Resolved(reference, "other_sender", ids)
    if one.held:
        return Resolved(reference, "held", ids)
    alike = [other for other in found if other.status == one.status]
    if not alike:
        return Resolved(reference, "other_status", ids)
    earlier = tuple(other.id for other in alike if other.sent <= one.sent)
    return Resolved(reference, "applied", earlier) if earlier else Resolved(reference, "sent_later", ids)


def _counting(messages: Iterable[Relayed]) -> list[Relayed]:
    return [one for one in messages if not one.held and one.msg_type not in ANSWERS]


def _followed(one: Relayed, references: Iterable[Resolved]) -> list[tuple[str, str]]:
    """The names of what a message follows of its own sender, here or missing."""
    return [
        _named(found.reference)
        for found in references
        if found.outcome in ("applied", "missing") and found.reference.sender.strip() == one.sender
    ]


def _spent(found: Resolved, behind: Late) -> Resolved:
    """A reference of a message that came late: without effect where what was newer leaves it none."""
    spent = found.outcome in ("applied", "missing") and _named(found.reference) in behind.spent
    return replace(found, outcome=REPLAYED) if spent else found


def _named(reference: RelayedReference) -> tuple[str, str]:
    return reference.sender.strip(), reference.identifier.strip()


def _break_circles(resolved: dict[str, tuple[Resolved, ...]], messages: Mapping[str, Relayed]) -> None:
    """Messages of one second that name each other round in a circle would all be gone: none of those
    references counts. A circle needs one instant, since nothing refers to what was sent later."""
    groups: dict[tuple[str, datetime], list[str]] = {}
    for id, message in messages.items():
        groups.setdefault((message.sender, message.sent), []).append(id)
    for ids in groups.values():
        if len(ids) < 2:
            continue
        inside = set(ids)
        follows = {
            id: {
                target
                for reference in resolved[id]
                if reference.outcome == "applied"
                for target in reference.targets
                if target in inside
            }
            for id in ids
        }
        round_ = {id for id in ids if _comes_back(id, follows)}
        for id in round_:
            resolved[id] = tuple(
                replace(reference, outcome="circular")
                if reference.outcome == "applied" and not round_.isdisjoint(reference.targets)
                else reference
                for reference in resolved[id]
            )


def _comes_back(start: str, follows: Mapping[str, set[str]]) -> bool:
    todo, seen = list(follows[start]), set[str]()
    while todo:
        id = todo.pop()
        if id == start:
            return True
        if id not in seen:
            seen.add(id)
            todo.extend(follows.get(id, ()))
    return False


def _join(root: dict[str, str], one: str, other: str) -> None:
    a, b = _root(root, one), _root(root, other)
    if a != b:
        root[max(a, b)] = min(a, b)


def _root(root: dict[str, str], id: str) -> str:
    while root[id] != id:
        root[id] = root[root[id]]
        id = root[id]
    return id


def _marked(links: dict[str, Link]) -> dict[str, Link]:
    """The marks of messages that stand although something in their chain deserves a look."""
    by_chain: dict[str, list[Link]] = {}
    for link in links.values():
        by_chain.setdefault(link.chain, []).append(link)
    for chain in by_chain.values():
        heads = [
            link
            for link in chain
            if link.message.msg_type in ANNOUNCES
            and not (link.replaced_by or link.cancelled_by or link.refused)
        ]
        cancelled = any(link.cancelled_by for link in chain)
        # a cancel that came too late to end anything still says what its sender thought of what was before it
        latest = max(
            (x.message.sent for x in chain if x.refused and x.message.msg_type == "Cancel"), default=None
        )
        for head in heads:
            doubted = cancelled or (latest is not None and latest >= head.message.sent)
            marks = [
                mark
                for mark, holds in (
                    ("branched", len(heads) > 1),
                    ("cancel_of_earlier", doubted),
                    ("late", bool(head.newer)),
                )
                if holds
            ]
            if marks:
                links[head.message.id] = replace(head, marks=tuple(marks))
    return links


def standing(link: Link, at: datetime, silent: frozenset[str] = frozenset()) -> Standing:
    """A message at an instant; `silent` are sources that tell nothing any more."""
    message = link.message
    current = any(feed.source not in silent for feed in message.feeds)
    ends = message.ends
    return Standing(link, _state(link, at, ends), ends, current)


def _state(link: Link, at: datetime, ends: datetime | None) -> str:
    message = link.message
    if message.held:
        return "held"
    if message.msg_type in ANSWERS:
        return "answer"
    if message.status != ACTUAL:
        return "not_actual"
    if message.msg_type == "Cancel":
        return "replayed" if link.refused else "cancel"
    if link.cancelled_by:
        return "cancelled"
    if link.replaced_by:
        return "replaced"
    if link.refused:
        return "replayed"
    if ends is not None and ends <= at:
        return "expired"
    begins = [info.effective for info in message.infos if info.effective is not None]
    if begins and len(begins) == len(message.infos) and min(begins) > at:
        return "coming"
    if ends is None and message.sent + UNENDED <= at:
        return "end_unknown"
    return "in_force"


def board(links: Mapping[str, Link], at: datetime, silent: frozenset[str] = frozenset()) -> list[Standing]:
    """Every message as it stands at `at`, newest first."""
    found = [standing(link, at, silent) for link in links.values()]
    return sorted(found, key=lambda one: (one.link.message.sent, one.link.message.id), reverse=True)
