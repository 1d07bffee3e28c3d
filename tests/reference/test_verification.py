"""Scores against known answers: Finley's tornado forecasts of 1884 and three more tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from anlan.review.verify import Episode, Table, verify
from chain_pack import DAY, T0, known_event


def test_finleys_tornadoes() -> None:
    table = Table(28, 23, 72)
    assert table.pod == pytest.approx(0.549, abs=5e-4)
    assert table.far == 0.72
    assert table.csi == pytest.approx(0.2276, abs=5e-5)


def test_every_table_of_the_reference(shared: Path) -> None:
    path = shared / "reference" / "verification" / "contingency_2x2.csv"
    checked = 0
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["score"] in ("pod", "far", "csi"):
                counts = (int(row[name]) for name in ("hits", "misses", "false_alarms"))
                found = getattr(Table(*counts), row["score"])
                assert found == pytest.approx(float(row["value"]), abs=1e-9), row
                checked += 1
    assert checked >= 12


def test_finleys_tornadoes_as_episodes_and_events() -> None:
    hits, misses, false = 28, 23, 72
    day = 10 * DAY
    events = [known_event(T0 + n * day, id=f"e{n}") for n in range(hits + misses)]
    episodes = [Episode("x/a", T0 + n * day - DAY, T0 + n * day) for n in range(hits)]
    episodes += [Episode("x/a", T0 + (100 + n) * day, T0 + (100 + n) * day + DAY) for n in range(false)]
    scores = verify("finley", episodes, events, 2 * DAY, lambda a, b: a == b)
    assert (scores.hits, scores.misses, scores.false_alarms) == (hits, misses, false)
    assert scores.pod == pytest.approx(0.5490196078, abs=1e-9)
    assert scores.far == 0.72
    assert scores.csi == pytest.approx(0.2276422764, abs=1e-9)
    assert scores.lead == DAY
