"""A pack into service: read, resolve, check, or say everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anlan.model.errors import PackFault
from anlan.model.pack import Pack
from anlan.packs.checks.rules import Detectors
from anlan.packs.lint import lint as check_references
from anlan.packs.read import read_pack


def load_pack(
    pack: str | Path,
    search: Sequence[Path] | None = None,
    *,
    detectors: Detectors | None = None,
    lint: bool = True,
) -> Pack:
    """The resolved pack of that id, found in `search` (default: `pack_path()`), or of that folder.

    A folder's neighbours are searched too, for the packs it extends. PackFault carries every fault
    of reading and, unless `lint` is False, of the checks across the pack: of what could be read, and
    without those that only follow from what could not. Those checks wait while a pack that it extends is
    missing, for what that pack defines would be missing everywhere."""
    resolved, faults, whole = read_pack(pack, search)
    if resolved is not None and lint and whole:
        faults.extend(check_references(resolved, detectors))
    if faults or resolved is None:
        raise PackFault(tuple(faults))
    return resolved.pack
