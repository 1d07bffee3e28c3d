"""What a source takes from others and what it holds for a person to look at: who may send, how it must be
signed, how far ahead, how old, how long and how wide a message may be. Everything held has its reason."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from anlan.formats.cap import CapAlert, CapArea, CapFault
from anlan.formats.cap.signature import AUTHENTICATED, BROKEN, Verdict
from anlan.formats.cap.trust import Trust, read_trust
from anlan.model.errors import BadInput, InvalidValue
from anlan.model.pack import Pack
from anlan.sources.manifest import duration
from anlan.sources.tools import find_file

#: how the signature of a message counts: `shown` only, demanded of senders that have anchors (`bound`), or
#: of everybody (`required`). A broken one is held whatever this says.
SIGNATURE = ("shown", "bound", "required")
_EARTH_KM = 6371.0088
_MOST_REMEMBERED = 200_000


class BrokenSignature(BadInput):
    """A message that is not the one that was signed."""

    reason_code = "signature_broken"


class SenderNotExpected(BadInput):
    """A sender that this source does not name."""

    reason_code = "sender_not_expected"


class SenderNotAuthenticated(BadInput):
    """A message that its sender's key should have signed, and did not."""

    reason_code = "sender_not_authenticated"


class ForeignReference(BadInput):
    """A message that follows one of another sender."""

    reason_code = "foreign_reference"


class SentInFuture(BadInput):
    """A message that says it was sent later than now."""

    reason_code = "sent_in_future"


class Replayed(BadInput):
    """A message of before, handed in again."""

    reason_code = "replayed"


class SpanAbsurd(BadInput):
    """A message that would be in force for longer than any warning is."""

    reason_code = "span_absurd"


class AreaTooLarge(BadInput):
    """A target wider than any warning of this source can have."""

    reason_code = "area_too_large"


class NotPublic(BadInput):
    """A message that is not for everybody."""

    reason_code = "not_public"


class IdentityConflict(BadInput):
    """A message with the name of another one and other content."""

    reason_code = "identity_conflict"


class StatusChanged(BadInput):
    """A message that turns an exercise into the real thing, or back."""

    reason_code = "status_changed"


class WordsContradictStatus(BadInput):
    """A message of status Actual whose text calls it an exercise."""

    reason_code = "words_contradict_status"


@dataclass(frozen=True, slots=True)
class Policy:
    """`senders`: the only ones taken, any where empty. `ahead`: how far a clock may be wrong. `window`: how
    long ago a message in force may have been sent. `longest`: from sending to the end. `largest_km2`: of
    the polygons and circles of one area."""

    senders: tuple[str, ...] = ()
    signature: str = "bound"
    trust: Trust = field(default_factory=Trust)
    ahead: timedelta = timedelta(minutes=15)
    window: timedelta = timedelta(days=31)
    longest: timedelta = timedelta(days=31)
    scopes: tuple[str, ...] = ("Public",)
    largest_km2: float = 20_000_000.0

    def check(self, alert: CapAlert, verdict: Verdict | None, known: datetime) -> None:
        """Raises the first reason for which a message is held, whatever came before it."""
        if verdict is not None and verdict.verdict == BROKEN:
            raise BrokenSignature(verdict.sentence, where="Signature", expected="a signature that fits")
        if self.senders and alert.sender not in self.senders:
            raise SenderNotExpected(
                "not a sender of this source",
                where="sender",
                found=alert.sender[:200],
                expected=", ".join(self.senders[:5]),
            )
        demanded = self.signature == "required" or (
            self.signature == "bound" and self.trust.knows(alert.sender)
        )
        if demanded and (verdict is None or verdict.verdict != AUTHENTICATED):
            raise SenderNotAuthenticated(
                "not shown to be by its sender",
                where="Signature",
                found=verdict.sentence if verdict else "nothing that can be checked",
                expected=f"a signature that an anchor binds to {alert.sender[:200]}",
            )
        own_chain(alert)
        sent = in_utc(alert.sent)
        if sent > known + self.ahead:
            raise SentInFuture(
                "sent later than now",
                where="sent",
                found=alert.sent.isoformat(),
                expected=f"at most {self.ahead} after {known:%Y-%m-%dT%H:%M:%SZ}",
            )
        if alert.scope and alert.scope not in self.scopes:
            raise NotPublic(
                "not for everybody", where="scope", found=alert.scope, expected=", ".join(self.scopes)
            )
        self._check_span(alert, sent, known)
        self._check_area(alert)

    def _check_span(self, alert: CapAlert, sent: datetime, known: datetime) -> None:
        ends = [info.expires for info in alert.infos if info.expires is not None]
        if ends and max(ends) - alert.sent > self.longest:
            raise SpanAbsurd(
                "in force for longer than any warning",
                where="expires",
                found=max(ends).isoformat(),
                expected=f"at most {self.longest.days} days after {alert.sent.isoformat()}",
            )
        if sent < known - self.window and not over(alert, known):
            raise Replayed(
                "sent too long ago to be news",
                where="sent",
                found=alert.sent.isoformat(),
                expected=f"at most {self.window.days} days before {known:%Y-%m-%dT%H:%M:%SZ}",
            )

    def _check_area(self, alert: CapAlert) -> None:
        for info in alert.infos:
            for area in info.areas:
                size = area_km2(area)
                if size > self.largest_km2:
                    raise AreaTooLarge(
                        "wider than any area of this source",
                        where=f"area {area.description[:80]!r}",
                        found=f"{size:,.0f} km²",
                        expected=f"at most {self.largest_km2:,.0f} km²",
                    )


