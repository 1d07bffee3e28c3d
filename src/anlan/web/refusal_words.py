"""What is refused, told in the reader's language.

Errors are raised with English words, which programs and the command line show as they are. The table
`messages/refusals.zh.csv` says the same in Chinese (`anlan.formats.phrases`).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from anlan.formats.phrases import Phrases
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
    return _table().said(words)


@cache
def _table() -> Phrases:
    text = files("anlan.web").joinpath("messages", "refusals.zh.csv").read_text(encoding="utf-8")
    return Phrases(text.splitlines())
