"""What the record of delivery attempts keeps, on SQLite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.model.entry import Draft, Marker
from anlan.model.errors import InvalidValue, NotFound, StoreUnavailable, WrongState
from anlan.ports.outbox import Wanted
from anlan.store.journal import SqlJournal
from anlan.store.outbox import Attempt, SqlOutbox

NOW = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1.5)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[SqlOutbox]:
    opened = SqlOutbox(f"sqlite:///{tmp_path}/journal.sqlite")
    yield opened
    opened.close()


def test_an_attempt_that_ended_is_no_reason_to_mark_the_next(outbox: SqlOutbox) -> None:
    first = outbox.begin("dl-1", NOW)
    assert outbox.history("dl-1") == (first,)
    assert outbox.unfinished() == (first,)
    outbox.finish(first, "failed", "connection refused", LATER)
    second = outbox.begin("dl-1", LATER)
    assert (second.number, second.repeat) == (2, False)
    outbox.finish(second, "accepted", "250 OK", LATER)
    assert outbox.history("dl-1") == (
        Attempt("dl-1", 1, NOW, LATER, "failed", "connection refused"),
        Attempt("dl-1", 2, LATER, LATER, "accepted", "250 OK"),
    )
    assert outbox.unfinished() == ()


def test_an_attempt_cut_short_marks_those_after_it_as_repeats(outbox: SqlOutbox) -> None:
    outbox.begin("dl-1", NOW)
    other = outbox.begin("dl-2", NOW)
    assert not other.repeat
    second = outbox.begin("dl-1", LATER)
    assert second.repeat
    assert outbox.unfinished() == (other, second)
    outbox.finish(second, "failed", "busy", LATER)
    assert outbox.begin("dl-1", LATER).repeat


def test_each_attempt_knows_how_many_before_it_are_in_doubt(outbox: SqlOutbox) -> None:
    assert outbox.begin("dl-1", NOW).doubts == 0
    second = outbox.begin("dl-1", LATER)
    assert (second.repeat, second.doubts) == (True, 1)
    outbox.finish(second, "doubtful", "it died", LATER)
    third, other = outbox.begin_many([Wanted("dl-1", 1), Wanted("dl-2")], LATER)
    assert (third.doubts, other.doubts) == (2, 0)
    outbox.finish(third, "unknown", "in doubt", LATER)
    # sent again on purpose: a repeat all the same, but with doubts of its own only
    fourth = outbox.begin("dl-1", LATER, before=2)
    assert (fourth.repeat, fourth.doubts) == (True, 0)
    assert outbox.begin_many([Wanted("dl-1", 2, 2)], LATER)[0].doubts == 1


def killed(folder: Path) -> SqlOutbox:
    """The outbox as the next process finds it: nothing was closed."""
    return SqlOutbox(f"sqlite:///{folder}/journal.sqlite", departures=folder / "left")


def test_what_was_killed_before_it_left_or_after_it_was_taken_is_in_no_doubt(tmp_path: Path) -> None:
    outbox = killed(tmp_path)
    went, stayed, ended, taken = outbox.begin_many(
        [Wanted("dl-1"), Wanted("dl 2"), Wanted("dl-3"), Wanted("dl-4")], NOW
    )
    outbox.leaves([went, ended, taken])
    outbox.taken([taken, ended])
    outbox.finish(ended, "accepted", "250 OK", NOW)
    after = killed(tmp_path)
    assert set(after.unfinished()) == {went, stayed, taken}
    assert after.settle_known(LATER) == 2
    assert after.unfinished() == (went,)
    assert [one.outcome for one in after.history("dl-4")] == ["accepted"]
    assert [one.outcome for one in after.history("dl 2")] == ["not_sent"]
    assert (after.begin("dl-1", LATER).repeat, after.begin("dl 2", LATER).repeat) == (True, False)
    # what this process has begun meanwhile is none of what was left by the one before
    assert after.settle_known(LATER) == 0
    for one in (outbox, after):
        one.close()


def test_another_boot_of_the_machine_and_a_line_cut_off_leave_all_in_doubt(tmp_path: Path) -> None:
    outbox = killed(tmp_path)
    outbox.settle_known(NOW)
    first, second = outbox.begin_many([Wanted("dl-1"), Wanted("dl-2")], NOW)
    outbox.close()
    left = tmp_path / "left"
    whole = left.read_text()
    left.write_text("boot 00000000-0000-0000-0000-000000000000\n" + whole.split("\n", 1)[1])
    after = killed(tmp_path)
    assert after.settle_known(LATER) == 0
    after.close()
    left.write_text(whole[:-3])
    after = killed(tmp_path)
    assert after.settle_known(LATER) == 1
    assert after.unfinished() == (second,)
    assert first.number == 1
    after.close()


def test_a_line_cut_off_by_a_full_disk_does_not_swallow_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = killed(tmp_path)
    first, second = outbox.begin_many([Wanted("dl-1"), Wanted("dl-2")], NOW)
    whole = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, raw: whole(file, raw[:-3]))
        with pytest.raises(StoreUnavailable, match="No space left"):
            outbox.leaves([first])
    outbox.leaves([second])
    outbox.close()
    after = killed(tmp_path)
    assert after.settle_known(LATER) == 1
    assert after.unfinished() == (second,), "the one that left is in doubt, the one that could not is not"
    after.close()
    (tmp_path / "left").write_text((tmp_path / "left").read_text() + "who knows\n")
    again = killed(tmp_path)
    assert again.settle_known(LATER) == 0
    again.close()


def test_an_attempt_ends_once_and_in_a_known_way(outbox: SqlOutbox) -> None:
    attempt = outbox.begin("dl-1", NOW)
    with pytest.raises(InvalidValue, match="expected accepted, failed"):
        outbox.finish(attempt, "perhaps", "", LATER)
    with pytest.raises(NotFound):
        outbox.finish(Attempt("dl-1", 7, NOW), "failed", "", LATER)
    with pytest.raises(InvalidValue, match=r"attempt\.delivery"):
        outbox.begin("", NOW)
    outbox.finish(attempt, "accepted", "said \x00 and \ud800", LATER)
    with pytest.raises(WrongState, match="found accepted"):
        outbox.finish(attempt, "failed", "", LATER)
    assert outbox.history("dl-1")[0].detail == "said \ufffd and ?"


def test_attempts_live_beside_the_journal_and_outside_its_chain(tmp_path: Path, outbox: SqlOutbox) -> None:
    journal = SqlJournal(f"sqlite:///{tmp_path}/journal.sqlite")
    attempt = outbox.begin("dl-1", NOW)
    journal.append([Draft("marker.set", "mk", "", "system", Marker("mk", "tick", "done"))], NOW)
    outbox.finish(attempt, "accepted", "", LATER)
    assert journal.verify() == 1
    journal.close()
