"""A cluster reaches the findings: Salmonella Newport in the German states, 2011, as known week by week."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.assess import cluster_scan
from anlan.assess.evaluate import evaluate
from anlan.model.finding import Finding
from anlan.model.indicator import Band, Indicator, Rule
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.provenance import Provenance
from anlan.model.state import State
from anlan.model.text import Text
from chain_pack import DAY, LAW, SINCE, MemoryLake, both, chain_pack

WEEK = timedelta(days=7)
#: capitals of the states: degrees east and north
STATES = {
    "Baden.Wuerttemberg": (9.18, 48.78),
    "Bavaria": (11.58, 48.14),
    "Berlin": (13.40, 52.52),
    "Brandenburg": (13.06, 52.40),
    "Bremen": (8.81, 53.08),
    "Hamburg": (9.99, 53.55),
    "Hesse": (8.24, 50.08),
    "Mecklenburg.Vorpommern": (11.41, 53.63),
    "Lower.Saxony": (9.73, 52.37),
    "North.Rhine.Westphalia": (6.78, 51.23),
    "Rhineland.Palatinate": (8.27, 49.99),
    "Saarland": (7.00, 49.23),
    "Saxony": (13.74, 51.05),
    "Saxony.Anhalt": (11.63, 52.13),
    "Schleswig.Holstein": (10.13, 54.32),
    "Thuringia": (11.03, 50.98),
}
RULE = Rule(
    "newport-cluster",
    both("cluster of Salmonella Newport"),
    "newport",
    "flood",
    "scan_clusters",
    "alarm && value >= 5.0",
    "score",
    Text("{place}: {value} {unit} where {expected} were expected.", "{place}:聚集 {value} {unit}。"),
    f"{LAW}#5",
    {"longest": 4, "significance": 0.01},
    (
        Band(4, 3.0, f"{LAW}#5", SINCE),
        Band(3, 4.5, f"{LAW}#5", SINCE),
    ),
    keep=WEEK,
    validity=SINCE,
)


def newport_pack(rule: Rule = RULE) -> Pack:
    places = [Place("de", both("Germany"), "nation")]
    places += [Place(f"de/{n}", both(n), "state", "de", lon=x, lat=y) for n, (x, y) in STATES.items()]
    indicator = Indicator("newport", both("cases"), "water", "{case}", "count", "up", "", WEEK, 52)
    return chain_pack(
        places={p.id: (p,) for p in places},
        indicators={"newport": indicator},
        rules={rule.id: rule},
    )


@pytest.fixture(scope="module")
def lake(shared: Path) -> MemoryLake:
    made = MemoryLake()
    with gzip.open(shared / "data/salmonella-newport-de/weekly_states_2004_2012.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if "2010-06-01" <= row["week_start"] <= "2012-12-31"]
    made.append(
        Observation(
            "newport",
            f"de/{row['state']}",
            at := datetime.fromisoformat(row["week_start"]).replace(tzinfo=UTC),
            at + 9 * DAY,
            float(row["cases"]),
            "{case}",
            Provenance("rki", "t"),
        )
        for row in rows
    )
    return made


def weeks(first: datetime, n: int) -> Iterator[datetime]:
    """The instants at which the counts of n weeks became known."""
    yield from (first + k * WEEK + 9 * DAY for k in range(n))


def run(pack: Pack, lake: MemoryLake, first: datetime, n: int, rule: str = RULE.id) -> list[Finding]:
    state = State()
    for now in weeks(first, n):
        for finding in evaluate(pack.rules[rule], pack, lake, state, now):
            state.put(finding.id, finding)
    return list(state.findings.values())


OUTBREAK = datetime(2011, 10, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def found(lake: MemoryLake) -> list[Finding]:
    return run(newport_pack(), lake, OUTBREAK, 18)


def test_the_outbreak_of_2011_is_a_cluster_that_rises_and_ends(found: list[Finding]) -> None:
    first = found[0]
    assert (first.change, first.place, first.event) == ("raised", "de", "de/Mecklenburg.Vorpommern")
    assert (first.at.date().isoformat(), first.value, first.p_value) == ("2011-11-07", 25.0, 0.001)
    assert first.expected == pytest.approx(13.045, abs=1e-3)
    assert "Cluster of 7 places (Mecklenburg.Vorpommern, Hamburg" in first.sentence.en
    assert "16 places, 52 weeks" in first.sentence.en and "聚集区含7处" in first.sentence.zh
    assert first.grounds[0].en.endswith("once in 1,000 weeks.")
    assert [reason.code for reason in first.reasons] == ["scan_cluster"]
    last = {(f.place, f.event): f for f in found}
    assert {f.change for f in last.values()} == {"ended"}


def test_a_cluster_keeps_its_identity_while_it_moves(found: list[Finding]) -> None:
    seats = {f.event for f in found}
    assert seats == {"de/Mecklenburg.Vorpommern", "de/Bremen"}
    for seat in seats:
        changes = [f.change for f in found if f.event == seat]
        assert changes[0] == "raised" and changes[-1] == "ended" and changes.count("ended") == 1


def test_where_its_covering_place_changes_the_new_place_is_told_before_the_old_one_ends(
    lake: MemoryLake,
) -> None:
    found = run(newport_pack(), lake, datetime(2012, 10, 15, tzinfo=UTC), 7)
    (raised, ended) = [f for f in found if f.known.date().isoformat() == "2012-11-21"]
    assert (raised.change, raised.place, raised.event) == ("raised", "de/Bavaria", "de/Bavaria")
    assert (ended.change, ended.place, ended.event) == ("ended", "de", "de/Bavaria")
    assert [reason.code for reason in ended.reasons] == ["scan_moved"]


def test_every_finding_is_computed_again_the_same(lake: MemoryLake, found: list[Finding]) -> None:
    pack, state = newport_pack(), State()
    for one in found:
        again = evaluate(RULE, pack, lake, state, one.known, only=one.place)
        assert one in again
        state.put(one.id, one)


def test_a_finding_at_each_member_where_the_pack_says_so(lake: MemoryLake) -> None:
    rule = replace(RULE, params={**RULE.params, "at_place": "members"})
    found = run(newport_pack(rule), lake, OUTBREAK + 5 * WEEK, 1)
    assert len(found) == 7
    assert {f.event for f in found} == {"de/Mecklenburg.Vorpommern"}
    assert {f.place for f in found} > {"de/Hamburg", "de/Brandenburg"}


def test_the_same_data_are_scanned_once(lake: MemoryLake) -> None:
    pack, now = newport_pack(), OUTBREAK + 5 * WEEK + 9 * DAY
    evaluate(RULE, pack, lake, State(), now)
    before = cluster_scan.runs()
    assert evaluate(RULE, pack, lake, State(), now)
    assert cluster_scan.runs() == before


def test_while_the_source_is_late_a_cluster_is_held_and_unknown(
    lake: MemoryLake, found: list[Finding]
) -> None:
    state = State()
    state.put(found[0].id, found[0])
    (held,) = evaluate(RULE, newport_pack(), lake, state, found[0].known + DAY, stale=True)
    assert (held.change, held.state, held.level) == ("unknown", "unknown", found[0].level)
    assert held.reasons[0].code == "source_stale"


def test_what_cannot_be_scanned_is_left_out_by_name_or_unknown(
    lake: MemoryLake, found: list[Finding]
) -> None:
    pack = newport_pack()
    pointless = replace(pack.places["de/Saarland"][0], lon=None, lat=None)
    without = replace(pack, places={**pack.places, "de/Saarland": (pointless,)})
    (first,) = run(without, lake, OUTBREAK + 5 * WEEK, 1)
    assert "15 places" in first.sentence.en
    assert "1 place left out (1: no point on the map)" in first.sentence.en
    nowhere: dict[str, tuple[Place, ...]] = {
        id: (replace(v[0], lon=None, lat=None),) for id, v in pack.places.items()
    }
    state = State()
    state.put(found[0].id, found[0])
    (unknown,) = evaluate(RULE, replace(pack, places=nowhere), lake, state, found[0].known + DAY)
    assert (unknown.state, unknown.level, unknown.reasons[0].code) == ("unknown", 3, "scan_unknown")
    assert "fewer than two places" in unknown.reasons[0].text.en
