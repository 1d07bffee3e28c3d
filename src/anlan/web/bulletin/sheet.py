"""What a page of the bulletin sees: words, places, levels and instants in one language.

Everything on a page that changes with each building (its age, how many sources are silent) is a mark in the
rendered page, filled in at the end: a page whose contents stay is rendered once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from anlan.model.errors import NotFound, UnknownPlace
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.warn.words import clock
from anlan.web.bulletin.board import Board, Bulletin
from anlan.web.catalogue import Words

#: no text of a message can hold these: XML has no such characters
BUILT, DUE, BUILT_AT, DUE_AT, HEALTH = (f"\x01{name}\x02" for name in ("built", "due", "b", "d", "health"))


#: what an update can be said to do
PURPOSES = ("update", "raise", "lower", "extend", "correct")
#: places that a card names
SHOWN = 6


class Sheet:
    """One language's view of a board. `root` leads from the page's folder to that of the site."""

    def __init__(
        self, board: Board, pack: Pack, language: str, zone: ZoneInfo, root: str, live: bool
    ) -> None:
        self.board, self.pack, self.zone, self.root, self.live = board, pack, zone, root, live
        self.words = Words(language)
        self.language = self.words.language
        self.lang = "zh-CN" if self.language == "zh" else "en"
        self.built, self.due, self.built_at, self.due_at = BUILT, DUE, BUILT_AT, DUE_AT
        self.health = HEALTH

    def text(self, text: Text) -> str:
        return text.in_(self.language)

    def when(self, instant: datetime) -> str:
        """The instant in the site's zone as the messages have it: to the minute, with the offset, since a
        zone's letters mean several (CST)."""
        return clock(instant, self.zone)

    def iso(self, instant: datetime) -> str:
        return format_instant(instant.astimezone(UTC).replace(microsecond=0))

    def place(self, id: str) -> str:
        return self.text(place_name(self.pack, id, self.board.now))

    def places(self, ids: Sequence[str]) -> str:
        """The names of places, the first few of many, and how many more."""
        names = [self.place(id) for id in ids[:SHOWN]]
        more = [self.words("bulletin.more", n=len(ids) - SHOWN)] if len(ids) > SHOWN else []
        return ("、" if self.language == "zh" else ", ").join([*names, *more])

    def colour(self, bulletin: Bulletin) -> str:
        """The level's word; the number says it too, so that no one needs to see the colour."""
        try:
            level = self.pack.warning_level(bulletin.warning.level, bulletin.sent)
        except NotFound:
            return self.words(f"level.{bulletin.warning.level}")
        return self.text(level.colour)

    @staticmethod
    def purpose(bulletin: Bulletin) -> str:
        """What an update does: update, raise, lower, extend or correct."""
        return bulletin.warning.purpose if bulletin.warning.purpose in PURPOSES else "update"

    def hazard(self, bulletin: Bulletin) -> str:
        known = self.pack.hazards.get(bulletin.warning.hazard)
        return self.text(known.title) if known else bulletin.warning.hazard

    def basis(self, bulletin: Bulletin) -> str:
        """The law and article that the power to warn rests on; the code where the pack has no such law."""
        code, _, number = bulletin.warning.basis.partition("#")
        law = self.pack.laws.get(code)
        return f"{self.text(law.title)} § {number}" if law and number else bulletin.warning.basis


def place_name(pack: Pack, id: str, at: datetime) -> Text:
    """The name of a place as of now, else its last one, else its id."""
    try:
        return pack.place(id, at).name
    except UnknownPlace:
        versions = pack.places.get(id, ())
        return versions[-1].name if versions else Text(id, id)
