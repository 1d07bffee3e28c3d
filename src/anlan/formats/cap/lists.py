"""Lists in one string: items separated by blanks, an item with blanks in it in double quotes (CAP 1.2,
section 3.2.1, addresses and incidents)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from anlan.model.errors import InvalidValue

_ITEM = re.compile(r'"([^"]*)"|([^\s"]+)|(")')


def split_list(text: str) -> tuple[str, ...]:
    """The items; a quote that is never closed stands as an item of its own."""
    return tuple(
        match.group(1) if match.group(1) is not None else match.group(0) for match in _ITEM.finditer(text)
    )


def join_list(items: Iterable[str], where: str) -> str:
    """The items as one string; InvalidValue for one that is empty or holds a quote."""
    words = []
    for item in items:
        if not item or '"' in item:
            raise InvalidValue(
                "not an item of a list", where=where, found=repr(item), expected="text without quotes"
            )
        words.append(f'"{item}"' if re.search(r"\s", item) else item)
    return " ".join(words)
