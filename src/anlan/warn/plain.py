"""Plain words: whether a person who reads once, in a hurry, knows what, where, when and what to do.

Advice, not a gate: the author and the approver see it beside the text. Only what is certainly a slip, a
placeholder that was not filled in, stops a message. Limits: sentences of 25
words (GOV.UK content design, sentence length); Flesch-Kincaid grade 8 (Kincaid et al. 1975, Research Branch
Report 8-75: 0.39 words/sentence + 11.8 syllables/word - 15.59); the Chinese ones are a choice of this
product. What a warning must say: Emergency Response Law (2024), article 64.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from anlan.model.text import LANGUAGES, Text
from anlan.model.warning import Warning

WORDS_IN_SENTENCE = 25
SIGNS_IN_SENTENCE = 60
SIGNS_IN_CLAUSE = 25
GRADE = 8.0
#: abbreviations that everybody reads
KNOWN = frozenset(
    {"UTC", "GMT", "TV", "CORRECTION", "CANCELLED", "EXERCISE", "TEST", "US", "UK", "EU", "PM", "AM"}
)

FIELDS = ("headline", "matters", "measures", "area")
_SENTENCE = re.compile(r"[.!?](?:\s|$)|[。!?！？\n]")
_CLAUSE = re.compile(r"[，,;；、:：。!?！？\n]")
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_CAPITALS = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]{1,}(?![\w-])")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
#: what templates may hold; other braces are units such as {magnitude}
_BRACES = re.compile(r"\{(?:area|level|colour|value|unit|hazard|issuer|starts|expires|finding)\}")
_VOWELS = re.compile(r"[aeiouy]+")
#: how a sentence that says what to do begins, or what it holds
_TO_DO_EN = re.compile(
    r"(?:^|[.!?;:]\s*|\band\b\s+|,\s*)(?:do|don't|never|stay|go|move|leave|keep|avoid|take|turn|close|open|boil|"
    r"call|listen|check|wash|drink|drop|cover|hold|seek|get|bring|follow|prepare|wear|report|ask|limit|store|"
    r"use|eat|cook|see|ready|tell|watch|secure|stop|reduce|save|help|park|drive|evacuate)\b",
    re.IGNORECASE,
)
_TO_DO_ZH = re.compile(
    r"请|勿|不要|切勿|避免|远离|撤离|转移|关闭|停止|保持|检查|减少|准备|应当|注意|做好|不得|开放|拨打|进入|留在|加强"
)


@dataclass(frozen=True, slots=True)
class Remark:
    """`field` of the message (headline, matters, measures, area) in `language`; `code` names the check;
    `stops` True where the message cannot be put forward like that."""

    code: str
    field: str
    language: str
    text: Text
    stops: bool = False


def remarks(warning: Warning, colours: Mapping[int, Text] | None = None) -> tuple[Remark, ...]:
    """Everything worth a look in the words of a message, in the order of its fields. `colours` are the names
    of the levels, where the headline is to be held against the level."""
    return tuple(
        remark
        for language in LANGUAGES
        for remark in (*_of_language(warning, language), *_of_level(warning, language, colours or {}))
    )


def eight_contents(warning: Warning) -> tuple[tuple[str, bool], ...]:
    """The contents that article 64 asks for, and whether each is there; the issue time is that of the
    approval."""
    contents = warning.contents
    given = {
        "category": contents.category,
        "level": warning.level,
        "starts": contents.starts,
        "area": contents.area,
        "matters": contents.matters,
        "measures": contents.measures,
        "issuer": contents.issuer,
    }
    return (*((name, bool(value)) for name, value in given.items()), ("issued", True))


def said_in(warning: Warning) -> dict[str, Text]:
    """The texts that a person writes, by field; a cancel has no measures of its own."""
    contents = warning.contents
    said = {"headline": warning.headline, "matters": contents.matters, "area": contents.area}
    return said if warning.change == "cancel" else {**said, "measures": contents.measures}


def _of_language(warning: Warning, language: str) -> Iterator[Remark]:
    said = said_in(warning)
    for field in FIELDS:
        if field in said:
            yield from _of_text(said[field].in_(language), field, language)
    if "measures" in said:
        to_do = _TO_DO_EN if language == "en" else _TO_DO_ZH
        if not to_do.search(said["measures"].in_(language)):
            yield Remark(
                "says_not_what_to_do",
                "measures",
                language,
                Text("no sentence tells people what to do", "没有一句话告诉公众应当做什么"),
            )
    if warning.mode == "Actual" and re.search(
        r"\bexercise\b|\btest\b|演练|测试", said["headline"].in_(language), re.I
    ):
        yield Remark(
            "exercise_word",
            "headline",
            language,
            Text(
                "a real warning whose headline speaks of an exercise or test",
                "真实预警的标题中出现演练或测试字样",
            ),
        )


def _of_level(warning: Warning, language: str, colours: Mapping[int, Text]) -> Iterator[Remark]:
    """The level was changed, and the headline still names the one before."""
    headline = warning.headline.in_(language)
    named = [level for level, colour in colours.items() if _holds(headline, colour.in_(language), language)]
    if named and warning.level not in named:
        own, other = colours[warning.level], colours[named[0]]
        yield Remark(
            "other_level_named",
            "headline",
            language,
            Text(
                f"the headline says {other.en}, the level is {own.en}",
                f"标题写的是{other.zh}，而级别为{own.zh}",
            ),
        )


def _of_text(said: str, field: str, language: str) -> Iterator[Remark]:
    def remark(code: str, en: str, zh: str, stops: bool = False) -> Remark:
        return Remark(code, field, language, Text(en, zh), stops)

    left = _BRACES.findall(said)
    if left:
        names = ", ".join(left)
        yield remark("placeholder_left", f"not filled in: {names}", f"占位符未填写：{names}", True)
    if language == "zh" and not _HAN.search(said) and _LATIN.search(said):
        yield remark("wrong_language", "no Chinese in the Chinese text", "中文栏内没有中文")
    if language == "en" and _HAN.search(said):
        yield remark("wrong_language", "Chinese in the English text", "英文栏内有中文")
    for word, instead, kind in _list(language):
        if _holds(said, word, language):
            code = "jargon" if kind == "jargon" else "vague"
            yield remark(code, f"“{word}”: say {instead}", f"“{word}”：建议改为“{instead}”")
    if field == "area":
        return
    if field != "headline" or language == "zh":
        shouted = [word for word in _CAPITALS.findall(said) if word not in KNOWN]
        if shouted:
            names = ", ".join(dict.fromkeys(shouted))
            yield remark("abbreviation", f"abbreviations: {names}", f"缩写：{names}")
    yield from (_length_en if language == "en" else _length_zh)(said, field)


def _length_en(said: str, field: str) -> Iterator[Remark]:
    sentences = [words for part in _SENTENCE.split(said) if (words := _WORD.findall(part))]
    longest = max(map(len, sentences), default=0)
    if longest > WORDS_IN_SENTENCE:
        yield Remark(
            "long_sentence",
            field,
            "en",
            Text(
                f"a sentence of {longest} words; {WORDS_IN_SENTENCE} at most",
                f"一句有 {longest} 个英文词，至多 {WORDS_IN_SENTENCE} 个",
            ),
        )
    # a headline is no prose, and of a few words a grade means nothing
    if field != "headline" and sum(map(len, sentences)) >= 10 and (grade := reading_grade(said)) > GRADE:
        yield Remark(
            "hard_to_read",
            field,
            "en",
            Text(
                f"Flesch-Kincaid grade {grade:.1f}; {GRADE:.0f} at most",
                f"英文阅读难度为 {grade:.1f} 年级，至多 {GRADE:.0f}",
            ),
        )


def _length_zh(said: str, field: str) -> Iterator[Remark]:
    longest = max((_signs(part) for part in _SENTENCE.split(said)), default=0)
    clause = max((_signs(part) for part in _CLAUSE.split(said)), default=0)
    if longest > SIGNS_IN_SENTENCE:
        en = f"a sentence of {longest} characters; {SIGNS_IN_SENTENCE} at most"
        zh = f"一句有 {longest} 字，至多 {SIGNS_IN_SENTENCE} 字"
        yield Remark("long_sentence", field, "zh", Text(en, zh))
    if clause > SIGNS_IN_CLAUSE:
        en = f"{clause} characters without a stop; {SIGNS_IN_CLAUSE} at most"
        zh = f"连续 {clause} 字无停顿，至多 {SIGNS_IN_CLAUSE} 字"
        yield Remark("hard_to_read", field, "zh", Text(en, zh))


def reading_grade(said: str) -> float:
    """The Flesch-Kincaid grade of an English text; 0 for one without words."""
    words = _WORD.findall(said)
    sentences = sum(1 for part in _SENTENCE.split(said) if _WORD.search(part))
    if not words:
        return 0.0
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """Groups of vowels, a silent last e left out; at least one. An estimate, as the formula takes it."""
    lower = word.lower()
    count = len(_VOWELS.findall(lower))
    if lower.endswith("e") and not lower.endswith(("le", "ee")) and count > 1:
        count -= 1
    return max(1, count)


def _signs(part: str) -> int:
    """Characters, a run of Latin letters or digits counted as one."""
    return len(re.sub(r"[A-Za-z0-9.]+", "x", "".join(part.split())))


def _holds(said: str, word: str, language: str) -> bool:
    if language == "zh":
        return word in said
    return re.search(rf"\b{re.escape(word)}\b", said, re.IGNORECASE) is not None


@cache
def _list(language: str) -> tuple[tuple[str, str, str], ...]:
    raw = files("anlan.warn").joinpath("plain_words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(raw.splitlines())
    return tuple((row["word"], row["instead"], row["kind"]) for row in rows if row["language"] == language)
