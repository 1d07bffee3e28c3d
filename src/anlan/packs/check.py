"""The whole check of a pack: everything `load_pack` looks at, the geometry, and the warnings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anlan.model.errors import Fault, Unreadable
from anlan.packs.checks.rules import Demands, Detectors
from anlan.packs.checks.sources import is_file
from anlan.packs.definitions import Resolved
from anlan.packs.documents import shorten
from anlan.packs.lint import doubts, lint
from anlan.packs.read import read_pack


def check(
    path: str | Path,
    search: Sequence[Path] | None = None,
    detectors: Detectors | None = None,
    demands: Demands | None = None,
) -> tuple[list[Fault], list[Fault]]:
    """(faults, warnings) of a pack, by id or folder. A pack with faults does not load; warnings are
    for a person to look at. Prints nothing, raises nothing about the pack."""
    resolved, faults, whole = read_pack(path, search)
    warnings: list[Fault] = []
    if resolved is not None and whole:
        faults.extend(lint(resolved, detectors, demands))
        drawn, noted = geometry(resolved)
        faults.extend(drawn)
        # what stands in a file that cannot be read would be missed everywhere
        warnings = [] if resolved.items.lost else [*doubts(resolved), *noted]
    return faults, warnings


def geometry(resolved: Resolved) -> tuple[list[Fault], list[Fault]]:
    """Faults: files that are no geometry. Warnings: features of no known place or without a code,
    outlines that had to be repaired, places of the layer's level that have no outline."""
    from anlan.packs.geometry import outlines  # Shapely takes a while to import

    faults: list[Fault] = []
    warnings: list[Fault] = []
    places = resolved.pack.places
    for item in resolved.items.geometry:
        layer, origin = item.value, item.origin
        if not is_file(layer.path) or layer.path in resolved.items.unreadable:
            continue  # the checks across the pack say so
        try:
            drawn = outlines(layer)
        except Unreadable as error:
            faults.append(origin.fault(error.message, "file", found=error.found, expected=error.expected))
            continue
        if not drawn.shapes:
            faults.append(
                origin.fault(
                    "no feature has this property", "key", found=layer.key, expected="the code of a place"
                )
            )
        remarks = {
            "features of no place of the pack": [id for id in drawn.shapes if id not in places],
            "outlines without area": drawn.empty,
            "outlines repaired when read": drawn.repaired,
            "places of this level without an outline": sorted(
                id
                for id, versions in places.items()
                if id.startswith(layer.prefix)
                and id not in drawn.shapes
                and versions[-1].level == layer.level
                and versions[-1].validity.until is None
            ),
        }
        for message, ids in remarks.items():
            if ids:
                warnings.append(origin.fault(message, "file", found=_some(ids)))
        if drawn.without_id:
            warnings.append(origin.fault("features without a code", "key", found=str(drawn.without_id)))
    return faults, warnings


def _some(ids: Sequence[str]) -> str:
    return shorten(f"{len(ids)}: {', '.join(ids)}")
