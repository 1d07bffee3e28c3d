"""Where packs lie."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

MANIFEST = "pack.toml"
ENVIRONMENT = "ANLAN_PACKS"
#: a data file so marked lies in the folder of reference data, not in the pack
SHARED = "shared:"
SHARED_ENVIRONMENT = "ANLAN_SHARED"


def pack_path() -> tuple[Path, ...]:
    """The folders searched for packs, in order: those of the environment variable `ANLAN_PACKS`
    (separated as in PATH), then the packs installed with anlan or those of the source checkout."""
    added = [Path(part).expanduser() for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    package = Path(__file__).resolve().parents[1]
    shipped = [package / "_packs", package.parents[1] / "packs"]
    return (*added, *(folder for folder in shipped if folder.is_dir()))


def shared_folder() -> Path:
    """The folder of reference data that no release carries: the environment variable `ANLAN_SHARED`,
    else `shared` beside the source checkout. It need not be there."""
    named = os.environ.get(SHARED_ENVIRONMENT)
    return Path(named).expanduser() if named else Path(__file__).resolve().parents[4] / "shared"


def data_path(file: str) -> Path:
    """Where a data file lies: `shared:` and the rest in the folder of reference data, else as named."""
    inside = file.removeprefix(SHARED)
    return Path(file) if inside == file else shared_folder() / inside


def named_files(options: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(where it stands, the name) of every data file that a source's options name."""
    if isinstance(options.get("file"), str):
        yield ("options", "file"), options["file"]
    for name in ("files", "recorded"):
        listed = options.get(name)
        for place, file in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(file, str):
                yield ("options", name, place), file


def leaves(file: str, folder: str = "") -> bool:
    """True where a path, seen from `folder` of its pack (or of the reference data, where it is so marked),
    leads out of it; an absolute path does. An address is no path."""
    if "://" in file:
        return False
    inside = file.removeprefix(SHARED)
    joined = Path(os.path.normpath(Path("" if inside != file else folder) / inside))
    return joined.is_absolute() or joined.parts[:1] == (os.pardir,)


def lacks_shared(file: str) -> str:
    """What to do about a file of the reference data that is not there; empty for any other file."""
    if not file.startswith(SHARED):
        return ""
    return (
        f"this story needs the reference data: the folder {shared_folder()}, "
        f"or the one that {SHARED_ENVIRONMENT} names"
    )


def available(search: Sequence[Path]) -> dict[str, Path]:
    """Pack id (the folder's name) -> folder; of two with one id the earlier in `search` counts."""
    found: dict[str, Path] = {}
    for folder in search:
        inside = sorted(folder.iterdir()) if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK) else []
        for candidate in [folder, *inside]:
            if (candidate / MANIFEST).is_file():
                found.setdefault(candidate.resolve().name, candidate.resolve())
    return found


def is_path(pack: str | Path) -> bool:
    """True when `pack` names a folder rather than an id: a Path, or text with a separator or a dot
    in front."""
    return isinstance(pack, Path) or "/" in pack or os.sep in pack or pack.startswith(".")
