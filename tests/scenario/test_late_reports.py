"""Reports that come late: the last weeks are not read as a fall, on the recorded delays of an outbreak."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from anlan.assess.evaluate import evaluate
from anlan.assess.retrospect import retrospect
from anlan.model.finding import Finding
from anlan.model.indicator import Band, Indicator, Rule
from anlan.model.observation import Observation
from anlan.model.provenance import Provenance
from anlan.model.state import State
from anlan.model.text import Text
from chain_pack import DAY, HOUR, LAW, SINCE, MemoryLake, both, chain_pack

WEEK = 7 * DAY
#: the week's cases by the day after its end
MONDAY = WEEK + 12 * HOUR
SOURCE = Provenance("recorded", "t")
ONSETS = Indicator(
    "onsets", both("onsets"), "water", "{case}", "count", "up", "", WEEK, 52, settles=timedelta(weeks=5)
)
RULE = Rule(
    "onsets-rule",
    both("onsets"),
    "onsets",
    "flood",
    "threshold",
    "alarm",
    "value",
    Text("{place}: {value}", "{place}:{value}"),
    f"{LAW}#5",
    {"limit": 30.0},
    (Band(4, 30.0, f"{LAW}#5", SINCE), Band(2, 80.0, f"{LAW}#5", SINCE)),
    keep=WEEK,
    places=("x/a",),
    validity=SINCE,
)


@pytest.fixture(scope="module")
def newport(shared: Path) -> MemoryLake:
    """Onsets of Salmonella Newport in Germany by week, each as it grew with the weeks of delay."""
    lake = MemoryLake()
    rows = []
    path = shared / "data/salmonella-newport-de/reporting_triangle_2001_2012.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            at, so_far = datetime.fromisoformat(row["onset_week"]).replace(tzinfo=UTC), 0.0
            if not 2010 <= at.year <= 2012:
                continue
            for late in range(11):
                so_far += float(row[f"delay_{late}w"])
                known = at + MONDAY + late * WEEK - HOUR
                rows.append(Observation("onsets", "x/a", at, known, so_far, "{case}", SOURCE))
    lake.append(rows)
    return lake


def run(rule: Rule, indicator: Indicator, lake: MemoryLake, mondays: Iterable[datetime]) -> list[Finding]:
    pack = chain_pack(indicators={indicator.id: indicator}, rules={rule.id: rule})
    state = State()
    for now in mondays:
        for finding in evaluate(rule, pack, lake, state, now):
            assert finding in evaluate(rule, pack, lake, state, now, only=finding.place)
            state.put(finding.id, finding)
    return list(state.findings.values())


def weeks(first: str, n: int) -> list[datetime]:
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC)
    return [begin + MONDAY + k * WEEK for k in range(n)]


def test_the_outbreak_is_raised_earlier_and_its_level_never_ends_on_weeks_that_are_not_all_there(
    newport: MemoryLake,
) -> None:
    asked = weeks("2011-09-05", 20)
    plain = run(RULE, replace(ONSETS, settles=None), newport, asked)
    sure = run(RULE, ONSETS, newport, asked)
    # what has come by the week's end never reaches 30: without the delays there is nothing to see
    assert plain == []
    raised = next(f for f in sure if f.change == "raised")
    ended = next(f for f in sure if f.change == "ended")
    final = {f"{at:%Y-%m-%d}": v for at, v in _final(newport)}
    # raised while the outbreak ran, ended after the last week that passed the bound in the end
    passed = [day for day, value in final.items() if "2011-09" < day < "2012-02" and value >= 30]
    assert f"{raised.at:%Y-%m-%d}" in passed
    assert (raised.known - datetime.fromisoformat(passed[0]).replace(tzinfo=UTC)) <= 4 * WEEK
    assert f"{ended.known:%Y-%m-%d}" > passed[-1]
    assert "Reports of this period still come:" in raised.sentence.en and "最终预计" in raised.sentence.zh
    assert "reports_coming" in [reason.code for reason in raised.reasons]
    unknown = [f for f in sure if f.change == "unknown"]
    assert all(f.reasons[0].code == "not_settled" for f in unknown)


def _final(lake: MemoryLake) -> list[tuple[datetime, float]]:
    slice = lake.read("onsets", known=datetime(2013, 1, 1, tzinfo=UTC))
    return [
        (a.astype("datetime64[us]").astype(datetime), float(v))
        for a, v in zip(slice.at, slice.value, strict=True)
    ]


def test_a_look_back_has_the_bounds_of_the_unsettled_weeks_and_no_answer_that_they_do_not_bear(
    newport: MemoryLake,
) -> None:
    final = dict(_final(newport))
    pack = chain_pack(indicators={ONSETS.id: ONSETS}, rules={RULE.id: RULE})
    inside = []
    for now in weeks("2011-09-05", 20):
        seen = retrospect(RULE, pack, newport, now, 26)
        own, come = seen.series["x/a"], seen.coming["x/a"]
        # five weeks after its end a week is settled
        assert [seen.times[at] for at in come.at] == [now - MONDAY - k * WEEK for k in range(4, -1, -1)]
        assert come.why == ("",) * 5
        assert (come.lower <= come.median).all() and (come.median <= come.upper).all()
        assert (own.values[list(come.at)] <= come.lower).all()
        for at, low, high in zip(come.at, come.lower, come.upper, strict=True):
            inside.append(low <= final[seen.times[at].replace(tzinfo=None)] <= high)
            answer = own.alarm[seen.tested.index(at)]
            assert answer == (1 if low >= 30 else 0 if high < 30 else -1)
        # a place alone has the same bounds
        (alone,) = retrospect(RULE, pack, newport, now, 26, ("x/a",)).coming.values()
        assert alone.at == come.at and (alone.upper == come.upper).all()
    assert sum(inside) >= 0.9 * len(inside) == 90.0
    settled = retrospect(RULE, pack, newport, datetime(2014, 1, 6, tzinfo=UTC), 26)
    assert settled.coming == {}


def test_where_it_cannot_be_estimated_how_many_come_the_look_says_what_lacks() -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    pack = chain_pack(indicators={ONSETS.id: ONSETS}, rules={RULE.id: RULE})
    lake = MemoryLake()
    one = Observation("onsets", "x/a", begin, begin + MONDAY - HOUR, 50.0, "{case}", SOURCE)
    lake.append([one, replace(one, at=begin + WEEK, known=begin + WEEK + MONDAY - HOUR, value=None)])
    seen = retrospect(RULE, pack, lake, begin + WEEK + MONDAY, 26)
    come = seen.coming["x/a"]
    assert come.why == ("reports", "count")
    assert np.isnan(come.median).all() and np.isnan(come.lower).all()
    # 50 are above the bound whatever comes; a week without a count has no answer
    assert seen.series["x/a"].alarm.tolist() == [1, -1]
    low = replace(one, at=begin + WEEK, known=begin + WEEK + MONDAY, value=3.0)
    lake.append([low])
    assert retrospect(RULE, pack, lake, begin + WEEK + MONDAY, 26).series["x/a"].alarm.tolist() == [1, -1]


def grown(weeks_of: dict[str, int]) -> MemoryLake:
    """Two provinces whose 10 cases a week come in three parts; `weeks_of`: how many weeks each was seen to
    grow, before which its counts were whole at once."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    rows = []
    for place, seen in weeks_of.items():
        for week in range(40):
            for late, part in enumerate((4.0, 8.0, 10.0)):
                at = begin + week * WEEK
                known = at + MONDAY + (late if week >= 40 - seen else 2) * WEEK - HOUR
                rows.append(Observation("onsets", place, at, known, part, "{case}", SOURCE))
    lake = MemoryLake()
    lake.append([one for n, one in enumerate(rows) if one not in rows[:n]])
    return lake


