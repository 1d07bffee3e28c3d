"""The ground that recipients ask for can be read."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault, InvalidValue
from anlan.packs.definitions import Resolved
from anlan.packs.drawing import read_drawing


def recipient_grounds(resolved: Resolved) -> Iterator[Fault]:
    """An area is a GeoJSON polygon whose rings close and do not cross."""
    for item in resolved.items.recipients:
        if not item.value.area:
            continue
        try:
            read_drawing(item.value.area, "area")
        except InvalidValue as error:
            yield item.origin.fault(
                error.message, "area", found=f"{error.where}: {error.found}", expected=error.expected
            )
