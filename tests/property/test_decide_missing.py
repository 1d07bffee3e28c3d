"""Missing is unknown: whatever goes missing, in whatever order, no level and no warning is lowered by it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess.evaluate import evaluate
from anlan.assess.thread import gather, places
from anlan.formats.values import to_json
from anlan.model.finding import Finding
from anlan.model.indicator import Rule
from anlan.model.observation import Observation
from anlan.model.state import State
from anlan.warn.approve import approve, close, submit
from anlan.warn.decide import PENDING, decide, in_force
from chain_pack import BEN, DAY, GAUGE, HOUR, PLAN, T0, MemoryLake, chain_pack, finding, stage

ADA = replace(BEN, name="ada")
PACK = chain_pack(plans={"flood-plan": replace(PLAN, warn_at=4, valid=400 * DAY)})
GONE = ("ended", "lowered")


@dataclass
class Chain:
    """Findings, thread and warnings of one rule as the flow makes them, every draft approved at once."""

    rule: Rule
    publish: bool = True
    lake: MemoryLake = field(default_factory=MemoryLake)
    state: State = field(default_factory=State)

    def step(self, now: datetime, *seen: Observation, stale: bool = False) -> list[Finding]:
        self.lake.append(seen)
        pack = replace(PACK, rules={self.rule.id: self.rule})
        found = evaluate(self.rule, pack, self.lake, self.state, now, stale=stale)  # type: ignore[arg-type]
        for one in found:
            self.state.put(one.id, one)
            thread = gather(one, self.state, pack, now)
            if thread is not None:
                self.state.put(thread.id, thread)
        for thread in list(self.state.assessments.values()):
            area = places(thread, self.state, pack, now)
            decision = decide(thread, area, self.state, pack, now, "Actual")
            for old in decision.replaced:
                self.state.put(old.id, close(old, "superseded", decision.reason))
            if decision.draft is not None:
                self.state.put(decision.draft.id, decision.draft)
                if self.publish:
                    head = in_force(thread.id, self.state, now)
                    sent = approve(submit(decision.draft, ADA, pack, now), BEN, pack, now, "code")
                    self.state.put(sent.id, sent)
                    if head is not None:
                        status = "cancelled" if sent.change == "cancel" else "superseded"
                        self.state.put(head.id, close(head, status, decision.reason))
        return found

    def warned(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Risk -> level and area of the message in force or waiting."""
        found = {}
        for w in self.state.warnings.values():
            if w.change != "cancel" and w.status in ("approved", *PENDING):
                found[w.risk] = (w.level, w.places)
        return found


# (what comes, for which day relative to the newest, value): a value, a gap, a revision to a gap, silence
news = st.one_of(
    st.tuples(
        st.just("value"), st.sampled_from(["x/a", "x/b", "x/a/1"]), st.sampled_from([1.0, 3.5, 4.5, 6.5])
    ),
    st.tuples(st.just("gap"), st.sampled_from(["x/a", "x/b", "x/a/1"]), st.none()),
    st.tuples(st.just("back"), st.sampled_from(["x/a", "x/b"]), st.integers(0, 6)),
    st.tuples(st.just("nothing"), st.just("x/a"), st.none()),
    st.tuples(st.just("late"), st.just("x/a"), st.none()),
)
rules = st.builds(
    lambda hold, keep, missing: replace(GAUGE, hold=hold * DAY, keep=keep * DAY, if_missing=missing),
    st.integers(0, 2),
    st.integers(0, 4),
    st.sampled_from(["unknown", "hold"]),
)


@given(rules, st.lists(news, max_size=40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_nothing_that_goes_missing_lowers_a_level_or_a_warning(
    rule: Rule, story: list[tuple[str, str, object]], publish: bool
) -> None:
    chain = Chain(rule, publish)
    for day, (what, place, value) in enumerate(story):
        now = T0 + (day + 1) * DAY + 6 * HOUR
        before = chain.warned()
        cancels = [w for w in chain.state.warnings.values() if w.change == "cancel"]
        if what == "value":
            chain.step(now, stage(day, value, place, known=now))  # type: ignore[arg-type]
            continue
        seen: tuple[Observation, ...] = ()
        if what == "gap":
            seen = (stage(day, None, place, known=now),)
        elif what == "back" and isinstance(value, int) and value < day:
            seen = (stage(day - value, None, place, known=now),)
        found = chain.step(now, *seen, stale=what == "late")
        assert [f for f in found if f.change in GONE] == []
        assert [w for w in chain.state.warnings.values() if w.change == "cancel"] == cancels
        after = chain.warned()
        for risk, (level, area) in before.items():
            assert risk in after
            assert after[risk][0] <= level
            assert set(after[risk][1]) >= set(area)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.sampled_from([1.0, 3.5]))
@settings(max_examples=30, deadline=None)
def test_with_gaps_a_level_stands_at_least_as_long_as_without(gaps: list[bool], quiet: float) -> None:
    """The same quiet days after a red one, some of them missing: the end is never earlier."""
    whole, torn = Chain(GAUGE), Chain(GAUGE)
    for day, missing in enumerate([False, *gaps]):
        now = T0 + (day + 1) * DAY + 6 * HOUR
        value = 6.5 if day == 0 else quiet
        whole.step(now, stage(day, value))
        torn.step(now, stage(day, None if missing else value))
        levels = [next(iter(c.state.assessments.values())).level or 9 for c in (whole, torn)]
        assert levels[1] <= levels[0]


@given(st.lists(news, min_size=1, max_size=15))
@settings(max_examples=20, deadline=None)
def test_findings_are_the_same_bytes_again_as_known_then(story: list[tuple[str, str, object]]) -> None:
    chain = Chain(replace(GAUGE, keep=timedelta(days=1)))
    pack = replace(PACK, rules={"gauge": chain.rule})
    made: list[tuple[datetime, Finding, State]] = []
    for day, (what, place, value) in enumerate(story):
        now = T0 + (day + 1) * DAY + 6 * HOUR
        seen = (stage(day, value if what == "value" else None, place, known=now),)  # type: ignore[arg-type]
        before = State(findings=dict(chain.state.findings), latest=dict(chain.state.latest))
        made += [(now, one, before) for one in chain.step(now, *seen)]
    for now, one, before in made:  # with everything in the lake that came later
        again = evaluate(chain.rule, pack, chain.lake, before, now, only=one.place)  # type: ignore[arg-type]
        assert to_json(one) in [to_json(f) for f in again]


@given(st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_at_most_one_draft_waits_however_levels_move(first: int, second: int, unknown: bool) -> None:
    state = State()
    pack = replace(PACK, rules={"gauge": GAUGE})
    drafts = 0
    for n, level in enumerate([first, second, first]):
        change = "raised" if n == 0 or level < [first, second, first][n - 1] else "lowered"
        one = finding(
            f"F-{n}", level, change, known=T0 + n * DAY, state="unknown" if unknown and n else "known"
        )
        state.put(one.id, one)
        thread = gather(one, state, pack, one.known)
        assert thread is not None
        state.put(thread.id, thread)
        decision = decide(thread, ("x/a",), state, pack, one.known, "Actual")
        for old in decision.replaced:
            state.put(old.id, close(old, "superseded", decision.reason))
        if decision.draft is not None:
            state.put(decision.draft.id, decision.draft)
            drafts += 1
        waiting = [w for w in state.warnings.values() if w.status in PENDING]
        assert len(waiting) == 1
        assert not unknown or n == 0 or waiting[0].level <= first
    assert len(state.warnings) == drafts