def in_utc(instant: datetime) -> datetime:
    """The instant in UTC; at either end of the calendar, where its offset leads out of it, the end itself."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        return instant.replace(tzinfo=UTC)


def over(alert: CapAlert, known: datetime) -> bool:
    """True where a message has run out by then: every block says when it ends, and that is past."""
    return bool(alert.infos) and all(
        info.expires is not None and in_utc(info.expires) <= known for info in alert.infos
    )


def contradiction(findings: Sequence[CapFault]) -> None:
    """WordsContradictStatus where the rule for it is broken."""
    for finding in findings:
        if finding.rule == "S-drill-words":
            raise WordsContradictStatus(
                "the text says exercise, the status says Actual", where=finding.path, found=finding.found
            )


def own_chain(alert: CapAlert) -> None:
    """ForeignReference where a message follows one of another sender: nobody changes or cancels the
    warnings of others (CAP 1.2, section 3.2.1, sender and references)."""
    others = [
        reference.sender
        for reference in alert.references
        if reference.sender and reference.sender != alert.sender
    ]
    if others:
        raise ForeignReference(
            f"a {alert.msg_type.lower()} that follows a message of another sender",
            where="references",
            found=", ".join(dict.fromkeys(others))[:200],
            expected=alert.sender,
        )


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept of a message: its digest, its status, when it was sent."""

    digest: str
    status: str
    sent: datetime


class Seen:
    """The messages of a source so far, by sender and identifier; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._messages: OrderedDict[tuple[str, str], Remembered] = OrderedDict()

    def check(self, alert: CapAlert, digest: str) -> None:
        """Raises the reason for which a message does not fit those before it, and remembers it."""
        name = (alert.sender, alert.identifier)
        before = self._messages.get(name)
        if before is not None and before.digest != digest:
            raise IdentityConflict(
                "its name is that of another message",
                where="identifier",
                found=f"{alert.identifier[:200]} of {alert.sender[:200]} with other content",
                expected=f"content {before.digest[:16]}…, sent {before.sent.isoformat()}",
            )
        self._messages[name] = Remembered(digest, alert.status, alert.sent)
        if len(self._messages) > _MOST_REMEMBERED:
            self._messages.popitem(last=False)
        for reference in alert.references:
            earlier = self._messages.get((reference.sender, reference.identifier))
            if earlier is not None and earlier.status != alert.status:
                raise StatusChanged(
                    f"a {alert.msg_type.lower()} of another status than what it follows",
                    where="status",
                    found=f"{alert.status} after {reference.identifier[:200]}",
                    expected=earlier.status,
                )


def area_km2(area: CapArea) -> float:
    """The size of the polygons and circles of an area, on a sphere, overlaps counted twice; rings and
    circles that cannot be read count nothing (their faults are told elsewhere)."""
    return sum(map(_ring_km2, area.polygons)) + sum(map(_circle_km2, area.circles))


def _ring_km2(text: str) -> float:
    try:
        pairs = [tuple(map(float, pair.split(","))) for pair in text.split()]
        points = [(math.radians(lon), math.sin(math.radians(lat))) for lat, lon in pairs]
    except ValueError:
        return 0.0
    # a cylinder of equal area (Archimedes): shoelace there is area on the sphere
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True))
    size = abs(twice) / 2 * _EARTH_KM**2
    return size if math.isfinite(size) else 0.0


def _circle_km2(text: str) -> float:
    try:
        radius = float(text.rsplit(maxsplit=1)[-1])
    except (ValueError, IndexError):
        return 0.0
    if not math.isfinite(radius) or radius < 0:
        return 0.0
    return 2 * math.pi * _EARTH_KM**2 * (1 - math.cos(min(radius / _EARTH_KM, math.pi)))


def policy_of(options: Mapping[str, Any], pack: Pack, where: str) -> Policy:
    """The policy of a source's options; InvalidValue, NotFound or Unreadable names the wrong one."""
    signature = str(options.get("signature", "bound"))
    if signature not in SIGNATURE:
        raise InvalidValue(
            "no such demand", where=f"{where}.signature", found=signature, expected=", ".join(SIGNATURE)
        )
    trust = Trust()
    if "trust" in options:
        path = find_file(str(options["trust"]), pack, f"{where}.trust")
        trust = read_trust(path.read_bytes(), lambda name: _beside(path, name, where), str(path))
    plain = Policy()
    return Policy(
        senders=tuple(map(str, options.get("senders", ()))),
        signature=signature,
        trust=trust,
        ahead=duration(options.get("ahead", plain.ahead), f"{where}.ahead"),
        window=duration(options.get("window", plain.window), f"{where}.window"),
        longest=duration(options.get("longest", plain.longest), f"{where}.longest"),
        scopes=tuple(map(str, options.get("scopes", plain.scopes))),
        largest_km2=float(options.get("largest_km2", plain.largest_km2)),
    )


def _beside(trust: Path, name: str, where: str) -> bytes:
    try:
        return (trust.parent / name).read_bytes()
    except OSError as error:
        raise InvalidValue(
            "a certificate cannot be read", where=f"{where}.trust", found=name, expected=str(error.strerror)
        ) from error
