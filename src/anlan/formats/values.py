"""Model values as canonical JSON: one value, one sequence of bytes.

Canonical: keys in the order of the dataclass, no blanks, UTF-8, instants as RFC 3339 with Z, durations
ISO 8601, floats by the shortest decimal that reads back to the same double. Reading is strict: a
numeric string, a naive time, an unknown key or a missing field is an error naming its path.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from anlan.model.errors import Unreadable

T = TypeVar("T")


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """The TypeAdapter of a model class, built once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_json(value: object) -> bytes:
    """Canonical JSON of a model value."""
    return adapter(type(value)).dump_json(value)


def to_plain(value: object) -> Any:
    """A model value as dicts, lists, strings and numbers, as `json.loads(to_json(value))`."""
    return adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], raw: bytes | str, where: str = "") -> T:
    """Strict reading; Unreadable lists every fault with its path."""
    try:
        return adapter(kind).validate_json(raw, strict=True, extra="forbid")
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or '(whole)'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise Unreadable(f"not a valid {kind.__name__}: {faults}", where=where) from error


def canonical(document: Any) -> bytes:
    """Canonical JSON of plain data: sorted keys, no blanks, UTF-8."""
    return _CANONICAL.encode(document).encode()


_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256(raw: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(raw).hexdigest()


def short_id(prefix: str, *parts: str) -> str:
    """A deterministic id `prefix-xxxxxxxxxxxx`: the same parts give the same id in every run."""
    return f"{prefix}-{sha256(canonical(list(parts)))[:12]}"
