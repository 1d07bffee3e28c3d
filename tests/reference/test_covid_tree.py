"""China 2020: on 71 of 305 days the nation is not the sum of its provinces. On 70 both are known and differ;
on one a province is missing, and is named."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from anlan.model.indicator import Indicator
from anlan.model.text import Text
from anlan.monitor.aggregate import Aggregate, Whole, aggregate
from anlan.packs.load import load_pack
from anlan.ports.lake import Slice

START = datetime(2019, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def nation(shared: Path) -> Aggregate:
    with gzip.open(shared / "data/covid-cn-2020/cn_daily.csv.gz", "rt", encoding="utf-8") as file:
        seen: dict[tuple[str, str], float] = {}
        for row in csv.DictReader(file):
            if row["level"] in ("nation", "province"):
                seen[(f"cn/{row['code']}", row["date"])] = float(row["confirmed"])
    places = np.array([place for place, _ in seen], dtype=object)
    at = np.array([day for _, day in seen], dtype="datetime64[us]")
    nan = np.full(len(seen), np.nan)
    slice = Slice(
        places, np.full(len(seen), "", dtype=object), at, at, np.array(list(seen.values())), nan, nan
    )
    cases = Indicator("c", Text("cases", "病例"), "bio", "{case}", "count", "up", "", DAY, sum_to_parent=True)
    n = int((at.max() - at.min()) / np.timedelta64(1, "D")) + 1
    found = aggregate(slice, load_pack("cn"), cases, "cn/100000", START, DAY, n, zero_before_first=True)
    return found["cn/100000"]


def test_the_nation_differs_from_its_provinces_on_70_days_of_304(nation: Aggregate) -> None:
    known = nation.whole == Whole.KNOWN
    assert (len(known), known.sum()) == (305, 304)
    assert (nation.difference[known] != 0).sum() == 70
    by_sum = nation.reported - nation.total
    assert (by_sum != 0).sum() == 71  # who does not look for missing members counts one more


def test_on_the_day_that_a_province_is_missing_the_sum_is_partial_and_names_it(nation: Aggregate) -> None:
    t = (date(2020, 1, 22) - START.date()).days
    assert nation.whole[t] == Whole.PARTIAL
    assert nation.missing(t) == ("cn/530000",)
    assert np.isnan(nation.difference[t])
    text = nation.sentence(t, load_pack("cn"), START, "cases")
    assert "33 of 34 members" in text.en and text.en.endswith("without Yunnan.")
    assert "云南" in text.zh


def test_neither_is_put_right(nation: Aggregate) -> None:
    assert nation.value[(date(2020, 1, 25) - START.date()).days] == 1975
    assert nation.value[(date(2020, 3, 1) - START.date()).days] == 80174
    assert (nation.value == nation.reported).all()
