"""Intake checks, freshness tells, series align."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from anlan.model.errors import InvalidValue
from anlan.model.observation import Observation
from anlan.model.provenance import Provenance
from anlan.model.sourcestate import SourceState
from anlan.monitor.freshness import failed, freshness, next_change
from anlan.monitor.intake import admit
from anlan.monitor.series import panel
from anlan.ports.lake import Slice
from anlan.ports.source import Batch
from anlan.testing.drill_pack import drill_pack, drill_source

T0 = datetime(2011, 5, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = drill_source("push")  # late after 10 days, dead after 30


def observation(**changes: object) -> Observation:
    return replace(
        Observation("rain", "xx/1", T0, T0 + DAY, 1.0, "cm", Provenance("s", "f.csv", 4)),
        **changes,  # type: ignore[arg-type]
    )


def test_intake_keeps_values_in_the_indicators_unit() -> None:
    accepted, quarantined = admit(Batch("s", T0 + DAY, (observation(),)), drill_pack())
    assert [(item.value, item.unit) for item in accepted] == [(10.0, "mm")]
    assert quarantined == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"place": "gone"}, "unknown_place"),
        ({"place": "xx/2", "at": T0.replace(year=2009)}, "unknown_place"),
        ({"indicator": "none"}, "unknown_indicator"),
        ({"unit": "Cel"}, "wrong_unit"),
        ({"unit": "Cel", "value": None}, "wrong_unit"),
        ({"value": -1.0}, "out_of_bounds"),
        ({"indicator": "cases", "unit": "{case}", "value": -1.0}, "out_of_bounds"),
        ({"indicator": "official_warnings", "unit": "1", "value": 5.0}, "out_of_bounds"),
        ({"known": T0 + 9 * DAY}, "future_known"),
    ],
)
def test_intake_holds_what_does_not_fit_and_takes_the_rest(changes: dict[str, object], code: str) -> None:
    batch = Batch("s", T0 + DAY, (observation(**changes), observation()))
    accepted, quarantined = admit(batch, drill_pack())
    assert len(accepted) == 1
    assert [(item.code, item.line, item.ref) for item in quarantined] == [(code, 4, "f.csv")]
    assert quarantined[0].sentence.startswith("f.csv: line 4: ")
    assert admit(batch, drill_pack()) == (accepted, quarantined)


@pytest.mark.parametrize("indicator", ["rain", "cases"])
def test_a_value_of_a_time_that_has_not_come_is_held(indicator: str) -> None:
    pack = drill_pack()
    unit = pack.indicators[indicator].unit
    allowed = max(DAY, pack.indicators[indicator].frequency or DAY)

    def taken(ahead: timedelta, declared: timedelta | None = None) -> list[str]:
        """The codes of what is held of a value so far ahead, where the pack declares so much."""
        changed = replace(pack.indicators[indicator], ahead=declared)
        its_pack = replace(pack, indicators={**pack.indicators, indicator: changed})
        value = observation(indicator=indicator, unit=unit, at=T0 + ahead, known=T0)
        return [item.code for item in admit(Batch("s", T0, (value,)), its_pack)[1]]

    assert taken(allowed) == []
    assert taken(allowed + timedelta(seconds=1)) == ["future_at"]
    assert taken(3650 * DAY) == ["future_at"]
    # a forecast for ten days says so
    assert taken(10 * DAY, 10 * DAY) == []
    assert taken(11 * DAY, 10 * DAY) == ["future_at"]


def test_what_the_source_held_itself_is_passed_on() -> None:
    _, held = admit(Batch("s", T0 + DAY, (observation(place="gone"),)), drill_pack())
    _, both = admit(Batch("s", T0 + DAY, (observation(value=-1.0),), held), drill_pack())
    assert [item.code for item in both] == ["unknown_place", "out_of_bounds"]


def test_a_source_goes_from_fresh_to_late_to_dead_at_exact_instants() -> None:
    fresh = freshness(SOURCE, None, T0, T0)
    assert (fresh.status, fresh.since, next_change(SOURCE, fresh)) == ("fresh", T0, T0 + 10 * DAY)
    still = freshness(SOURCE, fresh, T0, T0 + 10 * DAY - timedelta(microseconds=1))
    assert still.status == "fresh"
    late = freshness(SOURCE, fresh, T0, T0 + 10 * DAY)
    assert (late.status, late.since, next_change(SOURCE, late)) == ("late", T0 + 10 * DAY, T0 + 30 * DAY)
    assert late.reasons[0].code == "source_late" and "10 d" in late.reasons[0].text.en
    dead = freshness(SOURCE, late, T0, T0 + 99 * DAY)
    assert (dead.status, dead.since, next_change(SOURCE, dead)) == ("dead", T0 + 30 * DAY, None)
    back = freshness(SOURCE, dead, T0 + 100 * DAY, T0 + 100 * DAY)
    assert (back.status, back.since) == ("fresh", T0 + 100 * DAY)


def test_what_is_said_of_a_silent_source_is_in_round_seconds_and_spans_that_are_not_nothing() -> None:
    quick = replace(SOURCE, stale_after=timedelta(seconds=20), dead_after=timedelta(minutes=1, seconds=30))
    fresh = freshness(quick, None, T0 + timedelta(microseconds=7), T0)
    for after, span in ((30, "20 s"), (100, "1 min 30 s")):
        (*_, why) = freshness(quick, fresh, fresh.last, T0 + timedelta(seconds=after)).reasons
        assert why.text.en.endswith(f"nothing since {T0:%Y-%m-%dT%H:%M:%SZ}, expected within {span}")


def test_a_source_that_never_brought_anything_says_never() -> None:
    never = freshness(SOURCE, None, None, T0)
    assert (never.status, never.last, next_change(SOURCE, never)) == ("never", None, None)
    later = freshness(SOURCE, never, None, T0 + DAY)
    assert (later.since, later.reasons[0].code) == (T0, "source_never")


def test_failures_show_while_the_last_news_is_fresh_and_end_with_news() -> None:
    state: SourceState = freshness(SOURCE, None, T0, T0)
    for number in range(1, 4):
        state = failed(SOURCE, state, T0 + number * DAY)
    assert (state.status, state.failures, state.since) == ("failing", 3, T0 + 3 * DAY)
    assert state.reasons[0].code == "source_failing"
    assert next_change(SOURCE, state) == T0 + 10 * DAY
    assert failed(SOURCE, state, T0 + 11 * DAY).status == "late"
    healed = freshness(SOURCE, state, T0 + 12 * DAY, T0 + 12 * DAY)
    assert (healed.status, healed.failures) == ("fresh", 0)
    assert failed(SOURCE, None, T0).status == "never"


def test_counts_are_carried_on() -> None:
    state = replace(freshness(SOURCE, None, T0, T0), accepted=5, quarantined=2)
    after = freshness(SOURCE, state, T0, T0 + 40 * DAY)
    assert (after.accepted, after.quarantined) == (5, 2)


def rows(*items: tuple[str, datetime, float]) -> Slice:
    at = np.array(
        [int((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)) for _, at, _ in items]
    )
    return Slice(
        place=np.array([place for place, _, _ in items], dtype=object),
        event=np.array([""] * len(items), dtype=object),
        at=at.astype("datetime64[us]"),
        known=at.astype("datetime64[us]"),
        value=np.array([value for _, _, value in items]),
        lon=np.full(len(items), np.nan),
        lat=np.full(len(items), np.nan),
    )


def test_a_panel_holds_each_value_in_its_cell_and_missing_elsewhere() -> None:
    week = 7 * DAY
    found = rows(
        ("a", T0, 1.0),
        ("a", T0 + 2 * week, 3.0),
        ("b", T0 + week, float("nan")),
        ("c", T0, 9.0),
        ("a", T0 - week, 7.0),
    )
    values, missing = panel(found, T0, week, 3, ["b", "a", "none"])
    assert values.shape == (3, 3)
    assert missing.tolist() == [[True] * 3, [False, True, False], [True] * 3]
    assert values[1, [0, 2]].tolist() == [1.0, 3.0]


def test_an_hour_of_summer_time_does_not_move_a_week() -> None:
    week, hour = 7 * DAY, timedelta(hours=1)
    values, _ = panel(rows(("a", T0 - hour, 1.0), ("a", T0 + week + hour, 2.0)), T0, week, 2, ["a"])
    assert values.tolist() == [[1.0, 2.0]]


def test_two_values_in_one_cell_are_refused_not_summed() -> None:
    found = rows(("a", T0, 1.0), ("a", T0 + timedelta(hours=1), 2.0))
    with pytest.raises(InvalidValue, match="panel of a: two observations in one cell"):
        panel(found, T0, DAY, 3, ["a"])


def test_an_empty_panel_is_all_missing() -> None:
    values, missing = panel(rows(), T0, DAY, 2, ["a"])
    assert np.isnan(values).all() and missing.all()
    assert panel(rows(("a", T0, 1.0)), T0, DAY, 0, ["a"])[0].shape == (1, 0)
    with pytest.raises(InvalidValue):
        panel(rows(), T0, timedelta(0), 2, ["a"])
