"""Whatever the routes say: everybody of the plan has one answer, and nothing that is held is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.model.route import Hours, Route
from anlan.model.state import State
from anlan.model.warning import Contents, Warning
from anlan.warn import digest
from anlan.warn.route import Routed, notice_id, route
from chain_pack import DAY, HOUR, PLAN, T0, both, chain_pack

PEOPLE = ("desk", "feed", "second")
PLACES = ("x", "x/a", "x/b")
WORDS = Contents(both("c"), T0, both("a"), both("m"), both("d"), both("i"))
routes = st.lists(
    st.builds(
        Route,
        st.just("r"),
        st.just(both("r")),
        st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True).map(tuple),
        hazards=st.sampled_from([(), ("flood",), ("quake",)]),
        places=st.sampled_from([(), ("x/a",), ("x/b",)]),
        least=st.integers(1, 4),
        languages=st.sampled_from([(), ("en",)]),
        hours=st.sampled_from([(), (Hours("09:00", "17:00"),), (Hours("22:00", "04:00", ("weekend",)),)]),
        most=st.integers(0, 2),
        per=st.sampled_from([HOUR, DAY]),
        digest=st.sampled_from([None, 3 * HOUR]),
    ),
    max_size=4,
).map(lambda found: {f"r-{n}": replace(one, id=f"r-{n}") for n, one in enumerate(found)})
#: change, level, place, hours after the message before
messages = st.lists(
    st.tuples(
        st.sampled_from(["alert", "update", "update", "cancel"]),
        st.integers(1, 4),
        st.sampled_from(PLACES),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=6,
)


def play(ways: dict[str, Route], plan: list[tuple[str, int, str, int]]) -> tuple[State, list[Routed]]:
    """The messages published one after the other; digests leave when they are due."""
    pack = replace(chain_pack(), routes=ways)
    state, found = State(), list[Routed]()
    now, head = T0, None
    people = replace(PLAN, recipients=PEOPLE[:2])
    for n, (wanted, level, place, hours) in enumerate(plan):
        now += timedelta(hours=hours, seconds=1)
        for one in digest.due(state, now):
            sent, _ = digest.send(one, state, pack, now)
            state.put(sent.id, sent)
        change = "alert" if head is None else wanted
        if change == "alert":
            head = None
        follows = (*head.references, head.id) if head else ()
        one_message = Warning(
            f"W-{n}", "R-1", change, "approved", "Actual", "Public", "flood",
            head.level if head and change == "cancel" else level, (place,), WORDS, both("h"), now,
            now + 9 * DAY, "office", "act-2010#5", "ada", "ben", now, now, follows, "flood-plan",
        )  # fmt: skip
        made = route(one_message, head, people, lambda: PEOPLE, state, pack, now)
        state.put(one_message.id, one_message)
        state.put(made.notice.id, made.notice)
        for held in made.digests:
            state.put(held.id, held)
        found.append(made)
        head = None if change == "cancel" else one_message
    return state, found


@given(routes, messages)
@settings(max_examples=80, deadline=None)
def test_everybody_of_the_plan_has_exactly_one_answer(
    ways: dict[str, Route], plan: list[tuple[str, int, str, int]]
) -> None:
    _, found = play(ways, plan)
    for made in found:
        named = [name for group in made.notice.groups for name in group.recipients]
        assert len(named) == len(set(named))
        assert set(PEOPLE[:2]) <= set(named)
        told = [name for group in made.notice.groups if group.outcome == "told" for name in group.recipients]
        assert sorted(told) == sorted(made.told)


@given(routes, messages)
@settings(max_examples=80, deadline=None)
def test_what_is_held_is_in_a_list_that_leaves_in_time(
    ways: dict[str, Route], plan: list[tuple[str, int, str, int]]
) -> None:
    state, found = play(ways, plan)
    for made in found:
        for group in made.notice.groups:
            for name in group.recipients if group.outcome == "held" else ():
                lists = [one for one in state.digests.values() if one.recipient == name]
                carrying = [one for one in lists if made.notice.warning in one.warnings]
                assert len(carrying) == 1
                assert group.due is not None and group.due > made.notice.decided
                assert carrying[0].due <= group.due or carrying[0].status == "sent"
    open_ = [one.recipient for one in state.digests.values() if one.status == "open"]
    assert len(open_) == len(set(open_)), "one open list for each"


@given(routes, messages)
@settings(max_examples=80, deadline=None)
def test_red_and_what_must_be_answered_is_never_held(
    ways: dict[str, Route], plan: list[tuple[str, int, str, int]]
) -> None:
    state, found = play(ways, plan)
    for made in found:
        sent = state.warnings[made.notice.warning]
        before = state.warnings.get(sent.references[-1]) if sent.references else None
        for group in made.notice.groups:
            if group.outcome != "held":
                continue
            assert sent.level > 1 and (before is None or before.level > 1)
            assert "desk" not in group.recipients, "the desk must answer"


@given(routes, messages)
@settings(max_examples=80, deadline=None)
def test_whoever_heard_of_a_chain_hears_of_what_changes_it(
    ways: dict[str, Route], plan: list[tuple[str, int, str, int]]
) -> None:
    state, found = play(ways, plan)
    for made in found:
        sent = state.warnings[made.notice.warning]
        heard = {
            name
            for id in sent.references
            for group in state.notices[notice_id(id)].groups
            if group.outcome != "not_told"
            for name in group.recipients
        }
        for group in made.notice.groups:
            left_out = heard & set(group.recipients) if group.outcome == "not_told" else set()
            assert not left_out or group.reason.code == "nothing_new"
