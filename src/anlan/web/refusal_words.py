"""What is refused, told in the reader's language.

Errors are raised with English words, which programs and the command line show as they are. The table
`messages/refusals.zh.csv` says the same in Chinese: `{}` in the English stands for any words, `{0}`, `{1}`
in the Chinese for the first and the second of them. Words that the table does not know stay as they are.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

from anlan.model.errors import AnlanError, NotAllowed


def refusal(error: AnlanError, language: str) -> str:
    """The whole error as one readable line: where, what, what was found and expected, and how to mend it."""
    if language != "zh":
        return error.sentence()
    basis = error.basis if isinstance(error, NotAllowed) else ""
    message = error.message.removesuffix(f" [{basis}]") if basis else error.message
    parts = [f"{said(error.where)}：{said(message)}" if error.where else said(message)]
    if basis:
        parts[0] += f"［{basis}］"
    if error.found:
        parts.append(f"实际为{said(error.found)}")
    if error.expected:
        parts.append(f"应为{said(error.expected)}")
    if error.mend:
        parts.append(said(error.mend))
    return "；".join(parts)


def said(words: str) -> str:
    """English words of an error in Chinese."""
    exact, patterns = _table()
    if words in exact:
        return exact[words]
    for pattern, chinese in patterns:
        match = pattern.fullmatch(words)
        if match is not None:
            return chinese.format(*map(said, match.groups()))
    return words


@cache
def _table() -> tuple[dict[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    """Whole words, and patterns in the order of the file: the particular before the general."""
    text = files("anlan.web").joinpath("messages", "refusals.zh.csv").read_text(encoding="utf-8")
    rows = [(row["en"], row["zh"]) for row in csv.DictReader(text.splitlines())]
    patterns = tuple(
        (re.compile("(.+?)".join(map(re.escape, en.split("{}"))), re.DOTALL), zh)
        for en, zh in rows
        if "{}" in en
    )
    return {en: zh for en, zh in rows if "{}" not in en}, patterns
