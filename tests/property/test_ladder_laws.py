"""The ladder under any pattern of answers, failures and waits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.plan import Rung
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.warning import Contents, Delivery, Warning
from anlan.warn import ladder
from chain_pack import HOUR, MINUTE, PLAN, T0, chain_pack

WORD = Text("w", "字")
SENT = Warning(
    "W-1", "R-1", "alert", "approved", "Actual", "Public", "flood", 2, ("x/a",),
    Contents(WORD, T0, WORD, WORD, WORD, WORD), WORD, T0, T0 + 100 * HOUR, "office", "act#1", "ada", "ben",
    T0, T0, plan="flood-plan",
)  # fmt: skip

people = st.sampled_from(["desk", "second", "oncall", "chief", "feed"])
plans = st.builds(
    lambda first, rungs: replace(
        PLAN,
        recipients=tuple(dict.fromkeys(first)),
        ladder=tuple(Rung(hours * HOUR, tuple(dict.fromkeys(who))) for hours, who in rungs),
    ),
    st.lists(people, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 4), st.lists(people, max_size=2)), max_size=3),
)
# for each recipient and rung: answered after so many minutes, or never; delivered, or never
answers = st.dictionaries(st.tuples(people, st.integers(0, 3)), st.integers(1, 900), max_size=8)
lost = st.frozensets(st.tuples(people, st.integers(0, 3)), max_size=3)


@given(plans, answers, lost)
@settings(max_examples=200, deadline=None)
def test_every_call_is_made_once_and_every_silence_is_marked_once(
    plan: object, replies: dict[tuple[str, int], int], gone: frozenset[tuple[str, int]]
) -> None:
    pack = chain_pack(plans={"flood-plan": plan})
    state = State()
    state.put("W-1", SENT)
    told: Counter[tuple[str, int]] = Counter()

    def take(deliveries: list[Delivery], now: datetime) -> None:
        for one in deliveries:
            if one.id not in state.deliveries:
                told[one.recipient, one.rung] += 1
                ok = (one.recipient, one.rung) not in gone
                one = ladder.outcome(one, ok, False, "", now)  # noqa: PLW2901
            state.put(one.id, one)

    now = T0
    take(ladder.first_calls(SENT, plan, pack, now), now)  # type: ignore[arg-type]
    assert {d.recipient for d in state.deliveries.values()} == set(plan.recipients)  # type: ignore[attr-defined]
    for _ in range(400):
        waiting = {
            d.id: d.due + replies[d.recipient, d.rung] * MINUTE
            for d in state.deliveries.values()
            if (d.recipient, d.rung) in replies and d.answered is None
        }
        due = ladder.next_due(state)
        times = [*waiting.values(), *([due] if due else [])]
        if not times:
            break
        now = max(now, min(times))
        for id, at in waiting.items():
            if at <= now:
                state.put(id, ladder.answer(state.deliveries[id], "ada", "", now))
        take([one for _, one in ladder.climb(state, pack, now)], now)
    else:
        raise AssertionError("a timer does not go away")
    assert set(told.values()) == {1}
    for d in state.deliveries.values():
        marks = [r for r in d.reasons if r.code in ("no_answer", "ladder_ended")]
        assert len(marks) <= 1
        in_time = d.answered is not None and d.answer_by is not None and d.answered < d.answer_by
        if d.answer_by is None or (in_time and d.accepted is not None):
            assert marks == []
        elif d.answered is None:
            assert len(marks) == 1
    # a rung is called only after a silence on the one below, and not before its time
    for d in state.deliveries.values():
        if d.rung:
            below = [b for b in state.deliveries.values() if b.rung == d.rung - 1]
            silent = [b for b in below if b.reasons and b.answer_by is not None]
            assert silent
            assert d.due >= min(b.answer_by if b.accepted else b.due for b in silent if b.answer_by)
