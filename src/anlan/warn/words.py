"""What people read: the contents of a warning as plain text, in one language or several.

The eight contents are those of article 64 of the Emergency Response Law (2024): category, level,
start, area, matters, measures, issuing body, issue time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from anlan.model.errors import InvalidValue
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.model.warning import Warning

#: Stands on every message that is not Actual, in the languages that its text is for: a sign of another
#: alphabet would halve the room of an SMS (3GPP TS 23.038, section 4)
MARKS = {"Exercise": Text("EXERCISE", "演练"), "Test": Text("TEST", "测试")}
#: what stood there instead in messages approved earlier, which are rendered again as they were
MARK_OF_BEFORE = "EXERCISE — 演练"
#: the signs in which Chinese stood in messages approved earlier
_NARROW = str.maketrans("，：；（）", ",:;()")

_LEVEL = Text("{colour} (level {level} of 4)", "{colour}预警（{level}级）")
_OVER = Text(
    "This warning is lifted. The measures it asked for no longer apply.",
    "本预警已解除，原要求采取的防范措施不再适用。",
)
_WITHDRAWN = Text(
    "This warning is withdrawn. It was issued in error or no longer fits; do not act on it.",
    "本预警已撤回：系误发或已不适用，请勿据此采取行动。",
)
_CORRECTED = Text(
    "CORRECTION: an earlier message of the same risk was wrong. This one replaces it.",
    "更正：同一风险的前一消息有误，以本消息为准。",
)
_UPDATE = Text(
    "This message replaces the earlier ones of the same risk.", "本消息取代同一风险的先前各条消息。"
)
_REPEAT = Text(
    "REPEATED: this message may have reached you already; it is the same message, sent again.",
    "重发：本消息可能已送达，内容相同，系再次发送。",
)
_NOT_ACTUAL = Text(
    "This is not a real warning. Nothing has happened. Take no real action.",
    "这不是真实预警，并无实际险情，请勿采取实际行动。",
)
CATEGORY = Text("Category", "类别")
LEVEL = Text("Level", "级别")
STARTS = Text("Starts", "起始时间")
EXPIRES = Text("In force until", "有效期至")
AREA = Text("Area", "可能影响范围")
MATTERS = Text("What is happening", "警示事项")
MEASURES = Text("What to do", "应当采取的措施")
ISSUER = Text("Issued by", "发布机关")
ISSUED = Text("Issued at", "发布时间")
BASIS = Text("Legal basis", "法律依据")
NUMBER = Text("Message", "消息编号")
COLON = Text(": ", "：")


def issue_time(warning: Warning) -> datetime:
    """When it was sent, to the whole second (CAP has no fractions); InvalidValue for one never sent."""
    if warning.sent is None:
        raise InvalidValue(
            "a warning that has not been sent has no issue time",
            where=f"warning {warning.id}.sent",
            found=f"status {warning.status}",
            expected="an approved warning",
        )
    return warning.sent.replace(microsecond=0)


def clock(instant: datetime, zone: tzinfo) -> str:
    """An instant to the minute as people read it, with its offset: 2024-07-12 21:31 (UTC+08:00)."""
    local = instant.astimezone(zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M} (UTC{'' if offset == '+0000' else f'{offset[:3]}:{offset[3:5]}'})"


def zone_of(warning: Warning, otherwise: tzinfo = UTC) -> tzinfo:
    """The zone in which a message was published: whatever is told of it, here or in another message, has its
    instants in this one. `otherwise` for one whose imprint says none."""
    return ZoneInfo(warning.imprint.zone) if warning.imprint else otherwise


def mark(mode: str, *languages: str) -> str:
    """What a message says that is not Actual, once in each language; "" for one that is."""
    if mode == "Actual":
        return ""
    return " — ".join(dict.fromkeys(MARKS[mode].in_(language) for language in languages))


def headline(warning: Warning, language: str, *others: str, before: bool = False) -> str:
    """The headline on one line, watermarked when the message is not Actual: in its own language, and in
    `others` that the same reader has. `before`: as it was once written (`lines`)."""
    line = " ".join(warning.headline.in_(language).split())
    if warning.mode == "Actual":
        return line
    return f"[{MARK_OF_BEFORE if before else mark(warning.mode, language, *others)}] {line}"


def measures(warning: Warning, language: str, before: bool = False) -> str:
    """What to do; of a cancel, that nothing is to be done any more."""
    if warning.change == "cancel":
        return _said(_ending(warning), language, before)
    return warning.contents.measures.in_(language)


def _ending(warning: Warning) -> Text:
    """What a cancel says: lifted because the danger is over, or withdrawn."""
    return _WITHDRAWN if warning.purpose == "cancel" else _OVER


def _said(words: Text, language: str, before: bool) -> str:
    said = words.in_(language)
    return said.translate(_NARROW) if before else said


def lines(
    warning: Warning,
    pack: Pack,
    language: str,
    zone: tzinfo = UTC,
    before: bool = False,
    until: bool = False,
) -> list[str]:
    """The contents but for the measures, one `label: text` each; of what is lifted no end is told, since
    nothing is in force until then. What was approved as messages were once written is rendered again in the
    same bytes. `before`: the Chinese of this module with the narrow signs of English; `until`: the end in
    what lifts, too."""
    sent = issue_time(warning)
    contents = warning.contents
    colour = pack.warning_level(warning.level, sent).colour.in_(language)
    level = _said(_LEVEL, language, before).format(colour=colour, level=warning.level)
    rows = [
        (CATEGORY, f"{contents.category.in_(language)} / {pack.hazards[warning.hazard].title.in_(language)}"),
        (LEVEL, level),
        (STARTS, clock(contents.starts, zone)),
        *([(EXPIRES, clock(warning.expires, zone))] if warning.change != "cancel" or before or until else []),
        (AREA, contents.area.in_(language)),
        (MATTERS, contents.matters.in_(language)),
        (ISSUER, contents.issuer.in_(language)),
        (ISSUED, clock(sent, zone)),
    ]
    colon = _said(COLON, language, before)
    text = [f"{label.in_(language)}{colon}{value}" for label, value in rows]
    if warning.change == "cancel":
        text.insert(0, _said(_ending(warning), language, before))
    elif warning.change == "update":
        text.insert(0, _said(_CORRECTED if warning.purpose == "correct" else _UPDATE, language, before))
    return text


def description(
    warning: Warning,
    pack: Pack,
    language: str,
    zone: tzinfo = UTC,
    before: bool = False,
    until: bool = False,
) -> str:
    """The contents as one text (the measures stand apart in CAP), watermarked when not Actual. `before`,
    `until`: as it was once written (`lines`)."""
    around = _around(warning.mode, language, before)
    return "\n".join([*around, *lines(warning, pack, language, zone, before, until), *around])


def text(
    warning: Warning, pack: Pack, language: str, *, repeat: bool = False, zone: tzinfo | None = None
) -> tuple[str, str]:
    """Subject (one line) and body for e-mail, files and the console, in `language` ("en" or "zh"),
    watermarked in it when not Actual. `repeat` adds the note that an earlier copy may have arrived.
    Instants are in `zone`, by default that in which the message was published. InvalidValue for a warning
    not sent."""
    zone = zone or zone_of(warning)
    colon = COLON.in_(language)
    body = [
        *lines(warning, pack, language, zone),
        f"{MEASURES.in_(language)}{colon}{measures(warning, language)}",
        f"{BASIS.in_(language)}{colon}{_basis(warning, pack, language)}",
        f"{NUMBER.in_(language)}{colon}{warning.id}",
    ]
    note = [_REPEAT.in_(language), ""] if repeat else []
    subject = headline(warning, language)
    around = _around(warning.mode, language)
    return subject, "\n".join([*note, subject, "", *around, *body, *around]) + "\n"


def _basis(warning: Warning, pack: Pack, language: str) -> str:
    """The articles that give the power, by the titles of their laws: nobody outside knows a pack's names."""
    said = []
    for cited in filter(None, warning.basis.split("; ")):
        code, _, number = cited.partition("#")
        law = pack.laws.get(code)
        said.append(f"{law.title.in_(language)} § {number}" if law and number else cited)
    return "; ".join(said)


def _around(mode: str, language: str, before: bool = False) -> list[str]:
    """The line before and after the contents of a message that is not Actual."""
    if mode == "Actual":
        return []
    sign = MARK_OF_BEFORE if before else mark(mode, language)
    return [f"*** {sign} *** {_said(_NOT_ACTUAL, language, before)}"]


def words(
    warning: Warning,
    pack: Pack,
    languages: Sequence[str],
    *,
    repeat: bool = False,
    zone: tzinfo | None = None,
) -> tuple[str, str]:
    """Subject in the first of a recipient's languages, watermarked in all of them, and one body with all of
    them in that order."""
    tongues = languages or ("zh", "en")
    parts = [text(warning, pack, language, repeat=repeat, zone=zone) for language in tongues]
    subject = headline(warning, *tongues)
    return subject, "\n----------\n\n".join(body for _, body in parts)
