"""What a detector found on a table, with the names and times to read it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from anlan.analyse.laid import Laid
from anlan.assess.detect.panel import Alarm, Detection, Known, Panel, Reason
from anlan.assess.detect.reason_words import reason_words
from anlan.assess.multiplicity import q_values


@dataclass(frozen=True, slots=True)
class Findings(Detection):
    """A `Detection` (arrays [n_series, n_test]) of the `laid` table by `detector` with `params`."""

    laid: Laid
    detector: str
    params: Mapping[str, Any]

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
        """p-values adjusted for the number of series tested at the same time [n_series, n_test]: of the
        series with q at most a, a share of at most a is false (Benjamini, Hochberg 1995)."""
        return q_values(self.p_value, np.broadcast_to(self.test, self.p_value.shape))

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
