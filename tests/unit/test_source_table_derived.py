"""A table makes indicators by queries that never look ahead, and says which rows it leaves out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anlan.model.errors import InvalidValue, NotFound
from anlan.ports.source import Batch
from anlan.sources import registry
from anlan.testing.drill_pack import drill_pack, drill_source

KNOWN = datetime(2012, 1, 1, tzinfo=UTC)
INCREASE = """
SELECT place, at, known, value - LAG(value, 1, 0.0) OVER (PARTITION BY place ORDER BY at) AS value
FROM observations
"""
DAILY_MEAN = """
SELECT 'xx' AS place, DATE_TRUNC('day', local) AS local, MAX(known) AS known, AVG(value) AS value
FROM observations GROUP BY DATE_TRUNC('day', local) HAVING COUNT(value) >= 2
"""


def parse(text: str, sql: str = "", indicator: str = "oil_price", **options: Any) -> Batch:
    given = {"file": "t.csv", "place": "place", "at": "day", "at_format": "date", "known_lag": "P1D"}
    given |= {"value": "n", "indicator": "rain"} | options
    if sql:
        given |= {"derive": [{"indicator": indicator, "sql": sql}], "derived_only": True}
    source = registry.build(drill_source("table", ("rain",), **given))
    return source.parse(text.encode(), "t.csv", KNOWN, drill_pack())


def test_an_increase_is_the_difference_to_the_value_before_at_the_same_place() -> None:
    batch = parse(
        "place,day,n\nxx/1,2011-05-02,3\nxx/2,2011-05-02,1\nxx/1,2011-05-03,8\nxx/2,2011-05-03,1\n",
        INCREASE,
    )
    assert [(item.place, item.at.day, item.value) for item in batch.observations] == [
        ("xx/1", 2, 3.0),
        ("xx/2", 2, 1.0),
        ("xx/1", 3, 5.0),
        ("xx/2", 3, 0.0),
    ]
    item = batch.observations[-1]
    assert item.indicator == "oil_price" and item.known == datetime(2011, 5, 4, tzinfo=UTC)
    assert item.provenance.line is None and len(item.provenance.digest) == 64


def test_a_count_taken_back_is_kept_where_the_indicator_may_be_negative() -> None:
    batch = parse("place,day,n\nxx/1,2011-05-02,3\nxx/1,2011-05-03,1\n", INCREASE)
    assert [item.value for item in batch.observations] == [3.0, -2.0]
    assert not batch.quarantined


def test_a_count_taken_back_is_held_with_its_reason_where_the_indicator_may_not() -> None:
    batch = parse("place,day,n\nxx/1,2011-05-02,3\nxx/1,2011-05-03,1\n", INCREASE, "cases")
    assert [item.value for item in batch.observations] == [3.0]
    (held,) = batch.quarantined
    assert held.code == "out_of_bounds"
    assert "cases at xx/1 for 2011-05-03" in held.sentence and "-2" in held.sentence


def test_hours_become_the_mean_of_the_local_day_known_with_its_last_hour() -> None:
    batch = parse(
        "place,day,n\nxx/1,2011-05-02T00:00,1\nxx/2,2011-05-02T23:00,3\nxx/1,2011-05-03T00:00,9\n",
        DAILY_MEAN,
        at_format="%Y-%m-%dT%H:%M",
        timezone="Asia/Shanghai",
        known_lag="PT1H",
    )
    (item,) = batch.observations
    assert (item.place, item.value) == ("xx", 2.0)
    assert item.at == datetime(2011, 5, 1, 16, tzinfo=UTC)
    assert item.known == datetime(2011, 5, 2, 16, tzinfo=UTC)


def test_what_cannot_be_computed_is_unknown() -> None:
    (item,) = parse(
        "place,day,n\nxx/1,2011-05-02,0\n",
        "SELECT place, at, known, value / value AS value FROM observations",
    ).observations
    assert item.value is None


def test_rows_left_out_are_counted_and_stated_once() -> None:
    batch = parse(
        "place,day,n,level\nxx/1,2011-05-02,3,city\nxx,2011-05-02,4,nation\nxx/2,2011-05-02,bad,nation\n",
        where={"level": ["city", "province"]},
    )
    assert [item.place for item in batch.observations] == ["xx/1"]
    (held,) = batch.quarantined
    assert held.code == "left_out" and "2 of 3 rows left out" in held.sentence and "level" in held.sentence


ROWS = "place,day,n\n" + "".join(f"xx/1,2011-05-{day:02},{day}\n" for day in range(1, 21))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT place, at, known, LAG(value, -1) OVER (ORDER BY at) AS value FROM observations", "ahead"),
        (
            "SELECT o.place, o.at, o.known, o.value - m.top AS value FROM observations o JOIN "
            "(SELECT place, MAX(value) AS top FROM observations GROUP BY place) m ON o.place = m.place",
            "looks ahead",
        ),
        ("SELECT place, value FROM observations", "too few columns"),
        ("SELECT nothing FROM observations", "query fails"),
        ("SELECT * FROM read_csv('/etc/passwd')", "not a query over observations"),
        ("DROP TABLE observations", "not a query over observations"),
    ],
)
def test_a_query_that_looks_ahead_or_elsewhere_is_refused(sql: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as refused:
        parse(ROWS, sql)
    assert "derive[0].sql" in refused.value.where


def test_a_shared_file_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.csv").write_text("place,day,n\nxx/1,2011-05-02,3\n")
    monkeypatch.setenv("ANLAN_SHARED", str(tmp_path))
    definition = drill_source(
        "table", ("rain",), file="shared:data/t.csv", place="place", at="day", at_format="date",
        known_lag="P1D", value="n", indicator="rain",
    )  # fmt: skip
    (batch,) = registry.build(definition).history(drill_pack())
    assert batch.observations[0].provenance.ref == "shared:data/t.csv"
    monkeypatch.setenv("ANLAN_SHARED", str(tmp_path / "nowhere"))
    with pytest.raises(NotFound, match=r"needs the reference data.*nowhere.*ANLAN_SHARED"):
        list(registry.build(definition).history(drill_pack()))
