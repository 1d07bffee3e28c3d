"""What a kind of source says about itself, and the check of a pack's options against it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from anlan.model.errors import InvalidValue
from anlan.model.indicator import SourceDef
from anlan.model.text import Text
from anlan.model.time import parse_duration

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "duration": (str, timedelta),
    "table": (dict,),
    "strings": (list, tuple),
    "tables": (list, tuple),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a source kind. `one_of`: at least one option of the same group must be set."""

    name: str
    type: str
    what: Text
    required: bool = False
    one_of: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A kind's manifest.toml. `quality` maps each rule of quality.toml to done, todo, or exempt with
    its reason; `sample` is a recorded input beside it."""

    id: str
    title: Text
    what: Text
    options: tuple[Option, ...]
    quality: dict[str, str]
    sample: Path


def read_manifest(folder: Path) -> Manifest:
    """manifest.toml, quality.toml and the sample of a kind's folder."""
    data = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    quality = tomllib.loads((folder / "quality.toml").read_text("utf-8"))["rules"]
    return Manifest(
        id=data["id"],
        title=Text(**data["title"]),
        what=Text(**data["what"]),
        options=tuple(
            Option(
                name=option["name"],
                type=option["type"],
                what=Text(**option["what"]),
                required=option.get("required", False),
                one_of=option.get("one_of", ""),
            )
            for option in data.get("option", [])
        ),
        quality=quality,
        sample=folder / "sample" / data["sample"],
    )


def check_options(definition: SourceDef, manifest: Manifest) -> None:
    """InvalidValue naming the first option that is unknown, missing, or of the wrong type."""
    where = f"source {definition.id}.options"
    known = {option.name: option for option in manifest.options}
    for name, value in definition.options.items():
        option = known.get(name)
        if option is None:
            raise InvalidValue(
                "no such option", where=f"{where}.{name}", found=name, expected=", ".join(sorted(known))
            )
        wanted = TYPES[option.type]
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise InvalidValue(
                "not of the option's type",
                where=f"{where}.{name}",
                found=repr(value)[:60],
                expected=option.type,
            )
    for option in manifest.options:
        if option.required and option.name not in definition.options:
            raise InvalidValue(
                "a needed option is missing", where=where, found="nothing", expected=option.name
            )
    for group in {option.one_of for option in manifest.options if option.one_of}:
        names = [option.name for option in manifest.options if option.one_of == group]
        if not any(name in definition.options for name in names):
            raise InvalidValue(
                "a needed option is missing", where=where, found="nothing", expected=" or ".join(names)
            )


def duration(value: Any, where: str) -> timedelta:
    """A duration option: ISO 8601 text, or a timedelta already."""
    return value if isinstance(value, timedelta) else parse_duration(str(value), where)
