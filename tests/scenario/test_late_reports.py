"""Reports that come late: the last weeks are not read as a fall, on the recorded delays of an outbreak."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.assess.evaluate import evaluate
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
