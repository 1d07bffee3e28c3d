"""The running system: pack, stores, channels, and the fold of the journal."""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from anlan.app.areas import areas_of_before, target_areas
from anlan.app.config import MODES, Config, read_config
from anlan.app.imprint import imprinted
from anlan.app.signed import FOLDER as SIGNED
from anlan.app.signed import Signed, read_keys
from anlan.channels.guard import Guarded
from anlan.channels.registry import build as build_channel
from anlan.formats.values import sha256
from anlan.model.assessment import Assessment
from anlan.model.entry import Draft, Entry
from anlan.model.errors import NotFound, PackFault, StoreUnavailable
from anlan.model.indicator import SourceDef
from anlan.model.mailing import Mailing
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State, fold
from anlan.model.warning import Delivery, Recipient, Warning
from anlan.packs.load import load_pack
from anlan.packs.locate import Finder
from anlan.packs.paths import pack_path
from anlan.ports.channel import Channel, Parcel
from anlan.ports.clock import Clock
from anlan.ports.source import Source
from anlan.sources.poll import Poller
from anlan.sources.registry import build as build_source
from anlan.sources.tools import Kept, Tools
from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake
from anlan.store.messages import SqlMessages
from anlan.store.outbox import SqlOutbox
from anlan.warn import contact, digest
from anlan.warn.calling import prefaces
from anlan.warn.mailing import identity
from anlan.warn.proof import ANSWER, RECEIPT, code, token
from anlan.warn.render import TargetArea, render
from anlan.warn.words import words, zone_of

#: less free space than this stops intake before a store can be caught half-way
RESERVE = 64 * 1024 * 1024


#: so many messages are kept as they leave, for the recipients that follow
KEPT = 64
K = TypeVar("K")
V = TypeVar("V")