ADDED = replace(ONSETS, sum_to_parent=True, settles=timedelta(weeks=3))
SUMMED = replace(RULE, places=("x",))
LAST = datetime(2024, 1, 1, tzinfo=UTC) + 39 * WEEK + MONDAY


def test_a_sum_of_places_grows_as_its_members_do_and_changes_nothing_for_them() -> None:
    pack = chain_pack(indicators={ADDED.id: ADDED}, rules={SUMMED.id: SUMMED})
    lake = grown({"x/a": 40, "x/b": 40})
    seen = retrospect(SUMMED, pack, lake, LAST, 10)
    come = seen.coming["x"]
    assert come.why == ("",) * 3
    assert seen.series["x"].values[list(come.at)].tolist() == [20.0, 16.0, 8.0]
    assert (abs(come.median - 20.0) <= 2).all() and (come.upper < 40).all()
    # all of them stay below the bound, whatever comes
    assert (come.upper[:2] < 30).all() and seen.series["x"].alarm[-3:-1].tolist() == [0, 0]
    # the members have what they have without the sum
    plain = replace(ADDED, sum_to_parent=False)
    rule = replace(RULE, places=("x/a", "x/b"))
    alone = retrospect(rule, chain_pack(indicators={plain.id: plain}, rules={rule.id: rule}), lake, LAST, 10)
    for place in ("x/a", "x/b"):
        for bound in ("lower", "median", "upper"):
            assert getattr(alone.coming[place], bound).tolist() == getattr(seen.coming[place], bound).tolist()
    # and a finding has the same bounds
    (finding, *_) = run(
        replace(SUMMED, params={"limit": 5.0}, bands=(Band(4, 5.0, f"{LAW}#5", SINCE),)), ADDED, lake, [LAST]
    )
    assert (finding.place, finding.level) == ("x", 4)
    assert f"8 so far, {come.median[-1]:.0f} ({come.lower[-1]:.0f} to" in finding.sentence.en


