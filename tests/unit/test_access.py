"""Who may do what, where: every act refused without its role or its place, with the reason."""

from __future__ import annotations

import pytest

from anlan.acts.access import PUBLIC, PUSH, READ, ROLES_OF, may, require, shown
from anlan.acts.perform import ACTS
from anlan.model.assessment import Assessment
from anlan.model.entry import Entry, Marker
from anlan.model.errors import NotAllowed
from anlan.model.review import Lesson
from anlan.model.state import State
from anlan.model.user import ROLES, User
from anlan.ports import desk
from chain_pack import T0, chain_pack, finding, user

PACK = chain_pack()


def test_the_desks_acts_are_exactly_those_that_can_be_done_and_that_roles_may_do() -> None:
    assert set(desk.ACTS) == set(ACTS)
    assert set(ROLES_OF) - {READ, PUSH, "quarantine.read"} == set(ACTS)
    assert {role for roles in ROLES_OF.values() for role in roles} <= set(ROLES)


@pytest.mark.parametrize("act", sorted(ROLES_OF))
def test_an_act_needs_one_of_its_roles(act: str) -> None:
    for role in ROLES:
        answer = may(user("u", "office", role), act, ("x/a",), pack=PACK, at=T0)
        assert answer.allowed is (role in ROLES_OF[act])
        assert answer.allowed or all(r in answer.reason.en for r in ROLES_OF[act])
    assert not may(User("u", "office", ()), act, ("x/a",), pack=PACK, at=T0).allowed
    assert not may(None, act, ("x/a",), pack=PACK, at=T0).allowed


@pytest.mark.parametrize("act", sorted(set(ROLES_OF) - {READ}))
def test_an_act_needs_a_grant_over_every_place_it_is_about(act: str) -> None:
    role = ROLES_OF[act][0]
    whole, part, other = (user("u", "o", role, place=p) for p in ("x", "x/a", "x/b"))
    assert may(whole, act, ("x/a", "x/b"), pack=PACK, at=T0).allowed
    assert may(part, act, ("x/a/1",), pack=PACK, at=T0).allowed
    for who, places in ((part, ("x",)), (other, ("x/a",)), (part, ("x/a", "x/b")), (part, ("nowhere",))):
        answer = may(who, act, places, pack=PACK, at=T0)
        assert not answer.allowed
        assert "none of your grants" in answer.reason.en


def test_a_role_at_one_place_is_not_a_role_at_another() -> None:
    both = User(
        "u",
        "office",
        user("u", "o", "duty", place="x/a").grants + user("u", "o", "approver", place="x/b").grants,
    )
    assert not may(both, "warning.approve", ("x/a",), pack=PACK, at=T0).allowed
    allowed = may(both, "warning.approve", ("x/b",), pack=PACK, at=T0)
    assert (allowed.allowed, allowed.reason.en) == (True, "approver at x/b")


def test_reading_reaches_up_and_down_but_not_sideways() -> None:
    reader = user("u", "o", "viewer", place="x/a")
    reads = {place: may(reader, READ, (place,), pack=PACK, at=T0).allowed for place in ("x", "x/a/1", "x/b")}
    assert reads == {"x": True, "x/a/1": True, "x/b": False}


def test_a_machines_key_only_pushes_and_the_public_reads_what_is_public() -> None:
    admin = user("u", "o", *ROLES)
    assert may(admin, PUSH, pack=PACK, at=T0, key=True).allowed
    assert not may(admin, READ, pack=PACK, at=T0, key=True).allowed
    assert may(None, PUBLIC, pack=PACK, at=T0).allowed


def test_an_act_that_is_not_listed_is_refused_to_everybody() -> None:
    assert not may(user("u", "o", *ROLES), "journal.rewrite", pack=PACK, at=T0).allowed


def test_a_refusal_is_an_error_with_its_reason() -> None:
    with pytest.raises(NotAllowed, match=r"none of your grants for this covers x/b"):
        require(user("u", "o", "duty", place="x/a"), "task.done", ("x/b",), PACK, T0)


def entry(value: object, risk: str = "") -> Entry:
    return Entry(1, T0, "x.y", "X", risk, "system", value, (), None, "", "")  # type: ignore[arg-type]


def test_what_lies_elsewhere_is_not_shown_and_what_lies_nowhere_is_shown_to_nobody() -> None:
    state = State()
    here = {"x/a"}.__contains__
    assert shown(entry(finding(place="x/a")), state, here)
    assert not shown(entry(finding(place="x/b")), state, here)
    thread = Assessment(
        "R-1",
        "flood",
        "water",
        "x/b",
        finding().sentence,
        T0,
        T0,
        "automatic",
        "open",
        "known",
        3,
        3,
        ("F-1",),
    )
    state.put("R-1", thread)
    lesson = Lesson("L-1", "R-1", finding().sentence, "office", T0)
    assert not shown(entry(lesson, "R-1"), state, here)
    assert shown(entry(lesson, "R-1"), state, {"x/b"}.__contains__)
    assert not shown(entry(Lesson("L-2", "R-gone", finding().sentence, "office", T0), "R-gone"), state, here)
    assert shown(entry(Marker("M", "mode", "live")), state, {""}.__contains__)
