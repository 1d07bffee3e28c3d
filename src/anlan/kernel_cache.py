"""Where compiled kernels are kept: apart for every version of their sources.

Numba keeps the machine code of a function as long as the file it stands in is unchanged. A kernel that calls
one of another file would go on with the old code of that other file after an upgrade. So the folder bears a
digest of all files that hold kernels, and an upgrade compiles anew. There is one folder for all of `PARTS`,
whichever of them is imported first.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

SETTING = "NUMBA_CACHE_DIR"
PREFIX = "anlan-kernels-"
MARKS = (b"njit", b"intrinsic")

PACKAGE = Path(__file__).parent
#: what of the package is kept so; `anlan.formats.cap` bears the digest of its few files in the names
PARTS = ("assess", "warn/target")


def digest(folder: Path, parts: tuple[str, ...] = (".",)) -> str:
    """Twelve hexadecimal digits over every file below these parts of `folder` that holds compiled code."""
    found = hashlib.sha256()
    for file in sorted(file for part in parts for file in (folder / part).rglob("*.py")):
        raw = file.read_bytes()
        if any(mark in raw for mark in MARKS):
            found.update(file.relative_to(folder).as_posix().encode() + b"\0" + raw)
    return found.hexdigest()[:12]


def choose(folder: Path, parts: tuple[str, ...] = (".",)) -> Path | None:
    """The cache folder for the kernels below these parts of `folder`: beside them, or in the user's cache
    where that cannot be written; None where neither can, or where the setting names another one already."""
    named = os.environ.get(SETTING, "")
    if named and not Path(named).name.startswith(PREFIX):
        return None
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = PREFIX + digest(folder, parts)
    for parent in (folder / "__pycache__", home / "anlan"):
        try:
            (parent / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(parent / name, os.W_OK):
            return parent / name
    return None


def settle(folder: Path = PACKAGE, parts: tuple[str, ...] = PARTS) -> None:
    """Have Numba keep its code there, whether it has been imported yet or not."""
    chosen = choose(folder, parts)
    if chosen is None:
        return
    os.environ[SETTING] = str(chosen)
    numba = sys.modules.get("numba")
    if numba is not None:
        numba.config.CACHE_DIR = str(chosen)
