"""English words of a table told in Chinese: whole words, and patterns with holes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence


class Phrases:
    """A table of two columns, `en` and `zh`: `{}` in the English stands for any words, `{0}`, `{1}` in the
    Chinese for the first and the second of them. Patterns are tried in the order of the table: the
    particular before the general. Words that the table does not know stay as they are."""

    def __init__(self, lines: Sequence[str]) -> None:
        """`lines` of a CSV file with its header."""
        rows = [(row["en"], row["zh"]) for row in csv.DictReader(lines)]
        self._exact = {en: zh for en, zh in rows if "{}" not in en}
        self._patterns = tuple(
            (re.compile("(.+?)".join(map(re.escape, en.split("{}"))), re.DOTALL), zh)
            for en, zh in rows
            if "{}" in en
        )

    def said(self, words: str) -> str:
        """English words in Chinese, and what stands in their holes likewise."""
        if words in self._exact:
            return self._exact[words]
        for pattern, chinese in self._patterns:
            match = pattern.fullmatch(words)
            if match is not None:
                return chinese.format(*map(self.said, match.groups()))
        return words
