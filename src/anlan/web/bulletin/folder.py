"""An edition as a folder that any web server or content network can publish, also while we are down.

    FOLDER/current -> editions/<instant>-<number>      what to publish
    FOLDER/editions/                                   the one that is current, and the one before it

`current` is a symbolic link that is replaced in one step: a reader sees the old edition or the new one,
never half of each, and never none.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from anlan.channels.durable import locked
from anlan.web.bulletin.edition import Edition

CURRENT = "current"
EDITIONS = "editions"
#: editions that stay: a reader may be in the midst of the one before
STAY = 2
_NAME = re.compile(r"\d{8}T\d{6}Z-\d+")


def write(edition: Edition, folder: Path) -> Path:
    """Put an edition in place; its folder. OSError when the disk does not take it: then the earlier one
    stays. Not forced on to the disk: after a power cut it is built anew."""
    with locked(folder):
        editions = folder / EDITIONS
        editions.mkdir(parents=True, exist_ok=True)
        stamp = f"{edition.built:%Y%m%dT%H%M%SZ}"
        number = 1
        while (made := editions / f"{stamp}-{number}").exists():
            number += 1
        before = folder / CURRENT
        partial = editions / f".{made.name}.part"
        shutil.rmtree(partial, ignore_errors=True)
        try:
            for path, file in edition.files.items():
                target = partial / path
                target.parent.mkdir(parents=True, exist_ok=True)
                _place(target, file.content, before / path)
            partial.rename(made)
            # a link beside it, then a rename over it: there is no instant without one
            beside = folder / f".{CURRENT}.{os.getpid()}"
            beside.unlink(missing_ok=True)
            beside.symlink_to(Path(EDITIONS) / made.name)
            beside.replace(before)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _sweep(editions, made)
    return made


def _place(target: Path, content: bytes, earlier: Path) -> None:
    """The file; the earlier edition's own where it says the same, so that it keeps its age and place."""
    try:
        if earlier.stat().st_size == len(content) and earlier.read_bytes() == content:
            os.link(earlier.resolve(), target)
            return
    except OSError:
        # no such file then, or a file system without links: it is written
        target.unlink(missing_ok=True)
    target.write_bytes(content)


def _sweep(editions: Path, made: Path) -> None:
    """Remove what is older than the one before, and what was left half-way."""
    for partial in editions.glob(".*.part"):
        shutil.rmtree(partial, ignore_errors=True)
    whole = [path for path in editions.iterdir() if _NAME.fullmatch(path.name)]
    whole.sort(key=lambda path: (path.stat().st_mtime_ns, path.name))
    kept = {path.name for path in whole[-STAY:]} | {made.name}
    for path in whole:
        if path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
