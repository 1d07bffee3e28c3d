"""Whatever happens and whatever is silenced: muting clears nothing, and its end gives everything back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.assess import thread as threads
from anlan.model.mute import Silence
from anlan.model.route import Inhibit
from anlan.model.state import State
from anlan.model.warning import Contents, Warning
from anlan.warn import mute
from chain_pack import DAY, HOUR, T0, both, chain_pack, finding

PLACES = ("x", "x/a", "x/a/1", "x/b")
HAZARDS = ("flood", "quake", "drought")
LINES = {place: set(chain_pack().ancestry(place, T0)) for place in PLACES}
INHIBITS = (
    Inhibit("flood-quake", both("a"), 2, "", by_hazard="flood", hazards=("quake",)),
    Inhibit("quake-drought", both("b"), 3, "", by_hazard="quake", rules=("drought",), where="same"),
    Inhibit("rule", both("c"), 1, "", by_rule="flood", hazards=("drought",), within=3 * HOUR),
)
PACK = chain_pack(inhibits={one.id: one for one in INHIBITS})
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("find"),
            st.sampled_from(PLACES),
            st.sampled_from(HAZARDS),
            st.sampled_from([1, 2, 3, 4, None]),
        ),
        st.tuples(
            st.just("warn"), st.sampled_from(PLACES), st.sampled_from(HAZARDS), st.sampled_from([1, 2, 3, 4])
        ),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(
            st.just("silence"),
            st.sampled_from(PLACES),
            st.sampled_from([(), ("flood",), ("quake", "drought")]),
            st.booleans(),
        ),
        st.tuples(st.just("lift"), st.integers(0, 9)),
        st.tuples(st.just("dismiss"), st.integers(0, 9)),
    ),
    max_size=25,
)


def play(plan: list[tuple[Any, ...]], mode: str, *, hush: bool) -> State:
    """The plan on a state; with `hush`, muting is looked at after every step."""
    state = State()
    for n, (what, *args) in enumerate(plan):
        now = T0 + n * HOUR
        if what == "find":
            find(state, n, *args)
        elif what == "warn":
            state.put(f"W-{n}", warning(f"W-{n}", *args, mode))
        elif what == "silence":
            place, hazards, red = args
            end = T0 + 3 * DAY
            state.put(f"S-{n}", Silence(f"S-{n}", "ben", "why", now, now, end, (place,), hazards, red=red))
        elif what == "end" and state.warnings:
            id = list(state.warnings)[args[0] % len(state.warnings)]
            state.put(id, replace(state.warnings[id], status="cancelled"))
        elif what == "lift" and state.silences:
            id = list(state.silences)[args[0] % len(state.silences)]
            state.put(id, replace(state.silences[id], status="lifted"))
        elif what == "dismiss" and state.assessments:
            id = list(state.assessments)[args[0] % len(state.assessments)]
            risk = state.assessments[id]
            if risk.verdict in threads.LIVE:
                state.put(id, threads.dismiss(risk, "ada", "no risk", now))
        if hush:
            look(state, now, mode)
    return state


def find(state: State, n: int, place: str, hazard: str, level: int | None) -> None:
    latest = state.latest.get((hazard, place, ""))
    had = state.findings[latest].level if latest else None
    if level == had:
        return
    now = T0 + n * HOUR
    change = "ended" if level is None else "raised" if had is None or level < had else "lowered"
    new = finding(f"F-{n}", level, change, place=place, hazard=hazard, rule=hazard, at=now, known=now)
    state.put(new.id, new)
    risk = threads.gather(new, state, PACK, now)
    if risk is not None:
        state.put(risk.id, risk)


def warning(id: str, place: str, hazard: str, level: int, mode: str) -> Warning:
    words = Contents(both("c"), T0, both("a"), both("m"), both("d"), both("i"))
    return Warning(
        id, f"R-{id}", "alert", "approved", mode, "Public", hazard, level, (place,), words, both("h"), T0,
        T0 + 30 * DAY, "office", "act-2010#5", "ada", "ben", T0, T0,
    )  # fmt: skip


def look(state: State, now: Any, mode: str) -> None:
    for _, one in mute.changes(state, PACK, now, mode):
        state.put(one.id, one)


@given(steps, st.sampled_from(["Actual", "Exercise"]))
@settings(max_examples=70, deadline=None)
def test_muting_changes_no_finding_no_level_and_no_message(plan: list[tuple[Any, ...]], mode: str) -> None:
    loud, quiet = play(plan, mode, hush=False), play(plan, mode, hush=True)
    assert quiet.findings == loud.findings
    assert quiet.assessments == loud.assessments
    assert quiet.warnings == loud.warnings


@given(steps, st.sampled_from(["Actual", "Exercise"]))
@settings(max_examples=70, deadline=None)
def test_what_is_muted_lies_inside_a_cause_that_stands_and_is_no_more_severe(
    plan: list[tuple[Any, ...]], mode: str
) -> None:
    state, now = play(plan, mode, hush=True), T0 + len(plan) * HOUR
    assert mute.changes(state, PACK, now, mode) == [], "looking twice changes nothing"
    for one in state.mutes.values():
        if one.status == "off":
            assert one.ended is not None and one.reasons[-1].code != "muted_by"
            continue
        muted = state.findings[one.finding]
        assert muted.level is not None
        assert state.latest[muted.rule, muted.place, muted.event] == muted.id
        if one.kind == "silence":
            silence = state.silences[one.by]
            assert silence.active(now)
            assert silence.red or muted.level > 1 or mode != "Actual"
            assert set(silence.places) & LINES[muted.place]
        elif one.cause in state.warnings:
            cause = state.warnings[one.cause]
            assert cause.status == "approved" and cause.level <= muted.level
            assert set(cause.places) & LINES[muted.place]
        else:
            cause_finding = state.findings[one.cause]
            assert cause_finding.level is not None and cause_finding.level <= muted.level
            assert cause_finding.place in LINES[muted.place]


@given(steps, st.sampled_from(["Actual", "Exercise"]))
@settings(max_examples=70, deadline=None)
def test_when_every_cause_is_gone_everything_is_heard_again(plan: list[tuple[Any, ...]], mode: str) -> None:
    state, now = play(plan, mode, hush=True), T0 + len(plan) * HOUR
    for id, sent in list(state.warnings.items()):
        state.put(id, replace(sent, status="cancelled"))
    for id, silence in list(state.silences.items()):
        state.put(id, replace(silence, status="lifted"))
    look(state, now, mode)
    # only what a standing finding of a rule mutes is left
    left = [one for one in state.mutes.values() if one.status == "on"]
    assert all(one.cause in state.findings for one in left)
    quiet = replace(PACK, inhibits={})
    for _, one in mute.changes(state, quiet, now, mode):
        state.put(one.id, one)
    assert all(one.status == "off" for one in state.mutes.values())
    on = mute.quiet(state)
    assert not any(mute.muted(risk, state, on) for risk in state.assessments.values())
