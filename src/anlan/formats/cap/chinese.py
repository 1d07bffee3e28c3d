"""What the check of a profile found and expected, in Chinese."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from anlan.formats.phrases import Phrases


def in_chinese(words: str) -> str:
    """`found` or `expected` of a finding of a profile (`profile_words.zh.csv`). A quoted value, codes and
    names of elements stay as they stand in the message."""
    return words if words.startswith("'") else _table().said(words)


@cache
def _table() -> Phrases:
    return Phrases((files(__package__) / "profile_words.zh.csv").read_text("utf-8").splitlines())
