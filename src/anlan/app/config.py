"""A workspace's settings: `anlan.toml`. Every setting is documented in docs/reference/settings.md."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from math import isfinite
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from anlan.formats.cap.profiles import PROFILES
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
class SigningConfig:
    """A key that signs CAP messages. `id`: how signatures name it. `key`, `certificate`: its PEM files
    (the signer's certificate first, then those that issued it). `password`: of the key, named as
    {env = "NAME"} or {file = "PATH"}. `since`, `until`: when it is in use, RFC 3339; the certificate's own
    days where left out. Where spans overlap the key that began last signs."""

    id: str
    key: str
    certificate: str
    password: dict[str, str] = field(default_factory=dict)
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        if self.password and set(self.password) not in ({"env"}, {"file"}):
            # what was found is not shown: it may be the secret itself
            raise InvalidValue(
                "a secret is named, not written",
                where=f"anlan.toml: signing {self.id}.password",
                expected='{ env = "NAME" } or { file = "PATH" }',
            )


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """The public site. `address`: where the public finds it, for feeds, which need whole addresses.
    `folder`: written to as well, for another web server to publish. `period_s`: built anew at least so often
    (seconds). `zone`: in which its instants are shown (IANA name)."""

    address: str = ""
    folder: str = ""
    period_s: int = 60
    zone: str = "UTC"

    def __post_init__(self) -> None:
        if not 5 <= self.period_s <= 3600:
            raise InvalidValue(
                "no such period",
                where="anlan.toml: site.period_s",
                found=str(self.period_s),
                expected="5 to 3600 seconds",
            )
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidValue(
                "no such zone",
                where="anlan.toml: site.zone",
                found=repr(self.zone),
                expected="an IANA name such as UTC, Asia/Shanghai",
            ) from error
        if self.address and not self.address.startswith(("https://", "http://")):
            raise InvalidValue(
                "not an address",
                where="anlan.toml: site.address",
                found=repr(self.address),
                expected="https://…",
            )


@dataclass(frozen=True, slots=True)
class CapConfig:
    """What CAP messages say of their publisher. `identifier`: how they are named, with `{sent}` for the
    instant of approval as YYYYMMDDhhmmss in `zone`, `{n}` for the first number from 0 on that no message has
    yet, `{id}` for the warning's own id; the id alone where left out. `web`: an address where people find
    more, with `{id}` for the warning's id and `{language}` for en or zh. `contact`: how they reach the
    publisher. `zone`: in which instants are written (IANA name). `english`: the tag of the English block, as
    en-GB. Every message keeps what it was approved with."""

    identifier: str = ""
    web: str = ""
    contact: str = ""
    zone: str = "UTC"
    english: str = "en-US"

    def __post_init__(self) -> None:
        where = "anlan.toml: cap"
        if re.fullmatch(r"en(?:-[A-Z]{2})?", self.english) is None:
            raise InvalidValue(
                "no tag of English",
                where=f"{where}.english",
                found=repr(self.english),
                expected="en-GB, en-US …",
            )
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidValue(
                "no such zone",
                where=f"{where}.zone",
                found=repr(self.zone),
                expected="an IANA name such as UTC, Asia/Shanghai",
            ) from error
        if self.web and not self.web.startswith(("https://", "http://")):
            raise InvalidValue(
                "not an address", where=f"{where}.web", found=repr(self.web), expected="https://…"
            )
        rest = self.identifier
        for mark in ("{sent}", "{n}", "{id}"):
            rest = rest.replace(mark, "")
        # CAP 1.2, section 3.2.1: no spaces, commas, < or & in an identifier
        if any(sign in rest for sign in " ,<&{}"):
            raise InvalidValue(
                "not a form of CAP identifiers",
                where=f"{where}.identifier",
                found=repr(self.identifier),
                expected="{sent}, {n}, {id} and text without blanks, commas, < and &",
            )
        named = self.identifier
        if named and "{id}" not in named and not ("{sent}" in named and "{n}" in named):
            raise InvalidValue(
                "two messages could have one identifier",
                where=f"{where}.identifier",
                found=repr(named),
                expected="{sent} and {n}, or {id}",
            )


@dataclass(frozen=True, slots=True)
class AcknowledgementsConfig:
    """Receipts and answers by MQTT 5. `host`, `port`: of the broker; without `host` nobody listens. `topic`:
    they come to `<topic>/<delivery>/delivered`, `/read` or `/answered`, with `{"token": …, "text": …}`.
    `user`, `password`: at the broker, the password named as {env = "NAME"} or {file = "PATH"}. `ca_file`:
    certificates that the broker's is checked against (the machine's own where none). `client_id`: the name of
    the session, one for each service. `keep_session_s`: so long the broker keeps what comes while this
    service is away (seconds)."""

    host: str = ""
    port: int = 8883
    topic: str = "anlan/acknowledgements"
    tls: bool = True
    ca_file: str = ""
    user: str = ""
    password: dict[str, str] = field(default_factory=dict)
    client_id: str = ""
    keep_session_s: int = 86_400

    def __post_init__(self) -> None:
        where = "anlan.toml: acknowledgements"
        if self.password and set(self.password) not in ({"env"}, {"file"}):
            # what was found is not shown: it may be the secret itself
            raise InvalidValue(
                "a secret is named, not written",
                where=f"{where}.password",
                expected='{ env = "NAME" } or { file = "PATH" }',
            )
        if not 1 <= self.port <= 65_535:
            raise InvalidValue(
                "no such port", where=f"{where}.port", found=str(self.port), expected="1 to 65535"
            )
        if not self.topic or any(sign in self.topic for sign in "+#\0") or self.topic.endswith("/"):
            raise InvalidValue(
                "not the beginning of a topic",
                where=f"{where}.topic",
                found=repr(self.topic),
                expected="such as anlan/acknowledgements, without +, # and a / at the end",
            )
        if not 0 <= self.keep_session_s < 2**32:
            raise InvalidValue(
                "no such time",
                where=f"{where}.keep_session_s",
                found=str(self.keep_session_s),
                expected="0 to 4294967295 seconds",
            )


@dataclass(frozen=True, slots=True)
class Config:
    """`pack`: a pack's id or path. `packs`: more folders to search. `mode`: live, exercise, replay or test.
    `sender`: the CAP sender of messages. `journal`: the URL of another journal than the workspace's own
    SQLite file. `host`, `port`: where the console listens (port 0: any that is free). `language`: en or zh.
    `secure`: the console is reached over https (cookies say so). `addresses`: where a recipient of the pack
    is really reached; packs travel, addresses stay here. `site`: the public site. `url`: where people outside
    reach this service (`https://…`): then messages that ask for an answer carry a link. `sms_key`: the secret
    of the gateway that brings replies by SMS, named as {env = "NAME"} or {file = "PATH"}: then such messages
    carry a code. `acknowledgements`: a broker by which receipts and answers come as well. `signing`: keys
    that sign CAP messages. `cap`: what they say of their publisher. `profiles`: of CAP (google, wmo …), which
    every message must keep to be published. `second_factor_keys`: what seals the secrets of authenticators in
    the file of the accounts, each named likewise; the present one first, behind it those that it replaces.
    Paths are relative to the workspace."""

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
    site: SiteConfig = field(default_factory=SiteConfig)
    url: str = ""
    sms_key: dict[str, str] = field(default_factory=dict)
    acknowledgements: AcknowledgementsConfig = field(default_factory=AcknowledgementsConfig)
    signing: tuple[SigningConfig, ...] = ()
    profiles: tuple[str, ...] = ()
    cap: CapConfig = field(default_factory=CapConfig)
    second_factor_keys: tuple[dict[str, str], ...] = ()

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
        if self.url and (not self.url.startswith(("https://", "http://")) or self.url.endswith("/")):
            raise InvalidValue(
                "not an address of a service",
                where="anlan.toml: url",
                found=repr(self.url),
                expected="https://HOST, without a / at the end",
            )
        if self.sms_key and set(self.sms_key) not in ({"env"}, {"file"}):
            # what was found is not shown: it may be the secret itself
            raise InvalidValue(
                "a secret is named, not written",
                where="anlan.toml: sms_key",
                expected='{ env = "NAME" } or { file = "PATH" }',
            )
        for place, key in enumerate(self.second_factor_keys):
            if set(key) not in ({"env"}, {"file"}):
                raise InvalidValue(
                    "a secret is named, not written",
                    where=f"anlan.toml: second_factor_keys[{place}]",
                    expected='{ env = "NAME" } or { file = "PATH" }',
                )
        for name in self.profiles:
            if name not in PROFILES:
                raise InvalidValue(
                    "no such profile",
                    where="anlan.toml: profiles",
                    found=name,
                    expected=", ".join(sorted(PROFILES)),
                )
        keys = [one.id for one in self.signing]
        for id in keys:
            if keys.count(id) > 1:
                raise InvalidValue("two keys of one id", where="anlan.toml: signing", found=id)
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
