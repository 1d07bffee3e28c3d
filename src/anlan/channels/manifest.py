"""What a channel says of itself: manifest.toml, and the options it takes."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anlan.model.errors import InvalidValue
from anlan.model.text import Text

_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "secret": (str,),
    "secrets": (dict,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
REPEATS = ("same", "asked", "marked")


@dataclass(frozen=True, slots=True)
class Option:
    """`kind`: text, secret, secrets, integer, number, boolean. A secret is written as a table naming where
    it is kept, never as itself: {env = "NAME"} or {file = "/path"}; secrets are a table of such. `choices`
    empty means any."""

    kind: str
    title: Text
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """`public` True for a channel that reaches the public; `limits` name what the channel cannot do,
    in the units their names end with. `repeat` is what a second copy is where nobody knows whether the first
    arrived: same (it changes nothing at the far end), asked (there is none, where the far end is set up to
    say what it has), marked (a copy that says so)."""

    id: str
    title: Text
    public: bool
    limits: Mapping[str, int | str] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    repeat: str = "marked"


def read_manifest(text: str, where: str) -> Manifest:
    """A manifest from its TOML; InvalidValue naming the key that is missing or wrong."""
    try:
        document = tomllib.loads(text)
        options = {
            name: Option(
                kind=entry["kind"],
                title=Text(**entry["title"]),
                required=entry.get("required", False),
                default=entry.get("default"),
                choices=tuple(entry.get("choices", ())),
            )
            for name, entry in document.get("options", {}).items()
        }
        manifest = Manifest(
            id=document["id"],
            title=Text(**document["title"]),
            public=document["public"],
            limits=document.get("limits", {}),
            options=options,
            repeat=document.get("repeat", "marked"),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise InvalidValue("not a channel's manifest", where=where, found=str(error)) from error
    if manifest.repeat not in REPEATS:
        raise InvalidValue(
            "no such repeat", where=f"{where} repeat", found=str(manifest.repeat), expected=", ".join(REPEATS)
        )
    for name, option in options.items():
        if option.kind not in _KINDS:
            raise InvalidValue(
                "no such kind", where=f"{where} options.{name}", found=option.kind, expected=", ".join(_KINDS)
            )
    return manifest


def settle(manifest: Manifest, given: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The options as the channel gets them: checked, defaults filled in, secrets fetched.
    InvalidValue lists what is unknown, missing or of the wrong kind."""
    where = where or f"channel {manifest.id}"
    unknown = sorted(set(given) - set(manifest.options))
    if unknown:
        raise InvalidValue(
            "no such option",
            where=where,
            found=", ".join(unknown),
            expected=", ".join(manifest.options) or "none",
        )
    settled: dict[str, Any] = {}
    for name, option in manifest.options.items():
        here = f"{where} option {name}"
        value = given.get(name, option.default)
        if value is None:
            if option.required:
                raise InvalidValue("this option is required", where=here, expected=option.title.en)
            settled[name] = None
            continue
        if option.kind == "secret":
            value = fetch_secret(value, here)
        elif option.kind == "secrets":
            if not isinstance(value, Mapping) or not value:
                raise InvalidValue(
                    "not a table of secrets", where=here, expected='{NAME = {env = "VARIABLE"}, ...}'
                )
            value = {key: fetch_secret(one, f"{here}.{key}") for key, one in value.items()}
        wrong = isinstance(value, bool) != (option.kind == "boolean")
        if wrong or not isinstance(value, _KINDS[option.kind]):
            raise InvalidValue("wrong kind of value", where=here, found=repr(value), expected=option.kind)
        if option.choices and value not in option.choices:
            raise InvalidValue(
                "no such choice", where=here, found=repr(value), expected=", ".join(option.choices)
            )
        settled[name] = value
    return settled


def fetch_secret(value: object, where: str) -> str:
    """A secret from where it is kept: {env = "NAME"} or {file = "PATH"}. InvalidValue, never with the secret
    in its words."""
    match value:
        case {"env": str(name)}:
            secret = os.environ.get(name, "")
            source = f"environment variable {name}"
        case {"file": str(path)}:
            try:
                secret = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise InvalidValue(
                    "the secret's file cannot be read", where=where, found=str(error)
                ) from error
            source = f"file {path}"
        case _:
            # what was found is not shown: it may be the secret itself
            raise InvalidValue(
                "a secret is named, not written", where=where, expected='{env = "NAME"} or {file = "PATH"}'
            )
    if not secret:
        raise InvalidValue("the secret is empty", where=where, found=source)
    return secret