def test_of_a_sum_that_lacks_members_the_end_is_not_estimated_and_it_says_so() -> None:
    pack = chain_pack(indicators={ADDED.id: ADDED}, rules={SUMMED.id: SUMMED})
    lake = grown({"x/a": 40, "x/b": 40})
    lake.append(
        [Observation("onsets", "x/b", LAST - MONDAY, LAST - HOUR / 2, None, "{case}", SOURCE)]  # a gap
    )
    seen = retrospect(SUMMED, pack, lake, LAST, 10)
    assert seen.coming["x"].why == ("", "", "sum")
    assert seen.coming["x/b"].why == ("", "", "count")
    assert seen.coming["x/a"].why == ("", "", "")
    assert seen.series["x"].alarm[-1] == -1


def test_where_nothing_is_known_of_the_delays_what_is_there_counts_and_no_more() -> None:
    lake, begin = MemoryLake(), datetime(2024, 1, 1, tzinfo=UTC)
    one = Observation("onsets", "x/a", begin, begin + MONDAY - HOUR, 50.0, "{case}", SOURCE)
    low = replace(one, at=begin + WEEK, known=begin + WEEK + MONDAY - HOUR, value=3.0)
    lake.append([one, low])
    found = run(RULE, ONSETS, lake, [begin + MONDAY, begin + WEEK + MONDAY, begin + 3 * WEEK + MONDAY])
    assert [(f.change, f.level, f.state) for f in found[:2]] == [
        ("raised", 4, "known"),
        ("unknown", 4, "unknown"),
    ]
    assert [reason.code for reason in found[1].reasons] == ["not_settled", "reports_coming"]
    assert "how many are missing is not known" in found[1].sentence.en


def test_what_an_indicator_that_settles_must_be() -> None:
    from anlan.packs.checks.indicators import settlings
    from anlan.packs.definitions import Definitions, Item, Resolved
    from anlan.packs.documents import Document, Origin

    def faults(indicator: Indicator) -> list[str]:
        items = Definitions()
        items.indicators.append(Item(indicator, Origin(Document("indicators.toml", ""))))
        return [fault.sentence() for fault in settlings(Resolved(chain_pack(), items, ()))]

    assert faults(ONSETS) == []
    (fault,) = faults(replace(ONSETS, kind="measure"))
    assert "only counts of a period are settled later" in fault
    (fault,) = faults(replace(ONSETS, settles=100 * WEEK))
    assert "at most 60 of the indicator's periods" in fault
