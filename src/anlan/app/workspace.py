"""A workspace: the folder that holds one system's settings, journal, lake and feeds."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path

from anlan.app.config import FILE
from anlan.model.errors import NotFound, StoreUnavailable, WrongState

LOCK = "anlan.lock"
SETTINGS = """\
# Settings of this workspace; docs/reference/settings.md explains each.
pack = {pack}
sender = {sender}
mode = {mode}
language = {language}
host = "127.0.0.1"
port = {port}

# Folders are relative to this one. `public` channels carry Actual messages only.
[[channel]]
id = "feed"
kind = "cap_feed"
options = {{ folder = "feed", feed_id = {feed_id}, public = {public} }}

[[channel]]
id = "drop"
kind = "file"
options = {{ folder = "drop", public = {public} }}
{more}"""


def init(
    folder: Path,
    pack: str,
    *,
    mode: str = "live",
    sender: str = "",
    language: str = "en",
    port: int = 8420,
    more: str = "",
) -> Path:
    """Make a workspace; WrongState where there is one already (nothing is overwritten),
    StoreUnavailable where the folder cannot be made."""
    path = folder / FILE
    if path.exists():
        raise WrongState(
            "there is a workspace already",
            where=str(path),
            mend="choose another folder, or edit its settings",
        )
    name = folder.resolve().name or "workspace"
    settings = SETTINGS.format(
        pack=_text(pack),
        sender=_text(sender or f"{name}@anlan.invalid"),
        mode=_text(mode),
        language=_text(language),
        port=port,
        feed_id=_text(f"urn:anlan:{name}:feed"),
        public="true" if mode == "live" else "false",
        more=more,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(settings, encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(
            "the workspace cannot be made", where=str(folder), found=str(error), mend="choose another folder"
        ) from error
    return path


def _text(value: str) -> str:
    """A TOML basic string: its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class Lease:
    """The right to write in a workspace: one process at a time, for as long as it lives. The kernel
    gives it back when the process ends, however it ends. Reading needs none."""

    def __init__(self, workspace: Path) -> None:
        """NotFound where the folder is no workspace; WrongState where another process writes."""
        self.path = workspace / LOCK
        if not (workspace / FILE).is_file():
            raise NotFound(
                "no workspace here",
                where=str(workspace),
                expected=FILE,
                mend="make one with: anlan init FOLDER",
            )
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                "the workspace cannot be written",
                where=str(self.path),
                found=str(error),
                mend="check the folder's owner, its rights and the room on its disk",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 64).decode("ascii", "replace").strip()
            os.close(self._file)
            raise WrongState(
                "another process writes in this workspace",
                where=str(workspace),
                found=f"process {holder}" if holder else "",
                mend="stop it first, or go through its console or API",
            ) from error
        # the number is for the reader of a refusal only: a full disk must not stop the start
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give it back; nothing happens the second time."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
