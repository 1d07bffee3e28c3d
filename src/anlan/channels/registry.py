"""Which channels there are, and how one is built: built-ins and entry points of group anlan.channels.

An entry point names a package that has `make(options, clock) -> Channel` and a manifest.toml beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from types import ModuleType
from typing import Any

from anlan.channels.guard import Guarded
from anlan.channels.manifest import Manifest, read_manifest, settle
from anlan.model.errors import InvalidValue, NotFound
from anlan.ports.channel import Channel
from anlan.ports.clock import Clock

GROUP = "anlan.channels"
BUILT_IN = ("cap_feed", "smtp", "webhook", "bulk", "wis2", "siren", "gateway", "file", "console")


def modules() -> dict[str, ModuleType]:
    """Every channel's package by the channel's id; InvalidValue when a plug-in takes a name twice."""
    found = {id: import_module(f"anlan.channels.{id}") for id in BUILT_IN}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        if point.name in found:
            raise InvalidValue(
                "two channels of one name",
                where=f"entry point {GROUP}",
                found=f"{point.name} = {point.value}",
            )
        found[point.name] = point.load()
    return found


def manifest(module: ModuleType) -> Manifest:
    """The manifest beside a channel's package."""
    path = files(module).joinpath("manifest.toml")
    return read_manifest(path.read_text(encoding="utf-8"), str(path))


def manifests() -> dict[str, Manifest]:
    """Every channel that can be configured, by id."""
    return {id: manifest(module) for id, module in modules().items()}


def build(id: str, options: Mapping[str, Any], clock: Clock, where: str = "") -> Channel:
    """The channel, guarded, with its options checked and its secrets fetched. NotFound names the ones
    there are; InvalidValue what is wrong with the options."""
    known = modules()
    if id not in known:
        raise NotFound("no such channel", where=where or "channels", found=id, expected=", ".join(known))
    module = known[id]
    settled = settle(manifest(module), options, where)
    channel: Channel = module.make(settled, clock)
    return Guarded(channel)
