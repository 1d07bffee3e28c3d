"""A scenario: which recorded histories are replayed when, what people do, what must come out."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from anlan.formats.values import canonical, from_json
from anlan.model.errors import NotFound, Unreadable
from anlan.model.pack import Pack
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Window:
    """Sources replayed from `start` to `end`; what they knew before `start` is taken in at once."""

    title: Text
    start: datetime
    end: datetime
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScriptedAct:
    """`after` an entry of kind `on` (narrowed by hazard, recipient, change, report, `ended`: the risk
    has no level any more, `place`: the risk lies there or below, `outside`: in none of these, `since` and
    `until`: the entry is neither older nor newer), `by` does `do`.
    The people of a replay are played by this table; everything they do is checked like a person's."""

    on: str
    after: timedelta
    by: str
    do: str
    hazard: str = ""
    recipient: str = ""
    change: str = ""
    report: str = ""
    ended: bool = False
    place: str = ""
    outside: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expectation:
    """An entry of this kind (and hazard, place, level) must have come by `by` and not before
    `not_before`; with `never` it must not have come at all. With `rule` it is about the rule's record
    instead: at least `hits` of the known events, at most `false_alarms`."""

    kind: str = ""
    hazard: str = ""
    place: str = ""
    level: int | None = None
    rule: str = ""
    hits: int = 0
    false_alarms: int | None = None
    by: datetime | None = None
    not_before: datetime | None = None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file of a pack's `scenarios/`."""

    id: str
    title: Text
    windows: tuple[Window, ...]
    acts: tuple[ScriptedAct, ...] = ()
    expect: tuple[Expectation, ...] = ()


def watched_since(rule: str, scenario: Scenario, pack: Pack) -> datetime:
    """From when on events can be hit or missed: the rule's horizon before the first window of a source
    of its indicator."""
    definition = pack.rules[rule]
    starts = [
        window.start
        for window in scenario.windows
        for source in window.sources
        if definition.indicator in pack.sources[source].indicators
    ]
    return min(starts or [window.start for window in scenario.windows]) - definition.horizon


def read_scenario(path: Path) -> Scenario:
    """Unreadable names the file and every field that is wrong."""
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unreadable(f"not a scenario: {error}", where=str(path)) from error
    document = {
        **{key: raw[key] for key in raw if key not in ("window", "act", "expect")},
        "windows": [_renamed(table) for table in raw.get("window", [])],
        "acts": raw.get("act", []),
        "expect": raw.get("expect", []),
    }
    return from_json(Scenario, canonical(_plain(document)), str(path))


def _renamed(table: dict[str, Any]) -> dict[str, Any]:
    names = {"from": "start", "to": "end"}
    return {names.get(key, key): value for key, value in table.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def find_scenario(pack: Pack, id: str) -> Scenario:
    """The scenario `id` of the pack or of one it extends; NotFound names those there are."""
    there: list[str] = []
    for folder in reversed(pack.folders):
        for path in sorted((Path(folder) / "scenarios").glob("*.toml")):
            if path.stem == id:
                return read_scenario(path)
            there.append(path.stem)
    raise NotFound(
        "no such scenario",
        where=f"pack {pack.id}",
        found=id,
        expected=", ".join(sorted(set(there))) or "none is there",
    )


def all_scenarios(pack: Pack) -> list[Scenario]:
    """The scenarios of the pack's own folder."""
    return [read_scenario(p) for p in sorted((Path(pack.folders[-1]) / "scenarios").glob("*.toml"))]
