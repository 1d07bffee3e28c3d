"""Run a detector on whatever holds the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeAlias

import numpy as np

from anlan.analyse.axis import MONTHLY
from anlan.analyse.changed import Change, alike, changes, sides
from anlan.analyse.findings import Findings
from anlan.analyse.frames import Data, combined
from anlan.analyse.laid import Laid
from anlan.analyse.span import indexes
from anlan.analyse.table import Manner
from anlan.assess.detect.panel import Dates, Detection, Floats, Ints, Panel, Reason, Test
from anlan.assess.detect.registry import detector as by_name
from anlan.assess.detect.registry import spec

Tested: TypeAlias = Test | str | None
"""Indexes or a slice into the time axis; words (see `span`); None: the last year, at most half."""


def detect(
    data: Data,
    detector: str = "farrington_scan",
    *,
    test: Tested = None,
    freq: int | None = None,
    population: Data | None = None,
    series: Sequence[str] | None = None,
    weeks: str = "",
    decimal: str = "",
    changed: Sequence[str] = (),
    **params: Any,
) -> Findings:
    """Test the counts in `data` with the detector of that name. See `anlan.detect`."""
    manner = Manner(weeks, decimal)
    laid = combined(data, population, freq=freq, series=series, manner=manner)
    return run(laid, detector, test, params, changed)


def run(
    laid: Laid, detector: str, test: Tested, params: dict[str, Any], changed: Sequence[str] = ()
) -> Findings:
    """Test a table that is laid on its axis. Parameters that a rule in service gets (a short history is
    unknown, not an error) hold here as well, unless `params` say otherwise. `changed`: where what is counted
    changes (see `changed.changes`); what lies on either side is tested for itself, over a history counted as
    it is."""
    at = tested(laid, test)
    used = {**spec(detector).live, **params}
    marks = changes(changed, laid.axis)
    if not marks:
        return Findings(**_found(laid.panel, detector, used, at), laid=laid, detector=detector, params=used)
    laid = replace(laid, notes=(*laid.notes, *(mark.said() for mark in marks)))
    side = sides(marks, at)
    parts = []
    for one in np.unique(side).tolist():
        columns = np.flatnonzero(side == one)
        panel = replace(laid.panel, counts=alike(laid.panel.counts, marks, one))
        parts.append((columns, _found(panel, detector, used, at[columns])))
    order = np.argsort(np.concatenate([columns for columns, _ in parts]), kind="stable")
    plain: dict[str, Any] = {
        name: np.concatenate([part[name] for _, part in parts], axis=-1)[..., order] for name in parts[0][1]
    }
    plain["reason"] = _parted(laid.panel, detector, used, marks, plain["reason"], at)
    return Findings(**plain, laid=laid, detector=detector, params=used, changes=marks)


def _parted(
    panel: Panel, detector: str, used: dict[str, Any], marks: Sequence[Change], reason: Any, at: Ints
) -> Any:
    """The reasons, where what lacks is no value of the table but the other side of a change."""
    one = spec(detector)
    back = one.history(one.complete(used), panel.freq)
    told = reason.copy()
    for column, t in enumerate(at.tolist()):
        crossed = any(t - back < mark.at <= t for mark in marks)
        if crossed:
            whole = ~np.isnan(panel.counts[:, max(0, t - back) : t + 1]).any(axis=1)
            lacking = whole & (reason[:, column] == Reason.MISSING_VALUE)
            told[lacking, column] = np.int16(Reason.TOO_FEW_HISTORY)
    return told


def _found(panel: Panel, detector: str, used: dict[str, Any], at: Ints) -> dict[str, Any]:
    """The arrays of a `Detection` of the times `at`."""
    longer, lead = _with_past(panel, detector, used, at)
    found = by_name(detector)(longer, at + lead, **used)
    plain = {field.name: getattr(found, field.name) for field in fields(Detection)} | {"test": at}
    if lead:  # what lacks is not a value of the table but the table's own past
        lacking = (found.reason == Reason.MISSING_VALUE) & ~np.isnan(panel.counts[:, at])
        plain["reason"] = np.where(lacking, np.int16(Reason.TOO_FEW_HISTORY), found.reason)
    return plain


def _with_past(panel: Panel, detector: str, params: dict[str, Any], at: Ints) -> tuple[Panel, int]:
    """(the panel, periods put before it). A detector that refuses an axis too short for its history gets one
    whose first periods are missing: then the answer is unknown, with its reason."""
    one = spec(detector)
    if not one.needs_history or not at.size:
        return panel, 0
    one.check(params)
    lead = max(0, one.history(one.complete(params), panel.freq) - int(at.min()))
    if not lead:
        return panel, 0

    def before(values: Floats) -> Floats:
        return np.pad(values, ((0, 0), (lead, 0)), constant_values=np.nan)

    population = None if panel.population is None else before(panel.population)
    dates = None if panel.dates is None else np.concatenate([_earlier(panel, lead), panel.dates])
    return Panel(before(panel.counts), panel.freq, population, dates), lead


def _earlier(panel: Panel, lead: int) -> Dates:
    """The dates of so many periods before the first."""
    assert panel.dates is not None
    first, back = panel.dates[0], np.arange(-lead, 0)
    if panel.freq == MONTHLY:
        return np.asarray((first.astype("datetime64[M]") + back).astype("datetime64[D]"))
    step = int((panel.dates[1] - first).astype(np.int64)) if panel.n_time > 1 else 7
    return np.asarray(first + back * step)


def tested(laid: Laid, test: Tested) -> Ints:
    """Indexes of the tested times."""
    if test is None or isinstance(test, str):
        return indexes(test or "", laid.axis)
    return laid.panel.test_indexes(test)
