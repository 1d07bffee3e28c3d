"""Of risks at one level, the duty page shows first what is most surprising where most people live."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from anlan.model.assessment import Assessment
from anlan.model.state import State
from anlan.web.budget import over_budget
from anlan.web.drafts import together
from anlan.web.duty import pressing_order
from bulletins import warning
from chain_pack import both, chain_pack, finding

NOW = datetime(2020, 7, 1, tzinfo=UTC)


def risk(id: str, place: str, *findings: str) -> Assessment:
    return Assessment(
        id, "flood", "water", place, both(id), NOW, NOW, "automatic", "open", "known", 3, 3, findings
    )


def test_surprise_times_people_decides_and_the_unknown_is_not_taken_for_small() -> None:
    pack = chain_pack()
    places = dict(pack.places)
    known = {"x/a": 1_000_000, "x/b": 1_000, "x": None}
    for id, population in known.items():
        places[id] = tuple(
            replace(one, population=population, population_year=2020 if population else None)
            for one in places[id]
        )
    pack = replace(pack, places=places)
    state = State()
    for id, p in (("F-1", 1e-3), ("F-2", 1e-9), ("F-3", 1e-4), ("F-4", None)):
        state.put(id, replace(finding(id=id), id=id, p_value=p))
    risks = [
        risk("R-many", "x/a", "F-1"),
        risk("R-few", "x/b", "F-2"),
        risk("R-unknown-people", "x", "F-3"),
        risk("R-no-probability", "x/a", "F-4"),
    ]
    order = pressing_order(risks, state, pack, NOW)
    assert sorted(order, key=order.__getitem__) == [
        "R-no-probability",
        "R-unknown-people",
        "R-many",
        "R-few",
    ]


def test_more_than_the_domain_declares_a_day_is_marked_from_the_least_pressing_and_all_is_kept() -> None:
    pack = chain_pack()
    water = replace(pack.domains["water"], alarms_per_day=2)
    pack = replace(pack, domains={**pack.domains, "water": water})
    risks = [replace(risk(f"R-{n}", "x/a"), opened=NOW - timedelta(hours=n)) for n in range(4)]
    risks.append(replace(risk("R-old", "x/a"), opened=NOW - timedelta(days=3)))
    order = {"R-0": 3, "R-1": 0, "R-2": 2, "R-3": 1, "R-old": 4}
    (over,) = over_budget(risks, order, pack, NOW)
    assert (over.domain, over.new, over.declared, over.beyond) == ("water", 4, 2, {"R-2", "R-0"})
    # a more severe one goes before all others; what somebody has dealt with has used up the number
    risks[0] = replace(risks[0], level=1, highest=1)
    assert over_budget(risks, order, pack, NOW)[0].beyond == {"R-2", "R-3"}
    done = [replace(one, verdict="confirmed") if one.id in ("R-1", "R-3") else one for one in risks]
    assert over_budget(done, {"R-0": 0, "R-2": 1, "R-old": 2}, pack, NOW)[0].beyond == {"R-0", "R-2"}
    assert over_budget(risks[:2], order, pack, NOW) == []
    assert over_budget(risks, order, chain_pack(), NOW) == []  # the domain declares no number


def test_the_drafts_of_a_storm_are_one_row_and_do_not_bury_the_draft_of_a_flood() -> None:
    pack, state, drafts = chain_pack(), State(), []
    for n, (hazard, level) in enumerate((("heat", 2), ("heat", 3), ("heat", 2), ("flood", 3))):
        one = replace(risk(f"R-{n}", "x/a"), hazard=hazard)
        state.put(one.id, one)
        drafts.append(replace(warning(f"W-{n}", level, hazard=hazard, status="draft"), risk=one.id))
    live = list(state.assessments.values())
    storm, flood = together(drafts, live, state, pack, NOW)
    assert [one.id for one in storm.warnings] == ["W-0", "W-2", "W-1"]
    assert storm.card is not None and (storm.card.hazard, storm.card.count) == ("heat", 3)
    assert flood.card is None and flood.first.id == "W-3"
    # what is muted waits behind what is heard, and only where all of it is
    muted = together(drafts, live, state, pack, NOW, {"R-0", "R-1", "R-2"})
    assert [(row.first.id, row.quiet) for row in muted] == [("W-3", False), ("W-0", True)]
    assert not together(drafts, live, state, pack, NOW, {"R-0", "R-1"})[0].quiet
