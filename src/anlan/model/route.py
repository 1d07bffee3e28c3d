"""Definitions of a pack that say what is muted by what, and who is told what when."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from anlan.model.domain import level
from anlan.model.errors import InvalidValue
from anlan.model.text import Text
from anlan.model.time import Validity

INSIDE, SAME = "inside", "same"
DAYS = ("workday", "weekend", "holiday")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)


@dataclass(frozen=True, slots=True)
class Inhibit:
    """While a cause stands, other findings are muted. The cause is a published message about `by_hazard`,
    or a finding of the rule `by_rule` (one of the two), of level `by_level` or more severe. Muted are
    standing findings of `rules` and of `hazards` that lie in a place of the cause (`where` = inside) or
    at the very place (same), and are no more severe than the cause itself. `within`: only those whose
    time lies at most so long before or after the cause's; without it as long as the cause stands."""

    id: str
    title: Text
    by_level: int
    basis: str
    by_hazard: str = ""
    by_rule: str = ""
    hazards: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    where: str = INSIDE
    within: timedelta | None = None
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.by_level, f"inhibit {self.id}.by_level")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until `end` (24-hour clock, `end` 24:00 is midnight) on `days`: workday, weekend,
    holiday. With an `end` that is not after `start` they run into the next day."""

    start: str = "00:00"
    end: str = "24:00"
    days: tuple[str, ...] = ("workday",)

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            if not _CLOCK.fullmatch(getattr(self, name)):
                raise InvalidValue(
                    "no such time of day",
                    where=f"hours.{name}",
                    found=getattr(self, name),
                    expected="HH:MM, 00:00 to 24:00",
                )


@dataclass(frozen=True, slots=True)
class Route:
    """What recipients are told of, and when. It is for the `recipients` named, for those of the `roles`,
    and for whoever has the duty at the posts `watches` when the message is published; whoever no route is
    for is told of everything at once. A message fits where it is about one
    of `hazards` and lies at or below, or takes in, one of `places` (empty: all), is of level `least` or
    more severe, and is in one of `languages` that the recipient reads (empty: any).

    Told at once, unless: outside `hours` (empty: always) in time zone `zone`, with the holidays of
    `calendar` (cn; empty: none), it waits for their next beginning; after `most` messages in `per`
    (0: no limit) the next ones wait until there is room; with `digest`, messages are gathered for so
    long. What waits comes as one message that lists it. Never waits: what is red or changes what is red,
    and what the recipient must answer. Where several routes fit, the one that tells soonest holds."""

    id: str
    title: Text
    recipients: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    least: int = 4
    languages: tuple[str, ...] = ()
    zone: str = "UTC"
    calendar: str = ""
    hours: tuple[Hours, ...] = ()
    most: int = 0
    per: timedelta = timedelta(hours=1)
    digest: timedelta | None = None
    watches: tuple[str, ...] = ()
    validity: Validity = field(default_factory=Validity)

    def __post_init__(self) -> None:
        level(self.least, f"route {self.id}.least")
        if self.most < 0:
            raise InvalidValue("a limit below zero", where=f"route {self.id}.most", found=str(self.most))
        if self.per <= timedelta(0) or (self.digest is not None and self.digest <= timedelta(0)):
            raise InvalidValue("a duration above zero is needed", where=f"route {self.id}")
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, KeyError):
            raise InvalidValue(
                "no such time zone",
                where=f"route {self.id}.zone",
                found=self.zone,
                expected="an IANA name such as Asia/Shanghai",
            ) from None
