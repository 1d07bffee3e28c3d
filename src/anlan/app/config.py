"""A workspace's settings: `anlan.toml`. Every setting is documented in docs/reference/settings.md."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from math import isfinite
from pathlib import Path
from typing import Any

from anlan.formats.values import canonical, from_json
from anlan.model.errors import InvalidValue, NotFound, Unreadable
from anlan.model.text import LANGUAGES
from anlan.packs.paths import is_path

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
    workspace's own SQLite file. `host`, `port`: where the console listens (port 0: any that is free).
    `language`: en or zh. `secure`: the console is reached over https (cookies say so). `addresses`:
    where a recipient of the pack is really reached; packs travel, addresses stay here. Paths are
    relative to the workspace."""

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
        if self.language not in LANGUAGES:
            raise InvalidValue(
                "no such language",
                where="anlan.toml: language",
                found=self.language,
                expected=", ".join(LANGUAGES),
            )
        if not 0 <= self.port <= 65_535:
            raise InvalidValue(
                "no such port", where="anlan.toml: port", found=str(self.port), expected="0 to 65535"
            )
        for name in ("pack", "sender", "host"):
            if not getattr(self, name).strip():
                raise InvalidValue("must not be empty", where=f"anlan.toml: {name}", found="an empty text")
        # CAP 1.2, section 3.2.1: no spaces, commas, < or & in a sender
        if any(sign in self.sender for sign in " ,<&"):
            raise InvalidValue(
                "not a CAP sender",
                where="anlan.toml: sender",
                found=repr(self.sender),
                expected="an address or domain without blanks, commas, < and &",
            )
        ids = [channel.id for channel in self.channel]
        for id in ids:
            if ids.count(id) > 1:
                raise InvalidValue("two channels of one id", where="anlan.toml: channel", found=id)


def read_config(workspace: Path) -> Config:
    """NotFound where the folder is no workspace; Unreadable or InvalidValue name the wrong setting."""
    path = workspace / FILE
    if not path.is_file():
        raise NotFound(
            "no workspace here", where=str(workspace), expected=FILE, mend="make one with: anlan init FOLDER"
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unreadable(f"cannot be read as TOML: {error}", where=str(path)) from error
    _no_times(raw, str(path))
    config = from_json(Config, canonical(raw), str(path))
    return replace(
        config,
        pack=str(workspace / Path(config.pack).expanduser()) if is_path(config.pack) else config.pack,
        packs=tuple(str(workspace / Path(folder).expanduser()) for folder in config.packs),
    )


def _no_times(value: Any, path: str, key: str = "") -> None:
    """No setting is a date or a number that is none: say so by its key, not by a failure further in."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _no_times(inner, path, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _no_times(inner, path, f"{key}[{number}]")
    elif isinstance(value, date | datetime | time) or (isinstance(value, float) and not isfinite(value)):
        raise InvalidValue(
            "not a value for a setting",
            where=f"{path}: {key}",
            found=str(value),
            expected="a text, a number, true or false",
        )
