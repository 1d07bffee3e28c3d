"""A workspace's settings: `anlan.toml`. Every setting is documented in docs/reference/settings.md."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anlan.formats.values import canonical, from_json
from anlan.model.errors import InvalidValue, NotFound, Unreadable

FILE = "anlan.toml"
MODES = {"live": "Actual", "exercise": "Exercise", "replay": "Exercise", "test": "Test"}


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One channel: `id` is what recipients name, `kind` the adapter, `options` the adapter's own (its
    manifest documents them)."""

    id: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """`pack`: a pack's id or path. `packs`: more folders to search. `mode`: live, exercise, replay or
    test. `sender`: the CAP sender of messages. `journal`: the URL of another journal than the
    workspace's own SQLite file. `host`, `port`: where the console listens. `language`: en or zh.
    `secure`: the console is reached over https (cookies say so). `addresses`: where a recipient of the
    pack is really reached; packs travel, addresses stay here."""

    pack: str
    sender: str
    mode: str = "live"
    packs: tuple[str, ...] = ()
    journal: str = ""
    host: str = "127.0.0.1"
    port: int = 8420
    language: str = "en"
    secure: bool = False
    channel: tuple[ChannelConfig, ...] = ()
    addresses: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InvalidValue(
                "no such mode", where="anlan.toml: mode", found=self.mode, expected=", ".join(MODES)
            )
        ids = [channel.id for channel in self.channel]
        for id in ids:
            if ids.count(id) > 1:
                raise InvalidValue("two channels of one id", where="anlan.toml: channel", found=id)


def read_config(workspace: Path) -> Config:
    """NotFound where the folder is no workspace; Unreadable names every wrong setting."""
    path = workspace / FILE
    if not path.is_file():
        raise NotFound(
            "no workspace here", where=str(workspace), expected=FILE, mend="make one with: anlan init FOLDER"
        )
    try:
        raw = tomllib.loads(path.read_text())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unreadable(f"not TOML: {error}", where=str(path)) from error
    return from_json(Config, canonical(raw), str(path))
