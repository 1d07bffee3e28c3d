"""A rule over what is known: which level, since when, and what missing values do to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from anlan.assess.evaluate import evaluate
from anlan.assess.explain import sentence
from anlan.formats.values import to_json
from anlan.model.finding import Finding
from anlan.model.indicator import Band, Indicator, Rule
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.state import State
from anlan.model.text import Text
from anlan.model.time import Validity
from chain_pack import DAY, GAUGE, HOUR, QUAKE, SINCE, T0, MemoryLake, chain_pack, quake, stage

PACK = chain_pack()


class Watch:
    """One rule looked at again and again, its findings kept."""

    def __init__(self, rule: Rule = GAUGE, pack: Pack = PACK) -> None:
        self.pack = replace(pack, rules={rule.id: rule})
        self.rule, self.lake, self.state = rule, MemoryLake(), State()

    def see(
        self, *observations: Observation, now: datetime | None = None, stale: bool = False
    ) -> list[Finding]:
        self.lake.append(observations)
        at = now or max(o.known for o in observations)
        found = evaluate(self.rule, self.pack, self.lake, self.state, at, stale=stale)  # type: ignore[arg-type]
        for one in found:
            self.state.put(one.id, one)
        return found

    def days(self, *values: float | None, first: int = 0, place: str = "x/a") -> list[str]:
        """One value a day, each known the next morning; None is a gap that the source reports."""
        return [
            f"{first + n}:{f.change}:{f.level}"
            for n, value in enumerate(values)
            for f in self.see(stage(first + n, value, place))
        ]


def test_the_most_severe_band_reached_gives_the_level() -> None:
    assert Watch().days(1, 3, 4.5, 6) == ["1:raised:4", "2:raised:3", "3:raised:1"]


def test_a_level_falls_only_after_keep_and_then_to_what_is_still_reached() -> None:
    # red for three days after the last red value, then blue, never suddenly nothing
    assert Watch().days(6, 3.5, 3.5, 3.5, 3.5, 1, 1, 1, 1, 1) == ["0:raised:1", "4:lowered:4", "8:ended:None"]


def test_a_level_needs_the_condition_for_hold() -> None:
    watch = Watch(replace(GAUGE, hold=2 * DAY))
    assert watch.days(5, 5, 1, 5, 5, 5) == ["5:raised:2"]


def test_a_signal_that_flutters_keeps_its_level() -> None:
    watch = Watch(replace(GAUGE, hold=2 * DAY))
    assert watch.days(5, 5, 5, *[1, 5] * 20) == ["2:raised:2"]
    assert watch.days(1, 1, 1, 1, first=43) == ["46:ended:None"]


def test_bands_are_those_in_force_on_the_day_of_the_observation() -> None:
    change = date(2020, 6, 3)
    rule = replace(
        GAUGE, bands=(Band(3, 4.0, "b", Validity(None, change)), Band(3, 2.0, "b", Validity(change, None))),
        params={"limit": 0.0}, keep=timedelta(0),
    )  # fmt: skip
    assert Watch(rule).days(3, 3, 3) == ["2:raised:3"]


def test_a_rule_before_its_time_says_nothing_and_after_its_time_ends_what_it_began() -> None:
    early = replace(GAUGE, validity=Validity(date(2021, 1, 1), None))
    assert Watch(early).days(6) == []
    watch = Watch(replace(GAUGE, validity=Validity(None, date(2020, 6, 4))))
    assert watch.days(6, 6, 6) == ["0:raised:1", "2:ended:None"]
    assert [r.code for f in watch.state.findings.values() for r in f.reasons] == ["rule_over"]


def test_less_is_worse_where_the_indicator_points_down() -> None:
    bands = (Band(4, 3.0, "b", SINCE), Band(2, 1.0, "b", SINCE))
    rule = replace(
        GAUGE, indicator="level", bands=bands, keep=timedelta(0),
        params={"limit": 3.0, "direction": "at_most"},
    )  # fmt: skip
    watch = Watch(rule)
    found = [
        (f.change, f.level)
        for n, value in enumerate([5, 2, 0.5, 5])
        for f in watch.see(stage(n, value, indicator="level"))
    ]
    assert found == [("raised", 4), ("raised", 2), ("ended", None)]
    scored = Watch(replace(rule, measure="score", bands=(Band(4, 0.0, "b"), Band(2, 2.0, "b"))))
    found = [
        (f.change, f.level)
        for n, value in enumerate([5, 2, 0.5])
        for f in scored.see(stage(n, value, indicator="level"))
    ]
    assert found == [("raised", 4), ("raised", 2)]


def test_a_severe_level_includes_the_milder_ones_even_past_a_level_without_a_band() -> None:
    bands = (Band(1, 6.0, "b", SINCE), Band(4, 9.0, "b", SINCE))  # a slip: blue above red
    assert Watch(replace(GAUGE, bands=bands)).days(6.5, 1, 1, 1, 1) == ["0:raised:1", "4:ended:None"]


def test_the_newest_value_missing_makes_the_level_unknown_and_keeps_it() -> None:
    watch = Watch()
    assert watch.days(5, None) == ["0:raised:2", "1:unknown:2"]
    assert watch.state.findings[next(reversed(watch.state.findings))].reasons[0].code == "value_missing"
    assert watch.days(5, first=2) == ["2:known:2"]


def test_a_rule_that_holds_says_nothing_of_a_single_gap() -> None:
    assert Watch(replace(GAUGE, if_missing="hold")).days(5, None, 5) == ["0:raised:2"]


def test_a_place_that_falls_silent_while_others_report_is_unknown() -> None:
    watch = Watch()
    watch.see(stage(0, 5.0), stage(0, 1.0, "x/b"))
    found = watch.see(stage(1, 1.0, "x/b"))
    assert [(f.place, f.change, f.level) for f in found] == [("x/a", "unknown", 2)]


def test_gaps_of_any_length_end_nothing() -> None:
    watch = Watch()
    assert watch.days(5, *[None] * 60) == ["0:raised:2", "1:unknown:2"]
    # nor does silence: no row at all for longer than the rule looks back
    silent = Watch()
    silent.days(5)
    assert [f.change for f in silent.see(now=T0 + 90 * DAY)] == ["unknown"]
    assert silent.see(now=T0 + 200 * DAY) == []


def test_a_value_taken_back_ends_nothing() -> None:
    watch = Watch()
    watch.days(1, 1, 1, 1, 1, 5)
    later = T0 + 7 * DAY
    assert [(f.change, f.level) for f in watch.see(stage(5, None, known=later))] == [("unknown", 2)]
    assert watch.days(1, first=6) == ["6:known:2"]
    assert watch.days(1, 1, 1, first=7) == ["9:ended:None"]


def test_a_value_revised_downwards_ends_what_it_had_begun() -> None:
    watch = Watch()
    watch.days(1, 1, 1, 1, 1, 5)
    assert [f.change for f in watch.see(stage(5, 1.0, known=T0 + 7 * DAY))] == ["ended"]


def test_weekends_without_values_lengthen_the_wait_and_do_not_block_for_ever() -> None:
    for gap in ({}, {5: None, 6: None}):  # no row, or a row that says there is no value
        watch = Watch(replace(GAUGE, keep=10 * DAY, if_missing="hold"))
        ended = []
        for day in range(40):
            if day % 7 < 5 or gap:
                value = None if day % 7 > 4 else 5.0 if day == 0 else 1.0
                ended += [day for f in watch.see(stage(day, value)) if f.change == "ended"]
        assert ended == [15]  # ten working days after the first quiet one, not ten days


def test_a_series_too_thin_to_judge_stays_at_its_level_and_unknown() -> None:
    watch = Watch(replace(GAUGE, keep=10 * DAY))
    found = []
    for day in range(0, 120, 7):
        found += watch.see(stage(day, 5.0 if day == 0 else 1.0))
    assert [f.change for f in found] == ["raised", "unknown"]


def test_a_condition_that_hangs_on_a_missing_number_is_unknown_and_not_no() -> None:
    rule = replace(GAUGE, when="alarm && expected < 10.0", keep=timedelta(0))
    watch = Watch(rule)
    found = Watch().see(stage(0, 5.0))[0]
    watch.state.put(found.id, found)
    assert found.level == 2
    assert [(f.change, f.level) for f in watch.see(stage(1, 5.0))] == [("unknown", 2)]


def test_a_late_source_is_a_finding_only_where_there_is_a_level() -> None:
    watch = Watch()
    watch.see(stage(0, 5.0), stage(0, 1.0, "x/b"))
    found = watch.see(now=T0 + 4 * DAY, stale=True)
    assert [(f.place, f.change, f.level, f.state) for f in found] == [("x/a", "unknown", 2, "unknown")]
    assert found[0].reasons[0].code == "source_stale"
    assert watch.see(now=T0 + 9 * DAY, stale=True) == []


def test_the_same_lake_instant_and_previous_finding_give_the_same_bytes() -> None:
    watch = Watch()
    watch.days(1, 5, 5, place="x/b")
    now = T0 + 6 * DAY
    watch.lake.append([stage(3, 5.0), stage(4, 6.0, "x/b")])
    once = evaluate(watch.rule, watch.pack, watch.lake, watch.state, now)  # type: ignore[arg-type]
    again = evaluate(watch.rule, watch.pack, watch.lake, watch.state, now)  # type: ignore[arg-type]
    assert [to_json(f) for f in once] == [to_json(f) for f in again]
    assert len(once) == 2
    for found in once:  # what explain does: one place alone, the time axis is that of all
        (alone,) = evaluate(
            watch.rule, watch.pack, watch.lake, watch.state, now, only=found.place  # type: ignore[arg-type]
        )  # fmt: skip
        assert to_json(alone) == to_json(found)


def test_what_was_learnt_later_changes_nothing_as_known_then() -> None:
    watch = Watch()
    now = T0 + 2 * DAY
    (found,) = watch.see(stage(0, 5.0), now=now)
    watch.lake.append([stage(0, 1.0, known=now + HOUR), stage(1, 9.0, known=now + HOUR)])
    fresh = State()
    (again,) = evaluate(watch.rule, watch.pack, watch.lake, fresh, now)  # type: ignore[arg-type]
    assert to_json(again) == to_json(found)
    assert [f.level for f in watch.see(now=now + HOUR)] == [1]


def test_a_place_that_is_no_more_stops_nobody() -> None:
    watch = Watch()
    watch.see(stage(7, 5.0, "x/old"))
    assert watch.see(stage(8, 5.0, "x/old"), stage(12, 5.0)) != []
    assert [f.place for f in watch.state.findings.values()] == ["x/old", "x/a"]


def test_an_hour_of_summer_time_moves_no_day_to_its_neighbour() -> None:
    watch = Watch(replace(GAUGE, keep=timedelta(0)))
    watch.lake.append([stage(0, 1.0), stage(1 - 1 / 24, 5.0, known=T0 + 2 * DAY + HOUR)])
    assert [f.change for f in watch.see(stage(2 - 1 / 24, 1.0, known=T0 + 3 * DAY + HOUR))] == []
    assert [f.change for f in watch.see(now=T0 + 2 * DAY + 2 * HOUR)] == ["raised"]


@pytest.mark.parametrize("detector", ["ears_c1", "ears_c2", "ears_c3"])
def test_a_weekly_series_has_its_whole_baseline(detector: str) -> None:
    weekly = Indicator(**{**_fields(PACK.indicators["stage"]), "frequency": timedelta(days=7)})
    rule = replace(GAUGE, detector=detector, params={}, measure="score", bands=(Band(4, 0.5, "b", SINCE),))
    watch = Watch(rule, replace(PACK, indicators={**PACK.indicators, "stage": weekly}))
    found = []
    for week in range(14):
        value = 1.0 + week % 2 + (50 if week >= 12 else 0)
        found += watch.see(stage(7 * week, value))
    assert [f.change for f in found][:1] == ["raised"]


def _fields(value: Indicator) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


# ── single events ────────────────────────────────────────────────────────────────────────────────


def test_each_event_counts_by_itself_and_ends_after_keep() -> None:
    watch = Watch(QUAKE)
    found = watch.see(
        quake(T0, 5.5, T0 + HOUR), quake(T0 + HOUR, 8.0, T0 + 2 * HOUR, "q2"), quake(T0, 4.0, T0 + HOUR, "q3")
    )
    assert [(f.event, f.level) for f in found] == [("q1", 4), ("q2", 1)]
    assert [(f.event, f.change) for f in watch.see(now=T0 + 3 * DAY)] == [("q1", "ended")]
    assert [(f.event, f.change) for f in watch.see(now=T0 + 3 * DAY + HOUR)] == [("q2", "ended")]
    assert watch.see(now=T0 + 4 * DAY) == []


def test_what_holds_from_the_instant_at_which_it_is_known_is_looked_at_at_once() -> None:
    assert [(f.event, f.change) for f in Watch(QUAKE).see(quake(T0, 8.0, T0))] == [("q1", "raised")]
    reading = Watch().see(stage(0, 7.0, known=T0))
    assert [(f.change, f.level, f.value) for f in reading] == [("raised", 1, 7.0)]
    again = Watch().see(stage(0, 7.0, known=T0))
    assert again[0].evidence.observations == 1


def test_an_event_known_only_when_it_is_over_is_no_finding() -> None:
    assert Watch(QUAKE).see(quake(T0, 8.0, T0 + 5 * DAY)) == []


def test_a_revised_magnitude_raises_and_lowers() -> None:
    watch = Watch(QUAKE)
    watch.see(quake(T0, 5.5, T0 + HOUR))
    assert [f.level for f in watch.see(quake(T0, 7.2, T0 + 2 * HOUR))] == [2]
    assert [(f.change, f.level) for f in watch.see(quake(T0, 6.1, T0 + 3 * HOUR))] == [("lowered", 3)]
    assert [f.change for f in watch.see(quake(T0, 4.1, T0 + 4 * HOUR))] == ["ended"]


def test_an_event_without_a_value_is_unknown_and_still_ends() -> None:
    watch = Watch(QUAKE)
    watch.see(quake(T0, 5.5, T0 + HOUR))
    assert [(f.change, f.level) for f in watch.see(quake(T0, None, T0 + 2 * HOUR))] == [("unknown", 4)]
    assert watch.see(now=T0 + DAY) == []
    assert [f.change for f in watch.see(now=T0 + 3 * DAY)] == ["ended"]
    assert Watch(QUAKE).see(quake(T0, None, T0 + HOUR)) == []


def test_a_time_revised_by_seconds_is_the_same_event_with_the_same_end() -> None:
    watch = Watch(QUAKE)
    watch.see(quake(T0, 5.5, T0 + HOUR))
    moved = T0 + timedelta(seconds=4)
    known = T0 + 2 * HOUR
    assert watch.see(quake(T0, None, known), quake(moved, 5.5, known)) == []
    assert [f.level for f in watch.see(quake(moved, 6.5, T0 + 3 * HOUR))] == [3]
    assert watch.see(now=T0 + 3 * DAY) == []
    assert [f.change for f in watch.see(now=moved + 3 * DAY)] == ["ended"]


def test_while_the_sources_are_silent_an_event_keeps_its_level() -> None:
    watch = Watch(QUAKE)
    watch.see(quake(T0, 5.5, T0 + HOUR))
    assert [f.change for f in watch.see(now=T0 + 2 * DAY, stale=True)] == ["unknown"]
    assert watch.see(now=T0 + 9 * DAY, stale=True) == []
    assert [f.change for f in watch.see(now=T0 + 10 * DAY)] == ["ended"]


def test_an_event_long_over_still_ends_when_the_system_was_down() -> None:
    watch = Watch(QUAKE)
    watch.see(quake(T0, 5.5, T0 + HOUR))
    assert [f.change for f in watch.see(now=T0 + 300 * DAY)] == ["ended"]


def test_a_day_is_named_by_its_date_at_the_place_wherever_its_midnight_is() -> None:
    pack = chain_pack()
    say = Text("{at}", "{at}")
    daily = replace(pack.indicators["stage"], frequency=DAY)
    for midnight, day in (
        (datetime(2020, 10, 7, 16, tzinfo=UTC), "2020-10-08"),  # of Beijing
        (datetime(2020, 10, 8, 0, tzinfo=UTC), "2020-10-08"),
        (datetime(2020, 10, 8, 10, tzinfo=UTC), "2020-10-08"),  # of Honolulu
    ):
        said = sentence(pack, replace(GAUGE, say=say), daily, "x/a", midnight, midnight, None, {})
        assert said == Text(day, day)
    hourly = replace(daily, frequency=HOUR)
    at = datetime(2020, 10, 7, 16, tzinfo=UTC)
    assert sentence(pack, replace(GAUGE, say=say), hourly, "x/a", at, at, None, {}).en == "2020-10-07"
