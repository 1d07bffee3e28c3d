"""A scan for clusters over the panel of a counted indicator, as known at an instant: what goes into it, what
has to stay out and why, and what it found.

Rules (`surveys.scan_clusters`) and the analyst's page go through the same study, so that they say the same. A
study that was scanned once is not scanned again: results are kept by the digest of all that goes in.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anlan.assess.explain import number
from anlan.assess.grid import Grid, lay
from anlan.assess.scan import Cluster, Periods, Points, ScanData, ScanParams, ScanReason, ScanResult, scan
from anlan.assess.screen import screen
from anlan.model.errors import UnknownPlace
from anlan.model.indicator import Indicator
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.packs.points import points
from anlan.ports.lake import Slice

Model: TypeAlias = Literal["permutation", "poisson"]
Timing: TypeAlias = Literal["prospective", "retrospective"]

DAY = timedelta(days=1)
#: half a day after its start in UTC a day has its civil date, from UTC-12 to UTC+12
CIVIL = np.timedelta64(12, "h")
#: a period counts as reported once this share of the places that report at all have a count for it
REPORTED = 0.5
#: results kept
KEPT = 128
#: so many names stand in a sentence, the rest are counted
NAMED = 6

NO_POINT = Text("no point on the map", "没有坐标")
NO_COUNT = Text("counts missing, not whole or not comparable", "计数缺失、非整数或口径不可比")
NO_PEOPLE = Text("population unknown", "人口未知")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is looked for. `periods`: length of the study; `longest`: the longest cluster, both in periods of
    the indicator; `model`: `permutation` needs counts alone, `poisson` the population of each place from
    the pack; the rest as in `ScanParams`."""

    timing: Timing = "prospective"
    model: Model = "permutation"
    periods: int = 52
    longest: int = 4
    population_share: float = 0.5
    max_distance: float | None = None
    replications: int = 999
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Study:
    """What is scanned. `data` None where nothing can be, with `why`; `points` place -> (longitude, latitude);
    `left_out` reason -> the places that stay out for it; `first`, `last` days; `missing` cells of place and
    period without a count among those that stay in."""

    settings: Settings
    data: ScanData | None
    points: Mapping[str, tuple[float, float]]
    left_out: tuple[tuple[Text, tuple[str, ...]], ...]
    first: date | None
    last: date | None
    step: timedelta
    missing: int = 0
    why: Text | None = None

    @property
    def places(self) -> tuple[str, ...]:
        return () if self.data is None else self.data.places


@dataclass(frozen=True, slots=True)
class Scanned:
    """`result` None where there was nothing to scan; `unknown` says why there is no answer."""

    study: Study
    result: ScanResult | None
    unknown: Text | None

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return () if self.result is None else self.result.clusters


def panel(
    slice: Slice, indicator: Indicator, pack: Pack, places: Sequence[str]
) -> tuple[Grid, NDArray[np.float64]]:
    """The grid of `places` and its usable counts as they would be under the definition of the newest period;
    what cannot be compared with it is NaN."""
    step = indicator.frequency or DAY
    grid = lay(slice, step)
    if not len(grid.times):
        return grid, grid.values
    screened = screen(grid, indicator, pack, step)
    values = screened.values * screened.marks.scale(len(grid.times) - 1)
    wanted = set(places)
    rows = [n for n, place in enumerate(grid.places) if place in wanted]
    kept = Grid(tuple(grid.places[n] for n in rows), grid.times, grid.values[rows], grid.known[rows])
    return kept, values[rows]


def ends(values: NDArray[np.float64]) -> int:
    """The index after the newest period that enough places have reported; 0 where none has."""
    if not values.size:
        return 0
    here = ~np.isnan(values)
    reporting = max(1, int(here.any(axis=1).sum()))
    full = np.flatnonzero(here.sum(axis=0) >= REPORTED * reporting)
    return int(full[-1]) + 1 if len(full) else 0


