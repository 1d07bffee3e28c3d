"""What a template sees: words, times, places, levels, citations, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from litestar.datastructures import URL

from anlan.assess.explain import UNIT_WORDS
from anlan.model.delivery import WENT_WRONG
from anlan.model.errors import NotFound, UnknownPlace
from anlan.model.law import Law
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import format_instant
from anlan.model.user import User
from anlan.ports.desk import Desk
from anlan.web.access import Decision, may
from anlan.web.catalogue import Words

_BRACES = str.maketrans("", "", "{}[]")
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MICRO = re.compile(r"u(g|m|s|l|L|mol|Sv|Gy|V|A)\d*")
_PLURAL = re.compile(r"[a-z]{2,}s")  # cases, deaths, persons, events
_HAN = re.compile("[\u4e00-\u9fff]")
_NUMBER = re.compile(r"_\d+$")  # the status that a peer answered with
_POWER = re.compile(r"(?<=[a-zA-Z])-?[1-9]$")
WHOLE, SMALL = 1000.0, 1e-4  # numbers from which no decimals are shown, and below which powers of ten are
LONG = 60  # days from which hours no longer matter


@dataclass(frozen=True, slots=True)
class Citation:
    """A basis as a person reads it: the law's title, the article, its gist; where the pack holds no such
    law, `words`: a basis in both languages in the reader's, or else as it is written."""

    code: str
    title: str = ""
    number: str = ""
    gist: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A warning level: number, colour word and the class of its shape."""

    number: int | None
    word: str
    css: str


_SIGNS = {"en": (": ", ", ", "; ", ", ", " "), "zh-CN": ("：", "，", "；", "、", "")}


class Screen:
    """One request's view of the desk. `zone` is the zone in which instants are shown."""

    def __init__(
        self, desk: Desk, user: User | None, language: str, theme: str, zone: str, url: URL, csrf: str
    ) -> None:
        self.desk, self.user, self.theme, self.csrf = desk, user, theme, csrf
        self.words = Words(language)
        self.language = self.words.language
        self.lang = "zh-CN" if self.language == "zh" else "en"
        # between two words that the page puts together, those of a list, and two sentences
        self.colon, self.comma, self.semicolon, self.list, self.gap = _SIGNS[self.lang]
        self.zone = ZoneInfo(zone)
        self.url = url
        self.now = desk.clock.now()
        self.here = url.path + (f"?{url.query}" if url.query else "")

    def who(self, actor: str) -> str:
        """A user's name; the system by its word in the reader's language."""
        return self.words.term("stage", "system") if actor == "system" else actor

    def text(self, text: Text | None) -> str:
        return text.in_(self.language) if text else ""

    def receipt(self, reason: Reason) -> str:
        """What the receipt of a channel means that a reason tells, in the reader's words; empty where the
        reason is of something else or its code is not known here."""
        if reason.code not in WENT_WRONG:
            return ""
        code = _NUMBER.sub("", reason.text.en.partition(":")[0])
        word = self.words.term("receipt", code)
        return "" if word == code else word

    def other(self, text: Text) -> str:
        return text.en if self.language == "zh" else text.zh

    def when(self, instant: datetime | None) -> str:
        """The instant in the desk's zone, to the minute."""
        if instant is None:
            return "–"
        local = instant.astimezone(self.zone)
        return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"

    def iso(self, instant: datetime) -> str:
        return format_instant(instant.astimezone(UTC))

    def span(self, span: timedelta) -> str:
        """A length of time in its two largest units; from 60 days on, in days."""
        seconds = int(abs(span.total_seconds()))
        days, rest = divmod(seconds, 86_400)
        hours, rest = divmod(rest, 3600)
        minutes, seconds = divmod(rest, 60)
        parts = [
            self.words(f"span.{unit}", n=n)
            for unit, n in (("d", days), ("h", hours), ("min", minutes), ("s", seconds))
            if n
        ]
        shown = " ".join(parts[: 1 if days >= LONG else 2]) or self.words("span.s", n=0)
        return f"−{shown}" if span < timedelta(0) else shown

    def ago(self, instant: datetime, at: datetime | None = None) -> str:
        """How long before now, or before the instant that is looked back to."""
        gone = (at or self.now) - instant
        if gone < timedelta(0):
            return self.words("time.in", span=self.span(gone).lstrip("−"))
        return self.words("time.ago", span=self.span(gone))

    def place(self, id: str) -> str:
        try:
            return self.text(self.desk.pack.place(id, self.now).name)
        except UnknownPlace:
            versions = self.desk.pack.places.get(id, ())
            return self.text(versions[-1].name) if versions else id

    def level(self, number: int | None) -> Level:
        if number is None:
            return Level(None, self.words("level.none"), "level-none")
        try:
            word = self.text(self.desk.pack.warning_level(number, self.now).colour)
        except NotFound:
            word = self.words(f"level.{number}")
        return Level(number, word, f"level-{number}")

    def named(self, table: str, id: str) -> str:
        """The title of an entry of the pack by its table's name; the id when the pack has none."""
        entry = getattr(self.desk.pack, table).get(id)
        title = getattr(entry, "title", None) or getattr(entry, "name", None)
        return self.text(title) if isinstance(title, Text) else id

    def cite(self, basis: str) -> Citation:
        law_id, _, number = basis.partition("#")
        law: Law | None = self.desk.pack.laws.get(law_id)
        if law is None:
            return Citation(basis, words=half(basis, self.language))
        for article in law.articles:
            if article.number == number:
                return Citation(basis, self.text(law.title), number, self.text(article.gist))
        return Citation(basis, self.text(law.title), number)

    def may(self, act: str, places: Iterable[str] = ()) -> Decision:
        return may(self.user, act, places, pack=self.desk.pack, at=self.now)

    def number(self, value: float | None, unit: str = "") -> str:
        """A number with its unit; unknown is said."""
        if value is None:
            return self.words("unknown")
        words = self.unit(unit)
        if value == 1 and self.language == "en" and _PLURAL.fullmatch(words):
            words = words[:-1]
        return f"{digits(value)} {words}".rstrip()

    def signed(self, value: float) -> str:
        """A difference with its sign."""
        return f"+{digits(value)}" if value > 0 else digits(value)

    def unit(self, symbol: str) -> str:
        """The unit in the reader's language; UCUM annotations without braces where it has no name."""
        return unit_words(symbol, self.language)


