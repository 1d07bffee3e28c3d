"""What a detector found on a table, with the names and times to read it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from anlan.analyse.changed import Change
from anlan.analyse.laid import Laid
from anlan.assess.detect.panel import Alarm, Detection, Floats, Known, Panel, Reason
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.multiplicity import Choice, Chosen, choose, q_values


@dataclass(frozen=True, slots=True)
class Findings(Detection):
    """A `Detection` (arrays [n_series, n_test]) of the `laid` table by `detector` with `params`. `groups`:
    the domain and level that each series belongs to (none: all are one); `exposure` [n_series] what is at
    stake (None: the newest denominators, where there are any). Of the alarms those are to be looked at that
    `fdr` and `budget` leave (`anlan.assess.multiplicity.choose`). `changes` of what is counted."""

    laid: Laid
    detector: str
    params: Mapping[str, Any]
    groups: tuple[str, ...] = ()
    exposure: Floats | None = None
    fdr: float | None = None
    budget: int | None = None
    changes: tuple[Change, ...] = ()

    @property
    def panel(self) -> Panel:
        """The panel that was tested."""
        return self.laid.panel

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the series, one per row of every array."""
        return self.laid.series

    @property
    def values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The tested values [n_series, n_test]."""
        chosen: np.ndarray[Any, np.dtype[np.float64]] = self.panel.counts[:, self.test]
        return chosen

    @property
    def q_values(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """p-values adjusted for the number of series of the group tested at the same time [n_series, n_test]:
        of the series with q at most a, a share of at most a is false (Benjamini, Hochberg 1995)."""
        n_series, n_test = self.p_value.shape
        of = np.zeros(n_series, dtype=np.int64)
        if self.groups:
            of = np.unique(np.array(self.groups, dtype=object), return_inverse=True)[1].ravel()
        return q_values(self._tested, of[:, np.newaxis] * n_test + np.arange(n_test))

    @property
    def _tested(self) -> Floats:
        """The p-values of what is known: an undecided combination has one, and is no test."""
        return np.where(self.alarm == Alarm.UNKNOWN, np.nan, self.p_value)

    @property
    def stake(self) -> Floats:
        """What is at stake in each series [n_series]; NaN where that is unknown, 1 where nothing is said."""
        if self.exposure is not None:
            return self.exposure
        people = self.panel.population
        if people is None:
            return np.ones(len(self.series))
        past = people[:, : int(self.test.max()) + 1] if self.test.size else people
        newest = np.full(len(past), np.nan)
        for row, values in enumerate(past):
            known = np.flatnonzero(~np.isnan(values))
            newest[row] = values[known[-1]] if known.size else np.nan
        return newest

    def chosen(self) -> Chosen:
        """Which alarms are to be looked at, in which order, and why the others are not."""
        groups = np.array(self.groups, dtype=object).astype(str) if self.groups else None
        alarm = self.alarm == Alarm.YES
        return choose(alarm, self._tested, self.stake, groups, fdr=self.fdr, budget=self.budget)

    def look_list(self) -> pl.DataFrame:
        """The alarms, newest period first, those to be looked at before the others, by surprise times
        exposure: the columns of `frame` from `series` to `q_value`, with `group`, `exposure`, `rank` (within
        group and period), `look` and `choice` (a `Choice` in words)."""
        chosen, frame = self.chosen(), self.frame()
        n_test = len(self.test)
        shape = chosen.choice.shape
        groups = np.array(self.groups or [""] * len(self.series), dtype=object)
        names = [Choice(int(c)).name.lower() for c in chosen.choice.ravel()]
        frame = frame.with_columns(
            pl.Series("group", np.repeat(groups, n_test), dtype=pl.String),
            pl.Series("exposure", np.broadcast_to(self.stake[:, np.newaxis], shape).ravel()).fill_nan(None),
            pl.Series("rank", chosen.rank.ravel()),
            pl.Series("look", np.isin(chosen.choice.ravel(), (Choice.LOOK, Choice.GOES_ON))),
            pl.Series("choice", names, dtype=pl.String),
        ).filter(pl.Series(chosen.choice.ravel() != Choice.NONE))
        order = ["k", "group", "look", "rank"]
        frame = frame.sort(order, descending=[True, False, True, False], maintain_order=True)
        wanted = ("group", "rank", "look", "choice", "series", "k", "date", "value", "expected", "threshold",
                  "p_value", "q_value", "exposure")  # fmt: skip
        return frame.select(name for name in wanted if name in frame.columns)

    def frame(self) -> pl.DataFrame:
        """One row per tested series and time: `series`, `k` (number of the time, from 1), `date` (where
        the axis has dates), `value`, `expected`, `threshold`, `score`, `p_value`, `q_value`, `alarm`
        (null = unknown), `state`, `reason` and its words `reason_en`, `reason_zh`. Null where nothing is
        known or the method has no such quantity."""
        n_series, n_test = self.alarm.shape
        axis = self.laid.axis
        columns: dict[str, Any] = {
            "series": pl.Series(np.repeat(np.array(self.series, dtype=object), n_test), dtype=pl.String),
            "k": np.tile(axis.k[self.test], n_series),
        }
        if axis.dates is not None:
            columns["date"] = pl.Series(np.tile(axis.dates[self.test], n_series)).cast(pl.Date)
        for name, array in (
            ("value", self.values),
            ("expected", self.expected),
            ("threshold", self.threshold),
            ("score", self.score),
            ("p_value", self.p_value),
            ("q_value", self.q_values),
        ):
            columns[name] = pl.Series(np.ravel(array)).fill_nan(None)
        flat = np.ravel(self.alarm)
        columns["alarm"] = pl.Series(flat == Alarm.YES).set(pl.Series(flat == Alarm.UNKNOWN), None)
        known = np.ravel(self.state) == Known.KNOWN
        columns["state"] = pl.Series(np.where(known, "known", "unknown"))
        reasons = np.ravel(self.reason)
        for name, words in (
            ("reason", {int(r): r.name.lower() for r in Reason}),
            ("reason_en", {int(r): reason_words(r).en for r in Reason}),
            ("reason_zh", {int(r): reason_words(r).zh for r in Reason}),
        ):
            columns[name] = pl.Series([words[int(r)] for r in reasons], dtype=pl.String)
        return pl.DataFrame(columns)

    def alarms(self) -> pl.DataFrame:
        """The rows of `frame` with an alarm."""
        frame = self.frame()
        return frame.filter(frame["alarm"].fill_null(False))
