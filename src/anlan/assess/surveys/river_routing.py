"""A flood on its way down a river: what the upper gauge says of the lower one in the next days.

The inflow at the upper gauge is routed to the lower place (Muskingum, `forecast.routing`), and carried on at
its last value for as long as water is under way; the largest outflow from now to `lead` periods ahead is the
value of the finding, with the time until it comes. Travel time, storage and gain are those that the pack
gives, or are fitted to the pairs of both gauges that were known by the beginning of the month: a forecast
never sees what came after it. The fit's own error is said beside the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.spec import REQUIRED, Param
from anlan.assess.explain import number
from anlan.assess.finding import Look, pick, wanted
from anlan.assess.forecast.routing import Muskingum, fit_muskingum
from anlan.assess.graded import NO, UNKNOWN, YES, Numbers
from anlan.assess.grid import instant, instant64, lay
from anlan.assess.screen import screen
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told, step_of
from anlan.model.reason import Reason
from anlan.model.text import Text

MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
NAN = float("nan")


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """The lower places that the rule names, each fed by the one upper gauge."""
    rule, now, step = look.rule, look.now, step_of(look)
    upper = str(params["upstream"])
    window = -((-(rule.hold + rule.keep)) // step)
    since = now - step * (int(params["history"]) + window + 2)
    slice = look.lake.read(rule.indicator, known=now, since=since, until=now + MOMENT)
    grid = lay(slice, step)
    values = screen(grid, look.indicator, look.pack, step).values
    row = {place: n for n, place in enumerate(grid.places)}
    lower = [
        place
        for place in sorted({*grid.places, *rule.places})
        if place != upper
        and place in look.pack.places
        and rule.places
        and wanted(rule, look.pack, place, now)
    ]
    if upper not in row:
        why = Reason(
            "upstream_missing",
            Text("nothing is known of the upper gauge", "上游站无数据"),
        )
        return Surveyed({}, since, now + MOMENT, now, slice, why)
    inflow = values[row[upper]]
    here = np.flatnonzero(~np.isnan(inflow))
    end = int(here[-1]) + 1 if len(here) else 0
    blank = np.full(len(grid.times), NAN)
    found: dict[Key, Told] = {}
    for place in lower:
        outflow = values[row[place]] if place in row else blank
        reach, said, why_not = _reach(inflow, outflow, grid.times, now, step, params)
        rows = pick(slice, np.isin(slice.place, (upper, place)))
        at = instant(grid.times[end - 1]) if end else now
        old = end == 0 or now - at > timedelta(hours=float(params["stale_hours"]))
        if reach is None or old:
            reason = why_not or Reason(
                "upstream_missing", Text("the upper gauge has not reported for too long", "上游站报告中断")
            )
            unknown = Numbers(NAN, NAN, NAN, NAN, NAN, UNKNOWN)
            found[place, ""] = Told(at, (unknown,), rows, (reason,))
            continue
        told = [
            _ahead(reach, inflow[:n], outflow[:n], step, params) for n in range(max(0, end - window), end + 1)
        ]
        reason = _reason(reach, told[-1], at, upper, place, look, said)
        found[place, ""] = Told(at, tuple(told), rows, (reason,))
    return Surveyed(found, since, now + MOMENT, now, slice)


def _reach(
    inflow: NDArray[np.float64],
    outflow: NDArray[np.float64],
    times: NDArray[np.datetime64],
    now: datetime,
    step: timedelta,
    params: Mapping[str, Any],
) -> tuple[Muskingum | None, Text, Reason | None]:
    """The reach as given or as fitted up to the first of this month, whose it is in words, and why there is
    none."""
    hours = step / HOUR
    if params["k_hours"] is not None:
        given = Muskingum(float(params["k_hours"]), float(params["x"]), hours, float(params["gain"]))
        return given, Text("parameters given by the pack", "参数由数据包给定"), None
    month = instant64(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    past = times < month
    pairs = int((past & ~np.isnan(inflow) & ~np.isnan(outflow)).sum())
    try:
        reach, error = _fitted(inflow[past].tobytes(), outflow[past].tobytes(), hours)
        if reach.k < hours / 2:
            raise ValueError(f"{pairs} pairs do not settle a travel time, found {reach.k:.1f} h")
    except (ValueError, ZeroDivisionError) as cause:
        reason = Reason("reach_unknown", Text(f"the reach is not known: {cause}", f"河段参数未知：{cause}"))
        return None, Text("not known", "未知"), reason
    return (
        reach,
        Text(
            f"fitted on {pairs} pairs, mean error {number(error)}",
            f"由 {pairs} 对数据拟合，平均误差 {number(error)}",
        ),
        None,
    )


@lru_cache(maxsize=256)
def _fitted(inflow: bytes, outflow: bytes, hours: float) -> tuple[Muskingum, float]:
    """(the reach, mean absolute error of its outflow on the same stretch); the same pairs are fitted once."""
    i: NDArray[np.float64] = np.frombuffer(inflow)
    o: NDArray[np.float64] = np.frombuffer(outflow)
    reach = fit_muskingum(i, o, hours)
    return reach, float(np.nanmean(np.abs(reach.route(i) - o)))


def _ahead(
    reach: Muskingum,
    inflow: NDArray[np.float64],
    outflow: NDArray[np.float64],
    step: timedelta,
    params: Mapping[str, Any],
) -> Numbers:
    """`value` the largest outflow from the last inflow on; `expected` the last value of the lower gauge
    itself; `score` hours until the largest comes."""
    if not len(inflow) or np.isnan(inflow[-1]):
        return Numbers(NAN, NAN, NAN, NAN, NAN, UNKNOWN)
    lead = int(params["lead"])
    carried = np.concatenate([inflow, np.full(lead, inflow[-1])])
    out = reach.route(carried)[len(inflow) - 1 :]
    known = outflow[~np.isnan(outflow)]
    peak = int(np.nanargmax(out))
    last = float(known[-1]) if len(known) else NAN
    return Numbers(float(out[peak]), last, NAN, peak * (step / HOUR), NAN, YES if out[peak] > 0 else NO)


def _reason(
    reach: Muskingum, told: Numbers, at: datetime, upper: str, place: str, look: Look, said: Text
) -> Reason:
    above, below = (look.pack.place(id, look.now).name for id in (upper, place))
    when = at + timedelta(hours=told.score)
    flow, unit = number(round(told.value)), look.indicator.unit
    return Reason(
        "flood_routed",
        Text(
            f"Routed from {above.en}: up to {flow} {unit} at {below.en} by {when:%Y-%m-%d %H:%M} UTC; travel "
            f"time {reach.k:.0f} h, {said.en}.",
            f"由{above.zh}演算：{below.zh}至 {when:%Y-%m-%d %H:%M}（UTC）最大 {flow} {unit}；传播时间 "
            f"{reach.k:.0f} 小时，{said.zh}。",
        ),
    )


SPEC = SurveySpec(
    "river_routing",
    run,
    (
        Param("upstream", "place", REQUIRED, "the upper gauge"),
        Param("lead", "int", 7, "periods ahead that are looked at"),
        Param("k_hours", "float or none", None, "travel time; fitted where none"),
        Param("x", "float", 0.2, "weight of inflow in storage, 0 to 0.5, with a given travel time"),
        Param("gain", "float", 1.0, "outflow for one of steady inflow, with a given travel time"),
        Param("history", "int", 730, "periods that are read for the fit"),
        Param("stale_hours", "float", 72.0, "hours after which the last inflow says nothing any more"),
    ),
    "flood routing: what comes down the river",
    "McCarthy 1938; Cunge 1969",
    ("measure",),
    hysteresis=True,
    downwards=False,
    numbers={
        "value": "the largest flow that comes in the next periods",
        "expected": "the last value at the place itself",
        "score": "hours until it comes",
    },
)
