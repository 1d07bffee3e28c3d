"""`anlan detect`: the detection engine on a CSV file, or on a register of cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan.cli import detection_register
from anlan.cli.output import err, out, say_json
from anlan.model.errors import InvalidValue

if TYPE_CHECKING:
    from anlan.analyse.findings import Findings
    from anlan.analyse.laid import Laid
    from anlan.analyse.learning import Learning

Json = Annotated[bool, Parameter(name="--json")]
Words = Annotated[list[str], Parameter(consume_multiple=True, negative=())]
SHOWN = 20


def detect(
    file: Path | None = None,
    *,
    detector: str = "farrington_scan",
    series: Words = [],  # noqa: B006 - read only
    freq: int | None = None,
    test: Words = [],  # noqa: B006 - read only
    param: Words = [],  # noqa: B006 - read only
    population: Path | None = None,
    fdr: float | None = None,
    budget: int | None = None,
    stake: Path | None = None,
    changed: Words = [],  # noqa: B006 - read only
    truth: Path | None = None,
    learn: Words = [],  # noqa: B006 - read only
    rate: float = 0.01,
    date: str = "",
    by: str = "",
    value: str = "",
    weeks: str = "",
    decimal: str = "",
    separator: str = "",
    encoding: str = "utf-8",
    cases: Path | None = None,
    against: Path | None = None,
    out: Annotated[Path, Parameter(name="--out")],
    json: Json = False,
) -> int:
    """Test the counts in a CSV file and write findings, a report with charts, and what could not be used;
    no pack and no workspace are needed.

    The file is wide (a column `date`, or `k` with numbers, and one column per series) or long (`date`,
    `series`, `value`); `year` and `week` may stand instead of `date`. NA or nothing is a missing value.
    Writes findings.csv, alarms.csv (in the order of looking), quarantine.csv and report.html into the
    folder. With --cases a whole register of cases is run instead, and exit 1 says that one ended otherwise
    than the register, or the outputs to compare with, have it.

    Parameters
    ----------
    file
        The CSV file.
    detector
        The detector's name; a wrong one lists them all.
    series
        Only these columns, or these series of a long file.
    freq
        Periods per year (52, 12, 365); found from the dates where there are any.
    test
        Times to test: `last 10`, `2012-01-01..`, `2012..2013`, or numbers k as `264:312`. The last year,
        at most half of the times, where not given.
    param
        Parameters of the detector, each NAME=VALUE.
    population
        A CSV file with the denominators, of the same form.
    fdr
        Of the alarms to be looked at, the share that may be false: 0.1. The others are listed with the
        reason. Every alarm is to be looked at where not given.
    budget
        So many new alarms a period are to be looked at, in each group; the most pressing ones. The others
        are listed with the reason.
    stake
        A CSV file with a row per series: `series`, `group` (the domain and level for which fdr and budget
        hold) and `exposure` (people, or any stake), by which alarms are ranked beside their surprise.
    date
        The column of times, where it is called otherwise than `date` or `k`; or two columns, `Jahr,KW`.
    by
        The column that names the series of a long file, where it is called otherwise than `series`.
    value
        The column of values of a long file, where it is called otherwise than `value`.
    weeks
        Which weeks the numbers of weeks are, and that 202005 is one: iso (Monday to Sunday) or mmwr (Sunday
        to Saturday). ISO where the file writes 2020-W05, or a year and a week, and nothing speaks against it.
    decimal
        The decimal sign, `.` or `,`. What the cells prove where not given.
    separator
        What parts the cells, `,` or `;` or a tab (`tab`). What the first lines tell where not given.
    encoding
        How the file's letters are written, as gb18030.
    cases
        A register of cases (JSON), with the folder `inputs` beside it.
    against
        With --cases: a folder of outputs to compare with.
    out
        The folder to write into; made where it is not there.
    json
        Print JSON.
    """
    if (file is None) == (cases is None):
        raise InvalidValue(
            "one of them is needed",
            where="anlan detect",
            found="both" if file else "neither",
            expected="a CSV file, or --cases with a register",
        )
    if cases is not None:
        return detection_register.run(cases, out, against, json)
    assert file is not None
    from anlan.analyse import csv_file
    from anlan.analyse.table import Manner

    try:
        roles = {"date": date, "series": by, "value": value}
        manner = Manner(weeks, decimal, "\t" if separator == "tab" else separator)
        read = partial(csv_file.read, encoding=encoding, roles=roles, manner=manner)
        among = partial(_among, fdr=fdr, budget=budget, stake=stake, encoding=encoding)
        return _one(
            read, file, detector, series, freq, " ".join(test), param, population, changed, among, out, json,
            partial(_learnt, truth, " ".join(learn), rate, encoding) if truth is not None else None,
        )  # fmt: skip
    except ValueError as error:  # a parameter that the detector itself refuses
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(str(error), where="anlan detect") from error


def _one(
    read: Callable[..., Laid],
    file: Path,
    detector: str,
    series: Sequence[str],
    freq: int | None,
    test: str,
    param: Sequence[str],
    population: Path | None,
    changed: Sequence[str],
    among: Callable[[Findings], Findings],
    folder: Path,
    json: bool,
    learn: Callable[[Laid, str, dict[str, Any], str], Learning] | None = None,
) -> int:
    from anlan.analyse.detection import run
    from anlan.analyse.given import parameters
    from anlan.analyse.laid import chosen, with_population
    from anlan.analyse.outputs import write

    params = parameters(detector, param)
    laid = read(file, freq, series=series)
    if series:
        laid = chosen(laid, series)
    if population is not None:
        laid = with_population(laid, read(population, laid.axis.freq))
    learning = None if learn is None else learn(laid, detector, params, test)
    if learning is not None:
        weights = learning.write(params, folder)
        params = learning.params(params)
    if not json:
        with err.status(f"{detector}: {len(laid.series)} series"):
            found = run(laid, detector, test, params, changed)
    else:
        found = run(laid, detector, test, params, changed)
    found = among(found)
    written = write(found, folder, file.name)
    if learning is not None:
        written = (*written, weights)
    if json:
        say_json(_document(found, file, written) | ({"learnt": _judged(learning)} if learning else {}))
    else:
        if learning is not None:
            _print_learnt(learning)
        _print(found, written)
    return 0


def _learnt(
    truth: Path,
    span: str,
    rate: float,
    encoding: str,
    laid: Laid,
    detector: str,
    params: dict[str, Any],
    test: str,
) -> Learning:
    """The weights of an ensemble, from what is known to have happened before the tested times."""
    from anlan.analyse.detection import tested
    from anlan.analyse.learning import learn_before, read_truth

    going = read_truth(truth, laid, encoding)
    return learn_before(laid, detector, params, going, tested(laid, test), span, rate)


def _judged(learning: Learning) -> dict[str, Any]:
    """What was learnt, and how it would have done on blocks of the past that it had not seen."""
    learnt = learning.learnt
    alone = zip(learning.members, learnt.weights, learnt.members, strict=True)
    return {
        "from": learning.first,
        "to": learning.last,
        "trained": learnt.trained,
        "left_out": learnt.left_out,
        "intercept": learnt.intercept,
        "cut": learnt.cut,
        "stack": {"rate": learnt.stack.rate, "found": learnt.stack.found, "true": learnt.stack.true},
        "members": [
            {"detector": name, "weight": weight, "rate": one.rate, "found": one.found}
            for name, weight, one in alone
        ],
    }


def _print_learnt(learning: Learning) -> None:
    from rich.table import Table

    learnt = learning.learnt
    table = Table(title=f"learnt on {learning.first} to {learning.last}", title_justify="left")
    for name in ("", "weight", "found later", "false alarms"):
        table.add_column(name, justify="left" if not name else "right")
    names = ("together", *learning.members)
    weights = ("", *(f"{weight:.3g}" for weight in learnt.weights))
    for name, weight, judged in zip(names, weights, (learnt.stack, *learnt.members), strict=True):
        table.add_row(name, weight, f"{judged.found:.1%} of {judged.true}", f"{judged.rate:.2%}")
    out.print(table)
    if learnt.left_out:
        out.print(f"{learnt.left_out} value(s) left out: a member was unknown there", markup=False)


def _among(
    found: Findings, *, fdr: float | None, budget: int | None, stake: Path | None, encoding: str
) -> Findings:
    """The findings with what decides which alarms are to be looked at."""
    from dataclasses import replace

    from anlan.analyse.at_stake import read_stake
    from anlan.assess.multiplicity import checked

    checked(fdr, budget)
    found = replace(found, fdr=fdr, budget=budget)
    if stake is None:
        return found
    told = read_stake(stake, found.series, encoding)
    laid = replace(found.laid, notes=(*found.laid.notes, *told.notes))
    exposure = None if all(map(isnan, told.exposure.tolist())) else told.exposure
    return replace(found, groups=told.groups, exposure=exposure, laid=laid)


def _left_out(found: Findings) -> dict[str, int]:
    """How many alarms are to be looked at, and how many are not for which reason."""
    from collections import Counter

    counts = Counter(found.look_list()["choice"].to_list())
    return {name: counts[name] for name in ("look", "goes_on", "may_be_chance", "over_budget")}


def _document(found: Findings, file: Path, written: Sequence[Path]) -> dict[str, Any]:
    import numpy as np

    from anlan.assess.detect.panel import Alarm, Reason

    axis = found.laid.axis
    reasons, counts = np.unique(found.reason[found.alarm == Alarm.UNKNOWN], return_counts=True)
    alarms = found.alarms()
    return {
        "file": str(file),
        "detector": found.detector,
        "series": len(found.series),
        "times": axis.n_time,
        "freq": axis.freq,
        "tested": [axis.label(int(found.test[0])), axis.label(int(found.test[-1]))],
        "cells": int(found.alarm.size),
        "alarms": int((found.alarm == Alarm.YES).sum()),
        "choice": _left_out(found),
        "unknown": {Reason(int(r)).name.lower(): int(c) for r, c in zip(reasons, counts, strict=True)},
        "not_used": len(found.laid.held),
        "notes": [{"en": note.en, "zh": note.zh} for note in found.laid.notes],
        "found": [
            {name: str(value) if name == "date" else value for name, value in row.items()}
            for row in alarms.drop("state", "reason_en", "reason_zh").to_dicts()
        ],
        "files": [str(path) for path in written],
    }


def _print(found: Findings, written: Sequence[Path]) -> None:
    from rich.table import Table

    from anlan.analyse.summary import lines
    from anlan.analyse.words import ALARMS, shown
    from anlan.assess.detect.panel import Alarm
    from anlan.assess.detect.reason_words import reason_words
    from anlan.assess.multiplicity import Choice

    marks = {Choice.MAY_BE_CHANCE: ", may be chance", Choice.OVER_BUDGET: ", beyond the budget"}
    axis = found.laid.axis
    for note in found.laid.notes:
        out.print(note.en, markup=False)
    ordered = lines(found)
    last = axis.label(int(found.test[-1]))
    table = Table(title=f"{found.detector}, {axis.label(int(found.test[0]))} to {last}", title_justify="left")
    for name, side in (
        ("series", "left"),
        (f"at {last}", "left"),
        ("value", "right"),
        ("expected", "right"),
        ("threshold", "right"),
        ("alarms", "right"),
        ("unknown", "right"),
    ):
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    for line in ordered[:SHOWN]:
        state = ALARMS[line.alarm].en
        if line.alarm == Alarm.UNKNOWN:
            state += f": {reason_words(line.reason).en}"
        state += marks.get(line.choice, "")
        table.add_row(
            line.series,
            state,
            shown(line.value),
            shown(line.expected),
            shown(line.threshold),
            str(len(line.alarms)),
            str(sum(line.unknown.values())),
            style="bold red" if line.alarm == Alarm.YES and line.choice not in marks else None,
        )
    out.print(table)
    if len(ordered) > SHOWN:
        out.print(f"… and {len(ordered) - SHOWN} more series, in {written[0]}", markup=False)
    for reason in sorted({line.reason for line in ordered if line.reason and line.alarm != Alarm.UNKNOWN}):
        many = sum(line.reason == reason and line.alarm != Alarm.UNKNOWN for line in ordered)
        out.print(f"at {last}, {many} series: {reason_words(reason).en}", markup=False)
    for held in found.laid.held[:5]:
        where = f"line {held.line}" + (f", column {held.column}" if held.column else "")
        err.print(f"not used: {where}: {held.found!r}: {held.say.en}", markup=False, style="yellow")
    if len(found.laid.held) > 5:
        err.print(f"… and {len(found.laid.held) - 5} more, in {written[1]}", markup=False, style="yellow")
    out.print(
        f"{(found.alarm == 1).sum()} alarm(s), {(found.alarm == -1).sum()} unknown, of {found.alarm.size} "
        f"tested values{_choice_words(found)}. Written: {', '.join(str(path) for path in written)}",
        markup=False,
    )


def _choice_words(found: Findings) -> str:
    """How many are to be looked at, and what became of the others."""
    if found.fdr is None and found.budget is None:
        return ""
    counts = _left_out(found)
    parts = [f"{counts['look']} to be looked at"]
    for name, words in (
        ("goes_on", "go on"),
        ("may_be_chance", f"may be chance (q above {found.fdr})"),
        ("over_budget", f"beyond the budget of {found.budget} new ones a period"),
    ):
        if counts[name]:
            parts.append(f"{counts[name]} {words}")
    return ": " + ", ".join(parts)
