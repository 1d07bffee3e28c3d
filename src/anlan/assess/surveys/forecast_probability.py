"""Ensembles against a threshold: how likely, after calibration; the bands of the rule are cost / loss.

The indicator is a stream of members: the event is the member, `at` the time for which it holds, `known` its
issue. The value of the finding is the probability that the amount exceeds the threshold. A raw ensemble is
too sure of itself, so the probability is that of a regression (`forecast.emos`) of what was observed on what
was forecast, fitted to the pairs known by the beginning of the month; how many members exceed is said beside
it. A level is reached where acting pays: each band's `at_least` is the cost of its measures / the loss
without them (Richardson 2000, QJRMS 126:649-667). A rule that goes by a risk matrix gets the probability of
every severity's amount instead, and the time ahead with the worst level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anlan.assess.detect.spec import REQUIRED, Param
from anlan.assess.events.aftershocks import percent
from anlan.assess.explain import number
from anlan.assess.finding import Look, pick, wanted
from anlan.assess.forecast.emos import Emos, fit_emos
from anlan.assess.graded import NO, UNKNOWN, YES, Numbers
from anlan.assess.grid import instant, instant64
from anlan.assess.risk import amounts, cell_of, worst
from anlan.assess.surveys.spec import Key, Surveyed, SurveySpec, Told, left_out, live
from anlan.model.reason import Reason
from anlan.model.text import Text
from anlan.ports.lake import Slice

NAN = float("nan")
DAY = timedelta(days=1)
INCOMPLETE = Text("times ahead for which not every member is there", "成员不全的预报时次")
NO_FORECAST = Reason(
    "forecast_missing",
    Text("no whole forecast of the times ahead has come", "未收到覆盖今后时段的完整预报"),
)
CALIBRATIONS = ("emos", "none")
LAWS = ("normal", "logistic")


def run(look: Look, params: Mapping[str, Any]) -> Surveyed:
    """The forecasts that still hold, place by place; of several times the likeliest."""
    now, rule = look.now, look.rule
    train = timedelta(days=int(params["train_days"]))
    since = now - train
    slice = look.lake.read(rule.indicator, known=now, since=since)
    until = max(now, instant(slice.at.max())) + timedelta(microseconds=1) if len(slice.at) else now
    seen = look.lake.read(str(params["observed"]), known=now, since=since)
    found: dict[Key, Told] = {}
    for place in sorted({*slice.place.tolist(), *(where for where, _ in live(look))}):
        if not wanted(rule, look.pack, place, now):
            continue
        mask = slice.place == place
        rows = pick(slice, mask)
        ahead, members, past, short = _members(rows, now, timedelta(days=float(params["ahead"])))
        lost = left_out(len(short), INCOMPLETE)
        unknown = Numbers(NAN, NAN, float(params["threshold"]), NAN, NAN, UNKNOWN)
        if not len(ahead):
            found[place, ""] = Told(now, (unknown,), rows, (NO_FORECAST, *lost), "1")
            continue
        law, why = _law(look, past, seen, place, params)
        if why is not None:
            found[place, ""] = Told(instant(ahead[0]), (unknown,), rows, (why, *lost), "1")
            continue
        numbers, best = _numbers(look, ahead, members, law, float(params["threshold"]))
        reason = _reason(numbers, instant(ahead[best]), members.shape[1], law, look)
        # beyond the last whole forecast is its horizon; before it a time left out may be the likeliest
        most = _certain(numbers) if (short < ahead[-1]).any() else None
        found[place, ""] = Told(instant(ahead[best]), (numbers,), rows, (reason, *lost), "1", most)
    return Surveyed(found, since, until, now, slice)


_Table = tuple[NDArray[np.datetime64], NDArray[np.float64]]


def _members(
    rows: Slice, now: datetime, reach: timedelta
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], _Table, NDArray[np.datetime64]]:
    """(times ahead, their members [n, n_members], (past times, their members), times ahead left out). Only
    times for which every member is there: a part of an ensemble is another ensemble."""
    names = sorted(set(rows.event.tolist()))
    times, row = np.unique(rows.at, return_inverse=True)
    table = np.full((len(times), len(names)), NAN)
    column = {name: n for n, name in enumerate(names)}
    table[row.reshape(-1), [column[name] for name in rows.event.tolist()]] = rows.value
    whole = ~np.isnan(table).any(axis=1)
    within = (times > instant64(now)) & (times <= instant64(now + reach))
    short = times[within & ~whole]
    times, table = times[whole], table[whole]
    ahead = (times > instant64(now)) & (times <= instant64(now + reach))
    past = times <= instant64(now)
    return times[ahead], table[ahead], (times[past], table[past]), short


def _law(
    look: Look, past: _Table, seen: Slice, place: str, params: Mapping[str, Any]
) -> tuple[Emos | None, Reason | None]:
    """The calibration (None for the raw ensemble), or why there is none."""
    if params["calibrate"] == "none":
        return None, None
    now = look.now
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    of = seen.place == place
    known = dict(zip(seen.at[of].tolist(), seen.value[of].tolist(), strict=True))
    times, members = past
    old = times < instant64(month - timedelta(days=float(params["ahead"])))
    times, members = times[old], members[old]
    observed = np.array([known.get(t, NAN) for t in times.tolist()], dtype=np.float64)
    try:
        law = _fitted(
            observed.tobytes(), members.tobytes(), members.shape[1], str(params["law"]), bool(params["root"])
        )
    except ValueError as error:
        return None, Reason(
            "forecast_uncalibrated",
            Text(
                f"the ensemble cannot be calibrated: {error}; raw members are not taken for a probability",
                f"集合预报无法校准：{error}；不以原始成员比例作为概率",
            ),
        )
    return law, None


@lru_cache(maxsize=256)
def _fitted(observed: bytes, members: bytes, n: int, law: str, root: bool) -> Emos:
    """The regression; the same pairs are fitted once."""
    y: NDArray[np.float64] = np.frombuffer(observed)
    x: NDArray[np.float64] = np.frombuffer(members).reshape(-1, n)
    return fit_emos(y, x, law="logistic" if law == "logistic" else "normal", root=root)


def _chances(
    members: NDArray[np.float64], law: Emos | None, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(probability of more than the threshold, share of members above it), both [n]."""
    raw: NDArray[np.float64] = (members > threshold).mean(axis=1)
    return (raw if law is None else law.exceedance(members, threshold)), raw


