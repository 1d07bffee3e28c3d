"""Deadlines as of a date: nothing known later, nothing overdue before anybody was told."""

from __future__ import annotations

from datetime import date

from anlan.assess.events.deadlines import Deadline, counts, due_items

A = Deadline("A", date(2024, 1, 1), date(2024, 1, 22), "patch the mail server")
B = Deadline("B", date(2024, 1, 10), date(2024, 1, 12))
DEFECT = Deadline("C", date(2024, 1, 5), date(2023, 6, 1))


def states(day: int, **done: date) -> dict[str, str]:
    return {item.deadline.id: item.state for item in due_items((A, B, DEFECT), date(2024, 1, day), done)}


def test_the_state_is_a_question_as_of_a_date() -> None:
    assert states(1) == {"A": "open"}
    assert states(10) == {"C": "overdue", "B": "soon", "A": "open"}
    assert states(12)["B"] == "soon" and states(13)["B"] == "overdue"
    assert states(15)["A"] == "soon"


def test_what_was_done_later_was_not_done_then() -> None:
    done = date(2024, 1, 14)
    assert states(13, B=done)["B"] == "overdue"
    assert states(14, B=done)["B"] == "done_late"
    assert states(14, A=done)["A"] == "done"


def test_a_due_date_before_its_own_addition_counts_from_the_addition_and_says_so() -> None:
    (item,) = due_items((DEFECT,), date(2024, 1, 5))
    assert (item.state, item.days) == ("soon", 0)
    assert [reason.code for reason in item.reasons] == ["due_before_added"]
    (later,) = due_items((DEFECT,), date(2024, 1, 6))
    assert (later.state, later.days) == ("overdue", -1)


def test_a_revised_entry_counts_as_it_was_last_added() -> None:
    moved = Deadline("A", date(2024, 1, 8), date(2024, 2, 10))
    (before,) = due_items((moved, A), date(2024, 1, 7))
    (after,) = due_items((moved, A), date(2024, 1, 8))
    assert (before.deadline.due, after.deadline.due) == (date(2024, 1, 22), date(2024, 2, 10))


def test_people_are_told_in_both_languages() -> None:
    (late,) = due_items((A,), date(2024, 1, 25))
    assert late.sentence.en == "patch the mail server: 3 days overdue, was due 2024-01-22."
    assert "已逾期3天" in late.sentence.zh
    (done,) = due_items((A,), date(2024, 1, 25), {"A": date(2024, 1, 24)})
    assert "done after its due date" in done.sentence.en and "逾期" in done.sentence.zh
    assert counts((late, done)) == {"open": 0, "soon": 0, "overdue": 1, "done": 0, "done_late": 1}
