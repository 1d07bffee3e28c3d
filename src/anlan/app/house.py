"""The running system: pack, stores, channels, and the fold of the journal."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from anlan.app.config import MODES, Config, read_config
from anlan.app.leaving import Leaving
from anlan.app.pack_copies import keep_pack, kept_pack
from anlan.channels.guard import Guarded
from anlan.channels.registry import build as build_channel
from anlan.model.assessment import Assessment
from anlan.model.entry import Draft, Entry
from anlan.model.errors import NotFound, StoreUnavailable
from anlan.model.indicator import SourceDef
from anlan.model.mailing import Mailing
from anlan.model.pack import Pack
from anlan.model.state import State, fold
from anlan.packs.load import load_pack
from anlan.packs.locate import Finder
from anlan.packs.paths import pack_path
from anlan.ports.channel import Channel
from anlan.ports.clock import Clock
from anlan.ports.source import Source
from anlan.sources.poll import Poller
from anlan.sources.registry import build as build_source
from anlan.sources.tools import Kept, Tools
from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake
from anlan.store.messages import SqlMessages
from anlan.store.outbox import LEFT, SqlOutbox
from anlan.warn.mailing import identity

#: less free space than this stops intake before a store can be caught half-way
RESERVE = 64 * 1024 * 1024


class RunningHouse(Leaving):
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
        super().__init__(workspace, config or read_config(workspace), clock)
        self.language = self.config.language
        if pack is None:
            pack = load_pack(self.config.pack, (*(Path(p) for p in self.config.packs), *pack_path()))
        self.pack: Pack = pack
        url = self.config.journal or f"sqlite:///{workspace / 'journal.sqlite'}"
        self.journal = SqlJournal(url, create=not reading)
        self.outbox = SqlOutbox(url, create=not reading, departures=None if reading else workspace / LEFT)
        self.messages = SqlMessages(url, create=not reading)
        self.lake = DeltaLake.open(workspace, create=not reading)
        self.state: State = fold(self.journal.read())
        self.status = MODES[self.config.mode]
        self._until: dict[str, datetime] | None = None
        self._channels: dict[str, Channel] = {}
        self._sources: dict[str, Source] = {}
        self._packs: dict[str, Pack | None] = {self.pack.digest: self.pack}
        self._kept = False

    # -- what the flow asks -------------------------------------------------------------------------

    def watched(self, source: str, now: datetime) -> bool:
        if self._until is None:
            return True
        return source in self._until and now <= self._until[source]

    def watch_until(self, ends: Mapping[str, datetime]) -> None:
        """In replay: only these sources are expected to bring news, each until its record ends."""
        self._until = dict(ends)

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