def study(
    grid: Grid,
    values: NDArray[np.float64],
    end: int,
    indicator: Indicator,
    pack: Pack,
    settings: Settings,
    now: datetime,
) -> Study:
    """The last `settings.periods` periods before index `end` of the panel, as they can be scanned."""
    step = indicator.frequency or DAY
    start = max(0, end - settings.periods)
    where = points(pack, grid.places, now)

    def nothing(why: Text, left: tuple[tuple[Text, tuple[str, ...]], ...] = ()) -> Study:
        return Study(settings, None, where, left, None, None, step, why=why)

    if indicator.kind != "count":
        return nothing(Text("only counts can be scanned", "只有计数类指标可作聚集扫描"))
    if step < DAY:
        return nothing(Text("periods are shorter than a day", "统计周期短于一天"))
    if end - start < settings.longest + 1:
        return nothing(Text("the history is too short", "历史过短"))
    block = values[:, start:end]
    whole = np.isnan(block) | (block == np.floor(block))
    usable = whole.all(axis=1) & (block[~np.isnan(block)].size > 0)
    here = ~np.isnan(block)
    usable &= here.all(axis=1) if settings.model == "permutation" else here.any(axis=1)
    people = [_people(pack, place, now) for place in grid.places]
    left: dict[Text, list[str]] = {}
    kept: list[int] = []
    for n, place in enumerate(grid.places):
        if place not in where:
            left.setdefault(NO_POINT, []).append(place)
        elif not usable[n]:
            left.setdefault(NO_COUNT, []).append(place)
        elif settings.model == "poisson" and people[n] is None:
            left.setdefault(NO_PEOPLE, []).append(place)
        else:
            kept.append(n)
    told = tuple((why, tuple(names)) for why, names in left.items())
    if len(kept) < 2:
        return nothing(Text("fewer than two places can be scanned", "可扫描的地点不足两个"), told)
    times = (grid.times[start:end] + CIVIL).astype("datetime64[D]")
    bounds = np.append(times, times[-1] + np.timedelta64(step // DAY, "D"))
    axis = Periods(bounds)
    counts = block[kept]
    at_risk = None
    if settings.model == "poisson":
        share = axis.days / axis.days.sum()
        at_risk = np.array([float(people[n] or 0) for n in kept])[:, None] * share
    ids = tuple(grid.places[n] for n in kept)
    data = ScanData(
        ids,
        Points(np.array([where[id][::-1] for id in ids], dtype=np.float64)),
        axis,
        cases=counts,
        population=at_risk,
    )
    lacking = int(np.isnan(counts).sum())
    return Study(settings, data, where, told, axis.first_day(0), axis.last_day(len(axis) - 1), step, lacking)


def scanned(one: Study) -> Scanned:
    """The study scanned, now or before: the same data with the same settings are scanned once."""
    if one.data is None:
        return Scanned(one, None, one.why)
    result = _RESULTS.of(one)
    if result.reason == ScanReason.NO_CASES:
        return Scanned(one, result, None)  # nothing counted anywhere: no cluster, and that is known
    if result.reason != ScanReason.OK:
        return Scanned(one, None, Text(result.detail, f"无法扫描：{result.detail}"))
    return Scanned(one, result, None)


def _people(pack: Pack, place: str, now: datetime) -> int | None:
    try:
        return pack.place(place, now).population
    except UnknownPlace:
        return None


def params(settings: Settings) -> ScanParams:
    """The parameters of the engine."""
    return ScanParams(
        model=settings.model,
        analysis="space_time",
        timing=settings.timing,
        population_share=settings.population_share,
        max_distance=settings.max_distance,
        max_periods=settings.longest,
        replications=settings.replications,
        seed=settings.seed,
    )


def _digest(one: Study) -> str:
    assert one.data is not None
    found = hashlib.sha256(repr((one.settings, one.data.places)).encode())
    arrays = [one.data.cases, one.data.population, one.data.periods.bounds.astype(np.int64)]
    if isinstance(one.data.geography, Points):
        arrays.append(one.data.geography.coordinates)
    for array in arrays:
        found.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


@dataclass
class _Results:
    """The newest results by digest; who asks for one that is being worked out waits for it."""

    kept: OrderedDict[str, ScanResult] = field(default_factory=OrderedDict)
    busy: dict[str, threading.Lock] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    runs: int = 0

    def of(self, one: Study) -> ScanResult:
        key = _digest(one)
        with self.lock:
            mine = self.busy.setdefault(key, threading.Lock())
        with mine:
            with self.lock:
                if key in self.kept:
                    self.kept.move_to_end(key)
                    return self.kept[key]
            assert one.data is not None
            result = scan(one.data, params(one.settings))
            with self.lock:
                self.runs += 1
                self.kept[key] = result
                while len(self.kept) > KEPT:
                    gone, _ = self.kept.popitem(last=False)
                    self.busy.pop(gone, None)
            return result


_RESULTS = _Results()


def runs() -> int:
    """How many scans were really carried out in this process."""
    return _RESULTS.runs


def cover(pack: Pack, members: Sequence[str], now: datetime) -> str | None:
    """The smallest place of the tree that all of `members` are or lie in; None where there is none."""
    lines = [pack.ancestry(member, now) for member in members]
    shared = set(lines[0]).intersection(*lines[1:])
    return next((place for place in lines[0] if place in shared), None)


def listed(pack: Pack, places: Sequence[str], now: datetime) -> Text:
    """The names of places, the first few of many."""
    names = [pack.place(place, now).name for place in places[:NAMED]]
    more = len(places) - len(names)
    return Text(
        ", ".join(n.en for n in names) + (f" and {more} more" if more else ""),
        "、".join(n.zh for n in names) + (f"等{len(places)}处" if more else ""),
    )


def cluster_words(one: Cluster, pack: Pack, now: datetime) -> Text:
    """A cluster in one sentence: where, when, how many against how many, how often chance gives one."""
    names = listed(pack, one.members, now)
    n, p = len(one.members), number(one.p_value)
    seen, thought, risk = number(one.observed), number(one.expected), number(one.relative_risk or one.ode)
    plural = "place" if n == 1 else "places"
    return Text(
        f"Cluster of {n} {plural} ({names.en}), {one.start} to {one.end}: {seen} where {thought} were "
        f"expected ({risk} times), LLR {number(one.llr)}, p = {p}.",
        f"聚集区含{n}处（{names.zh}），{one.start} 至 {one.end}：{seen} 例，预期 {thought} 例（{risk} 倍），"
        f"LLR {number(one.llr)},p = {p}。",
    )


def coverage_words(one: Study) -> Text:
    """What was scanned, and what was left out."""
    if one.data is None or one.first is None:
        return one.why or Text("nothing was scanned", "未作扫描")
    s, n, t = one.settings, len(one.data.places), len(one.data.periods)
    days = one.step // DAY
    unit_en = {1: "days", 7: "weeks"}.get(days, f"periods of {days} days")
    unit_zh = {1: "天", 7: "周"}.get(days, f"期（每期{days}天）")
    out = sum(len(places) for _, places in one.left_out)
    why_en = "; ".join(f"{len(places)}: {why.en}" for why, places in one.left_out)
    why_zh = ";".join(f"{len(places)}处{why.zh}" for why, places in one.left_out)
    gaps_en = f", {one.missing} counts missing" if one.missing else ""
    gaps_zh = f"，缺{one.missing}个计数" if one.missing else ""
    return Text(
        f"Scanned: {n} places, {t} {unit_en} ({one.first} to {one.last}){gaps_en}, {s.replications} "
        + "replications"
        + (f"; {out} place{'' if out == 1 else 's'} left out ({why_en})." if out else "; no place left out."),
        f"扫描范围：{n}处、{t}{unit_zh}（{one.first} 至 {one.last}）{gaps_zh}，{s.replications} 次模拟"
        + (f"；{out}处未纳入（{why_zh}）。" if out else "；无地点被排除。"),
    )
