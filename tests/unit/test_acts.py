"""What people do: journalled under their name, or refused and nothing left behind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anlan.acts import ACTS, perform
from anlan.model.errors import AnlanError, NotAllowed, NotFound, WrongState
from anlan.model.roster import Watch
from anlan.model.state import State, fold
from anlan.model.time import format_instant
from anlan.turn import Turn
from chain_pack import ADA, BEN, DAY, EVA, HOUR, T0, Room, both, chain_pack, stage, user

NOW = T0 + 2 * DAY


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    """A warning in force, a response running, a draft of another risk waiting."""
    room = Room(tmp_path, chain_pack())
    room.learn(stage(0, 5.0))
    room.publish(NOW)
    other = stage(1, 5.0, "x/b")
    room.turn(other.known, stage(1, 5.0), other)
    until = format_instant(NOW + 3 * DAY)
    room.act(other.known, BEN, "silence.set", "", places="x/a", hazards="quake", reason="works", ends=until)
    room.pack = replace(room.pack, watches={"gate": Watch("gate", both("gate"), "x/a")})
    yield room
    room.close()


def snapshot(state: State) -> dict[str, Any]:
    return {name: copy.copy(getattr(state, name)) for name in State.__dataclass_fields__}


def subjects(room: Room) -> dict[str, str]:
    """One subject of every act, all at x/a."""
    state = room.state
    risk = next(t.id for t in state.assessments.values() if t.place == "x/a")
    warning = room.only("approved").id
    return {
        "assessment": risk,
        "warning": warning,
        "delivery": next(iter(state.deliveries)),
        "task": next(iter(state.tasks)),
        "report": next(iter(state.reports)),
        "incident": next(iter(state.incidents)),
        "lesson": "L-none",
        "handover": "",
        "silence": next(iter(state.silences)),
        "shift": "gate",
    }


@pytest.mark.parametrize("act", sorted(set(ACTS) - {"handover", "lesson.done"}))
@pytest.mark.parametrize("who", [EVA, user("none", "office", "viewer")], ids=["elsewhere", "no role"])
def test_every_act_is_refused_elsewhere_and_without_a_role_and_leaves_nothing(
    room: Room, act: str, who: Any
) -> None:
    subject = subjects(room)["assessment" if act == "incident.open" else act.split(".", maxsplit=1)[0]]
    before, head = snapshot(room.state), room.journal.head()
    turn = Turn(room, NOW + 2 * DAY)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed) as refusal:
        perform(turn, who, act, subject, {"reason": "because"})
    assert "role" in str(refusal.value) or "grants" in str(refusal.value)
    assert (snapshot(room.state), turn.drafts, room.journal.head()) == (before, [], head)


@pytest.mark.parametrize("act", sorted(set(ACTS) - {"handover"}))
def test_an_act_on_what_nobody_knows_is_not_found(room: Room, act: str) -> None:
    who = user("all", "office", "duty", "analyst", "approver", "planner")
    turn = Turn(room, NOW + 2 * DAY)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        perform(turn, who, act, "X-none", {"reason": "because"})
    assert turn.drafts == []


def test_an_act_that_nobody_knows_is_not_found(room: Room) -> None:
    with pytest.raises(NotFound, match="no such act"):
        room.act(NOW + 2 * DAY, ADA, "journal.rewrite", "")


def test_a_merge_needs_the_role_at_both_places(room: Room) -> None:
    ids = {t.place: t.id for t in room.state.assessments.values()}
    alpha = user("al", "office", "analyst", place="x/a")
    with pytest.raises(NotAllowed, match="x/b"):
        room.act(NOW + 2 * DAY, alpha, "assessment.merge", ids["x/a"], into=ids["x/b"])


def test_an_act_that_fails_half_way_leaves_the_state_as_it_was(room: Room) -> None:
    (draft,) = room.pending()
    room.act(NOW + 2 * DAY, ADA, "warning.submit", draft.id)
    (draft,) = room.pending()
    # the plan names somebody whom the pack does not know: publishing breaks after the first decisions
    plan = replace(room.pack.plans["flood-plan"], recipients=("desk", "nobody"))
    room.pack = replace(room.pack, plans={"flood-plan": plan})
    before = snapshot(room.state)
    turn = Turn(room, NOW + 2 * DAY + HOUR, proof="code")  # type: ignore[arg-type]
    turn.put("warning.draft", draft)  # what the same turn had decided before stays
    kept = snapshot(room.state)
    with pytest.raises(KeyError):
        perform(turn, BEN, "warning.approve", draft.id, {})
    assert snapshot(room.state) == kept
    assert [d.kind for d in turn.drafts] == ["warning.draft"]
    turn.take_back(0)
    assert snapshot(room.state) == before


def test_what_is_done_stands_in_the_journal_under_its_name_and_folds_back(room: Room) -> None:
    (draft,) = room.pending()
    risk = draft.risk
    done = {
        "assessment.confirm": (ADA, risk, {"reason": "checked"}),
        "warning.submit": (ADA, draft.id, {}),
        "warning.return": (BEN, draft.id, {"reason": "say where"}),
        "warning.reject": (BEN, draft.id, {"reason": "no"}),
        "handover": (ADA, "", {"to": "ben", "note": "quiet"}),
    }
    for n, (act, (who, subject, fields)) in enumerate(done.items()):
        room.act(NOW + 2 * DAY + n * HOUR, who, act, subject, **fields)
    told = [(e.kind, e.actor) for e in room.journal.read() if e.actor in ("ada", "ben")][-5:]
    assert told == [
        ("assessment.confirmed", "ada"),
        ("warning.submitted", "ada"),
        ("warning.returned", "ben"),
        ("warning.rejected", "ben"),
        ("handover.made", "ada"),
    ]
    assert fold(room.journal.read()) == room.state


def test_a_split_takes_its_findings_into_a_risk_with_its_own_draft(room: Room) -> None:
    now = NOW + 2 * DAY
    item = stage(2, 5.0, "x/a/1", known=now)
    room.turn(now, item)
    thread = next(t for t in room.state.assessments.values() if t.place == "x/a")
    moved = [f for f in thread.findings if room.state.findings[f].place == "x/a/1"]
    room.act(now + HOUR, ADA, "assessment.split", thread.id, findings=" ".join(moved), reason="two rivers")
    fresh = next(t for t in room.state.assessments.values() if t.split_from)
    assert (fresh.place, list(fresh.findings)) == ("x/a/1", moved)
    assert [w.places for w in room.pending() if w.risk == fresh.id] == [("x/a/1",)]
    with pytest.raises(WrongState, match="both sides"):
        room.act(now + HOUR, ADA, "assessment.split", fresh.id, findings=" ".join(moved))


def test_the_same_acts_give_the_same_journal(tmp_path: Path) -> None:
    def run(folder: Path) -> list[str]:
        room = Room(folder, chain_pack())
        room.learn(stage(0, 5.0))
        room.publish(NOW)
        room.run(NOW + DAY)
        digests = [entry.digest for entry in room.journal.read()]
        room.close()
        return digests

    assert run(tmp_path / "a") == run(tmp_path / "b")


def test_a_refusal_in_a_room_is_an_error_of_the_tree(room: Room) -> None:
    with pytest.raises(AnlanError):
        room.act(NOW + 2 * DAY, ADA, "assessment.dismiss", subjects(room)["assessment"], reason="")
