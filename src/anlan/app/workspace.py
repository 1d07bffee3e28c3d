"""A workspace: the folder that holds one system's settings, journal, lake and feeds."""

from __future__ import annotations

from pathlib import Path

from anlan.app.config import FILE
from anlan.model.errors import WrongState

SETTINGS = """\
# Settings of this workspace; docs/reference/settings.md explains each.
pack = "{pack}"
sender = "{sender}"
mode = "{mode}"
language = "{language}"
host = "127.0.0.1"
port = {port}

# Folders are relative to this one. `public` channels carry Actual messages only.
[[channel]]
id = "feed"
kind = "cap_feed"
options = {{ folder = "feed", feed_id = "urn:anlan:{name}:feed", public = {public} }}

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
    """Make a workspace; WrongState where there is one already (nothing is overwritten)."""
    path = folder / FILE
    if path.exists():
        raise WrongState(
            "there is a workspace already",
            where=str(path),
            mend="choose another folder, or edit its settings",
        )
    folder.mkdir(parents=True, exist_ok=True)
    name = folder.resolve().name or "workspace"
    path.write_text(
        SETTINGS.format(
            pack=pack,
            sender=sender or f"{name}@anlan.invalid",
            mode=mode,
            language=language,
            port=port,
            name=name,
            public="true" if mode == "live" else "false",
            more=more,
        )
    )
    return path
