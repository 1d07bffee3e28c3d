"""Places that report nothing themselves and are the sum of those directly below them.

Only for indicators that add up (`sum_to_parent`) and places that a rule names: a place with a row of its own
keeps it, whatever its children say. A sum is whole where every child in force has a usable value (its own,
or a whole sum); else it is partial and unknown, and the children that lack are named. Of counts, which
cannot be negative, a partial sum is a lower bound: what it reaches is reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from anlan.assess.definitions import Marks
from anlan.assess.grid import Grid
from anlan.assess.screen import Screened, Why
from anlan.model.indicator import Indicator, Rule
from anlan.model.pack import Pack
from anlan.model.reason import Reason
from anlan.model.text import Text

#: so many children are named in a sentence, the rest counted
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Sums:
    """By summed place: its `children` in force, which of them `lack` [n_children, n_times] a usable value,
    and the `leaves` whose rows the sum is made of."""

    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lack: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    leaves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def missing(self, place: str, t: int, pack: Pack, now: datetime) -> Reason | None:
        """Who lacks in the sum of a place in period `t`; None where nobody does or it is no sum."""
        if place not in self.lack or not self.lack[place][:, t].any():
            return None
        gone = [c for c, out in zip(self.children[place], self.lack[place][:, t], strict=True) if out]
        names = [pack.place(child, now).name for child in gone[:_NAMED]]
        more = len(gone) - len(names)
        en = ", ".join(name.en for name in names) + (f" and {more} more" if more else "")
        zh = "、".join(name.zh for name in names) + (f"等{len(gone)}个" if more else "")
        all = len(self.children[place])
        return Reason(
            "members_missing",
            Text(
                f"The sum holds {all - len(gone)} of {all} members, without {en}: the true value is higher "
                "or unknown.",
                f"合计仅含{all}个下级中的{all - len(gone)}个，缺{zh}：实际数值更高或未知。",
            ),
        )


def with_sums(
    grid: Grid, screened: Screened, indicator: Indicator, rule: Rule, pack: Pack, now: datetime
) -> tuple[Grid, Screened, Sums]:
    """Grid and screening with one row more for every place that the rule names, that has none of its own,
    and below which something is known."""
    named = _named(rule, pack, now) if indicator.sum_to_parent and rule.places else []
    absent = [place for place in named if place not in grid.places]
    if not absent or not grid.places:
        return grid, screened, Sums()
    sums = _Adding(grid, screened, children_of(pack, now))
    added = [place for place in absent if sums.of(place) is not None]
    if not added:
        return grid, screened, Sums()
    rows = [sums.rows[place] for place in added]
    marks = screened.marks
    wider = Grid(
        (*grid.places, *added),
        grid.times,
        np.vstack([grid.values, *(row.total for row in rows)]),
        np.vstack([grid.known, *(row.known for row in rows)]),
    )
    whole = [np.where(row.why == Why.USABLE, row.total, np.nan) for row in rows]
    checked = Screened(
        np.vstack([screened.values, *whole]),
        np.vstack([screened.why, *(row.why for row in rows)]).astype(np.int8),
        replace(
            marks,
            applies=np.vstack([marks.applies, *(row.applies for row in rows)]),
            partly=np.vstack([marks.partly, *(row.partly for row in rows)]),
        ),
    )
    return (
        wider,
        checked,
        Sums(
            {place: sums.rows[place].children for place in added},
            {place: sums.rows[place].lack for place in added},
            {place: sums.rows[place].leaves for place in added},
        ),
    )


@dataclass(frozen=True, slots=True)
class Below:
    """The places directly below one that has values of its own: their `total` [n_times] as far as it goes
    (NaN where none is there), and who `lack`s [n_children, n_times]."""

    children: tuple[str, ...]
    total: NDArray[np.float64]
    lack: NDArray[np.bool_]


def below(grid: Grid, screened: Screened, place: str, children: Sequence[str]) -> Below | None:
    """What the `children` of a place that reports itself come to; None where nothing is known of them."""
    row = {name: k for k, name in enumerate(grid.places)}
    if place not in row or not any(child in row for child in children):
        return None
    blank = np.full(len(grid.times), np.nan)
    each = np.stack([screened.values[row[child]] if child in row else blank for child in children])
    there = ~np.isnan(each)
    total = np.where(there.any(axis=0), np.where(there, each, 0.0).sum(axis=0), np.nan)
    return Below(tuple(children), total, ~there)


def descendants(pack: Pack, places: Iterable[str], now: datetime) -> set[str]:
    """The places and all that lie below them, in force."""
    children, found = children_of(pack, now), set[str]()
    left = list(places)
    while left:
        place = left.pop()
        if place not in found:
            found.add(place)
            left += children.get(place, ())
    return found


def children_differ(
    grid: Grid, screened: Screened, place: str, t: int, indicator: Indicator, pack: Pack, now: datetime
) -> Reason | None:
    """How a place's own value of period `t` differs from the whole sum of those directly below it; None
    where they agree, one of them lacks, or the indicator does not add up. Neither is put right."""
    if not indicator.sum_to_parent or place not in grid.places:
        return None
    children = children_of(pack, now).get(place, ())
    row = {name: k for k, name in enumerate(grid.places)}
    if not children or not all(child in row for child in children):
        return None
    own = float(screened.values[row[place], t])
    total = float(sum(screened.values[row[child], t] for child in children))
    if math.isnan(own) or math.isnan(total) or math.isclose(own, total, rel_tol=1e-9, abs_tol=1e-9):
        return None
    n = len(children)
    return Reason(
        "children_differ",
        Text(
            f"Its own {own:g} differ from the {total:g} of the {n} places below it by {own - total:+g}; both "
            "are kept.",
            f"本级为 {own:g}，{n}个下级合计 {total:g}，相差 {own - total:+g}；两者均保留。",
        ),
    )


def _named(rule: Rule, pack: Pack, now: datetime) -> list[str]:
    """The places in force that the rule names, by id or by level."""
    levels = {name.removeprefix("level:") for name in rule.places if name.startswith("level:")}
    ids = set(rule.places)
    day = now.date()
    return [
        id
        for id, versions in pack.places.items()
        if any(v.validity.covers(day) and (id in ids or v.level in levels) for v in versions)
    ]


def children_of(pack: Pack, now: datetime) -> dict[str, tuple[str, ...]]:
    """Parent -> the places directly below it that are in force."""
    found: dict[str, list[str]] = {}
    day = now.date()
    for id, versions in pack.places.items():
        for version in versions:
            if version.parent is not None and version.validity.covers(day):
                found.setdefault(version.parent, []).append(id)
    return {parent: tuple(sorted(children)) for parent, children in found.items()}


@dataclass(frozen=True, slots=True)
class _Row:
    total: NDArray[np.float64]
    why: NDArray[np.int8]
    known: NDArray[np.datetime64]
    applies: NDArray[np.bool_]
    partly: NDArray[np.bool_]
    children: tuple[str, ...]
    lack: NDArray[np.bool_]
    leaves: tuple[str, ...]


@dataclass
class _Adding:
    """Adds up, from the places with rows to those above them; every place once."""

    grid: Grid
    screened: Screened
    below: Mapping[str, tuple[str, ...]]
    rows: dict[str, _Row] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)

    def of(self, place: str) -> _Row | None:
        """The row of a place: its own, or the sum of what is below it; None where nothing is."""
        if place in self.rows:
            return self.rows[place]
        if place in self.empty:
            return None
        if place in self.grid.places:
            return self.rows.setdefault(place, self._own(place))
        self.empty.add(place)  # also against a tree that runs in a circle
        children = self.below.get(place, ())
        parts = {child: row for child in children if (row := self.of(child)) is not None}
        if not parts:
            return None
        self.empty.discard(place)
        return self.rows.setdefault(place, self._sum(children, parts))

    def _own(self, place: str) -> _Row:
        k = self.grid.places.index(place)
        marks: Marks = self.screened.marks
        return _Row(
            self.screened.values[k],
            self.screened.why[k],
            self.grid.known[k],
            marks.applies[k],
            marks.partly[k],
            (),
            np.empty((0, len(self.grid.times)), dtype=bool),
            (place,),
        )

    def _sum(self, children: tuple[str, ...], parts: Mapping[str, _Row]) -> _Row:
        n = len(self.grid.times)
        lack = np.ones((len(children), n), dtype=bool)
        for k, child in enumerate(children):
            if child in parts:
                lack[k] = parts[child].why != Why.USABLE
        each = np.stack([row.total for row in parts.values()])
        there = ~np.isnan(each)
        total = np.where(there.any(axis=0), np.where(there, each, 0.0).sum(axis=0), np.nan)
        why = np.where(lack.any(axis=0), Why.PARTIAL, Why.USABLE)
        why = np.where(there.any(axis=0), why, Why.SILENT).astype(np.int8)
        came = np.stack([row.known for row in parts.values()])
        ticks = np.where(np.isnat(came), np.iinfo(np.int64).min, came.astype(np.int64)).max(axis=0)
        applies = np.stack([row.applies for row in parts.values()])
        partly = np.stack([row.partly for row in parts.values()])
        somewhere = np.asarray(applies.any(axis=0), dtype=bool)
        return _Row(
            total,
            why,
            ticks.astype("datetime64[us]"),  # the least integer is NaT
            somewhere,
            np.logical_or(partly.any(axis=0), somewhere & ~applies.all(axis=0)),
            children,
            lack,
            tuple(leaf for row in parts.values() for leaf in row.leaves),
        )
