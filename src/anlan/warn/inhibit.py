"""What the pack mutes while something worse stands: causes, and which findings each of them quiets.

A cause is a published message in force or a standing finding. It mutes findings of other hazards or rules
that lie inside it and are no more severe than it is. Muting takes nothing away: the finding keeps its
level, its thread and its place on the screen, and is heard again when the cause ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from anlan.model.errors import UnknownPlace
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.route import SAME, Inhibit
from anlan.model.state import State
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Cause:
    """`id` is a warning or a finding that stands at `places` with `level` since `began`."""

    rule: Inhibit
    id: str
    level: int
    places: frozenset[str]
    began: datetime


def causes(state: State, pack: Pack, now: datetime, mode: str) -> list[Cause]:
    """Every cause that stands at `now`, in the order of the pack. Messages count with the `mode` of the
    system only: an exercise quiets nothing real."""
    found: list[Cause] = []
    for rule in pack.inhibits.values():
        if not rule.validity.covers(now.date()):
            continue
        if rule.by_hazard:
            found += [
                Cause(rule, w.id, w.level, frozenset(w.places), w.sent)
                for w in state.warnings.values()
                if w.status == "approved"
                and w.change != "cancel"
                and w.mode == mode
                and w.hazard == rule.by_hazard
                and w.level <= rule.by_level
                and w.sent is not None
                and w.expires > now
            ]
        else:
            found += [
                Cause(rule, f.id, f.level, frozenset((f.place,)), f.at)
                for f in (state.findings[id] for id in state.latest.values())
                if f.rule == rule.by_rule and f.level is not None and f.level <= rule.by_level
            ]
    return found


class Inhibited:
    """Looks findings up among causes; remembers the line of every place it meets."""

    def __init__(self, causes: list[Cause], pack: Pack, now: datetime) -> None:
        self._by_hazard: dict[str, list[Cause]] = {}
        self._by_rule: dict[str, list[Cause]] = {}
        for cause in causes:
            for hazard in cause.rule.hazards:
                self._by_hazard.setdefault(hazard, []).append(cause)
            for rule in cause.rule.rules:
                self._by_rule.setdefault(rule, []).append(cause)
        self._pack, self._now = pack, now
        self._lines: dict[str, frozenset[str]] = {}

    def of(self, finding: Finding) -> dict[str, Cause]:
        """Inhibit rule -> the most severe (then oldest) cause by which it mutes the finding."""
        found: dict[str, Cause] = {}
        for cause in (*self._by_hazard.get(finding.hazard, ()), *self._by_rule.get(finding.rule, ())):
            if not self._fits(finding, cause):
                continue
            other = found.get(cause.rule.id)
            if other is None or (cause.level, cause.began, cause.id) < (other.level, other.began, other.id):
                found[cause.rule.id] = cause
        return found

    def _fits(self, finding: Finding, cause: Cause) -> bool:
        if finding.level is None or finding.level < cause.level or finding.id == cause.id:
            return False
        within = cause.rule.within
        if within is not None and abs(finding.at - cause.began) > within:
            return False
        if cause.rule.where == SAME:
            return finding.place in cause.places
        return not cause.places.isdisjoint(self._line(finding.place))

    def _line(self, place: str) -> frozenset[str]:
        if place not in self._lines:
            try:
                line = self._pack.ancestry(place, self._now)
            except UnknownPlace:
                line = (place,)
            self._lines[place] = frozenset(line)
        return self._lines[place]


def reason(cause: Cause) -> Reason:
    """Why, with the name of the cause."""
    title = cause.rule.title
    return Reason(
        "muted_by",
        Text(f"muted by {cause.id}: {title.en}", f"由 {cause.id} 抑制：{title.zh}"),
        cause.rule.basis,
    )
