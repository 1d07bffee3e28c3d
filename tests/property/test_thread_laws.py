"""Whatever people merge and split: no finding is lost, none stands twice."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess import thread as threads
from anlan.model.errors import WrongState
from anlan.model.state import State
from chain_pack import DAY, HOUR, T0, chain_pack, finding

PACK = chain_pack()
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("find"),
            st.sampled_from(["x", "x/a", "x/a/1", "x/b"]),
            st.sampled_from(["flood", "drought"]),
            st.sampled_from([1, 2, 3, 4, None]),
        ),
        st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("split"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("dismiss"), st.integers(0, 9)),
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_every_finding_stays_in_exactly_one_thread_that_is_not_merged_away(plan: list[tuple]) -> None:  # type: ignore[type-arg]
    state, gathered = State(), set()
    for n, (what, *args) in enumerate(plan):
        now = T0 + n * HOUR
        if what == "find":
            place, hazard, level = args
            latest = state.latest.get((hazard, place, ""))
            had = state.findings[latest].level if latest else None
            if level == had:
                continue
            change = "ended" if level is None else "raised" if had is None or level < had else "lowered"
            new = finding(f"F-{n}", level, change, place=place, hazard=hazard, rule=hazard, known=now)
            state.put(new.id, new)
            thread = threads.gather(new, state, PACK, now)
            if thread is not None:
                assert thread.hazard == hazard
                gathered.add(new.id)
                state.put(thread.id, thread)
            continue
        ids = list(state.assessments)
        if not ids:
            continue
        one = state.assessments[ids[args[0] % len(ids)]]
        try:
            if what == "dismiss":
                after = (threads.dismiss(one, "ada", "no risk", now),)
            elif what == "merge":
                other = state.assessments[ids[args[1] % len(ids)]]
                after = threads.merge(one, other, state, "ada", "", now)
            else:
                key = list(threads.current(one, state))[args[1] % len(threads.current(one, state))]
                named = tuple(id for id in one.findings if _key(state, id) == key)
                after = threads.split(one, named, state, PACK, "ada", "", now)
        except WrongState:
            continue
        for thread in after:
            state.put(thread.id, thread)
    held = Counter(
        id for thread in state.assessments.values() if thread.verdict != "merged" for id in thread.findings
    )
    assert set(held) == gathered
    assert set(held.values()) <= {1}
    for thread in state.assessments.values():
        if thread.verdict in threads.LIVE:
            assert thread == threads.graded(thread, state)
            assert list(thread.findings) == sorted(thread.findings, key=lambda finding: int(finding[2:]))


def _key(state: State, id: str) -> tuple[str, str, str]:
    found = state.findings[id]
    return found.rule, found.place, found.event


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["x/a", "x/a/1"])), min_size=1, max_size=8)
)
def test_gathering_is_the_same_every_time(levels: list[tuple[int, str]]) -> None:
    def run() -> State:
        state = State()
        for n, (level, place) in enumerate(levels):
            new = finding(f"F-{n}", level, place=place, known=T0 + n * DAY)
            state.put(new.id, new)
            thread = threads.gather(new, state, PACK, new.known)
            assert thread is not None
            state.put(thread.id, thread)
        return state

    assert run().assessments == run().assessments
