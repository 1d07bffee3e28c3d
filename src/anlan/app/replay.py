"""Recorded histories on a virtual clock: the same flow as live, faster than the world.

The replay is a sequence of turns, each at the next instant at which anything happens: news arrives, a
timer runs out, somebody acts. The cursor in the journal says which turn was the last whole one, so a
killed replay goes on there and ends with the same journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from anlan import flow
from anlan.app.clock import VirtualClock
from anlan.app.scenario import Scenario
from anlan.app.script import Script
from anlan.model.entry import Marker
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.model.time import format_instant, parse_instant
from anlan.ports.source import Batch
from anlan.turn import CURSOR, Turn

if TYPE_CHECKING:
    from anlan.app.house import RunningHouse


#: so many turns in consecutive microseconds mean that a timer does not go away
IDLE = 100


RECORD_ENDS = Reason(
    "record_ends", Text("the recorded history of this source ends here", "该来源的历史记录到此为止")
)


@dataclass(frozen=True, slots=True)
class Progress:
    """After each turn: where the replay is, between which instants, how many turns so far."""

    now: datetime
    start: datetime
    end: datetime
    turns: int
    window: str


class Replay:
    """One scenario in one workspace."""

    def __init__(self, house: RunningHouse, scenario: Scenario) -> None:
        if not isinstance(house.clock, VirtualClock):
            raise TypeError("a replay needs a virtual clock")
        self.house = house
        self._clock = house.clock
        self.scenario = scenario
        self.start = min(window.start for window in scenario.windows)
        self.end = max(window.end for window in scenario.windows)
        self.turns = 0
        self._script = Script(scenario.acts, house.pack)
        self._batches: list[tuple[datetime, Batch]] = []
        self._ends: dict[str, datetime] = {}
        for window in scenario.windows:
            for source in window.sources:
                self._ends[source] = max(window.end, self._ends.get(source, window.end))
        self._next = 0
        self._idle = 0

    def run(self, report: Callable[[Progress], None] | None = None) -> None:
        """To the end, from the beginning or from where an earlier run was killed."""
        house = self.house
        house.keep()
        position = house.journal.cursor(CURSOR)
        done = parse_instant(position) if position else None
        house.watch_until(self._ends)
        self._load()
        if done is None:
            turn = Turn(house, self.start)
            turn.put(
                "marker.replay_began",
                Marker(
                    f"replay:{self.scenario.id}",
                    "replay_began",
                    f"{self.scenario.id}, pack {house.pack.digest}",
                ),
            )
            turn.commit(format_instant(self.start))
            self._script.see(house.journal.read(), house.state)
        else:
            flow.recover(house, max(done, self._clock.now()))
            self._script.see(house.journal.read(), house.state, after=done)
            while self._next < len(self._batches) and self._batches[self._next][0] <= done:
                self._next += 1
        if done is not None and done > self.end:
            return  # finished under a scenario that ended later, or gone on with by people since
        while (now := self._upcoming(done)) is not None and now <= self.end:
            self._turn(now)
            done = now
            if report:
                report(Progress(now, self.start, self.end, self.turns, self._window(now)))
        if f"replay:{self.scenario.id}:end" not in house.state.markers:
            self._clock.set(self.end)
            turn = Turn(house, self.end)
            turn.put(
                "marker.replay_ended",
                Marker(f"replay:{self.scenario.id}:end", "replay_ended", self.scenario.id),
            )
            turn.commit(format_instant(self.end))
        if report:
            report(Progress(self.end, self.start, self.end, self.turns, ""))

    def _turn(self, now: datetime) -> None:
        house = self.house
        self._clock.set(now)
        batches = []
        while self._next < len(self._batches) and self._batches[self._next][0] <= now:
            batches.append(self._batches[self._next][1])
            self._next += 1
        before = house.journal.head()[0]
        turn = flow.begin(house, now, batches)
        for source in self._over(now):
            state = house.state.sources[source]
            ended = replace(state, status="ended", since=now, reasons=(RECORD_ENDS,))
            turn.put("source.ended", ended, why=RECORD_ENDS)
        self._script.play(turn)
        flow.end(turn, format_instant(now))
        self._script.see(house.journal.read(after=before), house.state, after=now)
        self.turns += 1

    def _upcoming(self, done: datetime | None) -> datetime | None:
        """The earliest of: news, timers, people. Never at or before what is done."""
        times = [self._script.next_due(), flow.next_due(self.house, done or self.start)]
        times += [end for source, end in self._ends.items() if self._runs(source)]
        if self._next < len(self._batches):
            times.append(self._batches[self._next][0])
        floor = done or self.start
        later = [max(t, floor + flow.INSTANT) for t in times if t is not None]
        upcoming = min(later, default=None)
        # a timer that stays due for ever would turn for ever: that is a defect, so say so
        self._idle = self._idle + 1 if upcoming == floor + flow.INSTANT else 0
        if self._idle > IDLE:
            raise RuntimeError(f"a timer stays due at {floor}: news, people, timers {times}")
        return upcoming

    def _runs(self, source: str) -> bool:
        """The source has brought something and its record has not ended yet."""
        state = self.house.state.sources.get(source)
        return state is not None and state.status != "ended"

    def _over(self, now: datetime) -> list[str]:
        """Sources whose record ends by now and is not said to have ended."""
        return sorted(s for s, end in self._ends.items() if end <= now and self._runs(s))

    def _load(self) -> None:
        """Every batch of every window with the instant at which it is taken in."""
        for window in self.scenario.windows:
            for source in window.sources:
                for batch in self._recorded(source):
                    if batch.known <= window.end:
                        self._batches.append((max(batch.known, window.start), batch))
        self._batches.sort(key=lambda item: (item[0], item[1].source, item[1].known))

    def _recorded(self, source: str) -> Iterator[Batch]:
        return self.house.source(source).history(self.house.pack)

    def _window(self, now: datetime) -> str:
        open_ = [w for w in self.scenario.windows if w.start <= now <= w.end]
        return open_[-1].title.in_(self.house.language) if open_ else ""
