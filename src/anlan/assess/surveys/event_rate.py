"""Events that come faster than before: earthquakes of a place in the last days, against the time before.

`poisson` compares two counts exactly and takes events as independent, which aftershocks are not: after a
large earthquake it is bound to speak. `etas` fits the law of aftershocks on the time before and asks whether
what came since is more than the law expects of all that went before: it speaks of a sequence that misbehaves.
Przyborowski and Wilenski (1940), Biometrika 31:313-323; Ogata (1988), J Am Stat Assoc 83:9-27.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.spec import REQUIRED, Param
from anlan.assess.events.rates import RateChange, poisson_change
from anlan.assess.explain import number
from anlan.assess.finding import Look, pick, wanted
from anlan.assess.graded import NO, UNKNOWN, YES, Numbers
from anlan.assess.grid import instant64
from anlan.assess.single_events import MOMENT, newest_rows
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told, left_out, live
from anlan.model.errors import UnknownPlace
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.ports.lake import Slice

if TYPE_CHECKING:
    from anlan.assess.events.etas import Etas

Floats = NDArray[np.float64]
NAN = float("nan")
UNSIZED = Text("events of unknown magnitude", "震级未知的事件")
METHODS = ("poisson", "etas")
#: magnitudes are rounded to a tenth, so one of exactly the limit counts
_HALF_BIN = 1e-9
#: a time before without an event counts as half a one: a ratio needs something to be a ratio to
_NONE = 0.5


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """Every place that the rule names with all that lies in it; without names every place with events."""
    now = look.now
    recent, before = float(params["recent"]), float(params["before"])
    # a law is fitted to the time before this month, and stands for the month
    until = (
        month_of(now - timedelta(days=recent)) if params["method"] == "etas" else now - timedelta(days=recent)
    )
    since = until - timedelta(days=before)
    slice = look.lake.read(look.rule.indicator, known=now, since=since, until=now + MOMENT)
    rows = sorted(newest_rows(slice).values(), key=lambda r: slice.at[r])
    unknown = [r for r in rows if np.isnan(slice.value[r])]
    large = [r for r in rows if slice.value[r] >= float(params["completeness"]) - _HALF_BIN]
    of, unsized = _by_place(look, slice, large), _by_place(look, slice, unknown)
    found: dict[Key, Told] = {}
    start = instant64(now - timedelta(days=recent))
    for place in sorted({*of, *(where for where, _ in live(look))}):
        mine, blank = of.get(place, []), unsized.get(place, [])
        mask = np.zeros(len(slice.at), dtype=bool)
        mask[mine] = True
        lost = left_out(len(blank), UNSIZED)
        numbers, reason = _compare(slice, mine, since, now, params)
        # those of unknown magnitude may all have been as large as counts
        more = [r for r in blank if slice.at[r] > start]
        every = sorted([*mine, *more], key=lambda r: slice.at[r])
        most = _compare(slice, every, since, now, params)[0] if more else None
        found[place, ""] = Told(now, (numbers,), pick(slice, mask), (reason, *lost), "{event}", most)
    return Surveyed(found, since, now + MOMENT, now, slice)


def _by_place(look: Look, slice: Slice, rows: list[int]) -> dict[str, list[int]]:
    """The rows of every place that the rule looks at, with what lies in it."""
    of: dict[str, list[int]] = {}
    for row in rows:
        for place in _line(look, str(slice.place[row])):
            if wanted(look.rule, look.pack, place, look.now):
                of.setdefault(place, []).append(row)
    return of


def _line(look: Look, place: str) -> tuple[str, ...]:
    try:
        named = look.pack.ancestry(place, look.now)
    except UnknownPlace:
        return ()
    return named if look.rule.places else named[:1]


def _compare(
    slice: Slice, rows: list[int], origin: datetime, now: datetime, params: Mapping[str, Any]
) -> tuple[Numbers, Reason]:
    """`value` the events of the last days; `expected` what the time before makes likely; `score` their
    ratio; `p_value` of so many or more."""
    recent, before, least = (float(params[name]) for name in ("recent", "before", "completeness"))
    times: Floats = np.asarray(
        (slice.at[rows] - instant64(origin)) / np.timedelta64(1, "D"), dtype=np.float64
    )
    end = (now - origin) / timedelta(days=1)
    after = int((times > end - recent).sum())
    earlier = len(times) - after
    if params["method"] == "etas":
        given = slice.value[rows]
        magnitudes: Floats = np.asarray(np.where(np.isnan(given), least, given), dtype=np.float64)
        try:
            change, thought = _beyond(times, magnitudes, least, before, end, recent)
        except ValueError as error:
            unknown = Numbers(float(after), NAN, NAN, NAN, NAN, UNKNOWN)
            return unknown, Reason(
                "rate_unknown",
                Text(f"No answer about the rate: {error}.", f"无法判断发生率变化：{error}。"),
            )
        by = Text("beyond the aftershocks that the ETAS law expects", "已扣除 ETAS 定律预期的余震")
    else:
        change = poisson_change(earlier, before, after, recent)
        thought = max(earlier, _NONE) / before * recent
        by = Text(f"by the {earlier} of the {before:g} days before", f"按此前{before:g}天的 {earlier} 次推算")
    alarm = YES if change.p_faster <= float(params["significance"]) else NO
    said = Text(
        f"{after} events of magnitude {least:g} or more in {recent:g} days where {number(thought)} were "
        f"expected, {by.en}.",
        f"近{recent:g}天发生 {least:g} 级及以上 {after} 次，预期 {number(thought)} 次（{by.zh}）。",
    )
    told = Numbers(float(after), thought, NAN, after / thought, change.p_faster, alarm)
    return told, Reason("rate_change", said)


def month_of(instant: datetime) -> datetime:
    """The beginning of the month of an instant: a fit stands for a month."""
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _beyond(
    times: Floats, magnitudes: Floats, completeness: float, span: float, end: float, recent: float
) -> tuple[RateChange, float]:
    """(the residual test of the last `recent` days before day `end`, what is expected there), by a fit to
    the first `span` days. ValueError with fewer than 50 events in them."""
    from anlan.assess.events.etas import residual_change  # its kernels are slow to import

    old = times <= span
    model = _fitted(times[old].tobytes(), magnitudes[old].tobytes(), completeness, span)
    low, high = model.transformed(times, magnitudes, np.array([end - recent, end]))
    return residual_change(model, times, magnitudes, end - recent, end), float(high - low)


@lru_cache(maxsize=64)
def _fitted(times: bytes, magnitudes: bytes, completeness: float, span: float) -> Etas:
    """The same catalogue is fitted once: a month, for that is how long a fit stands."""
    from anlan.assess.events.etas import fit_etas

    t: Floats = np.frombuffer(times)
    m: Floats = np.frombuffer(magnitudes)
    return fit_etas(t, m, completeness, 0.0, span)


SPEC = SurveySpec(
    "event_rate",
    run,
    (
        Param("completeness", "float", REQUIRED, "the magnitude from which on the catalogue is complete"),
        Param("recent", "float", 7.0, "days that are tested"),
        Param("before", "float", 365.0, "days before them that they are compared with"),
        Param("method", "str", "poisson", "plain counts, or beyond expected aftershocks", METHODS),
        Param("significance", "float", 0.01, "the p-value from which down it is an alarm"),
    ),
    "events faster than before, or than aftershocks explain",
    "Przyborowski and Wilenski 1940; Ogata 1988",
    ("event",),
    timed=True,
    downwards=False,
    numbers={
        "value": "events of the last days",
        "expected": "events that the time before, or the law, makes likely",
        "score": "value / expected",
        "p_value": "of so many or more",
    },
)
