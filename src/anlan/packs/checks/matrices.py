"""Risk matrices: more severe or more certain never gives a lower level; what is named exists."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.model.errors import Fault
from anlan.model.matrix import faults_of
from anlan.packs.checks.references import named
from anlan.packs.citations import check_basis
from anlan.packs.definitions import Resolved


def matrices(resolved: Resolved) -> Iterator[Fault]:
    """The properties of Taggart and Wilke (2025), table 1; hazards, places and the basis."""
    for item in resolved.items.matrices:
        matrix, origin = item.value, item.origin
        yield from named(resolved, "hazards", matrix.hazards, origin, "hazards")
        yield from named(resolved, "places", matrix.places, origin, "places")
        yield from check_basis(resolved, origin, ("basis",), matrix.basis)
        for keys, message, found, expected in faults_of(matrix):
            yield origin.fault(message, *keys, found=found, expected=expected)
