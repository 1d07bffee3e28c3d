"""Deadlines, storms, earthquakes, rivers and ensembles reach the findings, on recorded histories."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from anlan.assess.evaluate import evaluate
from anlan.assess.surveys import conclude
from anlan.assess.surveys.registry import survey
from anlan.model.finding import Finding
from anlan.model.indicator import Band, Indicator, Rule, SeverityBand
from anlan.model.matrix import Matrix, MatrixColumn, MatrixRow
from anlan.model.observation import Observation
from anlan.model.pack import Pack
from anlan.model.place import Place, Point
from anlan.model.provenance import Provenance
from anlan.model.state import State
from anlan.model.text import Text
from chain_pack import DAY, HOUR, LAW, SINCE, MemoryLake, Room, both, chain_pack

SOURCE = Provenance("recorded", "t")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(first: str, n: int, hour: int = 12) -> Iterator[datetime]:
    yield from (day(first) + k * DAY + hour * HOUR for k in range(n))


def table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rule_of(
    indicator: str, detector: str, params: dict[str, Any], bands: dict[int, float], **changes: Any
) -> Rule:
    rule = Rule(
        f"{detector}-rule",
        both(detector),
        indicator,
        "flood",
        detector,
        "alarm",
        "value",
        Text("{place}: {value}", "{place}:{value}"),
        f"{LAW}#5",
        params,
        tuple(Band(level, at, f"{LAW}#5", SINCE) for level, at in bands.items()),
        validity=SINCE,
    )
    return replace(rule, **changes)


def pack_of(rule: Rule, *indicators: Indicator, places: Iterable[Place] = ()) -> Pack:
    changes: dict[str, Any] = {"indicators": {i.id: i for i in indicators}, "rules": {rule.id: rule}}
    if places:
        changes["places"] = {p.id: (p,) for p in places}
    found: Pack = chain_pack(**changes)
    return found


def run(rule: Rule, pack: Pack, lake: MemoryLake, instants: Iterable[datetime]) -> list[Finding]:
    """Findings in order; each is computed again from the state before it and must be the same."""
    state = State()
    for now in instants:
        for finding in evaluate(rule, pack, lake, state, now):
            assert finding in evaluate(rule, pack, lake, state, now, only=finding.place)
            state.put(finding.id, finding)
    return list(state.findings.values())


# ── deadlines ────────────────────────────────────────────────────────────────────────────────────

KEV = Indicator(
    "kev", both("known exploited"), "water", "{event}", "event", "up", "", ahead=timedelta(days=700)
)


@pytest.fixture(scope="module")
def kev(shared: Path) -> MemoryLake:
    lake = MemoryLake()
    lake.append(
        Observation("kev", "x", day(r["dueDate"]), day(r["dateAdded"]), 1.0, "{event}", SOURCE, r["cveID"])
        for r in table(shared / "data/cyber-kev/kev_until_2024.csv.gz")
    )
    return lake


def test_entries_that_fall_due_raise_a_level_by_the_day_alone(kev: MemoryLake) -> None:
    rule = rule_of("kev", "deadlines", {}, {4: 1, 3: 200, 2: 500})
    found = run(rule, pack_of(rule, KEV), kev, days("2021-11-01", 200, 0))
    assert [(f.change, f.level) for f in found] == [("raised", 4), ("raised", 3), ("raised", 2)]
    first = found[0]
    assert (first.known.date().isoformat(), first.value, first.expected) == ("2021-11-04", 15.0, 287.0)
    assert "15 overdue" in first.sentence.en and "已逾期 15 项" in first.sentence.zh
    codes = [reason.code for reason in first.reasons]
    assert codes == ["deadlines_due", "due_before_added"]
    assert first.unit == "{event}"


def test_what_is_done_is_no_longer_late_and_nothing_known_later_counts(kev: MemoryLake) -> None:
    rule = rule_of("kev", "deadlines", {"counts": "days"}, {4: -7.0, 2: 0.0}, when="true")
    lake, pack = MemoryLake(), pack_of(rule, KEV)
    due, added = day("2024-03-20"), day("2024-03-01")
    entry = Observation("kev", "x", due, added, 1.0, "{event}", SOURCE, "CVE-1")
    lake.append([entry, replace(entry, known=day("2024-03-25"), value=0.0)])
    found = run(rule, pack, lake, days("2024-03-01", 30, 0))
    assert [(f.known.date().isoformat()[5:], f.change, f.level) for f in found] == [
        ("03-13", "raised", 4),
        ("03-20", "raised", 2),
        ("03-25", "ended", None),
    ]
    assert "CVE-1" in found[1].sentence.en or "0 overdue" in found[1].sentence.en


def test_the_running_system_looks_at_deadlines_every_midnight_without_news(tmp_path: Path) -> None:
    from anlan import flow

    rule = rule_of("kev", "deadlines", {}, {3: 1}, hazard="drought")
    room = Room(tmp_path / "room", pack_of(rule, KEV))
    try:
        start = day("2024-03-01") + 9 * HOUR
        room.turn(start, Observation("kev", "x", day("2024-03-05"), start, 1.0, "{event}", SOURCE, "CVE-1"))
        assert not room.state.findings
        now = start
        for _ in range(8):
            due = flow.next_due(room, now)  # type: ignore[arg-type]
            assert due is not None and due <= now + DAY
            now = max(due, now + flow.INSTANT)
            room.turn(now)
            if room.state.findings:
                break
        (finding,) = room.state.findings.values()
        assert finding.known.date().isoformat() == "2024-03-06"
    finally:
        room.close()


# ── storms ───────────────────────────────────────────────────────────────────────────────────────

TRACK = Indicator("track", both("track"), "water", "[kn_i]", "event", "up", "", ahead=timedelta(days=7))
COAST = (
    Place("x", both("Land"), "nation"),
    Place("x/zhuhai", both("Zhuhai"), "city", "x", lon=113.55, lat=22.27),
    Place("x/nowhere", both("Nowhere"), "city", "x"),
)
ZONE = rule_of(
    "track",
    "storm_zone",
    {"zone_km": 300.0, "cone_km_day": 100.0, "extrapolate": 72.0},
    {4: 72, 3: 48, 2: 24, 1: 12},
    places=("x/zhuhai", "x/nowhere"),
)


@pytest.fixture(scope="module")
def tracks(shared: Path) -> MemoryLake:
    lake = MemoryLake()
    for r in table(shared / "data/typhoon-wnp/jma_best_track_2015_2019.csv.gz"):
        if r["storm_id"] in ("201713", "201822"):
            at = datetime.strptime(r["time_utc"], "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
            point = Point(float(r["lon"]), float(r["lat"]))
            wind = float(r["wind_kt"])
            lake.append(
                [Observation("track", "x", at, at + HOUR, wind, "[kn_i]", SOURCE, r["storm_id"], point)]
            )
    return lake


def test_mangkhut_raises_every_level_at_zhuhai_before_it_is_there(tracks: MemoryLake) -> None:
    hours = [day("2018-09-11") + n * HOUR for n in range(1, 160, 3)]
    found = [f for f in run(ZONE, pack_of(ZONE, TRACK, places=COAST), tracks, hours) if f.event == "201822"]
    assert [(f.change, f.level) for f in found] == [
        ("raised", 4),
        ("raised", 3),
        ("raised", 2),
        ("raised", 1),
        ("ended", None),
    ]
    landfall = day("2018-09-16") + 9 * HOUR
    leads = [landfall - f.known for f in found[:4]]
    assert [lead > timedelta(hours=h) for lead, h in zip(leads, (60, 48, 36, 18), strict=True)] == [True] * 4
    last = found[3]
    assert last.unit == "h" and last.value is not None and 0 <= last.value <= 12
    assert "Storm 201822 enters the 300 km zone of Zhuhai at 2018-09-1" in last.sentence.en
    assert "风暴 201822" in last.sentence.zh
    assert last.score == 85.0  # knots at the last fix


def test_a_place_without_a_point_gets_no_level_and_a_forecast_goes_before_the_last_motion() -> None:
    pack, lake = pack_of(ZONE, TRACK, places=COAST), MemoryLake()
    start = day("2018-09-14")
    fix = Observation("track", "x", start, start + HOUR, 90.0, "[kn_i]", SOURCE, "s", Point(120.0, 18.0))
    ahead = [
        replace(fix, at=start + n * 24 * HOUR, point=Point(120.0 - 3.2 * n, 18.0 + 2.1 * n)) for n in (1, 2)
    ]
    lake.append([fix, *ahead])
    found = run(ZONE, pack, lake, [start + 2 * HOUR])
    assert [(f.place, f.level) for f in found] == [("x/zhuhai", 2)]
    # the newest issue turns away: what an older one said of later times counts no more
    away = replace(fix, at=start + 6 * HOUR, known=start + 7 * HOUR, point=Point(120.5, 18.5))
    turned = replace(away, at=start + 30 * HOUR, point=Point(124.0, 22.0))
    lake.append([away, turned])
    state = State()
    state.put(found[0].id, found[0])
    (over,) = evaluate(ZONE, pack, lake, state, start + 8 * HOUR)
    assert over.change == "ended"


# ── earthquakes ──────────────────────────────────────────────────────────────────────────────────

QUAKES = Indicator("quakes", both("earthquakes"), "water", "{magnitude}", "event", "up", "")


@pytest.fixture(scope="module")
def catalogue(shared: Path) -> MemoryLake:
    """Off Honshu, magnitude 5.5 and more, 2004 to 2012."""
    lake = MemoryLake()
    for r in table(shared / "data/earthquakes/world_m55_1965_2013.csv.gz"):
        at = datetime.fromisoformat(r["time_utc"].replace("Z", "+00:00"))
        inside = 34 <= float(r["lat"]) <= 42 and 139 <= float(r["lon"]) <= 146
        if r["type"] == "Earthquake" and inside and 2004 <= at.year < 2013:
            known, size = at + timedelta(minutes=20), float(r["mag"])
            lake.append([Observation("quakes", "x/a/1", at, known, size, "{magnitude}", SOURCE, r["id"])])
    return lake


def rates(method: str, catalogue: MemoryLake) -> list[Finding]:
    params = {"completeness": 5.5, "before": 2500.0, "method": method}
    rule = rule_of("quakes", "event_rate", params, {4: 3, 3: 10, 2: 100}, measure="ratio", places=("x/a",))
    return run(rule, pack_of(rule, QUAKES), catalogue, days("2011-03-05", 45, 0))


def test_tohoku_is_faster_than_before_and_soon_no_faster_than_aftershocks_explain(
    catalogue: MemoryLake,
) -> None:
    plain, beyond = rates("poisson", catalogue), rates("etas", catalogue)
    # the foreshocks of 9 March speak before the main shock of the 11th
    assert plain[0].known.date().isoformat() == beyond[0].known.date().isoformat() == "2011-03-10"
    assert plain[0].place == "x/a"  # what lies in the place counts for it
    shock = next(f for f in plain if f.known.date().isoformat() == "2011-03-12")
    assert shock.level == 2 and shock.value is not None and shock.value > 100
    assert (
        "by the" in plain[0].sentence.en
        and "ETAS" in beyond[0].sentence.en
        and "余震" in beyond[0].sentence.zh
    )
    late = day("2011-04-01")
    assert [f for f in plain if f.known > late and f.change == "raised"]
    assert not [f for f in beyond if f.known > late and f.change == "raised"]


def test_a_catalogue_too_short_for_its_law_is_unknown_and_holds_the_level(catalogue: MemoryLake) -> None:
    params = {"completeness": 5.5, "before": 300.0, "method": "etas"}
    rule = rule_of("quakes", "event_rate", params, {4: 3}, measure="ratio", places=("x/a",))
    pack = pack_of(rule, QUAKES)
    now = day("2011-03-12")
    assert evaluate(rule, pack, catalogue, State(), now) == []
    plain = replace(rule, params={**params, "method": "poisson"})
    (raised,) = evaluate(plain, pack, catalogue, State(), now)
    state = State()
    state.put(raised.id, raised)
    (held,) = evaluate(rule, pack, catalogue, state, now + HOUR)
    assert (held.state, held.level) == ("unknown", 4)
    assert "rate_unknown" in [reason.code for reason in held.reasons]


# ── rivers ───────────────────────────────────────────────────────────────────────────────────────

FLOW = Indicator("flow", both("discharge"), "water", "m3/s", "measure", "up", "", DAY)
GAUGES = {"hybas_1120705070": "x/upper", "hybas_1120679780": "x/lower"}
BANKS = (
    Place("x", both("Land"), "nation"),
    Place("x/upper", both("Upper"), "city", "x"),
    Place("x/lower", both("Lower"), "city", "x"),
)


@pytest.fixture(scope="module")
def niger(shared: Path) -> MemoryLake:
    """Two gauges of the Niger below Bamako, 2024: the analysis of each day stands for the measurement."""
    lake = MemoryLake()
    lake.append(
        Observation(
            "flow",
            GAUGES[r["gaugeId"]],
            at := day(r["issue_date"]),
            at + 12 * HOUR,
            float(r["fc_value"]),
            "m3/s",
            SOURCE,
        )
        for r in table(shared / "data/flood-niger-mali/floodhub_live_mali_2024.csv.gz")
        if r["lead_days"] == "0" and r["gaugeId"] in GAUGES
    )
    return lake


def routed(**params: Any) -> Rule:
    return rule_of(
        "flow",
        "river_routing",
        {"upstream": "x/upper", "lead": 10, **params},
        {4: 3336, 3: 3780, 2: 4213},
        keep=2 * DAY,
        places=("x/lower",),
    )


def test_the_upper_gauge_warns_before_the_lower_one_gets_there(niger: MemoryLake) -> None:
    rule = routed(k_hours=72.0, gain=0.93)
    found = run(rule, pack_of(rule, FLOW, places=BANKS), niger, days("2024-07-10", 110))
    raised = {f.level: f for f in found if f.change == "raised"}
    lower = niger.read("flow", known=day("2025-01-01"), places=["x/lower"])
    for level, threshold, lead in ((4, 3336, 1), (3, 3780, 2), (2, 4213, 5)):
        reached = lower.at[int((lower.value >= threshold).argmax())].astype("datetime64[us]").astype(datetime)
        assert reached.replace(tzinfo=UTC) - raised[level].at >= lead * DAY
    sentence = raised[2].sentence
    assert "Routed from Upper: up to 4251 m3/s at Lower by" in sentence.en and "72 h" in sentence.en
    assert "由Upper演算" in sentence.zh


def test_a_reach_is_fitted_to_the_past_or_unknown(niger: MemoryLake) -> None:
    rule = routed(history=200)
    pack = pack_of(rule, FLOW, places=BANKS)
    found = run(rule, pack, niger, days("2024-08-20", 50))
    assert found[0].known >= day("2024-10-01")  # before that the pairs do not settle a travel time
    assert "fitted on 85 pairs, mean error" in found[0].sentence.en
    state = State()
    state.put(found[0].id, found[0])
    # the upper gauge falls silent: the level is held, unknown
    held = evaluate(rule, pack, niger, state, day("2024-11-20"))
    assert [(f.state, f.level) for f in held] == [("unknown", found[0].level)]
    assert held[0].reasons[-1].code == "upstream_missing"


# ── ensembles ────────────────────────────────────────────────────────────────────────────────────

MEMBERS = Indicator("members", both("forecast"), "water", "m3/s", "event", "up", "", ahead=timedelta(days=10))
SEEN = replace(FLOW, id="seen")


@pytest.fixture(scope="module")
def ensemble(shared: Path) -> MemoryLake:
    """A lagged ensemble (Hoffman and Kalnay 1983): what five issues in a row say of one day at Bamako."""
    lake, made = MemoryLake(), []
    for r in table(shared / "data/flood-niger-mali/bamako_reforecast_2016_2020.csv.gz"):
        at = day(r["issue_date"])
        known = at + 12 * HOUR
        if not day("2017-01-01") <= at < day("2018-11-15"):
            continue
        made.append(Observation("seen", "x/a", at, known, float(r["lead_0d_m3s"]), "m3/s", SOURCE))
        made += [
            Observation(
                "members", "x/a", at + n * DAY, known, float(r[f"lead_{n}d_m3s"]), "m3/s", SOURCE, f"lag{n}"
            )
            for n in range(3, 8)
        ]
    lake.append(made)
    return lake


CHANCE = rule_of(
    "members",
    "forecast_probability",
    {"observed": "seen", "threshold": 3800.0, "ahead": 4.0},
    {4: 0.1, 3: 0.3, 2: 0.6},  # cost of the measures / loss without them
)


def test_a_probability_becomes_the_level_at_which_acting_pays(ensemble: MemoryLake) -> None:
    pack = pack_of(CHANCE, MEMBERS, SEEN)
    found = run(CHANCE, pack, ensemble, days("2018-08-15", 60))
    assert [(f.change, f.level) for f in found][:2] == [("raised", 3), ("raised", 2)]
    first, second = found[:2]
    assert first.value is not None and 0.3 <= first.value < 0.6 <= (second.value or 0)
    assert "calibrated on 566 forecasts" in first.sentence.en and "1 of 5 members" in first.sentence.en
    assert "经 566 次历史预报校准" in first.sentence.zh
    # the flood came, days after it was said
    seen = ensemble.read("seen", known=day("2019-01-01"), since=day("2018-08-01"))
    reached = seen.at[int((seen.value > 3800).argmax())].astype("datetime64[us]").astype(datetime)
    assert reached.replace(tzinfo=UTC) - first.known >= DAY


def test_the_calibrated_probability_scores_better_than_the_share_of_members(ensemble: MemoryLake) -> None:
    from anlan.assess.finding import Look
    from anlan.assess.surveys.forecast_probability import SPEC

    pack = pack_of(CHANCE, MEMBERS, SEEN)
    seen = ensemble.read("seen", known=day("2019-01-01"))
    flood = dict(zip(seen.at.tolist(), (seen.value > 3800).tolist(), strict=True))
    brier: dict[str, float] = {"emos": 0.0, "none": 0.0}
    for method in ("emos", "none"):
        params = SPEC.complete({**CHANCE.params, "calibrate": method, "ahead": 3.0})
        for now in days("2018-08-20", 70):
            look = Look(CHANCE, MEMBERS, pack, ensemble, State(), now)  # type: ignore[arg-type]
            told = SPEC.run(look, params).told["x/a", ""]
            happened = flood[told.at.replace(tzinfo=None)]
            brier[method] += (told.numbers[-1].value - happened) ** 2
    assert brier["emos"] < brier["none"]


MATRIX = Matrix(
    "risk",
    both("severity and certainty"),
    tuple(MatrixColumn(id, both(id), "Severe", both("damage")) for id in ("flood", "great")),
    (
        MatrixRow("likely", both("likely"), 0.33, (4, 3)),
        MatrixRow("very-likely", both("very likely"), 0.66, (3, 1)),
    ),
    f"{LAW}#5",
    validity=SINCE,
)


def test_the_probability_of_each_severity_goes_through_the_matrix(ensemble: MemoryLake) -> None:
    steps = (
        SeverityBand("flood", 3800.0, f"{LAW}#5", SINCE),
        SeverityBand("great", 4500.0, f"{LAW}#5", SINCE),
    )
    rule = replace(CHANCE, bands=(), matrix="risk", severities=steps, certainty="probability")
    pack = replace(pack_of(rule, MEMBERS, SEEN), matrices={"risk": MATRIX})
    found = run(rule, pack, ensemble, days("2018-08-20", 60))
    assert [f.level for f in found] == [4, 3, 1, 3, 4, None]
    red = found[2]
    # the amount spoken of is that of the cell: the great flood, more likely than not
    assert red.threshold == 4500.0 and red.value is not None and red.value >= 0.66
    assert "[risk/very-likely/great;" in red.grounds[0].en and "great 77 %" in red.grounds[0].en


def test_without_enough_past_there_is_no_probability(ensemble: MemoryLake) -> None:
    pack = pack_of(CHANCE, MEMBERS, SEEN)
    assert run(CHANCE, pack, ensemble, days("2017-01-20", 3)) == []
    (raised,) = run(CHANCE, pack, ensemble, days("2018-08-31", 1))
    state = State()
    state.put(raised.id, raised)
    short = replace(CHANCE, params={**CHANCE.params, "train_days": 25})
    (held,) = evaluate(short, pack, ensemble, state, day("2018-09-01") + 12 * HOUR)
    assert (held.state, held.level) == ("unknown", raised.level)
    assert "forecast_uncalibrated" in [reason.code for reason in held.reasons]


def test_a_time_without_every_member_is_left_out_and_said(ensemble: MemoryLake) -> None:
    pack, lake = pack_of(CHANCE, MEMBERS, SEEN), MemoryLake()
    rule = replace(CHANCE, params={**CHANCE.params, "calibrate": "none", "threshold": 10.0})
    now = day("2018-09-01")
    for n, names in ((1, ("a", "b")), (2, ("a",))):
        lake.append(
            Observation("members", "x/a", now + n * DAY, now, 20.0, "m3/s", SOURCE, name) for name in names
        )
    (found,) = evaluate(rule, pack, lake, State(), now + HOUR)
    assert (found.level, found.value, found.at) == (2, 1.0, now + DAY)
    assert "not calibrated" in found.sentence.en
    assert found.reasons[-1].code == "rows_left_out"
    assert found.reasons[-1].text.en.startswith("1 left out: times ahead for which not every member")


# ── hold and keep ────────────────────────────────────────────────────────────────────────────────


def wobbling(*exceed: int | None) -> MemoryLake:
    """Day by day a forecast of the next day at x/a: of ten members so many exceed 10; None: it did not
    come."""
    lake, start = MemoryLake(), day("2024-05-01")
    for n, many in enumerate(exceed):
        if many is None:
            continue
        known = start + n * DAY
        lake.append(
            Observation(
                "members", "x/a", known + 23 * HOUR, known, 20.0 if m < many else 0.0, "m3/s", SOURCE, f"m{m}"
            )
            for m in range(10)
        )
    return lake


RAW = rule_of(
    "members",
    "forecast_probability",
    {"observed": "seen", "threshold": 10.0, "ahead": 1.0, "calibrate": "none"},
    {4: 0.3, 2: 0.6},
)


def told(rule: Rule, lake: MemoryLake, n: int) -> list[tuple[int, str, int | None]]:
    """(day, change, level) of a rule asked once a day."""
    start = day("2024-05-01")
    found = run(rule, pack_of(rule, MEMBERS, SEEN), lake, [start + k * DAY for k in range(n)])
    return [((f.known - start).days, f.change, f.level) for f in found]


def test_a_probability_that_wobbles_round_its_threshold_opens_once_and_closes_once() -> None:
    days_ = (2, 3, 2, 3, 2, 3, 3, 2, 2, 2, 2)
    assert len(told(RAW, wobbling(*days_), 11)) == 6  # without keep it opens and closes three times
    kept = replace(RAW, keep=2 * DAY)
    assert told(kept, wobbling(*days_), 11) == [(1, "raised", 4), (9, "ended", None)]


def test_a_probability_must_hold_before_it_speaks() -> None:
    held = replace(RAW, hold=2 * DAY, keep=DAY)
    assert told(held, wobbling(3, 2, 3, 3, 2, 3, 3, 3, 2, 2), 10) == [(7, "raised", 4), (9, "ended", None)]


def test_a_severe_level_is_kept_and_then_the_milder_one_stands() -> None:
    kept = replace(RAW, keep=2 * DAY)
    assert told(kept, wobbling(7, 3, 3, 3, 2, 2, 2, 2), 8) == [
        (0, "raised", 2),
        (3, "lowered", 4),
        (6, "ended", None),
    ]


def test_forecasts_that_do_not_come_end_no_level_and_count_for_no_keep() -> None:
    plain = told(RAW, wobbling(3, None, None, 2), 4)
    assert plain == [(0, "raised", 4), (1, "unknown", 4), (3, "ended", None)]
    kept = replace(RAW, keep=2 * DAY)
    assert told(kept, wobbling(3, 2, None, 2, None, 2, 2, 2), 8) == [
        (0, "raised", 4),
        (2, "unknown", 4),
        (3, "known", 4),
        (4, "unknown", 4),
        (5, "known", 4),
        (7, "ended", None),
    ]


def test_a_hole_in_a_forecast_before_its_horizon_ends_no_level() -> None:
    rule = replace(RAW, params={**RAW.params, "ahead": 3.0})
    lake, start = MemoryLake(), day("2024-05-01")
    member = Observation("members", "x/a", start, start, 20.0, "m3/s", SOURCE, "m0")
    for n, values in enumerate([(0.0, 20.0, 0.0), (0.0, None, 0.0), (0.0, 0.0, 0.0)]):
        issued = start + n * DAY
        for m in range(2):
            lake.append(
                replace(member, at=issued + k * DAY - HOUR, known=issued, event=f"m{m}", value=v)
                for k, v in enumerate(values, 1)
                if v is not None or m == 0
            )
    pack = pack_of(rule, MEMBERS, SEEN)
    found = run(rule, pack, lake, [start + k * DAY for k in range(3)])
    assert [(f.change, f.level, f.state) for f in found][:2] == [
        ("raised", 2, "known"),
        ("unknown", 2, "unknown"),
    ]
    assert "rows_left_out" in [reason.code for reason in found[1].reasons]


def test_a_storm_that_wobbles_round_the_zone_is_kept() -> None:
    lake, start = MemoryLake(), day("2018-09-14")
    rule = replace(ZONE, params={"zone_km": 300.0, "cone_km_day": 0.0}, places=("x/zhuhai",))
    pack = pack_of(rule, replace(TRACK, frequency=6 * HOUR), places=COAST)
    # fixes just within and just without 300 km of Zhuhai, six hours apart
    for n, lon in enumerate((116.0, 116.8, 116.0, 116.8, 116.0, 116.9, 117.2, 117.5)):
        at = start + n * 6 * HOUR
        lake.append([Observation("track", "x", at, at, 80.0, "[kn_i]", SOURCE, "s", Point(lon, 22.27))])
    hours = [start + n * 6 * HOUR for n in range(8)]
    assert len(run(rule, pack, lake, hours)) == 6
    kept = replace(rule, keep=12 * HOUR)
    found = run(kept, pack_of(kept, replace(TRACK, frequency=6 * HOUR), places=COAST), lake, hours)
    assert [((f.known - start) // HOUR, f.change) for f in found] == [(0, "raised"), (42, "ended")]


def test_a_storm_whose_forecast_did_not_come_ends_no_level() -> None:
    lake, start = MemoryLake(), day("2018-09-14")
    fix = Observation("track", "x", start, start, 90.0, "[kn_i]", SOURCE, "s", Point(120.0, 18.0))
    ahead = replace(fix, at=start + 24 * HOUR, point=Point(114.0, 22.0))
    later = replace(fix, at=start + 25 * HOUR, known=start + 25 * HOUR, point=Point(119.0, 19.0))
    lake.append([fix, ahead, later])
    rule = replace(ZONE, params={"zone_km": 300.0, "cone_km_day": 0.0}, places=("x/zhuhai",))
    found = run(rule, pack_of(rule, TRACK, places=COAST), lake, [start, start + 25 * HOUR, start + 50 * HOUR])
    assert [(f.change, f.state) for f in found] == [
        ("raised", "known"),
        ("unknown", "unknown"),
        ("ended", "known"),
    ]
    assert "forecast_missing" in [reason.code for reason in found[1].reasons]


def test_events_of_unknown_magnitude_end_no_rate() -> None:
    lake, start = MemoryLake(), day("2024-05-01")
    shock = Observation("quakes", "x/a", start, start, 5.0, "{magnitude}", SOURCE, "e")
    lake.append(replace(shock, at=start - n * HOUR, known=start, event=f"a{n}") for n in range(1, 13))
    late = start + 8 * DAY
    lake.append(
        replace(shock, at=late - n * HOUR, known=late, event=f"b{n}", value=None) for n in range(1, 13)
    )
    rule = rule_of(
        "quakes",
        "event_rate",
        {"completeness": 4.5, "before": 400.0},
        {4: 3},
        measure="ratio",
        places=("x/a",),
    )
    found = run(rule, pack_of(rule, QUAKES), lake, [start, late, late + 9 * DAY])
    assert [(f.change, f.state) for f in found] == [
        ("raised", "known"),
        ("unknown", "unknown"),
        ("ended", "known"),
    ]


def test_deadlines_are_kept_too() -> None:
    rule = rule_of("kev", "deadlines", {}, {4: 1}, keep=3 * DAY)
    lake, due = MemoryLake(), day("2024-03-05")
    entry = Observation("kev", "x", due, day("2024-03-01"), 1.0, "{event}", SOURCE, "CVE-1")
    lake.append([entry, replace(entry, known=day("2024-03-08"), value=0.0)])
    found = run(rule, pack_of(rule, KEV), lake, days("2024-03-01", 20, 0))
    assert [(f.known.date().isoformat()[5:], f.change) for f in found] == [
        ("03-06", "raised"),
        ("03-11", "ended"),
    ]


class Unstamped:
    """A lake that does not say whether what was known then has changed: nothing is remembered of it."""

    def __init__(self, lake: MemoryLake) -> None:
        self.read, self.digest = lake.read, lake.digest


def test_what_is_remembered_of_earlier_instants_is_what_asking_again_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = day("2024-05-01")
    ticks = replace(QUAKES, frequency=HOUR)
    rule = rule_of(
        "quakes",
        "event_rate",
        {"completeness": 4.5, "recent": 0.5, "before": 30.0},
        {4: 3, 3: 6},
        measure="ratio",
        hold=2 * HOUR,
        keep=5 * HOUR,
    )
    pack = pack_of(rule, ticks)
    shock = Observation("quakes", "x/a", start, start, 5.0, "{magnitude}", SOURCE, "e")
    one, asked = survey("event_rate"), []

    def counting(look: Any, params: Any) -> Any:
        asked.append(look.now)
        return one.run(look, params)

    monkeypatch.setattr(conclude, "survey", lambda name: replace(one, run=counting))
    lake, states, runs = MemoryLake(), (State(), State()), [0, 0]
    lake.append(
        replace(shock, place=p, at=start - n * 9 * HOUR, known=start, event=f"{p}{n}")
        for p in ("x/a", "x/b")
        for n in range(1, 60)
    )
    for n in range(60):
        now = start + n * HOUR
        news = [replace(shock, at=now, known=now, event=f"n{n}.{m}") for m in range(3 if n < 20 else 0)]
        if n == 30:  # late: known long before it is here
            news = [
                replace(shock, place="x/b", at=now - 10 * HOUR, known=now - 9 * HOUR, event=f"l{m}")
                for m in range(9)
            ]
        if n in (5, 33):  # and a correction of what was, at the same instant
            news.append(replace(shock, at=now - 3 * HOUR, known=now - HOUR, event=f"n{n - 3}.0", value=None))
        lake.append(news)
        for k, seen in enumerate((lake, Unstamped(lake))):
            asked.clear()
            for finding in evaluate(rule, pack, seen, states[k], now):
                states[k].put(finding.id, finding)
            runs[k] += len(asked)
    remembered, again = (list(state.findings.values()) for state in states)
    assert remembered == again
    assert {f.place for f in again} == {"x/a", "x/b"} and {f.change for f in again} >= {"raised", "ended"}
    assert runs[0] * 3 < runs[1]
    # and as known then, once everything is over
    for n, finding in enumerate(again):
        before = State()
        for earlier in again[:n]:
            before.put(earlier.id, earlier)
        kept, asked_again = (
            evaluate(rule, pack, seen, before, finding.known, only=finding.place)
            for seen in (lake, Unstamped(lake))
        )
        assert kept == asked_again
