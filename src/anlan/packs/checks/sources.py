"""Sources: their data files are there, and inside the pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anlan.model.errors import Fault
from anlan.model.pack import GeocodeScheme, GeometryLayer
from anlan.packs.definitions import Resolved
from anlan.packs.documents import Item
from anlan.packs.paths import data_path, lacks_shared


def _files(options: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(options.get("file"), str):
        yield ("options", "file"), options["file"]
    if isinstance(options.get("files"), list):
        for place, file in enumerate(options["files"]):
            if isinstance(file, str):
                yield ("options", "files", place), file


def is_file(path: str) -> bool:
    """False too for names that no file can have."""
    try:
        return data_path(path).is_file()
    except OSError:
        return False


def source_files(resolved: Resolved) -> Iterator[Fault]:
    """Every file that a source reads exists."""
    for item in resolved.items.sources:
        for keys, file in _files(item.value.options):
            if "://" not in file and not is_file(file) and file not in resolved.items.unreadable:
                yield item.origin.fault(
                    "no such data file",
                    *keys,
                    found=file,
                    expected=lacks_shared(file) or "a file of the pack",
                )


def files_outside(resolved: Resolved) -> Iterator[Fault]:
    """Data files outside the pack, which its digest does not cover (a warning)."""
    folders = [Path(folder) for folder in resolved.pack.folders]
    for item in resolved.items.sources:
        for keys, file in _files(item.value.options):
            if "://" not in file and not any(Path(file).is_relative_to(folder) for folder in folders):
                yield item.origin.fault(
                    "a data file outside the pack: its digest does not cover it",
                    *keys,
                    found=file,
                    expected="a path inside the pack",
                )


def source_times(resolved: Resolved) -> Iterator[Fault]:
    """A source is late before it is dead, and is polled with a pause."""
    for item in resolved.items.sources:
        source = item.value
        if source.dead_after < source.stale_after:
            yield item.origin.fault(
                "dead before it is late", "dead_after", expected="a duration not shorter than stale_after"
            )
        if source.poll is not None and not source.poll:
            yield item.origin.fault("polled without a pause", "poll", expected="a duration above zero")


def geometry_files(resolved: Resolved) -> Iterator[Fault]:
    """Every layer's file exists, and every file of geocodes."""
    drawn: list[Item[GeometryLayer] | Item[GeocodeScheme]] = [
        *resolved.items.geometry,
        *resolved.items.geocodes,
    ]
    for item in drawn:
        if not is_file(item.value.path) and item.value.path not in resolved.items.unreadable:
            yield item.origin.fault("no such geometry file", "file", found=item.value.path)