class RunningHouse:
    """One workspace, opened. Implements anlan.ports.house.House. One process writes at a time, and calls
    `keep` before it decides anything."""

    def __init__(
        self,
        workspace: Path,
        clock: Clock,
        config: Config | None = None,
        *,
        pack: Pack | None = None,
        reading: bool = False,
    ) -> None:
        """`config`, `pack`: given where they have been read already. `reading`: nothing is made or
        changed in the workspace; NotFound where it has no journal yet."""
        self.workspace = workspace
        self.config = config or read_config(workspace)
        self.signed = Signed(workspace / SIGNED, read_keys(self.config.signing, workspace))
        self.clock: Clock = clock
        self.language = self.config.language
        if pack is None:
            pack = load_pack(self.config.pack, (*(Path(p) for p in self.config.packs), *pack_path()))
        self.pack: Pack = pack
        url = self.config.journal or f"sqlite:///{workspace / 'journal.sqlite'}"
        self.journal = SqlJournal(url, create=not reading)
        self.outbox = SqlOutbox(url, create=not reading)
        self.messages = SqlMessages(url, create=not reading)
        self.lake = DeltaLake.open(workspace, create=not reading)
        self.state: State = fold(self.journal.read())
        self.status = MODES[self.config.mode]
        self._until: dict[str, datetime] | None = None
        self._channels: dict[str, Channel] = {}
        self._sources: dict[str, Source] = {}
        self._packs: dict[str, Pack | None] = {self.pack.digest: self.pack}
        self._kept = False
        self._key: bytes | None = None
        # what a sent message looks like never changes: kept while it is being handed over
        self._rendered: dict[tuple[str, str], bytes] = {}
        self._left: dict[tuple[str, str], bytes] = {}
        self._making = threading.Lock()
        self._worded: dict[tuple[str, str, tuple[str, ...], bool], tuple[str, str]] = {}

    # -- what the flow asks -------------------------------------------------------------------------

    def watched(self, source: str, now: datetime) -> bool:
        if self._until is None:
            return True
        return source in self._until and now <= self._until[source]

    def watch_until(self, ends: Mapping[str, datetime]) -> None:
        """In replay: only these sources are expected to bring news, each until its record ends."""
        self._until = dict(ends)

    @property
    def sender(self) -> str:
        return self.config.sender

    def keep(self) -> None:
        """Before anything is decided: a copy of the pack it is decided with stays in the workspace."""
        if not self._kept:
            keep_pack(self.pack, self.workspace)
            self._kept = True

    def pack_of(self, digest: str) -> Pack | None:
        """The pack of that digest: today's, or the copy that the workspace keeps; None where neither is
        it. What the copy says was checked when it was in service, and is not judged by later checks."""
        if digest not in self._packs:
            self._packs[digest] = kept_pack(digest, self.workspace)
        return self._packs[digest]

    def render(self, warning: Warning) -> bytes:
        if not warning.digest:
            return self._render(warning)
        key = (warning.id, warning.digest)
        kept = self._rendered.get(key)
        if kept is None:
            kept = self._render(warning)
            _keep(self._rendered, key, kept)
        return kept

    def _render(self, warning: Warning) -> bytes:
        pack = self._pack_with(warning)
        earlier = [self.state.warnings[id] for id in warning.references]
        sender = (warning.sender if warning.digest else "") or self.config.sender
        # what has left is rendered again as it was, whatever is asked of messages now; a draft is shown
        # with what it lacks (`unmet`), and is approved only when it lacks nothing
        held = warning.imprint is not None and not warning.digest
        given = warning if warning.digest else self.imprinted(warning)

        def written(areas: Sequence[TargetArea], before: bool = False) -> bytes:
            return render(
                given,
                pack,
                sender,
                areas,
                earlier=earlier,
                profiles=given.imprint.profiles if held and given.imprint else (),
                to_be_signed=held and self.signs(given),
                before=before,
            )

        cap = written(target_areas(given, pack))
        if not given.digest or self.digest(cap) == given.digest:
            return cap
        older = areas_of_before(given, pack)
        for areas, before in ((target_areas(given, pack), True), (older, False), (older, True)):
            then = written(areas, before)
            if self.digest(then) == given.digest:
                return then
        return cap

    def imprinted(self, warning: Warning) -> Warning:
        return imprinted(warning, self.config, self.state.warnings.values())

    def signs(self, warning: Warning) -> bool:
        """True when a key is in use at the instant of its approval."""
        return warning.sent is not None and self.signed.keys.at(warning.sent) is not None

    def seal(self, cap: bytes, at: datetime) -> Reason | None:
        return self.signed.seal(cap, at)

    def published(self, warning: Warning) -> bytes:
        """The bytes in which a message leaves: signed where it was sealed so."""
        if warning.sent is None or not warning.digest:
            return self.signed.of(self.render(warning))
        key = (warning.id, warning.digest)
        kept = self._left.get(key)
        if kept is None:
            # many threads begin with the same message: one makes it
            with self._making:
                kept = self._left.get(key)
                if kept is None:
                    kept = self.signed.of(self.render(warning))
                    _keep(self._left, key, kept)
        return kept

    def _pack_with(self, warning: Warning) -> Pack:
        """A message that was sent keeps the pack of its sending; today's where that is lost (the message
        must still leave) or was never written down."""
        return (self.pack_of(warning.pack) if warning.digest and warning.pack else None) or self.pack

    @staticmethod
    def digest(raw: bytes) -> str:
        return sha256(raw)

    def parcel(self, delivery: Delivery, warning: Warning, repeat: bool) -> Parcel:
        recipient = self.recipient(delivery.recipient)
        if delivery.digest:
            held = self.state.digests[delivery.digest]
            listed = [self.state.warnings[id] for id in held.warnings]
            subject, body = digest.words(held, listed, self.pack, recipient.languages, self.clock.now())
            return Parcel(delivery, warning, recipient, self.published(warning), subject, body, repeat)
        if delivery.warning in self.state.contact_tests:
            return self._test(delivery, warning, recipient, repeat)
        # once for a message and its languages, however many recipients read them
        key = (warning.id, warning.digest, recipient.languages, repeat)
        said = self._worded.get(key) if warning.digest else None
        if said is None:
            said = words(warning, self._pack_with(warning), recipient.languages, repeat=repeat)
            _keep(self._worded, key, said)
        subject, body = said
        asked = delivery.answer_by is not None
        # without an address of our own nobody could follow a link, or send a receipt but by a broker
        heard = bool(self.config.url or self.config.acknowledgements.host)
        mark = token(self.key, RECEIPT, delivery.id) if heard else ""
        asks = asked and self.config.url
        link = f"{self.config.url}/answer/{token(self.key, ANSWER, delivery.id)}" if asks else ""
        short = code(self.key, delivery.id) if asked and self.config.sms_key else ""
        first = prefaces(
            delivery,
            self.pack,
            recipient.languages,
            link=link,
            code=short,
            zone=zone_of(warning),
            mode=warning.mode,
        )
        cap = self.published(warning)
        whole = "".join(first.values()) + body
        return Parcel(delivery, warning, recipient, cap, subject, whole, repeat, link, mark, first)

    def _test(self, delivery: Delivery, message: Warning, to: Recipient, repeat: bool) -> Parcel:
        """The test of a contact: of its own words and bytes, answered like a call."""
        link, mark, short = "", "", code(self.key, delivery.id) if self.config.sms_key else ""
        if self.config.url:
            link = f"{self.config.url}/answer/{token(self.key, ANSWER, delivery.id)}"
        if self.config.url or self.config.acknowledgements.host:
            mark = token(self.key, RECEIPT, delivery.id)
        subject, first, said = contact.words(to, repeat=repeat, link=link, code=short)
        cap = contact.cap(self.state.contact_tests[delivery.warning], to, self.sender)
        whole = "".join(first.values()) + said
        return Parcel(delivery, message, to, cap, subject, whole, repeat, link, mark, first)

    @property
    def key(self) -> bytes:
        """What answer links, receipts and codes of this workspace are signed with; made when first needed."""
        if self._key is None:
            self._key = secret_key(self.workspace / "links.key")
        return self._key

    def recipient(self, id: str) -> Recipient:
        """The recipient with the address that this workspace gives."""
        recipient = self.pack.recipients[id]
        address = self.config.addresses.get(id)
        return recipient if address is None else replace(recipient, address=address)

    def channel(self, id: str) -> Channel:
        if id not in self._channels:
            found = next((c for c in self.config.channel if c.id == id), None)
            if found is None:
                raise NotFound(
                    "no such channel",
                    where="anlan.toml: channel",
                    found=id,
                    expected=", ".join(c.id for c in self.config.channel),
                )
            self._channels[id] = build_channel(
                found.kind, self._settled(found.options), self.clock, f"channel {id}"
            )
        return self._channels[id]

    def tidy(self, now: datetime) -> None:
        """What is over leaves the feeds, also where nothing new is published. OSError when a disk does not
        take it: the others are tidy all the same."""
        failed: OSError | None = None
        for channel in list(self._channels.values()):
            try:
                if isinstance(channel, Guarded):
                    channel.tidy(now)
            except OSError as error:
                failed = error
        if failed is not None:
            raise failed

    def _settled(self, options: Mapping[str, object]) -> dict[str, object]:
        """Folders in options are relative to the workspace."""
        return {
            key: str(self.workspace / str(value)) if key == "folder" else value
            for key, value in options.items()
        }

    def source(self, id: str) -> Source:
        """The adapter of a source of the pack."""
        if id not in self._sources:
            if id not in self.pack.sources:
                raise NotFound(
                    "no such source",
                    where=f"pack {self.pack.id}",
                    found=id,
                    expected=", ".join(sorted(self.pack.sources)) or "none is there",
                )
            self._sources[id] = build_source(self.pack.sources[id], self._tools(self.pack.sources[id]))
        return self._sources[id]

    def forget_source(self, id: str) -> None:
        """Build the adapter anew next time: what it handed over last could not be stored."""
        self._sources.pop(id, None)

    def _tools(self, definition: SourceDef) -> Tools:
        return Tools(
            poller=Poller(),
            resolve_point=Finder(self.pack, definition),
            earlier=self.lake.event,
            kept=lambda: self._brought(definition.id),
        )

    def _brought(self, source: str) -> Iterator[Kept]:
        """Every way by which a source brought a message, as the journal has it."""
        for message in tuple(self.state.relayed.values()):
            for feed in message.feeds:
                if feed.source == source:
                    yield Kept(message, feed, functools.partial(self.messages.read, feed.digest))

    def history(self, thread: Assessment, drafts: Sequence[Draft], now: datetime) -> Iterator[Entry]:
        yield from self.thread_entries(thread)
        seq = self.state.head
        for draft in drafts:
            if draft.risk == thread.id or draft.subject in thread.findings:
                seq += 1
                yield Entry(
                    seq,
                    now,
                    draft.kind,
                    draft.subject,
                    draft.risk,
                    draft.actor,
                    draft.value,
                    draft.cause,
                    draft.why,
                    "",
                    "",
                )

    def thread_entries(self, thread: Assessment) -> list[Entry]:
        """The journal of a thread and of its findings, in order."""
        entries = list(self.journal.by_risk(thread.id))
        for finding in thread.findings:
            entries += self.journal.by_subject(finding)
        return sorted(entries, key=lambda entry: entry.seq)

    def delivery_entries(self, id: str) -> list[Entry]:
        """The journal of one delivery, with the rows that say it for many at once, in order."""
        found = self.state.deliveries[id]
        own = list(self.journal.by_subject(id))
        for entry in self.journal.by_subject(identity(found.warning, found.channel, found.rung)):
            if isinstance(entry.value, Mailing) and id in entry.value.ids:
                own.append(entry)
        return sorted(own, key=lambda entry: entry.seq)

    def began(self) -> datetime:
        first = next(iter(self.journal.read(until=1)), None)
        return first.at if first else self.clock.now()

    # -- the rest -----------------------------------------------------------------------------------

    def check_space(self) -> None:
        """StoreUnavailable before a nearly full disk can stop a store half-way."""
        free = shutil.disk_usage(self.workspace).free
        if free < RESERVE:
            raise StoreUnavailable(
                "the disk is nearly full: intake stops, nothing acknowledged is lost",
                where=str(self.workspace),
                found=f"{free // 1024 // 1024} MiB free",
                expected=f"at least {RESERVE // 1024 // 1024} MiB",
                mend="free some space",
            )

    def reload(self) -> None:
        """The fold anew from the journal: after an append that failed, so that the state holds nothing
        that is not written."""
        self.state = fold(self.journal.read())

    def close(self) -> None:
        self.journal.close()
        self.outbox.close()
        self.messages.close()
        self.lake.close()


