"""Messages as they leave: rendered, signed, worded for a recipient, with what an answer needs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from anlan.app.areas import areas_of_before, target_areas
from anlan.app.config import Config
from anlan.app.imprint import imprinted
from anlan.app.link_key import secret_key
from anlan.app.signed import FOLDER as SIGNED
from anlan.app.signed import Signed, read_keys
from anlan.formats.values import sha256
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.state import State
from anlan.model.warning import Delivery, Recipient, Warning
from anlan.ports.channel import Parcel
from anlan.ports.clock import Clock
from anlan.warn import contact, digest
from anlan.warn.calling import prefaces
from anlan.warn.proof import ANSWER, RECEIPT, code, token
from anlan.warn.render import TargetArea, render
from anlan.warn.words import words, zone_of

#: so many messages are kept as they leave, for the recipients that follow
KEPT = 64
K = TypeVar("K")
V = TypeVar("V")


class Leaving(ABC):
    """The part of a house that makes the messages. They never change once they are sent: they are kept
    while they are being handed over."""

    pack: Pack
    state: State

    def __init__(self, workspace: Path, config: Config, clock: Clock) -> None:
        self.workspace = workspace
        self.config = config
        self.clock: Clock = clock
        self.signed = Signed(workspace / SIGNED, read_keys(config.signing, workspace))
        self._key: bytes | None = None
        self._rendered: dict[tuple[str, str], bytes] = {}
        self._left: dict[tuple[str, str], bytes] = {}
        self._making = threading.Lock()
        self._worded: dict[tuple[str, str, tuple[str, ...], bool], tuple[str, str]] = {}

    @abstractmethod
    def pack_of(self, digest: str) -> Pack | None:
        """The pack of that digest; None where it is lost."""

    @property
    def sender(self) -> str:
        return self.config.sender

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.config.cap.zone)

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

        def written(areas: Sequence[TargetArea], before: bool = False, until: bool = False) -> bytes:
            return render(
                given,
                pack,
                sender,
                areas,
                earlier=earlier,
                profiles=given.imprint.profiles if held and given.imprint else (),
                to_be_signed=held and self.signs(given),
                before=before,
                until=until,
            )

        cap = written(target_areas(given, pack))
        if not given.digest or self.digest(cap) == given.digest:
            return cap
        older = areas_of_before(given, pack)
        fresh = target_areas(given, pack)
        for areas, before in ((fresh, False), (fresh, True), (older, False), (older, True)):
            then = written(areas, before, until=True)
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
        test = self.state.contact_tests[delivery.warning]
        cap = contact.cap(test, to, self.sender, ZoneInfo(self.config.cap.zone))
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


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    """Into a small store that forgets the oldest."""
    kept[key] = value
    while len(kept) > KEPT:
        kept.pop(next(iter(kept)), None)
