"""The rules of CAP and of its profiles as one table: what each says, how strictly, and who looks at it.

`rules.csv` has the rules of CAP 1.0, 1.1 and 1.2, `profiles.csv` what profiles, channels and national
practice add; rule names are those that findings carry.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

#: columns of the two tables
COLUMNS = ("rule", "level", "section", "versions", "use", "bars", "en", "zh")
PROFILE_COLUMNS = ("profile", "rule", "level", "use", "bars", "en", "zh")

#: codes and parameters known by their acronym
ACRONYMS = frozenset(
    (
        *("SAME", "FIPS", "FIPS4", "FIPS6", "UGC", "ZIP", "VTEC", "EAS-ORG", "EMMA_ID"),
        *("NUTS1", "NUTS2", "NUTS3", "SGC", "WMO", "ISO", "ISO3166-2"),
    )
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`level` in the words of the source (MUST, SHOULD NOT, MAY, INFO, MEANING, with what qualifies it),
    `section` of CAP 1.2 or `derived` where it follows from others, `versions` of CAP that it is for,
    `profile` the profile's name or empty for CAP itself.

    `use` says who looks at it: `finding` (the check of one message), `reading` (how the reader takes a
    value; there is nothing to break), `together` (shows only across messages), `signature`, `relay`,
    `writer`, `document` (a feed, a wrapper or a notification, not the message in it), or `person` (no
    machine can tell). `bars`: never published with it."""

    name: str
    level: str
    section: str
    versions: tuple[str, ...]
    use: str
    bars: bool
    en: str
    zh: str
    profile: str = ""

    @property
    def severity(self) -> str:
        """must, should, may or info."""
        word = self.level.split()[0]
        return {"MUST": "must", "CONDITIONAL": "must", "SHOULD": "should", "MAY": "may"}.get(word, "info")

    def words(self, language: str) -> str:
        """What the rule asks, in Chinese (zh…) or English."""
        return self.zh if language.startswith("zh") else self.en


def _own(name: str, level: str, bars: bool, en: str, zh: str) -> Rule:
    return Rule(name, level, "derived", ("1.0", "1.1", "1.2"), "finding", bars, en, zh)


#: rules of this reader, not of the standard: limits, and texts that play tricks
_OWN = {
    rule.name: rule
    for rule in (
        _own(
            "S-size",
            "MUST (ours)",
            True,
            "A document, a text or a polygon stays below the limits that protect the service.",
            "文件、文本和多边形不超过保护服务所设的上限。",
        ),
        _own(
            "S-bidi",
            "SHOULD NOT (ours)",
            True,
            "No control character turns the direction of reading round.",
            "文字中没有改变阅读方向的控制字符。",
        ),
        _own(
            "S-formula",
            "SHOULD NOT (ours)",
            False,
            "No text begins as a formula of a spreadsheet does.",
            "文字不以电子表格公式的形式开头。",
        ),
        _own(
            "S-unresolved",
            "MUST (ours)",
            True,
            "The ground of every area is known when a message is published.",
            "发布时每个 area 的地面范围已知。",
        ),
        _own(
            "S-drill-words",
            "SHOULD NOT (ours)",
            True,
            "A message of status Actual does not call itself a drill.",
            "状态为 Actual 的消息不自称演练。",
        ),
    )
}


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((files(__package__) / name).read_text("utf-8").splitlines()))


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule of CAP by its name, in the order of the table."""
    found = {
        row["rule"]: Rule(
            row["rule"],
            row["level"],
            row["section"],
            tuple(row["versions"].split()),
            row["use"],
            row["bars"] == "y",
            row["en"],
            row["zh"],
        )
        for row in _rows("rules.csv")
    }
    return MappingProxyType(found)


@cache
def profile_rules() -> Mapping[str, Rule]:
    """Every rule of the profiles by its name."""
    found = {
        row["rule"]: Rule(
            row["rule"],
            row["level"],
            row["profile"],
            ("1.2",),
            row["use"],
            row["bars"] == "y",
            row["en"],
            row["zh"],
            row["profile"],
        )
        for row in _rows("profiles.csv")
    }
    return MappingProxyType(found)


def rule_of(name: str) -> Rule:
    """The rule with that name; KeyError for a name that no table has."""
    found = rules().get(name) or profile_rules().get(name) or _OWN.get(name)
    if found is None:
        raise KeyError(name)
    return found


def own_rules() -> Mapping[str, Rule]:
    """The rules of this reader beyond the standard and the profiles, by name."""
    return MappingProxyType(_OWN)
