"""Places that a rule tests at the same time: false discoveries controlled by level of places."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from anlan.assess.evaluate import evaluate
from anlan.model.finding import Finding
from anlan.model.pack import Pack
from anlan.model.place import Place
from anlan.model.state import State
from chain_pack import DAY, GAUGE, HOUR, T0, MemoryLake, both, chain_pack, stage

#: an alarm of EARS C1 at its own level, 0.05; the bands let everything through
RULE = replace(
    GAUGE, id="many", detector="ears_c1", params={"alpha": 0.05, "baseline": 30}, measure="excess",
    keep=timedelta(0), places=("level:province",),
    bands=tuple(replace(band, at_least=-1e9) for band in GAUGE.bands if band.level == 4),
)  # fmt: skip
N = 300
OUTBREAKS = (7, 70)


def made(when: str, silent: tuple[int, ...] = ()) -> tuple[Pack, MemoryLake]:
    """`N` provinces with counts of forty days, two of them with an outbreak on the last."""
    pack = chain_pack()
    places = {f"x/{n:03}": (Place(f"x/{n:03}", both(f"P{n}"), "province", "x"),) for n in range(N)}
    rule = replace(RULE, when=when)
    indicator = replace(pack.indicators["stage"], kind="count", frequency=DAY)
    pack = replace(
        pack, places={**pack.places, **places}, rules={"many": rule},
        indicators={**pack.indicators, "stage": indicator},
    )  # fmt: skip
    counts = np.random.default_rng(5).poisson(20, (N, 40)).astype(float)
    counts[list(OUTBREAKS), -1] = 70
    lake = MemoryLake()
    lake.append(
        [
            stage(day - 39, float(counts[n, day]), place=f"x/{n:03}")
            for n in range(N)
            for day in range(40)
            if not (n in silent and day == 39)
        ]
    )
    return pack, lake


def found(when: str, **how: str) -> list[Finding]:
    pack, lake = made(when)
    return evaluate(pack.rules["many"], pack, lake, State(), T0 + 30 * HOUR, **how)  # type: ignore[arg-type]


def test_of_hundreds_of_places_control_leaves_those_where_something_is_going_on() -> None:
    without = {one.place for one in found("alarm")}
    assert len(without) > 10
    kept = found("alarm && q_value <= 0.1")
    assert {one.place for one in kept} >= {f"x/{n:03}" for n in OUTBREAKS} and len(kept) <= 5
    assert any("300 places of this level were tested at the same time" in g.en for g in kept[0].grounds)
    assert any("同级 300 个地点同时检测" in g.zh for g in kept[0].grounds)


def test_a_place_computed_alone_is_judged_among_all_of_them() -> None:
    # explaining a finding computes one place again: its answer is the one that was journalled
    (together,) = (one for one in found("alarm && q_value <= 0.1") if one.place == "x/007")
    (alone,) = found("alarm && q_value <= 0.1", only="x/007")
    assert alone == together
    (chance, *_) = {one.place for one in found("alarm")} - {one.place for one in found("q_value <= 0.1")}
    assert found("alarm && q_value <= 0.1", only=chance) == []


def test_the_number_that_is_said_is_that_of_a_well_kept_library() -> None:
    every = {one.place: one for one in found("known")}  # every place, whatever its p
    p = np.array([every[f"x/{n:03}"].p_value for n in range(N)])
    q = false_discovery_control(p.astype(float), method="bh")
    for bound in (0.02, 0.1, 0.5):
        assert {one.place for one in found(f"q_value <= {bound}")} == {
            f"x/{n:03}" for n in np.flatnonzero(q <= bound)
        }


def test_a_place_without_a_value_is_no_test_and_is_not_called_normal() -> None:
    silent = tuple(range(50, N))
    pack, lake = made("known && q_value <= 2.0", silent)
    told = evaluate(pack.rules["many"], pack, lake, State(), T0 + 30 * HOUR)  # type: ignore[arg-type]
    # what had a level the day before keeps it, and says that today nobody knows
    assert {one.place for one in told if one.state == "known"} == {f"x/{n:03}" for n in range(50)}
    assert {one.place for one in told if one.state == "unknown"} == {f"x/{n:03}" for n in silent}
    known = next(one for one in told if one.state == "known")
    assert any("50 places of this level" in ground.en for ground in known.grounds)


def test_levels_of_places_are_families_of_their_own() -> None:
    pack, lake = made("q_value <= 0.1")
    rule = replace(pack.rules["many"], places=())
    # a nation beside its provinces is one test, not the three hundred and first
    lake.append([stage(day - 39, 20.0 + (day == 39) * 9, place="x") for day in range(40)])
    told = evaluate(rule, pack, lake, State(), T0 + 30 * HOUR)  # type: ignore[arg-type]
    (nation,) = [one for one in told if one.place == "x"]
    assert nation.p_value == pytest.approx(0.0, abs=0.01)
    assert any("1 places of this level" in ground.en for ground in nation.grounds)
