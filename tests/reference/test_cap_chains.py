"""Every reference in the real messages of the corpus: what it names, and what becomes of it."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from anlan.formats.cap.look import Look, look
from anlan.model.indicator import SourceDef
from anlan.model.relayed import Relayed
from anlan.sources.cap.policy import Policy
from anlan.sources.cap.received import Receiver
from anlan.warn import hub
from chain_pack import DAY, both, chain_pack

IDENTIFIER = re.compile(rb"<(?:\w+:)?identifier>\s*([^<]*?)\s*</")
CENTURY = timedelta(days=36_525)


def files(shared: Path) -> Iterator[Path]:
    for path in sorted((shared / "corpus" / "cap").rglob("*")):
        if (
            path.is_file()
            and path.suffix not in (".md", ".csv", ".json", ".zip")
            and "hostile" not in path.parts
        ):
            yield path


@pytest.fixture(scope="module")
def looks(shared: Path) -> list[Look]:
    return [one for path in files(shared) for one in look(path.read_bytes(), path.name)]


@pytest.fixture(scope="module")
def kept(looks: list[Look]) -> dict[str, Relayed]:
    """The hub after all of them, each taken as known when it was sent."""
    receiver = Receiver(SourceDef("all", both("all"), "cap", "", both("all"), DAY, DAY))
    policy = Policy(window=CENTURY, scopes=("Public", "Restricted", "Private"))
    pack, found = chain_pack(), dict[str, Relayed]()
    for one in looks:
        if one.alert is None:
            continue
        known = one.alert.sent.astimezone(UTC)
        message = receiver.receive(one.alert, known, one.item.file, pack, policy, one.verdict).message
        taken = hub.take(message, found, known)
        if taken is not None:
            found[message.id] = taken[1]
    return found


def test_every_reference_of_the_corpus_is_resolved_or_named(
    looks: list[Look], kept: dict[str, Relayed]
) -> None:
    alerts = [one.alert for one in looks if one.alert is not None]
    written = sum(len(alert.references) for alert in alerts)
    links = hub.chains(kept.values())
    outcomes = Counter(one.outcome for link in links.values() for one in link.references)
    # messages that came several times with one content count once
    repeated = written - sum(len(message.references) for message in kept.values())
    assert sum(outcomes.values()) + repeated == written
    assert (len(alerts), len(kept), written, repeated) == (660, 639, 323, 3)
    # applied: the message is here; missing: no message of the corpus has the name; other_sender: Mexico's
    # weather service under the other of its two names; unreadable: "reference1" and the like; itself: one
    # message of Alertswiss that names itself
    assert outcomes == {"applied": 253, "missing": 57, "unreadable": 5, "other_sender": 4, "itself": 1}


def test_what_is_called_missing_is_nowhere_in_the_corpus(shared: Path, kept: dict[str, Relayed]) -> None:
    """Looked up in the bytes themselves, without our reader."""
    everywhere = {
        html.unescape(name.decode("utf-8", "replace"))
        for path in files(shared)
        for name in IDENTIFIER.findall(path.read_bytes())
    }
    missing = {
        one.reference.identifier
        for link in hub.chains(kept.values()).values()
        for one in link.references
        if one.outcome == "missing"
    }
    assert len(missing) > 40
    assert missing & everywhere == set()


def test_every_message_that_is_followed_has_its_follower_and_stands_no_more(
    kept: dict[str, Relayed],
) -> None:
    links = hub.chains(kept.values())
    followed = {
        target
        for link in links.values()
        for one in link.references
        if one.outcome == "applied"
        for target in one.targets
    }
    assert followed == {id for id, link in links.items() if link.replaced_by or link.cancelled_by}
    # just after it was sent, a message that nothing follows stands, unless it says itself that it does not
    for link in links.values():
        message = link.message
        state = hub.standing(link, message.sent).state
        if message.id in followed:
            assert state in ("replaced", "cancelled", "held", "not_actual", "cancel")
        elif message.status == "Actual" and message.msg_type in hub.ANNOUNCES and not message.held:
            assert state in ("in_force", "coming", "expired")


def test_messages_told_in_any_order_give_the_same_board(kept: dict[str, Relayed]) -> None:
    forward, backward = hub.chains(kept.values()), hub.chains(list(kept.values())[::-1])
    assert forward == backward
    assert list(forward) == list(backward)


def test_the_same_content_in_other_bytes_is_one_message_and_other_content_a_conflict(
    kept: dict[str, Relayed],
) -> None:
    several = [message for message in kept.values() if len({feed.digest for feed in message.feeds}) > 1]
    assert several, "the corpus holds messages in several wrappings"
    conflicts = [link for link in hub.chains(kept.values()).values() if link.conflicts]
    assert len(conflicts) == 52
    for link in conflicts:
        assert all(kept[other].key == link.message.key for other in link.conflicts)
        assert all(kept[other].content != link.message.content for other in link.conflicts)
