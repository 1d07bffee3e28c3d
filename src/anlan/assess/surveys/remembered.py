"""What surveys answered as of earlier instants, kept from one evaluation to the next.

An answer as of an instant follows from the rule, the pack, what was known then and, where the survey minds
them, the places that have a level now. So it is kept for these, with the stamp that the lake gives for what
was known then: a row that comes late, or a correction that counts as known earlier, makes another stamp and
the instant is asked again. Of a lake without stamps nothing is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

from anlan.assess.finding import Look
from anlan.assess.surveys.registry import reads
from anlan.assess.surveys.spec import Key, SurveySpec, live
from anlan.model.indicator import Rule
from anlan.model.pack import Pack
from anlan.ports.lake import Lake, Stamped

#: level -> YES, NO or UNKNOWN
Answer = Mapping[int, int]
#: rules (with their places that have a level) whose answers are kept at a time, of one lake
RULES = 64


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said as of one instant: of the keys in `told`, and of all `others`. A key that was told the
    same as the others is not in `told`."""

    told: Mapping[Key, Answer]
    others: Answer

    def of(self, key: Key) -> Answer:
        return self.told.get(key, self.others)


@dataclass(slots=True)
class _OfRule:
    rule: Rule
    pack: Pack
    #: instant -> (stamps of what was known then, what was said)
    said: dict[datetime, tuple[Hashable, Answers]] = field(default_factory=dict)


_GUARD = threading.Lock()
_KEPT: WeakKeyDictionary[Lake, OrderedDict[Hashable, _OfRule]] = WeakKeyDictionary()


class Remembered:
    """The answers to the rule of one look; `ask(at)` is called for those that are not kept."""

    def __init__(self, look: Look, one: SurveySpec, ask: Callable[[datetime], Answers]) -> None:
        self._look, self._ask = look, ask
        self._indicators = reads(look.rule)
        self._kept = _of_rule(look, one) if isinstance(look.lake, Stamped) else None

    def at(self, at: datetime) -> Answers:
        """What was said as of `at`, which is not in the future."""
        lake = self._look.lake
        if self._kept is None or not isinstance(lake, Stamped):
            return self._ask(at)
        # before the answer: what comes while it is asked makes another stamp
        stamp = tuple(lake.stamp(indicator, at) for indicator in self._indicators)
        with _GUARD:
            kept = self._kept.said.get(at)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        found = self._ask(at)
        with _GUARD:
            self._kept.said[at] = (stamp, found)
        return found

    def forget(self, before: datetime) -> None:
        """Let go of what lies outside of `before` and now: there are never more than a window of them."""
        if self._kept is None:
            return
        with _GUARD:
            for at in [at for at in self._kept.said if not before <= at <= self._look.now]:
                del self._kept.said[at]


def _of_rule(look: Look, one: SurveySpec) -> _OfRule:
    """What is kept of the rule: of another version of it or of the pack nothing is."""
    key = (look.rule.id, frozenset(live(look)) if one.minds_levels else None)
    with _GUARD:
        rules = _KEPT.setdefault(look.lake, OrderedDict())
        kept = rules.get(key)
        if kept is None or kept.pack is not look.pack or kept.rule != look.rule:
            kept = rules[key] = _OfRule(look.rule, look.pack)
        rules.move_to_end(key)
        while len(rules) > RULES:
            rules.popitem(last=False)
    return kept
