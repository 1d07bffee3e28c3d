"""What every value that is journalled must hold to: whole instants, finite numbers, known words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from datetime import datetime
from typing import Any

from anlan.model.errors import InvalidValue
from anlan.model.time import utc


def sound(value: Any) -> None:
    """InvalidValue, naming the field, where an instant is not zone-aware UTC or a number not finite."""
    name = type(value).__name__.lower()
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        if isinstance(held, datetime):
            utc(held, f"{name}.{field.name}")
        elif isinstance(held, float) and not math.isfinite(held):
            raise InvalidValue(
                "a number must be finite",
                where=f"{name}.{field.name}",
                found=str(held),
                expected="a finite number, or none at all",
            )


def one_of(word: str, allowed: Collection[str], where: str) -> None:
    """InvalidValue where the word is not one of those allowed."""
    if word not in allowed:
        raise InvalidValue(
            f"no such {where.rpartition('.')[2]}", where=where, found=word, expected=", ".join(allowed)
        )
