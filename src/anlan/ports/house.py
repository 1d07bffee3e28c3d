"""What the flow needs of the running system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Protocol

from anlan.model.assessment import Assessment
from anlan.model.entry import Draft, Entry
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.warning import Delivery, Warning
from anlan.ports.channel import Channel, Parcel
from anlan.ports.journal import Journal
from anlan.ports.lake import Lake
from anlan.ports.messages import Messages
from anlan.ports.outbox import Outbox


class House(Protocol):
    """One running system: its pack, its stores, its channels. `status` is the CAP status that new
    messages get: Actual live, Exercise in replay and exercise, Test. `sender` is the CAP sender that they
    get."""

    state: State
    status: str

    @property
    def sender(self) -> str: ...

    @property
    def zone(self) -> tzinfo:
        """In which messages tell their instants."""
        ...

    @property
    def pack(self) -> Pack: ...

    @property
    def lake(self) -> Lake: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def messages(self) -> Messages: ...

    def watched(self, source: str, now: datetime) -> bool:
        """True while the source is expected to bring news (in replay: until its record ends)."""
        ...

    def render(self, warning: Warning) -> bytes:
        """The CAP message, always the same bytes for the same warning: one that was sent is rendered with
        the pack and the sender of then, whatever they are now."""
        ...

    def imprinted(self, warning: Warning) -> Warning:
        """A message that is being approved, with what the settings give it: its CAP identifier, addresses,
        profiles. From then on `render` refuses what breaks a profile."""
        ...

    def seal(self, cap: bytes, at: datetime) -> Reason | None:
        """Fix the bytes in which a message leaves, with a signature where a key is in use, before anything
        says that it was approved; the reason where it leaves unsigned although keys are there."""
        ...

    def digest(self, raw: bytes) -> str:
        """SHA-256, hexadecimal."""
        ...

    def parcel(self, delivery: Delivery, warning: Warning, repeat: bool) -> Parcel:
        """One recipient's copy, in their languages."""
        ...

    def channel(self, id: str) -> Channel:
        """The configured channel; NotFound names the ones there are."""
        ...

    def history(self, thread: Assessment, drafts: Sequence[Draft], now: datetime) -> Iterable[Entry]:
        """The journal of a thread and its findings, with this turn's drafts at the end."""
        ...

    def began(self) -> datetime:
        """When this journal's record begins."""
        ...
