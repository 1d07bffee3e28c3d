"""CAP messages as a source: single messages, feeds that hold them, feeds that link to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from anlan.formats.cap import CapAlert, IndexEntry, read, read_index
from anlan.formats.observations import hold
from anlan.formats.table import gunzip
from anlan.formats.values import sha256
from anlan.model.errors import BadInput, Hostile, InvalidValue, NotFound, Unreadable
from anlan.model.indicator import SourceDef
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.quarantine import Quarantined
from anlan.ports.source import Batch
from anlan.sources.batches import DAWN, by_known, unchanged, whole
from anlan.sources.cap.warnings import Chains, Warnings
from anlan.sources.poll import SourceUnreachable
from anlan.sources.recorded import recorded
from anlan.sources.registry import Kind
from anlan.sources.tools import Tools, find_file

LIMIT = 64_000_000
#: most linked messages asked for in one fetch; the rest follow in the next
AT_ONCE = 100


class CapSource:
    """`known` is when a message was received; in history when it was sent."""

    def __init__(self, definition: SourceDef, tools: Tools) -> None:
        if "url" in definition.options and tools.poller is None:
            where = f"source {definition.id}.options.url"
            raise InvalidValue("an address needs a poller", where=where, expected="file")
        self.definition = definition
        self._tools = tools
        self._warnings = Warnings(definition)
        self._chains = Chains()
        self._had: set[str] = set()
        self._again = False

    def parse(self, raw: bytes, ref: str, known: datetime, pack: Pack) -> Batch:
        """As anlan.ports.source.Source.parse. Entries of a feed that only link to their message are
        held with the code `linked_only`."""
        messages, links, held = self._open(raw, ref, known)
        held += [
            hold(
                self.definition.id,
                ref,
                None,
                known,
                "linked_only",
                f"{ref}: entry {link} links to its message; found no message; expected it in the feed",
                link.encode(),
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
        messages, links, held = self._open(raw, ref, now)
        new = [message for message in messages if sha256(message) not in self._had]
        asked = [link for link in links if link not in self._had]
        self._again = len(asked) > AT_ONCE
        for link in asked[:AT_ONCE]:
            try:
                new += self._linked(link)
                self._had.add(link)
            except SourceUnreachable:
                self._again = True
            except Hostile as error:
                self._had.add(link)
                held += whole(self.definition, b"", link, now, error).quarantined
        batch = self._batch(new, now, ref, pack, self._chains, held)
        self._had |= {sha256(message) for message in new}
        return batch

    def _linked(self, link: str) -> list[bytes]:
        poller = self._tools.poller
        if poller is None:
            raise SourceUnreachable("a linked message needs a poller", where=link)
        return [poller.ask(link, conditional=False).body]

    def whole(self, item: Quarantined) -> bytes:
        """As anlan.ports.source.Source.whole: messages and feeds are held whole."""
        return item.raw

    def history(self, pack: Pack) -> Iterator[Batch]:
        """As anlan.ports.source.Source.history, from the files of `recorded`, in order of sending."""
        alerts: list[tuple[datetime, str, int, CapAlert]] = []
        held: list[Quarantined] = []
        for ref, raw, fault in recorded(self.definition, pack, LIMIT):
            if fault is not None:
                held += whole(self.definition, raw, ref, DAWN, fault).quarantined
                continue
            messages, links, broken = self._open(raw, ref, DAWN)
            held += broken
            if links:
                missing = NotFound(
                    "a recorded feed that only links to its messages", where=ref, found=links[0]
                )
                held += whole(self.definition, raw, ref, DAWN, missing).quarantined
            for number, message in enumerate(messages):
                try:
                    alert = read(message, ref)
                except BadInput as error:
                    held += whole(self.definition, message, ref, DAWN, error).quarantined
                else:
                    alerts.append((alert.sent.astimezone(UTC), ref, number, alert))
        observations: list[Observation] = []
        chains = Chains()
        for sent, ref, _, alert in sorted(alerts, key=lambda item: item[:3]):
            result = self._warnings.observe(alert, sent, ref, sha256(alert.raw), pack, chains)
            if isinstance(result, Quarantined):
                held.append(result)
            else:
                observations += result
        yield from by_known(self.definition, observations, held)

    def _open(
        self, raw: bytes, ref: str, known: datetime
    ) -> tuple[list[bytes], list[str], list[Quarantined]]:
        """The messages in a document, the addresses of those it links to, and what is wrong with it."""
        try:
            raw = gunzip(raw, ref, LIMIT)
            entries = self._entries(raw, ref)
        except BadInput as error:
            return [], [], list(whole(self.definition, raw, ref, known, error).quarantined)
        if entries is None:
            return [raw], [], []
        if not entries and b":emergency:cap:" in raw:
            stray = Unreadable(
                "a feed whose messages stand outside its entries",
                where=ref,
                found="no entry",
                expected="an entry for each message",
            )
            return [], [], list(whole(self.definition, raw, ref, known, stray).quarantined)
        messages = [message for entry in entries for message in entry.cap]
        links = [entry.links[0] for entry in entries if not entry.cap and entry.links]
        held = [
            hold(
                self.definition.id,
                ref,
                None,
                known,
                "unreadable",
                f"{ref}: entry {entry.id or entry.title!r} has neither a message nor a link to one",
                (entry.id or entry.title).encode(),
            )
            for entry in entries
            if not entry.cap and not entry.links
        ]
        return messages, links, held

    def _entries(self, raw: bytes, ref: str) -> tuple[IndexEntry, ...] | None:
        """The entries of a feed; None where the document is no feed (and so may be a message)."""
        base = ref if "://" in ref else ""
        try:
            return read_index(raw, base, ref, LIMIT)
        except Hostile:
            raise
        except BadInput as error:
            if error.message != "not an index":
                raise
            return None

    def _batch(
        self,
        messages: list[bytes],
        known: datetime,
        ref: str,
        pack: Pack,
        chains: Chains,
        held: list[Quarantined],
    ) -> Batch:
        observations: list[Observation] = []
        quarantined = list(held)
        alerts = []
        for message in messages:
            try:
                alerts.append(read(message, ref))
            except BadInput as error:
                quarantined += whole(self.definition, message, ref, known, error).quarantined
        # feeds list the newest first; a chain is followed from its start
        for alert in sorted(alerts, key=lambda alert: (alert.sent, alert.sender, alert.identifier)):
            digest = sha256(alert.raw)
            result = self._warnings.observe(alert, known, ref, digest, pack, chains)
            if isinstance(result, Quarantined):
                quarantined.append(result)
            else:
                observations += result
        return Batch(self.definition.id, known, tuple(_last(observations)), tuple(quarantined))


def _last(observations: list[Observation]) -> list[Observation]:
    """Of several values for one place and event in one batch (an alert and its update) the last one."""
    last = {(item.place, item.event, item.at): item for item in observations}
    return list(last.values())


KIND = Kind(Path(__file__).parent, CapSource)
