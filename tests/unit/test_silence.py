"""An indicator that falls silent while its source goes on is unknown, not calm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anlan.assess.evaluate import evaluate
from anlan.formats.values import to_json
from anlan.model.state import fold
from anlan.monitor.freshness import freshness
from anlan.monitor.silence import hear, listen, next_silence, patience
from chain_pack import DAY, T0, Room, chain_pack, quake, stage

PACK = chain_pack()
GAUGES = PACK.sources["gauges"]  # late after two days; brings `stage` and `level`, both daily


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path, PACK)
    yield made
    made.close()


def fall_silent(room: Room) -> None:
    """Both indicators once, then one of them alone, then nothing but the clock."""
    both = (stage(0, 5.0), stage(0, 1.0, indicator="level"))
    room.turn(both[0].known, *both)
    other = stage(1, 1.0, indicator="level")
    room.turn(other.known, other)
    room.run(other.known + 1.5 * DAY)


def test_a_level_whose_indicator_falls_silent_is_unknown_while_the_source_is_fresh(room: Room) -> None:
    for day in range(12):
        sent = [stage(day, 1.0, indicator="level")]
        if day < 3:
            sent.append(stage(day, 5.0))
        room.turn(max(one.known for one in sent), *sent)
    newest = list(room.state.findings.values())[-1]
    assert room.state.sources["gauges"].status == "fresh"
    assert room.state.sources["gauges"].silent == ("stage",)
    assert (newest.change, newest.state, newest.level) == ("unknown", "unknown", 2)
    assert [reason.code for reason in newest.reasons] == ["indicator_silent"]
    # news of it, and the level is known again
    room.learn(stage(12, 5.0))
    assert not room.state.sources["gauges"].silent
    assert list(room.state.findings.values())[-1].change == "known"


def test_the_silence_is_found_by_its_own_timer_and_only_once(room: Room) -> None:
    fall_silent(room)
    assert room.state.sources["gauges"].silent == ("stage",)
    assert [kind for kind in room.kinds() if kind == "finding.unknown"] == ["finding.unknown"]


def test_a_finding_of_a_silent_indicator_can_be_computed_again(room: Room) -> None:
    fall_silent(room)
    finding = list(room.state.findings.values())[-1]
    assert finding.reasons[0].code == "indicator_silent"
    (entry,) = room.journal.by_subject(finding.id)
    before = fold(room.journal.read(until=entry.seq - 1))
    again = evaluate(
        PACK.rules["gauge"], PACK, room.lake, before, finding.known, stale=True, silent=True, only="x/a"
    )
    assert [to_json(one) for one in again] == [to_json(finding)]


def test_a_revision_of_an_old_period_or_the_old_table_again_is_no_news_of_the_present() -> None:
    state = hear(freshness(GAUGES, None, T0, T0), [stage(3, 1.0)], T0 + 4 * DAY)
    for day in range(5, 9):
        state = hear(state, [stage(3, 1.0), stage(1, 2.0)], T0 + day * DAY)
    assert listen(GAUGES, state, PACK.indicators, T0 + 8 * DAY).silent == ("stage",)
    later = hear(state, [stage(4, 1.0)], T0 + 8 * DAY)
    assert listen(GAUGES, later, PACK.indicators, T0 + 8 * DAY).silent == ()


def test_an_indicator_may_be_quiet_for_two_of_its_periods_and_single_events_for_ever() -> None:
    weekly = replace(PACK.indicators["stage"], frequency=7 * DAY)
    assert patience(GAUGES, weekly) == 14 * DAY
    assert patience(GAUGES, PACK.indicators["stage"]) == 2 * DAY
    assert patience(GAUGES, PACK.indicators["magnitude"]) is None
    assert patience(GAUGES, None) is None
    seismic = PACK.sources["seismic"]
    state = hear(freshness(seismic, None, T0, T0), [quake(T0, 6.0, T0)], T0)
    assert next_silence(seismic, state, PACK.indicators) is None
    assert listen(seismic, state, PACK.indicators, T0 + 900 * DAY).silent == ()


def test_the_sources_reasons_name_the_silent_indicator_in_both_languages() -> None:
    state = hear(freshness(GAUGES, None, T0, T0), [stage(0, 1.0)], T0)
    silent = listen(GAUGES, state, PACK.indicators, T0 + 5 * DAY)
    assert silent.reasons[-1].code == "indicator_silent"
    assert "2020-06-01T00:00:00Z" in silent.reasons[-1].text.en
    assert "2020-06-01T00:00:00Z" in silent.reasons[-1].text.zh
    heard = hear(silent, [stage(6, 1.0)], T0 + 6 * DAY)
    assert [r.code for r in listen(GAUGES, heard, PACK.indicators, T0 + 6 * DAY).reasons] == ["source_fresh"]
