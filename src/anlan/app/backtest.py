"""A rule over all recorded history, as it would have been evaluated then, scored against known events.

The same evaluation as live: at every instant at which something became known, the rule sees only what
was known by then.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anlan.assess.evaluate import evaluate
from anlan.assess.surveys.registry import reads, timed
from anlan.model.errors import NotFound, WrongState
from anlan.model.indicator import Rule
from anlan.model.pack import Pack
from anlan.model.review import Scores
from anlan.model.state import State
from anlan.model.time import day_after
from anlan.monitor.intake import admit
from anlan.packs.load import load_pack
from anlan.packs.locate import Finder
from anlan.packs.paths import pack_path
from anlan.review.make import episodes, score
from anlan.review.verify import Episode
from anlan.sources.registry import build
from anlan.sources.tools import Tools
from anlan.store.lake import DeltaLake


@dataclass(frozen=True, slots=True)
class Backtest:
    """The rule's record from `since` to `until` (the first and last instants of `known`).
    `target`: new levels a day that the rule's domain declares, None where it declares none; `others`: what
    the domain's other rules raise a day by their records, `unrecorded` those that have none as they stand."""

    scores: Scores
    episodes: tuple[Episode, ...]
    since: datetime
    until: datetime
    target: float | None = None
    others: float = 0.0
    unrecorded: tuple[str, ...] = ()

    @property
    def per_day(self) -> float:
        """New levels a day over the whole record."""
        days = (self.until - self.since) / timedelta(days=1)
        return len(self.episodes) / days if days > 0 else float(len(self.episodes))

    @property
    def together(self) -> float:
        """New levels a day of all rules of the domain, as far as they have a record: the target is for an
        officer, who has them all."""
        return self.per_day + self.others


def backtest(pack: str, rule: str) -> Backtest:
    """Replay the sources of the rule's indicator through the rule alone. NotFound for an unknown rule;
    WrongState where no source of the pack has a record of its indicator."""
    loaded = load_pack(Path(pack) if Path(pack).is_dir() else pack, pack_path())
    if rule not in loaded.rules:
        raise NotFound(
            "no such rule", where=f"pack {loaded.id}", found=rule, expected=", ".join(sorted(loaded.rules))
        )
    with tempfile.TemporaryDirectory(prefix="anlan-backtest-") as folder:
        lake = DeltaLake.open(Path(folder))
        try:
            return _run(loaded, rule, lake)
        finally:
            lake.close()


def _run(pack: Pack, rule: str, lake: DeltaLake) -> Backtest:
    definition = pack.rules[rule]
    wanted = set(reads(definition))
    known: set[datetime] = set()
    first: datetime | None = None
    for source in sorted(pack.sources.values(), key=lambda s: s.id):
        if not wanted.intersection(source.indicators):
            continue
        accepted = []
        tools = Tools(resolve_point=Finder(pack, source), earlier=lake.event)
        for batch in build(source, tools).history(pack):
            good, _ = admit(batch, pack)
            accepted += [o for o in good if o.indicator in wanted]
        lake.append(accepted)
        own = [o for o in accepted if o.indicator == definition.indicator]
        known |= {o.known for o in own}
        starts = [o.at for o in own]
        first = min([*starts, *([first] if first else [])], default=None)
    if not known or first is None:
        raise WrongState(
            "no source has a record of this indicator", where=f"rule {rule}", found=definition.indicator
        )
    instants = set(known)
    if timed(definition):
        day = day_after(min(known))
        while day <= max(known):
            instants.add(day)
            day = day_after(day)
    elif pack.indicators[definition.indicator].kind == "event":
        instants |= {moment + definition.keep for moment in known}
    state = State()
    for now in sorted(instants):
        for finding in evaluate(definition, pack, lake, state, now):
            state.put(finding.id, finding)
    findings = list(state.findings.values())
    until = max(instants)
    scores = score(rule, findings, pack, first.astimezone(UTC), until)
    domain = pack.domains[pack.indicators[definition.indicator].domain]
    others, unrecorded = _others(pack, definition, domain.id)
    return Backtest(
        scores, tuple(episodes(findings, rule)), first, until, domain.alarms_per_day, others, unrecorded
    )


def _others(pack: Pack, rule: Rule, domain: str) -> tuple[float, tuple[str, ...]]:
    """(new levels a day of the other rules of a domain by their records, those without one)."""
    total, without = 0.0, []
    for other in sorted(pack.rules.values(), key=lambda one: one.id):
        if other.id == rule.id or pack.indicators[other.indicator].domain != domain:
            continue
        record = pack.record_of(other)
        if record is None:
            without.append(other.id)
        else:
            total += record.per_day
    return total, tuple(without)
