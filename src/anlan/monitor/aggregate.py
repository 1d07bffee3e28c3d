"""Values added up the place tree, with the members that are missing named.

A parent and its children need not agree: they come by other ways, at other times, with groups that belong
to no child. Both are kept, the difference is shown, and neither is put right by the other. Where a parent
has no value of its own, the sum of its children stands for it: known where all are there, partial where
some are (for counts a lower bound), unknown where none is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from anlan.model.errors import InvalidValue
from anlan.model.indicator import Indicator
from anlan.model.pack import Pack
from anlan.model.text import Text
from anlan.monitor.series import panel
from anlan.ports.lake import Slice

Floats = NDArray[np.float64]

#: so many members are named in a sentence, the rest counted
_NAMED = 5


class Whole(IntEnum):
    """How much of a place's children is in their sum."""

    UNKNOWN = 0
    PARTIAL = 1
    KNOWN = 2


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One place over time. `reported` [n_times] is its own value, `total` the sum of the members that are
    there, both NaN where there is none; `whole` [n_times] `Whole`; `members` the places directly below
    it, `lacking` [n_members, n_times] where one was in force without a complete value."""

    place: str
    reported: Floats
    total: Floats
    whole: NDArray[np.int8]
    members: tuple[str, ...]
    lacking: NDArray[np.bool_]

    @property
    def value(self) -> Floats:
        """[n_times]: its own value, else the sum of its members, whole or not."""
        return np.where(np.isnan(self.reported), self.total, self.reported)

    @property
    def status(self) -> NDArray[np.int8]:
        """[n_times], `Whole`: how far `value` can be relied on; its own value is known."""
        return np.where(np.isnan(self.reported), self.whole, np.int8(Whole.KNOWN))

    @property
    def difference(self) -> Floats:
        """[n_times]: own value less the sum of the members; NaN unless both are known."""
        return np.where(self.whole == Whole.KNOWN, self.reported - self.total, np.nan)

    def missing(self, t: int) -> tuple[str, ...]:
        """The members without a complete value in period `t`."""
        return tuple(name for name, gone in zip(self.members, self.lacking[:, t], strict=True) if gone)

    def sentence(self, t: int, pack: Pack, at: datetime, unit: str) -> Text:
        """What the sum of period `t` is made of, and how it differs from the place's own value."""
        gone = self.missing(t)
        there = len(self.members) - len(gone)
        whole, total, own = self.whole[t], self.total[t], self.reported[t]
        if whole == Whole.UNKNOWN:
            return Text("No member has a value: unknown.", "下级均无数据：未知。")
        if whole == Whole.PARTIAL:
            names = [pack.place(name, at).name for name in gone[:_NAMED]]
            more = len(gone) - len(names)
            en = ", ".join(name.en for name in names) + (f" and {more} more" if more else "")
            zh = "、".join(name.zh for name in names) + (f"等{len(gone)}个" if more else "")
            return Text(
                f"{there} of {len(self.members)} members: {total:g} {unit} without {en}.",
                f"{len(self.members)}个下级中的{there}个合计 {total:g} {unit}，缺{zh}。",
            )
        if np.isnan(own):
            return Text(
                f"The {there} members add up to {total:g} {unit}.", f"{there}个下级合计 {total:g} {unit}。"
            )
        if own == total:
            return Text(
                f"The {there} members add up to its own {own:g} {unit}.",
                f"{there}个下级合计与本级 {own:g} {unit} 一致。",
            )
        return Text(
            f"Its own {own:g} {unit} differ from the {total:g} of its {there} members by {own - total:+g}.",
            f"本级 {own:g} {unit}，{there}个下级合计 {total:g}，相差 {own - total:+g}。",
        )


def aggregate(
    slice: Slice,
    pack: Pack,
    indicator: Indicator,
    root: str,
    start: datetime,
    step: timedelta,
    n: int,
    *,
    zero_before_first: bool = False,
) -> Mapping[str, Aggregate]:
    """`root` and every place below it that has places below itself, lowest first, over `n` periods of
    `step` from `start`. `zero_before_first`: the source says that a series begins with its first case, so
    that before it there was none. Of a place that is divided, each period counts the members in force
    then. InvalidValue for an indicator that does not add up (`sum_to_parent`)."""
    if not indicator.sum_to_parent:
        raise InvalidValue(
            "this indicator does not add up the place tree",
            where=f"indicator {indicator.id}.sum_to_parent",
            found="false",
            expected="true",
        )
    times = [start + step * k for k in range(n)]
    below = _children(pack)
    order = _lowest_first(root, below)
    values, _ = panel(slice, start, step, n, order)
    if zero_before_first:
        first = np.where(np.isnan(values).all(axis=1), n, np.isfinite(values).argmax(axis=1))
        early = (np.arange(n) < first[:, np.newaxis]) & (first < n)[:, np.newaxis]
        values[early] = 0.0
    row = {name: k for k, name in enumerate(order)}
    found: dict[str, Aggregate] = {}
    for place in order:
        members = below.get(place, ())
        if members:
            found[place] = _sum(place, values[row[place]], members, values, row, found, pack, times)
    return found


def _sum(
    place: str,
    reported: Floats,
    members: tuple[str, ...],
    values: Floats,
    row: Mapping[str, int],
    found: Mapping[str, Aggregate],
    pack: Pack,
    times: list[datetime],
) -> Aggregate:
    shape = (len(members), len(times))
    each, whole = np.empty(shape), np.empty(shape, dtype=np.int8)
    for k, name in enumerate(members):
        if name in found:
            each[k], whole[k] = found[name].value, found[name].status
        else:
            each[k] = values[row[name]]
            whole[k] = np.where(np.isnan(each[k]), Whole.UNKNOWN, Whole.KNOWN)
    force = np.array([[_in_force(pack, name, place, at) for at in times] for name in members], dtype=bool)
    there = force & ~np.isnan(each)
    lacking = force & (whole != Whole.KNOWN)
    total = np.where(there.any(axis=0), np.where(there, each, 0.0).sum(axis=0), np.nan)
    status = np.where(lacking.any(axis=0), Whole.PARTIAL, Whole.KNOWN)
    status = np.where(there.any(axis=0), status, Whole.UNKNOWN).astype(np.int8)
    return Aggregate(place, reported, total, status, members, lacking)


def _children(pack: Pack) -> dict[str, tuple[str, ...]]:
    """Every parent with all that was ever directly below it."""
    below: dict[str, set[str]] = {}
    for versions in pack.places.values():
        for version in versions:
            if version.parent is not None:
                below.setdefault(version.parent, set()).add(version.id)
    return {parent: tuple(sorted(names)) for parent, names in below.items()}


def _lowest_first(root: str, below: Mapping[str, tuple[str, ...]]) -> list[str]:
    """`root` and all below it, every place after those below it."""
    order: list[str] = []
    seen = {root}
    stack = [(root, iter(below.get(root, ())))]
    while stack:
        place, rest = stack[-1]
        child = next((name for name in rest if name not in seen), None)
        if child is None:
            order.append(place)
            stack.pop()
        else:
            seen.add(child)
            stack.append((child, iter(below.get(child, ()))))
    return order


def _in_force(pack: Pack, name: str, parent: str, at: datetime) -> bool:
    day: date = at.astimezone(UTC).date()
    return any(v.parent == parent and v.validity.covers(day) for v in pack.places.get(name, ()))