def secret_key(path: Path) -> bytes:
    """The key in a file that only its owner reads, made with 32 random bytes where there is none.
    StoreUnavailable where that cannot be."""
    try:
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
        key = path.read_bytes()
    except OSError as error:
        raise StoreUnavailable(
            "the key of the answer links cannot be read or made", where=str(path), found=str(error)
        ) from error
    if len(key) != 32:
        raise StoreUnavailable(
            "the key of the answer links is not whole",
            where=str(path),
            found=f"{len(key)} bytes",
            expected="32 bytes",
            mend="remove the file: links sent so far stop working, new ones are made",
        )
    return key


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    """Into a small store that forgets the oldest."""
    kept[key] = value
    while len(kept) > KEPT:
        kept.pop(next(iter(kept)), None)


def kept_pack(digest: str, workspace: Path) -> Pack | None:
    """The pack of that digest out of the copies of a workspace; None where it is not there, or is not
    what it was."""
    kept = workspace / "packs" / digest[:16]
    if not digest or not kept.is_dir():
        return None
    for folder in sorted(path for path in kept.iterdir() if path.is_dir()):
        with suppress(PackFault):
            pack = load_pack(folder, (kept,), lint=False)
            if pack.digest == digest:
                return pack
    return None


def keep_pack(pack: Pack, workspace: Path) -> Path:
    """A copy of the pack's folders under `packs/<digest>`: what was decided with it can be computed
    again with it, whatever becomes of the original."""
    kept = workspace / "packs" / pack.digest[:16]
    if kept.is_dir():
        return kept
    partial = kept.with_name(kept.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    for folder in pack.folders:
        shutil.copytree(folder, partial / Path(folder).name)
    partial.rename(kept)
    return kept
