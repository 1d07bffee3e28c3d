"""The conformance battery of detectors: what every one, built-in or plug-in, must do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from anlan.assess.detect.panel import Alarm, Dates, Detection, Floats, Ints, Known, Panel, Reason, Trend
from anlan.assess.detect.registry import guarded
from anlan.assess.detect.spec import REQUIRED, Param, Spec

#: tested times at the end of each axis
_TESTED = 6
#: how much rounding may change a continuous answer when series are computed in other company
_ROUNDING = 1e-9
#: what may be changed by history from before the declared one
_FORGOTTEN = 1e-7

_DTYPES = {
    "test": np.int64,
    "alarm": np.int8,
    "state": np.int8,
    "reason": np.int16,
    "trend": np.int8,
}


def difficult_series(dates: Dates, freq: int) -> dict[str, Floats]:
    """Series that no detector may stumble over, by name, [n_time] each; the last times are tested."""
    n = len(dates)
    rng = np.random.default_rng(20_260_101)
    season = 6 + 3 * np.cos(2 * np.pi * np.arange(n) / freq)
    plain = rng.poisson(season).astype(np.float64)
    return {
        "a plain one": plain,
        "an outbreak": np.where(np.arange(n) >= n - 3, plain + 60, plain),
        "all zero": np.zeros(n),
        "one case": np.where(np.arange(n) == n - 2, 1.0, 0.0),
        "one case long ago": np.where(np.arange(n) == n // 2, 1.0, 0.0),
        "constant": np.full(n, 4.0),
        "a step": np.where(np.arange(n) >= n - 4, 9.0, 4.0),
        "millions": plain * 1e6,
        "one overflow": np.where(np.arange(n) == n - 2, 1e6, plain),
        "just begun": np.where(np.arange(n) >= n - 3, plain, np.nan),
        "all missing": np.full(n, np.nan),
        "holes": np.where(rng.random(n) < 0.3, np.nan, plain),
        "holes in what is tested": np.where(np.arange(n) % 2 == 0, np.nan, plain),
        "negative": np.where(np.arange(n) == n - 2, -3.0, plain),
        "infinite": np.where(np.arange(n) == n - 2, np.inf, plain),
        "infinite before": np.where(np.arange(n) == n - _TESTED - 3, -np.inf, plain),
        "sparse": rng.poisson(0.05, n).astype(np.float64),
    }


def axis(freq: int, n_time: int) -> Dates:
    """A dated axis that ends early in 2021: weeks (2009, 2015 and 2020 have 53), months or days."""
    last = np.datetime64("2021-01-18")
    if freq == 12:
        months = np.datetime64("2021-01") - np.arange(n_time)[::-1]
        return months.astype("datetime64[D]")
    step = 7 if freq == 52 else 1
    return last - step * np.arange(n_time)[::-1]


def check_detector(
    spec: Spec,
    params: Mapping[str, Any] | None = None,
    *,
    freqs: Sequence[int] = (52, 365, 12),
    sums: bool = False,
    whole_axis: bool = False,
) -> int:
    """Raise AssertionError naming what a detector does wrong; the periods per year of the axis it was
    checked on when it does nothing wrong. `params` gives required parameters, and others where the
    defaults take too long. A detector may refuse (ValueError) an axis of another kind, not all of them.
    `sums`: it tests sums of several periods, whose known part may be too high already, so that a missing
    newest value may also be an alarm; `whole_axis`: it reads all that the axis holds before the tested
    time, however long, by its nature.

    Promises: shapes, types and ranges of a `Detection`; unknown has a reason and a missing or invalid
    value is never "no"; whatever a series holds, the others do not notice, in any order, company or chunk;
    nothing after a tested time changes its answer, nor anything before the declared history; the same
    answer twice, with the input untouched; times one by one or out of order as in a row (or refused, where
    sequential); no axis too short to answer "unknown"; parameters as described, wrong ones refused."""
    given = dict(params or {})
    _described(spec, given)
    taken = [freq for freq in freqs if _takes(spec, given, freq, sums=sums)]
    _say(bool(taken), f"no axis is good for it: refused {', '.join(map(str, freqs))} periods a year")
    panel, names = _panel(spec, given, taken[0])
    _check_on(spec, given, panel, names, sums=sums, whole_axis=whole_axis)
    _parameters(spec, given, panel, names)
    return taken[0]


Run = Callable[[Panel, Any], Detection]


def _tried(spec: Spec, given: Mapping[str, Any]) -> Run:
    """The detector with these parameters, and no excuse."""
    guard = guarded(spec)

    def tried(panel: Panel, test: Any) -> Detection:
        try:
            return guard(panel, test, **given)
        except Exception as error:
            raise AssertionError(f"raises for a panel of {panel.counts.shape}: {error!r}") from error

    return tried


def _takes(spec: Spec, given: Mapping[str, Any], freq: int, *, sums: bool) -> bool:
    """Whether it answers on a dated and an undated axis of `freq` periods a year, and soundly; a refusal
    is a ValueError that says why."""
    panel, names = _panel(spec, given, freq)
    taken = False
    for dates in (None, panel.dates):
        try:
            found = guarded(spec)(replace(panel, dates=dates), _last(panel), **given)
        except ValueError as refusal:
            _say(len(str(refusal)) > 15, f"refuses {freq} periods a year without a word: {refusal}")
            taken = False
        except Exception as error:
            raise AssertionError(f"raises on difficult series, {freq} periods a year: {error!r}") from error
        else:
            _sound(found, panel, _last(panel))
            _never_calm(found, panel, names, sums=sums)
            taken = True
    return taken


def _reach(spec: Spec, given: Mapping[str, Any], freq: int) -> int:
    """The history it asks for, periods."""
    reach = spec.history(spec.complete(given), freq)
    _say(reach >= 0 and int(reach) == reach, f"history is {reach}, expected a number of periods")
    return int(reach)


def _panel(spec: Spec, given: Mapping[str, Any], freq: int) -> tuple[Panel, list[str]]:
    """Every difficult series on one axis with the history asked for and a little more."""
    dates = axis(freq, _reach(spec, given, freq) + _TESTED + 5)
    series = difficult_series(dates, freq)
    return Panel(np.array(list(series.values())), freq, dates=dates), list(series)


def _last(panel: Panel) -> Ints:
    return np.arange(panel.n_time - _TESTED, panel.n_time)


def _check_on(
    spec: Spec, given: Mapping[str, Any], panel: Panel, names: list[str], *, sums: bool, whole_axis: bool
) -> None:
    run, test = _tried(spec, given), _last(panel)
    kept = panel.counts[:6].copy()  # the first ones hold nothing that is screened out of a copy
    run(replace(panel, counts=panel.counts[:6]), test)
    _say(np.array_equal(kept, panel.counts[:6]), "it writes into the panel it was given")
    whole = run(panel, test)
    _sound(whole, panel, test)
    _same(whole, run(panel, test), "asked twice it gives two answers", names, 0.0)
    _missing_is_unknown(run, panel, whole, names, sums=sums)
    _company(run, panel, test, whole, names)
    _no_look_ahead(run, panel, test, whole, names)
    if not whole_axis:
        _past(run, panel, test, whole, names, _reach(spec, given, panel.freq))
    _order(spec, given, panel, test, whole, names)
    rates = {"population_offset": True} if any(p.name == "population_offset" for p in spec.params) else {}
    _denominators(_tried(spec, {**given, **rates}), panel, test, names)
    _short(spec, given, panel)


def _sound(found: Detection, panel: Panel, test: Ints) -> None:
    """Shapes, types and ranges."""
    _say(isinstance(found, Detection), f"gives {type(found).__name__}, expected a Detection")
    _say(np.array_equal(found.test, test), f"test is {found.test}, expected {test}")
    shape = (panel.n_series, len(test))
    for field in fields(Detection):
        values = getattr(found, field.name)
        dtype = _DTYPES.get(field.name, np.float64)
        _say(values.dtype == dtype, f"{field.name} is {values.dtype}, expected {np.dtype(dtype)}")
        if field.name != "test":
            _say(values.shape == shape, f"{field.name} has shape {values.shape}, expected {shape}")
    for name, kind in (("alarm", Alarm), ("state", Known), ("reason", Reason), ("trend", Trend)):
        odd = set(np.unique(getattr(found, name)).tolist()) - {int(k) for k in kind}
        _say(not odd, f"{name} holds {sorted(odd)}, which is no {kind.__name__}")
    unknown = found.alarm == Alarm.UNKNOWN
    _say(
        np.array_equal(unknown, found.state == Known.UNKNOWN), "state and alarm disagree about what is known"
    )
    _say(not (unknown & (found.reason == Reason.OK)).any(), "an unknown answer has no reason")
    with np.errstate(invalid="ignore"):
        odd_p = (found.p_value < 0) | (found.p_value > 1)
    _say(not odd_p.any(), f"a p-value outside 0 ... 1: {found.p_value[odd_p][:1]}")


def _never_calm(found: Detection, panel: Panel, names: list[str], *, sums: bool) -> None:
    """Where the tested value is missing or no value."""
    y = panel.counts[:, found.test]
    for row, name in enumerate(names):
        said = found.alarm[row] != Alarm.UNKNOWN
        if sums:
            said &= found.alarm[row] != Alarm.YES
        _say(not (said & np.isnan(y[row])).any(), f"{name}: a missing value is not unknown")
        refused = np.isinf(y[row])
        _say(
            bool((found.reason[row][refused] == Reason.INVALID_VALUE).all())
            and bool((found.alarm[row][refused] == Alarm.UNKNOWN).all()),
            f"{name}: an infinite value is not unknown",
        )


def _missing_is_unknown(run: Run, panel: Panel, whole: Detection, names: list[str], *, sums: bool) -> None:
    """The newest value taken away from every series."""
    counts = panel.counts.copy()
    counts[:, -1] = np.nan
    without = replace(panel, counts=counts)
    found = run(without, _last(panel))
    _sound(found, without, _last(panel))
    _never_calm(found, without, names, sums=sums)
    _same(
        _columns(whole, slice(0, _TESTED - 1)),
        _columns(found, slice(0, _TESTED - 1)),
        "the newest value, taken away, changes answers before it",
        names,
        _ROUNDING,
    )


def _company(run: Run, panel: Panel, test: Ints, whole: Detection, names: list[str]) -> None:
    """Alone, in another order, in chunks, with others: the same answer."""
    for row, name in enumerate(names):
        alone = run(replace(panel, counts=panel.counts[row : row + 1]), test)
        _same(_rows(whole, [row]), alone, "alone it has another answer than in company", [name], _ROUNDING)
    order = np.random.default_rng(7).permutation(panel.n_series)
    turned = run(replace(panel, counts=panel.counts[order]), test)
    _same(_rows(whole, order), turned, "in another order", [names[i] for i in order], _ROUNDING)
    for part in (slice(0, 5), slice(5, None)):
        chunk = run(replace(panel, counts=panel.counts[part]), test)
        _same(_rows(whole, part), chunk, "in a chunk", names[part], _ROUNDING)
    empty = replace(panel, counts=panel.counts[:0])
    _sound(run(empty, test), empty, test)
    nothing: Ints = np.zeros(0, dtype=np.int64)
    _sound(run(panel, nothing), panel, nothing)


def _no_look_ahead(run: Run, panel: Panel, test: Ints, whole: Detection, names: list[str]) -> None:
    """Other values after a time, or no axis after it, leave its answer."""
    assert panel.dates is not None
    cut = _TESTED - 3
    until = int(test[cut])
    later = panel.counts.copy()
    later[:, until + 1 :] = np.random.default_rng(8).poisson(500.0, later[:, until + 1 :].shape)
    seen = run(replace(panel, counts=later), test)
    first = slice(0, cut + 1)
    _same(
        _columns(whole, first), _columns(seen, first), "later values change earlier answers", names, _ROUNDING
    )
    short = Panel(panel.counts[:, : until + 1], panel.freq, dates=panel.dates[: until + 1])
    _same(
        _columns(whole, first),
        run(short, test[first]),
        "the axis after a time changes its answer",
        names,
        _ROUNDING,
    )


def _past(run: Run, panel: Panel, test: Ints, whole: Detection, names: list[str], reach: int) -> None:
    """What lies before the declared history does not count, but for what is forgotten slowly."""
    assert panel.dates is not None
    begin = int(test[0]) - reach
    short = Panel(panel.counts[:, begin:], panel.freq, dates=panel.dates[begin:])
    found = replace(run(short, test - begin), test=whole.test)
    _same(whole, found, "values before the declared history change the answer", names, _FORGOTTEN)


def _order(
    spec: Spec, given: Mapping[str, Any], panel: Panel, test: Ints, whole: Detection, names: list[str]
) -> None:
    """Times out of order, twice, with gaps: the same answers, or refused where they go on."""
    run, pick = _tried(spec, given), [4, 1, 1, 5]
    negative = run(panel, test - panel.n_time)
    _same(whole, replace(negative, test=whole.test), "times counted from the end", names, _ROUNDING)
    if not spec.sequential:
        _same(_columns(whole, pick), run(panel, test[pick]), "times one by one", names, _ROUNDING)
        return
    try:
        guarded(spec)(panel, test[pick], **given)
    except ValueError:
        return
    raise AssertionError("it is sequential and takes times with gaps between them")


def _denominators(run: Run, panel: Panel, test: Ints, names: list[str]) -> None:
    """Zero, missing and negative denominators of one series trouble it alone."""
    population = np.full(panel.counts.shape, 1e5)
    good = run(replace(panel, population=population), test)
    _sound(good, panel, test)
    others = list(range(3, panel.n_series))
    for bad in (0.0, np.nan, -5.0):
        spoilt = population.copy()
        spoilt[0] = bad
        spoilt[1, test] = bad
        spoilt[2, : int(test[0])] = bad
        found = run(replace(panel, population=spoilt), test)
        _sound(found, panel, test)
        _same(
            _rows(good, others),
            _rows(found, others),
            f"denominators of {bad} in one series change others",
            names[3:],
            _ROUNDING,
        )


def _short(spec: Spec, given: Mapping[str, Any], panel: Panel) -> None:
    """Axes of a few times, as in service: unknown, or an answer; refused only where the description
    says so."""
    for n_time in (1, 2, 5, 9):
        dates = None if panel.dates is None else panel.dates[-n_time:]
        cut = Panel(panel.counts[:, -n_time:], panel.freq, dates=dates)
        service = {**spec.live, **given}
        if spec.needs_history:
            try:
                found = guarded(spec)(cut, [n_time - 1], **service)
            except ValueError:
                continue
        else:
            found = _tried(spec, service)(cut, [n_time - 1])
        _sound(found, cut, np.array([n_time - 1]))


def _described(spec: Spec, given: Mapping[str, Any]) -> None:
    """The description fits the function, and says what a user needs to know."""
    _say(bool(spec.name) and spec.name == spec.name.lower(), f"its name is {spec.name!r}")
    _say(bool(spec.title.strip()) and bool(spec.source.strip()), "it has no title or no source")
    names = [p.name for p in spec.params]
    _say(len(names) == len(set(names)), "a parameter is described twice")
    for p in spec.params:
        _say(bool(p.meaning.strip()), f"parameter {p.name} is described without its meaning")
        _say(
            p.default is REQUIRED or _allowed(p, p.default), f"the default of {p.name} is none of its choices"
        )
    for required in (p.name for p in spec.params if p.default is REQUIRED):
        _say(required in given, f"give the required parameter {required!r} to the battery")
    real = inspect.signature(spec.run).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in real.values()):
        return
    real = {n: p for n, p in real.items() if n not in ("panel", "test")}  # type: ignore[assignment]
    missing = set(names) ^ set(real)
    _say(not missing, f"described and real parameters differ: {', '.join(sorted(missing))}")
    for p in spec.params:
        default = inspect.Parameter.empty if p.default is REQUIRED else p.default
        _say(real[p.name].default == default, f"the real default of {p.name} is {real[p.name].default!r}")


def _parameters(spec: Spec, given: Mapping[str, Any], panel: Panel, names: list[str]) -> None:
    """Defaults said aloud change nothing; unknown names and words are refused; every word, yes and no is
    taken, or refused with a word."""
    panel = replace(panel, counts=panel.counts[:4], population=np.full(panel.counts[:4].shape, 1e5))
    test, run = _last(panel), guarded(spec)
    said = {p.name: p.default for p in spec.params if p.default is not REQUIRED} | dict(given)
    silent, aloud = run(panel, test, **given), run(panel, test, **said)
    _same(silent, aloud, "the described defaults are not those it takes", names, 0.0)
    words = [p.name for p in spec.params if p.choices]
    for wrong in ("no_such_parameter", *words):
        try:
            run(panel, test, **{**given, wrong: "no such word"})
        except ValueError:
            continue
        raise AssertionError(f"it takes {wrong} = 'no such word'")
    for p in spec.params:
        for value in (False, True) if p.type == "bool" else p.choices:
            try:
                found = run(panel, test, **{**given, p.name: value})
            except ValueError:
                continue  # another parameter may have to go with it
            except Exception as error:
                raise AssertionError(f"raises for {p.name} = {value!r}: {error!r}") from error
            _sound(found, panel, test)


def _allowed(p: Param, value: Any) -> bool:
    return not p.choices or value in p.choices


def _rows(found: Detection, rows: Any) -> Detection:
    return _cut(found, lambda a: a[rows], lambda test: test)


def _columns(found: Detection, columns: Any) -> Detection:
    return _cut(found, lambda a: a[:, columns], lambda test: test[columns])


def _cut(found: Detection, part: Callable[[Any], Any], times: Callable[[Any], Any]) -> Detection:
    parts = {f.name: part(getattr(found, f.name)) for f in fields(Detection) if f.name != "test"}
    return Detection(test=times(found.test), **parts)


def _same(one: Detection, other: Detection, wrong: str, names: Sequence[str], rounding: float) -> None:
    """Both are the same: decisions exactly, numbers to `rounding`."""
    for field in fields(Detection):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "test":
            _say(np.array_equal(a, b), f"{wrong}: tested times differ")
            continue
        _say(a.shape == b.shape, f"{wrong}: {field.name} has shape {a.shape} and {b.shape}")
        same = (
            np.isclose(a, b, rtol=rounding, atol=rounding, equal_nan=True)
            if a.dtype == np.float64
            else a == b
        )
        if not same.all():
            row, column = np.argwhere(~same)[0].tolist()
            raise AssertionError(
                f"{wrong}: {field.name} of {names[row]} at tested time {column} is "
                f"{a[row, column]} and {b[row, column]}"
            )


def _say(right: bool | np.bool_, wrong: str) -> None:
    if not right:
        raise AssertionError(wrong)
