"""The analyst's numbers over a recorded outbreak: those of the findings, as known then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from newport import replayed

from anlan.app.clock import VirtualClock, WallClock
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.assess.retrospect import retrospect
from anlan.model.errors import NotFound
from anlan.store.lake import DeltaLake


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    workspace = tmp_path_factory.mktemp("newport") / "workspace"
    replayed(workspace)
    house = RunningHouse(workspace, WallClock())
    newest = house.journal.latest()
    assert newest is not None
    house.clock = VirtualClock(newest)
    running = RunningDesk(house)
    yield running
    running.close()


def test_every_finding_is_seen_again_as_it_was_known_then(desk: RunningDesk) -> None:
    raised = [
        f for f in desk.state().findings.values() if f.change == "raised" and f.rule == "newport-farrington"
    ]
    assert raised
    for finding in raised:
        seen = desk.retrospect(finding.rule, finding.known, 12)
        own = seen.series[finding.place]
        j = seen.times.index(finding.at) - seen.tested[0]
        assert own.values[seen.tested[j]] == finding.value
        assert own.alarm[j] == 1
        assert (own.expected[j], own.threshold[j]) == (finding.expected, finding.threshold)


def test_what_was_learnt_later_is_not_in_it_and_is_shown_beside_it(desk: RunningDesk) -> None:
    first = next(f for f in desk.state().findings.values() if f.change == "raised")
    learnt = desk.learnt(first.indicator, first.place)
    assert list(learnt) == sorted(set(learnt))
    then = first.known - timedelta(seconds=1)
    before = desk.retrospect(first.rule, then, 12)
    now = desk.retrospect(first.rule, desk.clock.now(), 12)
    assert first.at not in before.times or np.isnan(
        before.series[first.place].values[before.times.index(first.at)]
    )
    assert now.times[-1] > before.times[-1]
    later = desk.later(before, first.rule, first.place)
    assert len(later.values) == len(before.times)
    with pytest.raises(NotFound, match="no such rule"):
        desk.retrospect("nothing", then, 12)
    with pytest.raises(NotFound, match="no single series"):
        desk.retrospect("newport-scan", then, 12)


def test_a_cluster_joins_the_thread_of_the_outbreak_and_is_seen_again(desk: RunningDesk) -> None:
    state = desk.state()
    found = [f for f in state.findings.values() if f.rule == "newport-scan" and f.change == "raised"]
    assert found
    (thread,) = state.assessments.values()
    assert {f.id for f in found} <= set(thread.findings)
    first = found[0]
    assert first.place == "de" and first.event.startswith("de/")
    # the analyst's scan at that instant is the rule's
    states = [id for id in desk.pack.places if id.startswith("de/")]
    seen = desk.clusters(first.indicator, states, first.known, "prospective")
    one = next(c for c in seen.clusters if first.event in c.members)
    assert (one.observed, one.p_value) == (first.value, first.p_value)
    assert one.words.en in first.sentence.en and seen.coverage.en in first.sentence.en
    assert desk.explain(first.id)["same"]


def test_a_page_and_its_charts_are_worked_out_once_until_something_is_learnt(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(f for f in desk.state().findings.values() if f.rule == "newport-farrington")
    done = []

    def counted(*what: Any) -> Any:
        done.append(what)
        return retrospect(*what)

    monkeypatch.setattr("anlan.app.reading.retrospect", counted)
    then = first.known - timedelta(days=3)
    page = desk.retrospect(first.rule, then, 9, (first.place,))
    assert desk.retrospect(first.rule, then, 9, [first.place]) is page and len(done) == 1
    # another instant, another number of periods, other places are another look
    desk.retrospect(first.rule, then + timedelta(seconds=1), 9, (first.place,))
    desk.retrospect(first.rule, then, 8, (first.place,))
    desk.retrospect(first.rule, then, 9)
    assert len(done) == 4
    lake = desk.house.lake
    late = lake.revisions(first.indicator, place=first.place, at=first.at)[-1]
    lake.append([replace(late, known=then - timedelta(seconds=1), value=77.0)])
    again = desk.retrospect(first.rule, then, 9, (first.place,))
    assert len(done) == 5 and again is not page
    assert again.series[first.place].values[again.times.index(first.at)] == 77.0


def test_when_anything_was_learnt_is_told_from_memory_as_from_the_files(desk: RunningDesk) -> None:
    first = next(f for f in desk.state().findings.values() if f.rule == "newport-farrington")
    lake = desk.house.lake
    every = sorted({one.known for one in lake.revisions(first.indicator, place=first.place)})
    now = desk.clock.now()
    assert list(desk.learnt(first.indicator, first.place)) == [at for at in every if at <= now]
    files = DeltaLake.open(desk.house.workspace, view_rows=0, create=False)
    assert files.learnt(first.indicator, first.place).tolist() == [at.replace(tzinfo=None) for at in every]
    assert files.version() == lake.version()
    assert len(lake.learnt(first.indicator, "de/none")) == len(files.learnt("nothing", first.place)) == 0
    files.close()
