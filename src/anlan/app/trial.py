"""Scenarios as tests of a pack: replayed on a virtual clock, compared with what they expect."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from anlan.app.clock import VirtualClock
from anlan.app.config import ChannelConfig, Config
from anlan.app.house import RunningHouse
from anlan.app.replay import Replay
from anlan.app.scenario import Expectation, Scenario, all_scenarios, watched_since
from anlan.model.entry import Entry
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.time import format_instant
from anlan.packs.load import load_pack
from anlan.packs.paths import pack_path
from anlan.review.make import score


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario: how much it expected, which expectations failed (as sentences)."""

    scenario: str
    expected: int
    failed: tuple[str, ...]
    turns: int


def try_pack(pack: str) -> list[Outcome]:
    """Every scenario of the pack, each in a workspace of its own that is gone afterwards."""
    named = str(Path(pack).resolve()) if Path(pack).is_dir() else pack
    loaded = load_pack(Path(named) if Path(named).is_dir() else named, pack_path())
    return [try_scenario(named, loaded, scenario) for scenario in all_scenarios(loaded)]


def try_scenario(named: str, pack: Pack, scenario: Scenario) -> Outcome:
    """Replay it with every channel writing into a folder."""
    with tempfile.TemporaryDirectory(prefix="anlan-trial-") as folder:
        channels = tuple(
            ChannelConfig(id, "file", {"folder": f"out-{id}", "public": False})
            for id in sorted({r.channel for r in pack.recipients.values()})
        )
        config = Config(pack=named, sender="trial@anlan.invalid", mode="replay", channel=channels)
        start = min(window.start for window in scenario.windows)
        house = RunningHouse(Path(folder), VirtualClock(start), config, pack=pack)
        try:
            replay = Replay(house, scenario)
            replay.run()
            entries = list(house.journal.read())
            said = [
                _misjudged(e, scenario, house.state, pack) if e.rule else _missed(e, entries, house.state)
                for e in scenario.expect
            ]
            failed = [sentence for sentence in said if sentence]
            return Outcome(scenario.id, len(scenario.expect), tuple(failed), replay.turns)
        finally:
            house.close()


def _misjudged(expect: Expectation, scenario: Scenario, state: State, pack: Pack) -> str:
    """The sentence where a rule's record is worse than expected, or the empty string."""
    since, end = watched_since(expect.rule, scenario, pack), max(window.end for window in scenario.windows)
    found = score(expect.rule, list(state.findings.values()), pack, since, end)
    most = expect.false_alarms
    if found.hits >= expect.hits and (most is None or found.false_alarms <= most):
        return ""
    return (
        f"rule {expect.rule}: {found.hits} hits and {found.false_alarms} false alarms, expected at least "
        f"{expect.hits} hits" + ("" if most is None else f" and at most {most} false alarms")
    )


def _missed(expect: Expectation, entries: Iterable[Entry], state: State) -> str:
    """The sentence of a failed expectation, or the empty string."""
    hits = [e for e in entries if e.kind == expect.kind and _fits(expect, e, state)]
    level = "" if expect.level is None else f"level {expect.level}"
    what = " ".join(filter(None, (expect.kind, expect.hazard, expect.place, level)))
    if expect.never:
        return f"{what}: came at {format_instant(hits[0].at)}, expected never" if hits else ""
    if not hits:
        return f"{what}: never came"
    first = hits[0].at
    if expect.by and first > expect.by:
        return f"{what}: came at {format_instant(first)}, expected by {format_instant(expect.by)}"
    if expect.not_before and first < expect.not_before:
        return (
            f"{what}: came at {format_instant(first)}, expected not before "
            f"{format_instant(expect.not_before)}"
        )
    return ""


def _fits(expect: Expectation, entry: Entry, state: State) -> bool:
    value = entry.value
    thread = state.assessments.get(entry.risk)
    hazard = getattr(value, "hazard", "") or (thread.hazard if thread else "")
    places = (*getattr(value, "places", ()), getattr(value, "place", ""))
    level = getattr(value, "level", None)
    return (
        (not expect.hazard or hazard == expect.hazard)
        and (not expect.place or expect.place in places)
        and (expect.level is None or level == expect.level)
    )
