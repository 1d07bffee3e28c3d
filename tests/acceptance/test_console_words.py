"""Every word on a screen stands in both languages, and no word is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anlan.model.warning import MODES
from anlan.ports.desk import MESSAGE
from anlan.web.bulletin.board import STANDINGS
from anlan.web.catalogue import FAMILIES, Words, messages, preferred
from anlan.web.errors import CODES

# Fields of a message whose words stand under another key.
SAID_ELSEWHERE = {"level": "level_said", "expires": "ends"}
# Keys that are put together at run time: pattern in the sources -> what it can become.
COMPOSED = {
    '"nav." ~ theme': [f"nav.{x}" for x in ("auto", "light", "dark")],
    '"form." ~ field': [
        f"form.{x}"
        for x in (
            "code",
            "judged",
            "reason",
            "answer",
            "into",
            "findings",
            "note",
            "text",
            "level",
            "expires",
            "to",
            "person",
            "contact",
            "begins",
            "ends",
        )
    ],
    '"roster." ~ contact(x)': [f"roster.{x}" for x in ("works", "broken", "untested")],
    '"duty." ~ g.key': [
        f"duty.{x}"
        for x in (
            "approve",
            "watches",
            "unanswered",
            "undelivered",
            "overdue_reports",
            "overdue_lessons",
            "silent",
            "stopped",
            "overdue_tasks",
            "unconfirmed",
            "submit",
        )
    ],
    '"account.state." ~ state': [f"account.state.{x}" for x in ("none", "pending", "active")],
    '"compose.not_real." ~ s.desk.mode': [f"compose.not_real.{x}" for x in ("replay", "exercise")],
    '"compose.form." ~ x.form': [f"compose.form.{x}" for x in ("short", "headline")],
    '"compose.channels." ~ x.channel': [
        f"compose.channels.{x}" for x in ("cap", "mail", "cell_broadcast", "wea", "wea_short", "sms")
    ],
    '"compose.units." ~ x.unit': [
        f"compose.units.{x}" for x in ("characters", "septets", "ucs2", "bytes", "parts", "pages")
    ],
    '"compose.eight." ~ name': [
        f"compose.eight.{x}"
        for x in ("category", "level", "starts", "area", "matters", "measures", "issuer", "issued")
    ],
    '"form." ~ {"level": "level_said", "expires": "ends"}.get(c.field, c.field)': [
        f"form.{SAID_ELSEWHERE.get(x, x)}" for x in MESSAGE
    ],
    '"form." ~ r.field': ["form.profile"],
    '"warning.confirm." ~ w.mode': [f"warning.confirm.{x}" for x in MODES],
    '"warning.go." ~ w.mode': [f"warning.go.{x}" for x in MODES],
    '"mode." ~ s.desk.mode': [f"mode.{x}" for x in ("live", "replay", "exercise")],
    '"error." ~ problem.code ~ ".title"': [f"error.{x}.title" for x in CODES],
    '"error." ~ problem.code ~ ".what"': [f"error.{x}.what" for x in CODES],
    '"scan." ~ one': [f"scan.{x}" for x in ("prospective", "retrospective")],
    '"scan.how." ~ timing': [f"scan.how.{x}" for x in ("prospective", "retrospective")],
    '"scan.model." ~ found.model': [f"scan.model.{x}" for x in ("permutation", "poisson")],
    '"series.coming_why." ~ c.why': [f"series.coming_why.{x}" for x in ("count", "reports", "sum")],
    '"bulletin.purpose." ~ s.purpose(b)': [
        f"bulletin.purpose.{x}" for x in ("update", "raise", "lower", "extend", "correct")
    ],
    '"bulletin.standing." ~ b.standing': [
        f"bulletin.standing.{x}" for x in ("replaced", "cancelled", "over")
    ],
    '"bulletin.short." ~ o.standing': [f"bulletin.short.{x}" for x in STANDINGS],
    'f"level.{number}"': [f"level.{x}" for x in (1, 2, 3, 4)],
    'f"span.{unit}"': [f"span.{x}" for x in ("d", "h", "min", "s")],
}
LITERAL = re.compile(r"""(?:\bt|words|call group)\(\s*["']([a-z_]+(?:\.[a-z_0-9]+)*)["']""")
QUOTED = re.compile(r"""["']((?:nav|warning|bulletin)\.[a-z_]+)["']""")


@pytest.fixture(scope="module")
def used(root: Path) -> set[str]:
    web = root / "src" / "anlan" / "web"
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in (*web.glob("templates/**/*.html"), *web.glob("**/*.py"))
    )
    keys = set(LITERAL.findall(text)) | (set(QUOTED.findall(text)) & set(messages("en")))
    keys |= set(re.findall(r'group\("(duty\.[a-z_]+)"', text))
    for pattern, names in COMPOSED.items():
        assert pattern in text, f"no longer composed: {pattern}"
        keys |= set(names)
    keys |= {f"term.{family}.{value}" for family, values in FAMILIES.items() for value in values}
    return keys


def test_both_languages_have_the_same_keys_and_the_same_holes() -> None:
    en, zh = messages("en"), messages("zh")
    assert set(en) == set(zh)
    for key in en:
        assert set(re.findall(r"{\w+}", en[key])) >= set(re.findall(r"{\w+}", zh[key])), key
        assert en[key].strip() and zh[key].strip(), key


def test_every_key_that_is_used_exists(used: set[str]) -> None:
    assert used - set(messages("en")) == set()


@pytest.mark.parametrize(
    ("heading", "family", "code"),
    [("Quarantine", "quarantine", r"(\w+)"), ("Receipts of channels", "receipt", r"(\w+?)(?:_\*)?")],
)
def test_why_something_is_held_and_what_a_peer_said_are_told_in_the_words_of_the_reference(
    root: Path, heading: str, family: str, code: str
) -> None:
    text = (root / "docs" / "reference" / "reasons.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    listed = re.findall(rf"^\| `{code}` \| (.*?) \| (.*?) \|$", section, re.M)
    assert {reason for reason, _, _ in listed} == set(FAMILIES[family])
    for reason, en, zh in listed:
        assert (Words("en").term(family, reason), Words("zh").term(family, reason)) == (en, zh)


def test_no_word_is_left_over(used: set[str]) -> None:
    assert set(messages("en")) - used == set()


def test_chinese_is_chinese() -> None:
    same = {key for key, word in messages("zh").items() if not re.search(r"[\u4e00-\u9fff]", word)}
    assert same <= {"other_language", "warning.english"}


def test_a_missing_word_is_an_error_and_a_foreign_value_is_shown_as_it_is() -> None:
    with pytest.raises(KeyError):
        Words("en")("no.such.key")
    assert Words("zh").term("verdict", "adjourned") == "adjourned"


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "en"), ("zh-CN,zh;q=0.9", "zh"), ("de, en;q=0.5, zh;q=0.8", "zh"), ("fr", "en"), ("en;q=x", "en")],
)
def test_the_browser_is_asked_for_its_language(header: str, language: str) -> None:
    assert preferred(header) == language
