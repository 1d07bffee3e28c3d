"""A message of somebody else, as it was received: what the hub of relayed warnings keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.checks import one_of, sound
from anlan.model.errors import InvalidValue

#: how the places of an area were found
FOUND_BY = ("geocode", "name", "polygon", "source", "unresolved")
#: the reason of being held that time alone takes away
SENT_AHEAD = "sent_in_future"
SIGNATURES = ("unsigned", "integrity_only", "authenticated", "broken")


@dataclass(frozen=True, slots=True)
class RelayedArea:
    """One area. `places` are ids of the pack, found `by` geocode, name, polygon (and circle), or taken
    from the source's own place; unresolved: none was found, and the area is shown by its `description`.
    `partial`: those of `places` that the outline covers only in part."""

    description: str
    by: str
    places: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of(self.by, FOUND_BY, "area.by")
        if (self.by == "unresolved") is bool(self.places):
            raise InvalidValue(
                "an area has places, or is unresolved", where="area.places", found=f"{self.by}, {self.places}"
            )


@dataclass(frozen=True, slots=True)
class RelayedInfo:
    """One information block. Words are empty, instants None, where the message has none."""

    language: str
    event: str
    headline: str
    severity: str
    urgency: str
    certainty: str
    effective: datetime | None
    onset: datetime | None
    expires: datetime | None
    areas: tuple[RelayedArea, ...]

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class RelayedReference:
    """An earlier message as it is named; `sender` is empty where the item is not of the form
    sender,identifier,sent, and `identifier` then holds all of it."""

    sender: str
    identifier: str
    sent: str


@dataclass(frozen=True, slots=True)
class Feed:
    """By which source a message came, when it was first known from there, and the SHA-256 of its bytes."""

    source: str
    known: datetime
    digest: str
    ref: str = ""

    def __post_init__(self) -> None:
        sound(self)


@dataclass(frozen=True, slots=True)
class Relayed:
    """One received CAP message. `id` is made of sender, identifier and content: the same message by
    another feed has the same; one that says something else under the same name has another, and both are
    kept. `content` is the SHA-256 of the canonical XML (C14N 2.0) without its signature, `feeds` tell
    by which ways it came, each with the digest under which its bytes are kept. `sent` is the sender's
    instant, `known` ours. `signature`: unsigned, integrity_only (as it was signed, by whomever),
    authenticated (by its sender), broken. `held`: the code of the reason for which it counts for nothing
    until a person has looked, and `why_held` that reason in words."""

    id: str
    sender: str
    identifier: str
    sent: datetime
    known: datetime
    status: str
    msg_type: str
    scope: str
    references: tuple[RelayedReference, ...]
    infos: tuple[RelayedInfo, ...]
    content: str
    feeds: tuple[Feed, ...]
    signature: str = "unsigned"
    held: str = ""
    why_held: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        sound(self)
        one_of(self.signature, SIGNATURES, "relayed.signature")

    @property
    def key(self) -> tuple[str, str]:
        """The name under which other messages refer to it."""
        return self.sender, self.identifier

    @property
    def places(self) -> tuple[str, ...]:
        """Every place of every area, each once, in order."""
        areas = (area for info in self.infos for area in info.areas)
        return tuple(dict.fromkeys(place for area in areas for place in area.places))

    @property
    def ends(self) -> datetime | None:
        """When the last of its blocks runs out; None where one of them, or the message, gives no end."""
        ends = [info.expires for info in self.infos]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    @property
    def unresolved(self) -> bool:
        """Some area, or the message as a whole, is at no place that is known."""
        areas = [area for info in self.infos for area in info.areas]
        return not areas or any(area.by == "unresolved" for area in areas)
