"""Source kinds by name: the built-in ones, and those of installed distributions.

A distribution adds a kind by an entry point of the group `anlan.sources`, named as the kind, that
loads a `Kind`. A built-in kind cannot be replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from anlan.model.errors import NotFound
from anlan.model.indicator import SourceDef
from anlan.ports.source import Source
from anlan.sources.manifest import Manifest, check_options, read_manifest
from anlan.sources.tools import Tools

BUILT_IN = ("table", "usgs", "cap", "push", "mqtt")
GROUP = "anlan.sources"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: `folder` holds its manifest.toml, quality.toml and sample; `build` makes a
    source from a definition whose options fit the manifest."""

    folder: Path
    build: Callable[[SourceDef, Tools], Source]


@cache
def kinds() -> dict[str, Kind]:
    """Every kind there is, by name."""
    found = {name: import_module(f"anlan.sources.{name}.source").KIND for name in BUILT_IN}
    for entry in entry_points(group=GROUP):
        if entry.name not in found:
            found[entry.name] = entry.load()
    return found


@cache
def manifest(kind: str) -> Manifest:
    """The manifest of a kind; NotFound."""
    return read_manifest(_kind(kind).folder)


def build(definition: SourceDef, tools: Tools | None = None) -> Source:
    """The source that a pack defines. NotFound for an unknown kind, InvalidValue for options that do
    not fit. A source remembers what it has handed over: where that could not be stored
    (StoreUnavailable), build it anew with a new poller and fetch again; nothing is lost, and what is
    repeated is known by its content."""
    kind = _kind(definition.kind, f"source {definition.id}.kind")
    check_options(definition, manifest(definition.kind))
    return kind.build(definition, tools or Tools())


def _kind(name: str, where: str = "source kind") -> Kind:
    try:
        return kinds()[name]
    except KeyError:
        raise NotFound(
            "no such kind of source", where=where, found=name, expected=", ".join(sorted(kinds()))
        ) from None
