"""How good a rule is: its episodes against what is known to have happened.

POD = hits / (hits + misses), FAR = false alarms / (hits + false alarms), CSI = hits / (hits + misses +
false alarms): WMO-No. 1023, Guidelines on performance assessment; Wilks, Statistical Methods in the
Atmospheric Sciences, sec. 8.2. Events and episodes are matched one to many: an event is hit when an
episode begins no later than its end, and it begins itself while the episode lasts or within `horizon` of
the episode's start; an episode is a false alarm when it matches no event and none can match it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from anlan.model.indicator import KnownEvent
from anlan.model.review import Scores


@dataclass(frozen=True, slots=True)
class Episode:
    """One uninterrupted stretch with a level: `start` when the first finding was made."""

    place: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Table:
    """A two-by-two table without the correct negatives, which event verification does not have."""

    hits: int
    misses: int
    false_alarms: int

    @property
    def pod(self) -> float | None:
        return _share(self.hits, self.hits + self.misses)

    @property
    def far(self) -> float | None:
        return _share(self.false_alarms, self.hits + self.false_alarms)

    @property
    def csi(self) -> float | None:
        return _share(self.hits, self.hits + self.misses + self.false_alarms)


def _median(leads: Sequence[timedelta]) -> timedelta | None:
    micro = timedelta(microseconds=1)
    return timedelta(microseconds=median(lead // micro for lead in leads)) if leads else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def matches(episode: Episode, event: KnownEvent, horizon: timedelta) -> bool:
    """In time: the episode begins no later than the event ends, and the event begins no later than the
    episode ends (one without an end lasts) or its `horizon`, whichever is later."""
    if episode.start > event.end:
        return False
    return episode.end is None or event.start <= max(episode.end, episode.start + horizon)


def undecided(episode: Episode, horizon: timedelta, now: datetime) -> bool:
    """An event may still come that the episode announces."""
    return episode.end is None or now < max(episode.end, episode.start + horizon)


def verify(
    rule: str,
    episodes: Sequence[Episode],
    events: Sequence[KnownEvent],
    horizon: timedelta,
    near: Callable[[str, str], bool],
    now: datetime | None = None,
    ongoing: Sequence[KnownEvent] = (),
) -> Scores:
    """Scores of a rule's episodes against the events of its hazard. `near(a, b)`: do two places meet.
    `now`: episodes that may still match at that instant are no false alarms yet (None: all is over).
    `ongoing`: events under way when the record began; they are neither hits nor misses, for nobody knows
    what the rule would have said before, and an episode that matches one is no false alarm.
    Lead: median over the hit events of (event start - first matching episode's start)."""
    leads = []
    used: set[int] = set()
    for event in events:
        hit = [
            (episode.start, i)
            for i, episode in enumerate(episodes)
            if near(episode.place, event.place) and matches(episode, event, horizon)
        ]
        used.update(i for _, i in hit)
        if hit:
            leads.append(event.start - min(hit)[0])
    used.update(
        i
        for i, episode in enumerate(episodes)
        if any(near(episode.place, event.place) and matches(episode, event, horizon) for event in ongoing)
    )
    # episodes that began inside an event already hit by another episode are part of that hit
    false = sum(
        1
        for i, episode in enumerate(episodes)
        if i not in used and (now is None or not undecided(episode, horizon, now))
    )
    table = Table(len(leads), len(events) - len(leads), false)
    return Scores(
        rule=rule,
        hits=table.hits,
        misses=table.misses,
        false_alarms=table.false_alarms,
        pod=table.pod,
        far=table.far,
        csi=table.csi,
        lead=_median(leads),
    )
