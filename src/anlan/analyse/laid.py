"""A table laid on its time axis: a panel, the names of its series, and what was said of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anlan.analyse.axis import DATED, Axis
from anlan.analyse.held import Held
from anlan.assess.detect.panel import Floats, Panel
from anlan.formats.weeks import ISO, NAMES, week_of
from anlan.model.errors import InvalidValue
from anlan.model.text import Text


@dataclass(frozen=True, slots=True)
class Laid:
    """`panel` with one row per name in `series`; `axis` its times; `notes` what a reader should know of
    the input; `held` what of it was not used."""

    panel: Panel
    series: tuple[str, ...]
    axis: Axis
    notes: tuple[Text, ...] = ()
    held: tuple[Held, ...] = ()


def lay(
    axis: Axis,
    series: Sequence[str],
    values: Floats,
    held: Sequence[Held] = (),
    more: Sequence[Text] = (),
) -> Laid:
    """`values` [n_series, n_time] on `axis`; `more` is noted besides."""
    notes = [_axis_note(axis)]
    if axis.gaps.size:
        shown = ", ".join(axis.label(int(i)) for i in axis.gaps[:5])
        others = f" … ({len(axis.gaps)})" if axis.gaps.size > 5 else ""
        notes.append(
            Text(
                f"{axis.gaps.size} time(s) without a row, missing in every series: {shown}{others}",
                f"{axis.gaps.size} 个时间没有数据行，所有序列在此均为缺失：{shown}{others}",
            )
        )
    if axis.weeks:
        day = Text("Monday", "周一") if axis.weeks == ISO else Text("Sunday", "周日")
        name = NAMES[axis.weeks]
        notes.append(
            Text(
                f"numbers of weeks are {name} weeks; each stands at its {day.en}",
                f"周次为 {name} 周，以该周{day.zh}表示",
            )
        )
    notes.extend(more)
    if axis.moved:
        notes.append(
            Text("dates within a month stand for its first day", "月内日期均视为当月第一天"),
        )
    if held:
        notes.append(
            Text(
                f"{len(held)} cell(s) or row(s) could not be used; each is listed with its line and reason",
                f"{len(held)} 个单元格或行无法使用；均已列出行号和原因",
            )
        )
    panel = Panel(values, axis.freq, dates=axis.dates)
    return Laid(panel, tuple(series), axis, tuple(notes), tuple(held))


def with_population(laid: Laid, other: Laid) -> Laid:
    """The same with the denominators of `other`, by series and time. InvalidValue where a series or the
    kind of axis differs; a time that `other` lacks has no denominator, and a note says so."""
    rows = {name: i for i, name in enumerate(other.series)}
    lacking = [name for name in laid.series if name not in rows]
    if lacking and not (len(rows) == 1 and len(laid.series) == 1):
        raise InvalidValue(
            "the population has no such series",
            where="population",
            found=f"no column {lacking[0]!r}",
            expected="the series of the counts: " + ", ".join(laid.series[:8]),
        )
    mine, theirs = _keys(laid.axis), _keys(other.axis)
    if mine.dtype.kind != theirs.dtype.kind:
        raise InvalidValue(
            "counts and population do not share an axis",
            where="population",
            found="dates in one and numbers in the other",
            expected="the same times in both",
        )
    at = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
    there = theirs[at] == mine
    values = np.full(laid.panel.counts.shape, np.nan)
    for i, name in enumerate(laid.series):
        values[i, there] = other.panel.counts[rows.get(name, 0), at[there]]
    notes = list(laid.notes)
    lost = int(np.isnan(values).sum())
    if lost:
        notes.append(
            Text(f"{lost} value(s) without a population", f"{lost} 个值没有人口数"),
        )
    return replace(
        laid,
        panel=replace(laid.panel, population=values),
        notes=tuple(notes),
        held=(*laid.held, *other.held),
    )


def chosen(laid: Laid, names: Sequence[str]) -> Laid:
    """Only the series of these names, in this order; InvalidValue names one that is not there."""
    rows = {name: i for i, name in enumerate(laid.series)}
    for name in names:
        if name not in rows:
            raise InvalidValue(
                "no such series",
                where="series",
                found=repr(name),
                expected="some of: " + ", ".join(laid.series[:20]),
            )
    pick = [rows[name] for name in names]
    population = laid.panel.population
    panel = replace(
        laid.panel,
        counts=laid.panel.counts[pick],
        population=None if population is None else population[pick],
    )
    return replace(laid, panel=panel, series=tuple(names))


def _keys(axis: Axis) -> np.ndarray[Any, Any]:
    return axis.k if axis.dates is None else axis.dates


def _axis_note(axis: Axis) -> Text:
    if axis.dates is None:
        return Text(
            f"{axis.n_time} times, k {axis.k[0]} to {axis.k[-1]}, {axis.freq} a year",
            f"{axis.n_time} 个时间，k {axis.k[0]} 至 {axis.k[-1]}，每年 {axis.freq} 期",
        )
    kind = {"weekly": "周", "monthly": "月", "daily": "日"}[DATED[axis.freq]]
    long_years = ""
    zh_years = ""
    if axis.freq == 52:
        named = (week_of(day, axis.weeks or ISO) for day in axis.dates.tolist())
        years = sorted({year for year, week in named if week == 53})
        if years:
            long_years = f"; 53 weeks in {', '.join(map(str, years))}"
            zh_years = f";{', '.join(map(str, years))} 年有 53 周"
    return Text(
        f"{axis.n_time} {DATED[axis.freq]} times, {axis.dates[0]} to {axis.dates[-1]}{long_years}",
        f"{axis.n_time} 个{kind}数据，{axis.dates[0]} 至 {axis.dates[-1]}{zh_years}",
    )
