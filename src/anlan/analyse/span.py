"""Which times are tested, in words: `last 10`, `2012-01-01..`, `2012..2013`, `264:312`."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np

from anlan.analyse.axis import Axis
from anlan.assess.detect.panel import Ints
from anlan.formats.days import by_week, day_of
from anlan.model.errors import InvalidValue

FORMS = "`last 10`, dates as 2012-01-01..2012-12-31 (either end may be left out), or numbers k as 264:312"
_LAST = re.compile(r"last\s*(\d+)")
_K = re.compile(r"(\d*):(\d*)")


def indexes(text: str, axis: Axis) -> Ints:
    """Indexes of the times that `text` names; both ends count. InvalidValue where it cannot be read or
    names no time of the axis."""
    said = text.strip()
    at = np.arange(axis.n_time)
    if not said:
        chosen = at[-usual(axis) :]
    elif found := _LAST.fullmatch(said):
        chosen = at[-int(found[1]) :] if int(found[1]) else at[:0]
    elif found := _K.fullmatch(said):
        low, high = found[1] or str(axis.k[0]), found[2] or str(axis.k[-1])
        chosen = at[(axis.k >= int(low)) & (axis.k <= int(high))]
    elif axis.dates is not None:
        low, _, high = said.partition("..") if ".." in said else (said, "", said)
        first = _day(low, text, axis.weeks, end=False) if low.strip() else axis.dates[0].item()
        last = _day(high, text, axis.weeks, end=True) if high.strip() else axis.dates[-1].item()
        chosen = at[(axis.dates >= np.datetime64(first)) & (axis.dates <= np.datetime64(last))]
    else:
        raise InvalidValue(
            "no such times", where="test", found=repr(text), expected="`last 10`, or numbers k as 264:312"
        )
    if chosen.size == 0:
        raise InvalidValue(
            "no time of the table is in there",
            where="test",
            found=repr(text),
            expected=f"times between {axis.label(0)} and {axis.label(axis.n_time - 1)}",
        )
    return chosen


def usual(axis: Axis) -> int:
    """How many times are tested where nobody says: the last year, at most half of the axis."""
    return max(1, min(axis.freq, axis.n_time // 2))


def _day(text: str, whole: str, weeks: str, *, end: bool) -> dt.date:
    said = text.strip()
    if re.fullmatch(r"\d{4}", said):
        return dt.date(int(said), 12, 31) if end else dt.date(int(said), 1, 1)
    day = day_of(said, weeks if by_week(said) else "")
    if day is None:
        raise InvalidValue("no such times", where="test", found=repr(whole), expected=FORMS)
    if end and re.fullmatch(r"\d{4}[-/]\d{1,2}", said):
        after = dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)
        return after - dt.timedelta(days=1)
    return day
