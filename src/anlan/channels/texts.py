"""What a channel with little room says: the full text, a short one, or the headline, and where the rest is.

Nothing is cut. A text either fits, or the next shorter form is taken; each shorter form says where the
full text stands, and what is asked of the reader (the parcel's prefaces). The words come out of the
message's own bytes, watermark included, so that a short form cannot say what the message does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from anlan.formats.cap import CapAlert, CapInfo, read
from anlan.model.text import Text
from anlan.ports.channel import Parcel

#: from the longest to the shortest
FORMS = ("full", "short", "headline")

_WHERE = Text("Full text: {where}", "全文：{where}")
_UNTIL = Text("Until {instant}", "有效期至 {instant}")
_AGAIN = Text("REPEATED", "重发")
_MESSAGE = Text("message {id} of {sender}", "{sender} 的消息 {id}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The text that fits: its `form` (full, short, headline) and the languages it is in."""

    form: str
    languages: tuple[str, ...]
    text: str


def choose(parcel: Parcel, where: str, fits: Callable[[str], bool]) -> Chosen | None:
    """The longest form that fits, all of the recipient's languages before the first one alone; None where
    not even the headline in one language fits. `where` is the address of the full text, with `{id}`
    standing for the warning's id and `{language}` for the text's first language; empty: the message is named
    instead."""
    return next((form for form in forms(parcel, where) if fits(form.text)), None)


def forms(parcel: Parcel, where: str) -> Iterator[Chosen]:
    """Every form, the longest first."""
    message = read(parcel.cap, parcel.warning.id)
    languages = tuple(dict.fromkeys(_short(tag) for tag in parcel.recipient.languages or ("zh", "en")))
    yield Chosen("full", languages, parcel.body.strip())
    if parcel.delivery.digest:
        # it carries several messages: the words of one of them would stand for all
        yield Chosen(
            "headline",
            languages[:1],
            f"{parcel.subject}\n{_pointer(message, parcel.warning.id, where, languages)}",
        )
        return
    sets: Sequence[tuple[str, ...]] = (languages, languages[:1]) if len(languages) > 1 else (languages,)
    for form, write in (("short", _brief), ("headline", _headline)):
        for chosen in sets:
            infos = [(language, info) for language in chosen if (info := info_in(message, language))]
            parts = [write(info, language) for language, info in infos]
            if not parts:
                continue
            mark = [" ".join(_AGAIN.in_(language) for language in chosen)] if parcel.repeat else []
            first = [
                said
                for one, words in parcel.prefaces.items()
                if _short(one) in chosen and (said := words.strip())
            ]
            link = _pointer(message, parcel.warning.id, where, chosen)
            yield Chosen(
                form, tuple(language for language, _ in infos), "\n".join([*mark, *first, *parts, link])
            )


def spoken(parcel: Parcel, language: str) -> str:
    """The words to be read aloud in one language: whole sentences, no labels, no addresses; empty where
    the message is not in that language. A repeat says so."""
    message = read(parcel.cap, parcel.warning.id)
    info = info_in(message, language)
    if info is None:
        return ""
    areas = [area.description for area in info.areas]
    comma, stop = ("、", "。") if _short(language) == "zh" else (", ", ". ")
    parts = [info.sender_name, info.headline, comma.join(areas), info.instruction]
    mark = [_AGAIN.in_(language)] if parcel.repeat else []
    said = [" ".join(part.split()).rstrip(".。 ") for part in [*mark, *parts] if part.strip()]
    return stop.join(said) + stop.strip()


def info_in(message: CapAlert, language: str) -> CapInfo | None:
    """The message's first info block in a language, by its primary subtag; None where there is none."""
    return next((info for info in message.infos if _short(info.language) == _short(language)), None)


def _short(tag: str) -> str:
    return tag.lower().replace("_", "-").partition("-")[0]


def _headline(info: CapInfo, _language: str) -> str:
    return info.headline or info.event


def _brief(info: CapInfo, language: str) -> str:
    areas = ("、" if _short(language) == "zh" else ", ").join(area.description for area in info.areas)
    # of what is lifted nothing is in force until then
    ends = info.expires if info.urgency != "Past" else None
    until = _UNTIL.in_(language).format(instant=_instant(ends)) if ends else ""
    return "\n".join(part for part in (info.headline or info.event, areas, info.instruction, until) if part)


def _instant(instant: datetime) -> str:
    offset = instant.strftime("%z")
    return f"{instant:%Y-%m-%d %H:%M} UTC" + (
        "" if offset in ("+0000", "") else f"{offset[:3]}:{offset[3:5]}"
    )


def _pointer(message: CapAlert, id: str, where: str, languages: Sequence[str]) -> str:
    """Where the full text is, once, in the first of the languages."""
    language = languages[0]
    place = (
        where.replace("{id}", id).replace("{language}", language)
        if where
        else _MESSAGE.in_(language).format(id=message.identifier, sender=message.sender)
    )
    return _WHERE.in_(language).format(where=place)
