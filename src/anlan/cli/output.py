"""What commands print: text for people, one JSON document with --json, errors on the error stream."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from anlan.model.errors import AnlanError


class Output(Console):
    """Standard output. One whose reader has gone away is for `main` to judge, not for the library."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = Output(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say_json(document: Any) -> None:
    """One JSON document on one line."""
    print(json.dumps(document, ensure_ascii=False, default=str))


def complain(error: AnlanError) -> None:
    """An error as its sentence: where, what, found, expected, what to do."""
    err.print(f"anlan: {error.sentence()}", style="red", markup=False)
