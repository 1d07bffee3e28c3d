"""CAP messages as a source: single messages, feeds that hold them, feeds that link to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from anlan.formats.cap import CapAlert, NotCap
from anlan.formats.cap.index import joined
from anlan.formats.cap.look import Asked, Look, look
from anlan.formats.cap.signature import Verdict
from anlan.formats.cap.worker import shared_worker
from anlan.formats.observations import hold
from anlan.formats.values import sha256
from anlan.model.errors import BadInput, Hostile, InvalidValue, NotFound, Unreadable
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.model.relayed import Relayed
from anlan.ports.source import Batch, Received
from anlan.sources.batches import DAWN, MOST_KEPT, by_known, unchanged, whole
from anlan.sources.cap.memory import Memory
from anlan.sources.cap.policy import Policy, in_utc, policy_of
from anlan.sources.cap.received import Receiver
from anlan.sources.cap.warnings import Chains, Warnings
from anlan.sources.poll import SourceUnreachable
from anlan.sources.recorded import recorded
from anlan.sources.registry import Kind
from anlan.sources.tools import Kept, Tools, find_file

_LOG = logging.getLogger("anlan.sources.cap")
LIMIT = 64_000_000
#: most linked messages asked for in one fetch; the rest follow in the next
AT_ONCE = 100


class CapSource:
    """`known` is when a message was received; in history when it was sent. What others send is read in a
    process of its own (`anlan.formats.cap.worker`)."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        if "url" in definition.options and tools.poller is None:
            where = f"source {definition.id}.options.url"
            raise InvalidValue("an address needs a poller", where=where, expected="file")
        self.definition = definition
        self._tools = tools
        self._warnings = Warnings(definition)
        self._receiver = Receiver(definition)
        self._worker = shared_worker()
        self._policy: tuple[str, Policy] | None = None
        self._memory = Memory(tools.kept)
        self._again = False
        #: link -> how often it could not be reached
        self._unreached: dict[str, int] = {}

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse. Entries of a feed that only link to their message are
        held with the code `linked_only`."""
        messages, links, held = self._open(raw, ref, known, pack)
        held += [
            hold(
                self.definition.id,
                ref,
                None,
                known,
                "linked_only",
                f"{ref}: entry {link} links to its message; found no message; expected it in the feed",
                link.encode("utf-8", "surrogatepass"),
            )
            for link in links
        ]
        return self._batch(messages, known, ref, pack, Chains(), held)

    def fetch(self, now: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.fetch: messages not had before. A linked message that cannot be
        reached is asked for again next time."""
        options = self.definition.options
        poller = self._tools.poller
        ref = str(options.get("url") or options.get("file") or "")
        if not ref:
            return unchanged(self.definition, now)
        try:
            if "url" in options and poller is not None:
                answer = poller.ask(ref, conditional=not self._again)
                if answer.unchanged:
                    return unchanged(self.definition, now)
                raw = answer.body
            else:
                raw = find_file(ref, pack, f"source {self.definition.id}.options.file").read_bytes()
        except Hostile as error:
            return whole(self.definition, b"", ref, now, error)
        memory = self._memory
        with memory.lock:
            before = self._resume(ref, now, pack)
        messages, links, held = self._open(raw, ref, now, pack)
        asked = [link for link in links if link not in memory.had]
        self._again = len(asked) > AT_ONCE
        self._unreached = {link: self._unreached[link] for link in asked if link in self._unreached}
        # what could not be reached comes after the others, or a dead host would keep them out
        asked.sort(key=lambda link: self._unreached.get(link, 0))
        for link in asked[:AT_ONCE]:
            try:
                followed(link, ref)
                found, further, broken = self._open(self._linked(link), link, now, pack)
            except SourceUnreachable as error:
                _LOG.warning("source %s: a message waits: %s", self.definition.id, error.sentence())
                self._unreached[link] = self._unreached.get(link, 0) + 1
                self._again = True
                continue
            except Hostile as error:
                held += whole(self.definition, b"", link, now, error).quarantined
            else:
                messages += found
                held += broken
                held += [self._no_further(link, other, now) for other in further]
            memory.had.add(link)
        with memory.lock:
            new = [message for message in messages if sha256(message.item.raw) not in memory.had]
            batch = self._batch(new, now, ref, pack, memory.chains, held)
            memory.had |= {sha256(message.item.raw) for message in new}
        return _joined(before, batch)

    def again(self, raw: bytes, ref: str, now: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Rereads.again."""
        own = str(self.definition.options.get("url") or self.definition.options.get("file") or "")
        with self._memory.lock:
            before = self._resume(own, now, pack)
            messages, _, held = self._open(raw, ref, now, pack, again=True)
            return _joined(before, self._batch(messages, now, ref, pack, self._memory.chains, held))

    def _resume(self, own: str, now: datetime, pack: Pack) -> list[Batch]:
        """What was had before a restart, taken up at the first use; what of it is seen otherwise today."""
        policy = self._policy_of(pack)

        def observe(kept: Kept, raw: bytes, chains: Chains) -> None:
            for message in self._open(raw, kept.feed.ref, kept.feed.known, pack, again=True)[0]:
                if message.alert is not None:
                    digest, known = kept.feed.digest, kept.feed.known
                    self._warnings.observe(
                        message.alert, known, kept.feed.ref, digest, pack, chains, policy, message.verdict
                    )

        since = now - policy.window - policy.longest
        batches = []
        for kept, raw in self._memory.resume(own, since, observe):
            messages, _, _ = self._open(raw, kept.feed.ref, now, pack, again=True)
            fresh = [
                self._receiver.receive(m.alert, now, kept.feed.ref, pack, policy, m.verdict)
                for m in messages
                if m.alert is not None
            ]
            if not any(_otherwise(one.message, kept.message) for one in fresh):
                continue
            if kept.message.held:
                batches.append(self._batch(messages, now, kept.feed.ref, pack, self._memory.chains, []))
            else:
                # it has its place in its chain already
                batches.append(Batch(self.definition.id, now, relayed=tuple(fresh)))
        return batches

    def _linked(self, link: str) -> bytes:
        poller = self._tools.poller
        if poller is None:
            raise SourceUnreachable("a linked message needs a poller", where=link)
        body = poller.ask(link, conditional=False).body
        # it is asked for once: there is no next time for which to remember its state
        poller.forget(link)
        return body

    def _no_further(self, ref: str, link: str, known: datetime) -> Quarantined:
        told = f"{ref}: links on to {link}; found an index; expected the message"
        raw = link.encode("utf-8", "surrogatepass")
        return hold(self.definition.id, ref, None, known, "linked_only", told, raw)

    def whole(self, item: Quarantined) -> bytes:
        """As anlan.ports.source.Source.whole: messages and feeds are held whole."""
        return item.raw

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history, from the files of `recorded`, in order of sending."""
        found: list[tuple[datetime, str, int, CapAlert, Verdict | None]] = []
        held: list[Quarantined] = []
        for ref, raw, fault in recorded(self.definition, pack, LIMIT):
            if fault is not None:
                held += whole(self.definition, raw, ref, DAWN, fault).quarantined
                continue
            messages, links, broken = self._open(raw, ref, DAWN, pack, recorded=True)
            held += broken
            if links:
                missing = NotFound(
                    "a recorded feed that only links to its messages", where=ref, found=links[0]
                )
                held += whole(self.definition, raw, ref, DAWN, missing).quarantined
            for number, message in enumerate(messages):
                alert = self._alert(message)
                if isinstance(alert, BadInput):
                    held += whole(self.definition, message.item.raw, ref, DAWN, alert).quarantined
                else:
                    found.append((in_utc(alert.sent), ref, number, alert, message.verdict))
        observations: list[Observation] = []
        chains, policy = Chains(), self._policy_of(pack)
        relayed: list[Received] = []
        for sent, ref, _, alert, verdict in sorted(found, key=lambda item: item[:3]):
            digest = sha256(alert.raw)
            relayed.append(self._receiver.receive(alert, sent, ref, pack, policy, verdict))
            result = self._warnings.observe(alert, sent, ref, digest, pack, chains, policy, verdict)
            if isinstance(result, Quarantined):
                held.append(result)
            else:
                observations += result
        yield from by_known(self.definition, observations, held, relayed)

    def _policy_of(self, pack: Pack) -> Policy:
        if self._policy is None or self._policy[0] != pack.digest:
            where = f"source {self.definition.id}.options"
            self._policy = (pack.digest, policy_of(self.definition.options, pack, where))
        return self._policy[1]

    def _open(
        self,
        raw: bytes,
        ref: str,
        known: datetime,
        pack: Pack,
        *,
        recorded: bool = False,
        again: bool = False,
    ) -> tuple[list[Look], list[str], list[Quarantined]]:
        """The messages in a document, the addresses of those it links to, and what is wrong with it.
        `again`: it was read before and cost no parser its life, so it is read here and now."""
        trust = self._policy_of(pack).trust
        asked = Asked(trust=trust, at=None if recorded else known, at_sent=recorded)
        messages: list[Look] = []
        links: list[str] = []
        held: list[Quarantined] = []
        base = ref if "://" in ref else ""
        for one in (look if again else self._worker.look)(raw, ref, asked):
            item = one.item
            if not item.code:
                messages.append(one)
            elif item.links:
                links += [joined(base, link) for link in item.links]
            elif item.code == "no_message" and item.raw.startswith(b"<"):
                continue  # an index in which nothing stands: nothing is in force
            else:
                kept = item.raw or raw[:MOST_KEPT]
                held.append(hold(self.definition.id, ref, None, known, item.code, item.sentence, kept))
        return messages, links, held

    def _alert(self, look: Look) -> CapAlert | BadInput:
        """The message, or why it cannot be used."""
        if look.alert is not None:
            return look.alert
        for finding in look.findings:
            if finding.blocking and finding.rule in ("S-size", "S-no-dtd"):
                return Hostile(finding.sentence(), where=look.item.file)
            if finding.blocking and finding.rule == "X-wellformed":
                return Unreadable("not well-formed XML", where=look.item.file, found=finding.found)
        return NotCap(look.findings, look.item.file)

    def _batch(
        self,
        messages: list[Look],
        known: datetime,
        ref: str,
        pack: Pack,
        chains: Chains,
        held: list[Quarantined],
    ) -> Batch:
        observations: list[Observation] = []
        quarantined = list(held)
        alerts: list[tuple[CapAlert, Verdict | None]] = []
        for message in messages:
            alert = self._alert(message)
            if isinstance(alert, BadInput):
                quarantined += whole(self.definition, message.item.raw, ref, known, alert).quarantined
            else:
                alerts.append((alert, message.verdict))
        policy = self._policy_of(pack)
        relayed: list[Received] = []
        # feeds list the newest first; a chain is followed from its start
        for alert, verdict in sorted(alerts, key=lambda one: _order(one[0])):
            digest = sha256(alert.raw)
            relayed.append(self._receiver.receive(alert, known, ref, pack, policy, verdict))
            result = self._warnings.observe(alert, known, ref, digest, pack, chains, policy, verdict)
            if isinstance(result, Quarantined):
                quarantined.append(result)
            else:
                observations += result
        last = tuple(_last(observations))
        return Batch(self.definition.id, known, last, tuple(quarantined), relayed=tuple(relayed))


def _otherwise(one: Relayed, before: Relayed) -> bool:
    """True where it is held for another reason or none, or fewer of its areas are at no known place."""

    def unknown(message: Relayed) -> int:
        return sum(area.by == "unresolved" for info in message.infos for area in info.areas)

    return one.held != before.held or unknown(one) < unknown(before)


def _joined(before: list[Batch], batch: Batch) -> Batch:
    """What is seen otherwise since a restart, and what the feed brought, as one."""
    if not before:
        return batch
    return replace(
        batch,
        observations=tuple(chain.from_iterable(b.observations for b in (*before, batch))),
        quarantined=tuple(chain.from_iterable(b.quarantined for b in (*before, batch))),
        relayed=tuple(chain.from_iterable(b.relayed for b in (*before, batch))),
    )


def followed(link: str, feed: str) -> None:
    """Hostile for a link that is not followed: no web address, or one of this machine or its own network
    where the feed itself is not there. A feed of strangers must not reach what they cannot."""
    try:
        there, here = urlsplit(link), urlsplit(feed)
        host, own = there.hostname or "", here.hostname or ""
    except ValueError:
        host, own, there = "", "", urlsplit("")
    if there.scheme not in ("http", "https") or not host:
        raise Hostile("a link that is no web address", where=feed, found=link[:200], expected="https://…")
    if host == own:
        return
    try:
        inside = not ip_address(host).is_global
    except ValueError:
        inside = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if inside:
        raise Hostile(
            "a link into a private network", where=feed, found=link[:200], expected="a public address"
        )


def _order(alert: CapAlert) -> tuple[datetime, str, str]:
    return alert.sent, alert.sender, alert.identifier


def _last(observations: list[Observation]) -> list[Observation]:
    """Of several values for one place and event in one batch (an alert and its update) the last one."""
    last = {(item.place, item.event, item.at): item for item in observations}
    return list(last.values())


KIND = Kind(Path(__file__).parent, CapSource)
