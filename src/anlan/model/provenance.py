"""Where a value came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provenance:
    """`source` is the source's id in the pack; `ref` the file, URL or message id; `line` the line or
    record number within it (None where that has no meaning); `digest` the SHA-256 of the raw bytes."""

    source: str
    ref: str
    line: int | None = None
    digest: str = ""