def _numbers(
    look: Look,
    ahead: NDArray[np.datetime64],
    members: NDArray[np.float64],
    law: Emos | None,
    threshold: float,
) -> tuple[Numbers, int]:
    """What is said of the times ahead, and of which. Under a matrix it is the time with the worst level, and
    the amount is that of the cell's severity; else the likeliest time, and the amount `threshold`."""
    matrix = look.matrix
    chances: tuple[float, ...] = ()
    chance, raw = _chances(members, law, threshold)
    best = int(np.argmax(chance))
    if matrix is not None:
        steps = [amounts(look.rule, matrix, instant(at).date()) for at in ahead]
        each = [_nested(members[n : n + 1], law, limits) for n, limits in enumerate(steps)]
        best = worst(matrix, each)
        chances = each[best]
        cell = cell_of(matrix, chances)
        limit = next(
            (x for c, x in zip(matrix.columns, steps[best], strict=True) if c.id == cell.column), None
        )
        if limit is not None:
            threshold = limit
            chance, raw = _chances(members, law, threshold)
    above = max(float(chance[best]), *chances, 0.0)
    told = Numbers(
        float(chance[best]),
        float(raw[best]),
        threshold,
        float(np.mean(members[best])),
        NAN,
        YES if above > 0 else NO,
        chances=chances,
    )
    return told, best


def _certain(numbers: Numbers) -> Numbers:
    """The same if it were certain."""
    chances = tuple(1.0 for _ in numbers.chances)
    return replace(numbers, value=1.0, expected=1.0, alarm=YES, chances=chances)


def _nested(
    members: NDArray[np.float64], law: Emos | None, limits: Sequence[float | None]
) -> tuple[float, ...]:
    """The probability of at least each severity at one time, mildest first; one without an amount has that of
    the next severer one."""
    found: list[float] = []
    for limit in reversed(limits):
        severer = found[-1] if found else 0.0
        found.append(severer if limit is None else max(severer, float(_chances(members, law, limit)[0][0])))
    return tuple(reversed(found))


def _reason(numbers: Numbers, at: datetime, n: int, law: Emos | None, look: Look) -> Reason:
    limit, unit = number(numbers.threshold), look.indicator.unit
    above = round(numbers.expected * n)
    chance = percent(numbers.value)
    if law is None:
        how = Text("not calibrated", "未经校准")
    else:
        how = Text(f"calibrated on {law.pairs} forecasts", f"经 {law.pairs} 次历史预报校准")
    return Reason(
        "forecast_probability",
        Text(
            f"More than {limit} {unit} on {at:%Y-%m-%d}: {chance} ({how.en}); {above} of {n} members say so.",
            f"{at:%Y-%m-%d} 超过 {limit} {unit} 的概率：{chance}（{how.zh}）；{n} 个成员中 {above} 个超过。",
        ),
        "Gneiting et al. 2005, Mon Weather Rev 133:1098-1118" if law is not None else "",
    )


def _reads(params: Mapping[str, Any]) -> tuple[str, ...]:
    observed = params.get("observed")
    return (observed,) if isinstance(observed, str) else ()


SPEC = SurveySpec(
    "forecast_probability",
    run,
    (
        Param("observed", "indicator", REQUIRED, "what came about: calibrates the forecast"),
        Param("threshold", "float", REQUIRED, "the amount, in the unit of the indicator"),
        Param("ahead", "float", 10.0, "days ahead that are looked at"),
        Param("calibrate", "str", "emos", "regression on the past, or the share of members", CALIBRATIONS),
        Param("law", "str", "normal", "the law of the regression's errors", LAWS),
        Param("root", "bool", True, "on the scale of the square root, nothing below zero (rain)"),
        Param("train_days", "int", 730, "days of past forecasts that are read"),
    ),
    "ensembles: calibrated probability of a threshold",
    "Gneiting et al. 2005; Richardson 2000",
    ("event",),
    timed=True,
    downwards=False,
    reads=_reads,
    numbers={
        "value": "probability of more than the threshold, 0 to 1",
        "expected": "share of members above it",
        "threshold": "the amount",
        "score": "mean of the members",
    },
)