def half(basis: str, language: str) -> str:
    """A basis that is no article, written in both languages as "practice / 惯例: why / 原因", in one of them;
    anything else as it is."""
    parts = [part.split(" / ") for part in basis.split(": ")]
    if not all(len(part) == 2 and not _HAN.search(part[0]) and _HAN.search(part[1]) for part in parts):
        return basis
    return "：".join(zh for _, zh in parts) if language == "zh" else ": ".join(en for en, _ in parts)


def digits(value: float) -> str:
    """A number to four digits, thousands apart, with a minus sign; whole numbers and large ones whole."""
    if float(value).is_integer() or abs(value) >= WHOLE:
        shown = f"{value:,.0f}"
    elif abs(value) >= SMALL:
        shown = f"{value:,.4g}"
    else:
        mantissa, exponent = f"{value:.2e}".split("e")
        shown = f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}"
    return shown.replace("-", "−", 1) if shown.startswith("-") else shown


def unit_words(symbol: str, language: str) -> str:
    """A UCUM unit as people write it; "" for a bare number."""
    if words := UNIT_WORDS.get(symbol):
        return words.in_(language)
    return "" if symbol == "1" else _signs(symbol.translate(_BRACES))


def _signs(symbol: str) -> str:
    """ug/m3 as µg/m³."""
    parts = [f"µ{part[1:]}" if _MICRO.fullmatch(part) else part for part in symbol.split("/")]
    return "/".join(_POWER.sub(lambda found: found[0].translate(_RAISED), part) for part in parts)
