"""A received message as the hub keeps it: what it says, where, and what of it is to be doubted.

Nothing here depends on the messages before it, so it comes out the same in whatever order they come."""

from __future__ import annotations

from datetime import date, datetime

from lxml import etree

from anlan.formats.cap import CapAlert, CapInfo
from anlan.formats.cap.secure import parse
from anlan.formats.cap.signature import UNSIGNED, Verdict
from anlan.formats.observations import code_of
from anlan.formats.values import sha256, short_id
from anlan.model.errors import BadInput
from anlan.model.indicator import SourceDef
from anlan.model.pack import Pack
from anlan.model.relayed import Feed, Relayed, RelayedInfo, RelayedReference
from anlan.ports.source import Received
from anlan.sources.cap.policy import Policy, contradiction, in_utc
from anlan.sources.cap.where import Where

#: what a policy says of these concerns observations; a duty room may see them all the same
SHOWN = ("foreign_reference", "not_public")
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_MOST_WORDS = 500


class Receiver:
    """Turns the messages of one source into what the hub keeps."""

    def __init__(self, definition: SourceDef) -> None:
        self._source = definition.id
        self._where = Where(definition)

    def receive(
        self,
        alert: CapAlert,
        known: datetime,
        ref: str,
        pack: Pack,
        policy: Policy,
        verdict: Verdict | None = None,
    ) -> Received:
        """The message with its bytes. What the source's policy does not take is kept with the reason, and
        counts for nothing until a person has looked."""
        held, why = "", ""
        try:
            policy.check(alert, verdict, known)
            if alert.status == "Actual":
                contradiction(alert.faults)
        except BadInput as error:
            if code_of(error) not in SHOWN:
                held, why = code_of(error), error.sentence()
        content = content_digest(alert.raw)
        message = Relayed(
            id=short_id("M", alert.sender, alert.identifier, content),
            sender=alert.sender,
            identifier=alert.identifier,
            sent=in_utc(alert.sent),
            known=known,
            status=alert.status,
            msg_type=alert.msg_type,
            scope=alert.scope,
            references=tuple(
                RelayedReference(one.sender, one.identifier, one.sent) for one in alert.references
            ),
            infos=tuple(self._info(info, known, in_utc(alert.sent).date(), pack) for info in alert.infos),
            content=content,
            feeds=(Feed(self._source, known, sha256(alert.raw), ref),),
            signature=verdict.verdict if verdict is not None else UNSIGNED,
            held=held,
            why_held=why,
            note=alert.note[:_MOST_WORDS],
        )
        return Received(message, alert.raw)

    def _info(self, info: CapInfo, at: datetime, sent: date, pack: Pack) -> RelayedInfo:
        return RelayedInfo(
            language=info.language,
            event=info.event,
            headline=info.headline[:_MOST_WORDS],
            severity=info.severity,
            urgency=info.urgency,
            certainty=info.certainty,
            effective=_utc(info.effective),
            onset=_utc(info.onset),
            expires=_utc(info.expires),
            areas=tuple(found for area in info.areas for found in self._where.of(area, at, sent, pack)),
        )


def content_digest(raw: bytes) -> str:
    """SHA-256 of the message in canonical form (Canonical XML 2.0, W3C 2013; prefixes rewritten, blanks
    around texts and between elements left out) without its signatures: the same message by another feed,
    in another wrapping, has the same."""
    canonical = etree.canonicalize(
        etree.tostring(parse(raw), encoding="unicode"),
        strip_text=True,
        rewrite_prefixes=True,
        exclude_tags=[SIGNATURE],
    )
    return sha256(canonical.encode("utf-8", "surrogatepass"))


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else in_utc(instant)
