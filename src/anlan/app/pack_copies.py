"""Copies of packs in a workspace: what was decided with one can be computed again with it."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from anlan.model.errors import PackFault
from anlan.model.pack import Pack
from anlan.packs.load import load_pack


def kept_pack(digest: str, workspace: Path) -> Pack | None:
    """The pack of that digest out of the copies of a workspace; None where it is not there, or is not
    what it was."""
    kept = workspace / "packs" / digest[:16]
    if not digest or not kept.is_dir():
        return None
    for folder in sorted(path for path in kept.iterdir() if path.is_dir()):
        with suppress(PackFault):
            pack = load_pack(folder, (kept,), lint=False)
            if pack.digest == digest:
                return pack
    return None


def keep_pack(pack: Pack, workspace: Path) -> Path:
    """A copy of the pack's folders under `packs/<digest>`: what was decided with it can be computed
    again with it, whatever becomes of the original."""
    kept = workspace / "packs" / pack.digest[:16]
    if kept.is_dir():
        return kept
    partial = kept.with_name(kept.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    for folder in pack.folders:
        shutil.copytree(folder, partial / Path(folder).name)
    partial.rename(kept)
    return kept
