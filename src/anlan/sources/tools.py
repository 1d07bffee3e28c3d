"""What a source may be given by the running system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from anlan.model.errors import NotFound
from anlan.model.pack import Pack
from anlan.model.place import Point
from anlan.model.relayed import Feed, Relayed
from anlan.packs.paths import data_path, lacks_shared, leaves

if TYPE_CHECKING:
    from anlan.sources.poll import Poller

#: (indicator, ids of an event) -> (event, place, at) under which the event was last kept, or None
Earlier = Callable[[str, Sequence[str]], tuple[str, str, datetime] | None]


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that the hub keeps, and the way by which a source brought it. `read` gives its bytes;
    NotFound or AuditBroken where they are not there, or not what they were."""

    message: Relayed
    feed: Feed
    read: Callable[[], bytes]


class ResolvePoint(Protocol):
    """Finds the smallest place whose outline contains a point."""

    def __call__(self, point: Point, at: datetime, near_km: float) -> str | None:
        """The place's id in force at `at`; where none contains the point, the nearest within `near_km`
        kilometres; else None."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """`poller` asks over HTTP, `resolve_point` turns a point into a place, `earlier` finds an event that
    the lake holds, `kept` the messages of others that a source has brought already. A source that needs one
    that is missing says so when it is built."""

    poller: Poller | None = None
    resolve_point: ResolvePoint | None = None
    earlier: Earlier | None = None
    kept: Callable[[], Iterable[Kept]] | None = None


def find_file(name: str, pack: Pack, where: str) -> Path:
    """A file named in a pack: absolute, `shared:` and a path in the folder of reference data, or
    relative to the pack's folders, the last overlay first. NotFound says where it was looked for."""
    path = data_path(name)
    if path.is_absolute():
        if path.is_file():
            return path
    elif not leaves(name):
        for folder in reversed(pack.folders):
            if (Path(folder) / path).is_file():
                return Path(folder) / path
    raise NotFound(
        "no such file",
        where=where,
        found=name,
        expected=lacks_shared(name) or "a file in one of " + ", ".join(pack.folders or ("(no folder)",)),
    )
