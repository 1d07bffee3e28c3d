"""How long a text is where it is to go: characters, septets, UCS-2 units, octets, pages, parts.

The numbers are `channel_limits.csv` beside this file, each with its source. Nothing here cuts a text:
it says how long the text is, what the channel takes, and whether it fits.

Sources: 3GPP TS 23.038 (the GSM 7 bit default alphabet and its extension, section 6.2.1), TS 23.040
(SMS), TS 23.041 (cell broadcast), 47 CFR 10.430 (WEA).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil

from anlan.model.errors import NotFound

#: 3GPP TS 23.038, section 6.2.1: one septet each
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: 3GPP TS 23.038, section 6.2.1.1: an escape and a septet
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

GSM, UCS2 = "gsm7", "ucs2"


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of the table: what `channel` takes of `form`, in `unit` (characters, septets, ucs2,
    octets, bytes, pages, parts), and who says so."""

    channel: str
    form: str
    limit: int
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is. `alphabet`: gsm7 where every character of it is in the GSM 7 bit default
    alphabet or its extension, else ucs2. `units`: septets (an extension character is two) or UTF-16 code
    units (a character outside the basic plane is two). `bytes`: as UTF-8. `outside`: the characters
    that force UCS-2, each once, in order."""

    characters: int
    alphabet: str
    units: int
    bytes: int
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """What a text takes up of a limit: `used` of `limit` in `unit`; `parts` are pages or SMS parts (1
    where there are none). `source` is that of the limit."""

    channel: str
    form: str
    used: int
    limit: int
    unit: str
    parts: int
    source: str

    @property
    def fits(self) -> bool:
        """Not over the limit."""
        return self.used <= self.limit

    @property
    def over(self) -> int:
        """By how much it is too long; 0 where it fits."""
        return max(0, self.used - self.limit)


@cache
def limits() -> tuple[Limit, ...]:
    """The whole table, in the order of the file."""
    text = files("anlan.formats").joinpath("channel_limits.csv").read_text(encoding="utf-8")
    return tuple(
        Limit(row["channel"], row["form"], int(row["limit"]), row["unit"], row["source"])
        for row in csv.DictReader(text.splitlines())
    )


@cache
def limit(channel: str, form: str = "text") -> Limit:
    """One row; NotFound names those that there are."""
    for row in limits():
        if (row.channel, row.form) == (channel, form):
            return row
    raise NotFound(
        "no such limit",
        where="channel_limits.csv",
        found=f"{channel} {form}",
        expected=", ".join(f"{row.channel} {row.form}" for row in limits()),
    )


def measure(text: str) -> Length:
    """How long `text` is, in every unit."""
    outside = tuple(dict.fromkeys(sign for sign in text if sign not in GSM7 and sign not in GSM7_EXTENSION))
    widths = _widths(text, UCS2 if outside else GSM)
    # a lone surrogate is no text; counted all the same, and refused where it is to be written
    octets = len(text.encode("utf-8", "surrogatepass"))
    return Length(len(text), UCS2 if outside else GSM, sum(widths), octets, outside)


def sms(text: str) -> Fit:
    """How many SMS a text takes. A part never splits an escaped septet or a surrogate pair, so a long
    text may need a part more than its length alone says (TS 23.040, section 9.2.3.24.1)."""
    length = measure(text)
    whole, part = limit("sms", length.alphabet), limit("sms", f"{length.alphabet}_part")
    parts = 1 if length.units <= whole.limit else _pieces(_widths(text, length.alphabet), part.limit)
    most = limit("sms", "parts")
    return Fit("sms", length.alphabet, parts, most.limit, most.unit, parts, most.source)


def cell_broadcast(text: str) -> Fit:
    """The length of a cell broadcast message, and how many pages it fills. The whole is 1,395 septets or
    615 UCS-2 units; pages are counted so that none splits a character."""
    length = measure(text)
    row, page = limit("cell_broadcast", length.alphabet), _page(length.alphabet)
    pages = max(1, _pieces(_widths(text, length.alphabet), page))
    # characters of two units can leave a unit free at the end of a page: that page is full all the same
    used = length.units if pages <= ceil(row.limit / page) else max(length.units, (pages - 1) * page + 1)
    return Fit("cell_broadcast", length.alphabet, used, row.limit, row.unit, pages, row.source)


def wea(text: str, *, short: bool = False) -> Fit:
    """The length of a Wireless Emergency Alert: 360 characters, or 90 (`short`) for the older networks.
    A character of the GSM extension counts twice, for it takes the place of two."""
    length = measure(text)
    row = limit("wea", "short" if short else "text")
    used = length.units if length.alphabet == GSM else length.characters
    return Fit("wea", row.form, used, row.limit, row.unit, 1, row.source)


def fit(text: str, channel: str, form: str = "") -> Fit:
    """What `text` takes up of the channel's limit: `sms`, `cell_broadcast` and `wea` by their own ways
    of counting (form `short`: WEA's 90), every other by its row. NotFound for a channel without one."""
    if channel == "sms":
        return sms(text)
    if channel == "cell_broadcast":
        return cell_broadcast(text)
    if channel == "wea":
        return wea(text, short=form == "short")
    row = limit(channel, form or "text")
    length = measure(text)
    used = length.bytes if row.unit == "bytes" else length.characters
    return Fit(channel, row.form, used, row.limit, row.unit, 1, row.source)


def _page(alphabet: str) -> int:
    """Units in one page of a cell broadcast message."""
    octets = limit("cell_broadcast", "page").limit
    return octets * 8 // 7 if alphabet == GSM else octets // 2


def _widths(text: str, alphabet: str) -> list[int]:
    if alphabet == GSM:
        return [2 if sign in GSM7_EXTENSION else 1 for sign in text]
    return [2 if ord(sign) > 0xFFFF else 1 for sign in text]


def _pieces(widths: Iterable[int], size: int) -> int:
    """How many pieces of `size` units hold characters of these widths, none of them split."""
    pieces = room = 0
    for width in widths:
        if width > room:
            pieces, room = pieces + 1, size
        room -= width
    return pieces
