"""From draft to published: two persons, and the power of the organ for place, hazard and level."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from anlan.model.errors import NotAllowed, WrongState
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.user import User
from anlan.model.warning import Warning
from anlan.packs.resolve import competent

#: status -> what may follow: the whole table of legal transitions
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "draft": ("submitted", "superseded", "rejected"),
    "submitted": ("approved", "returned", "rejected", "superseded"),
    "returned": ("submitted", "rejected", "superseded"),
    "approved": ("superseded", "cancelled", "expired"),
    "rejected": (),
    "superseded": (),
    "cancelled": (),
    "expired": (),
}


def move(warning: Warning, status: str) -> None:
    """WrongState where the table has no such transition."""
    if status not in TRANSITIONS[warning.status]:
        allowed = ", ".join(TRANSITIONS[warning.status]) or "nothing: this is an end"
        raise WrongState(
            f"a {warning.status} warning cannot become {status}",
            where=warning.id,
            found=warning.status,
            expected=allowed,
        )


def submit(warning: Warning, user: User, now: datetime) -> Warning:
    """The author puts the draft forward; from now on it is theirs, whoever wrote or returned it before.
    So somebody else has to approve it."""
    move(warning, "submitted")
    return replace(warning, status="submitted", author=user.name, approver="", submitted=now)


def approve(warning: Warning, user: User, pack: Pack, now: datetime) -> Warning:
    """Approved and sent at `now`. NotAllowed, with the article, when the approver is the author, acts
    for another organ, or their organ lacks the power for this place, hazard and level."""
    move(warning, "approved")
    if user.name == warning.author:
        raise NotAllowed(
            "author and approver must be two persons",
            where=warning.id,
            basis=warning.basis,
            mend="ask another authorised person of the issuing body",
        )
    _of_issuer(warning, user)
    for place in warning.places:
        competent(pack, "warn", user.organ, warning.hazard, warning.level, place, now, warning.scope)
    if warning.expires <= now:
        raise WrongState(
            "the warning would be over before it is sent",
            where=warning.id,
            found=f"expires {warning.expires.isoformat()}",
            expected=f"after {now.isoformat()}",
        )
    return replace(warning, status="approved", approver=user.name, sent=now)


def _of_issuer(warning: Warning, user: User) -> None:
    if user.organ != warning.organ:
        raise NotAllowed(
            f"{user.name} acts for {user.organ or 'no organ'}, this warning is issued by {warning.organ}",
            where=warning.id,
            basis=warning.basis,
        )


def send_back(warning: Warning, user: User, note: str, status: str) -> Warning:
    """Returned to the author, or rejected for good, by the issuing body; the reason in words is
    required."""
    move(warning, status)
    _of_issuer(warning, user)
    if not note.strip():
        raise WrongState("a reason in words is required", where=warning.id, found="an empty note")
    reason = Reason(status, Text(note, note))
    return replace(
        warning,
        status=status,
        approver=user.name if user.name != warning.author else "",
        reasons=(*warning.reasons, reason),
    )


def close(warning: Warning, status: str, reason: Reason) -> Warning:
    """Superseded, cancelled or expired: the message stays, its force ends."""
    move(warning, status)
    return replace(warning, status=status, reasons=(*warning.reasons, reason))
