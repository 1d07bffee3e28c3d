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
from anlan.warn.area import without_ground
from anlan.warn.plain import remarks

#: status -> what may follow: the whole table of legal transitions. "draft" follows by an edit, which makes
#: another version; what was sent has no way back to a pen.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "draft": ("draft", "submitted", "superseded", "rejected"),
    "submitted": ("draft", "approved", "returned", "rejected", "superseded"),
    "returned": ("draft", "submitted", "rejected", "superseded"),
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
            f"an {warning.status} warning cannot become {status}"
            if warning.status[0] in "aeiou"
            else f"a {warning.status} warning cannot become {status}",
            where=warning.id,
            found=warning.status,
            expected=allowed,
        )


def submit(warning: Warning, user: User, pack: Pack, now: datetime) -> Warning:
    """Somebody of the issuing body with its power puts the draft forward; from now on it is theirs,
    whoever wrote or returned it before. So somebody else has to approve it."""
    move(warning, "submitted")
    _of_issuer(warning, user)
    _with_power(warning, user, pack, now)
    on_ground(warning, pack, now)
    slips = [remark for remark in remarks(warning) if remark.stops]
    if slips:
        raise WrongState(
            "the words are not finished",
            where=f"{warning.id}: {slips[0].field}_{slips[0].language}",
            found=slips[0].text.en,
            mend="edit the message first",
        )
    put = replace(warning, status="submitted", author=user.name, approver="", submitted=now)
    return ground_told(put, pack, now)


def approve(warning: Warning, user: User, pack: Pack, now: datetime, proof: str) -> Warning:
    """Approved and sent at `now`. `proof`: how the approver showed a moment ago who they are (see
    `anlan.model.warning.PROOFS`). NotAllowed, with the article, when the approver is the author or wrote
    any of it, acts for another organ, their organ lacks the power for this place, hazard and level, or
    there is no proof; a scripted one is none for a real message."""
    move(warning, "approved")
    if user.name in (warning.author, *warning.authors):
        raise NotAllowed(
            "author and approver must be two persons",
            where=warning.id,
            basis=warning.basis,
            mend="ask another authorised person of the issuing body",
        )
    _of_issuer(warning, user)
    _with_power(warning, user, pack, now)
    on_ground(warning, pack, now)
    if not proof or (proof == "scripted" and warning.mode == "Actual"):
        raise NotAllowed(
            "an approval needs a one-time code",
            where=warning.id,
            basis=warning.basis,
            mend="enter the code of your authenticator, or one of your recovery codes",
        )
    if warning.expires <= now:
        raise WrongState(
            "the warning would be over before it is sent",
            where=warning.id,
            found=f"expires {warning.expires.isoformat()}",
            expected=f"after {now.isoformat()}",
        )
    return replace(warning, status="approved", approver=user.name, sent=now, proof=proof)


def on_ground(warning: Warning, pack: Pack, now: datetime) -> None:
    """WrongState (`area_unresolved`) where a place of the message comes to no ground: nobody who reads it
    could tell where it holds. One that only ends another is never held up by that."""
    reason = area_unresolved(warning, pack, now)
    if reason is not None:
        raise WrongState(
            f"{reason.code}: {reason.text.en}",
            where=f"{warning.id}.places",
            found=", ".join(without_ground(warning.places, pack, now)),
            expected="places with an outline, or a point with radius_km",
            mend="draw the area on the map, or let the pack state the ground of the place: an outline "
            "(places/geometry.toml), or lon, lat, radius_km and radius_basis (places/*.csv)",
        )


def area_unresolved(warning: Warning, pack: Pack, now: datetime) -> Reason | None:
    """Why a message may not leave as it stands; None where all of its area comes to ground."""
    if warning.rings or warning.change == "cancel":
        return None
    missing = without_ground(warning.places, pack, now)
    if not missing:
        return None
    return Reason(
        "area_unresolved",
        Text(
            f"the area comes to no ground: the pack states neither an outline nor a radius of "
            f"{', '.join(missing)}",
            f"区域无法落到实地：方案包没有{'、'.join(missing)}的边界或半径",
        ),
    )


def ground_told(draft: Warning, pack: Pack, now: datetime) -> Warning:
    """The draft with the reason why it may not leave as it stands before all others, and without one that
    no longer holds: its row of the journal says so from the beginning."""
    others = tuple(reason for reason in draft.reasons if reason.code != "area_unresolved")
    reason = area_unresolved(draft, pack, now)
    return replace(draft, reasons=others if reason is None else (reason, *others))


def same_mode(warning: Warning, earlier: Warning | None) -> None:
    """WrongState where a message would change Actual, Exercise or Test along its chain."""
    if earlier is not None and earlier.mode != warning.mode:
        raise WrongState(
            "a chain keeps its mode",
            where=warning.id,
            found=f"{warning.mode} after {earlier.mode}",
            expected=earlier.mode,
        )


def _with_power(warning: Warning, user: User, pack: Pack, now: datetime) -> None:
    for place in warning.places:
        competent(pack, "warn", user.organ, warning.hazard, warning.level, place, now, warning.scope)


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
        approver=user.name if user.name not in (warning.author, *warning.authors) else "",
        reasons=(*warning.reasons, reason),
    )


def close(warning: Warning, status: str, reason: Reason) -> Warning:
    """Superseded, cancelled or expired: the message stays, its force ends."""
    move(warning, status)
    return replace(warning, status=status, reasons=(*warning.reasons, reason))
