"""`anlan scan`: scan statistics on CSV files."""

from __future__ import annotations

from datetime import date as Day
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from anlan.cli.output import err, say_json
from anlan.cli.output import out as screen
from anlan.model.errors import InvalidValue, StoreUnavailable

if TYPE_CHECKING:
    from anlan.analyse.scanned import Scanned

Json = Annotated[bool, Parameter(name="--json")]
Words = Annotated[list[str], Parameter(consume_multiple=True, negative=())]
CLUSTERS, MEMBERS, GEOJSON, REPORT = "clusters.csv", "members.csv", "clusters.geojson", "report.html"


def scan(
    cases: Path,
    *,
    coords: Path | None = None,
    population: Path | None = None,
    controls: Path | None = None,
    model: str = "poisson",
    analysis: str = "spatial",
    timing: str = "retrospective",
    param: Words = [],  # noqa: B006 - read only
    strata: Words = [],  # noqa: B006 - read only
    place: str = "",
    count: str = "",
    date: str = "",
    value: str = "",
    people: str = "",
    latitude: str = "",
    longitude: str = "",
    plane: bool = False,
    start: str = "",
    end: str = "",
    unit: str = "",
    length: int = 1,
    out: Annotated[Path, Parameter(name="--out")],
    json: Json = False,
) -> int:
    """Look for clusters in space and time, as SaTScan does, in CSV files: cases by place (and date), and
    where the places are. Writes clusters.csv, members.csv, clusters.geojson (where there are latitudes)
    and report.html with a map. A JSON file is a register of cases in the form of SaTScan's results: it
    writes scan_results.json in that form, and exit 1 says that a case failed, or that its clusters are not
    those of the register.

    Parameters
    ----------
    cases
        A CSV file with a row per place, date and stratum; or a register (JSON), with the folder `inputs`
        beside it.
    coords
        A CSV file with the place, `lat` and `lon` (or `x` and `y` with --plane).
    population
        People at risk, by place, date (a census) and stratum.
    controls
        Controls by place, for the bernoulli model.
    model
        poisson, bernoulli, permutation, ordinal, multinomial or normal.
    analysis
        spatial, temporal, space_time or trends.
    timing
        retrospective, or prospective: only clusters that are alive at the end.
    param
        Further parameters, each NAME=VALUE: max_distance=50, replications=999, shape=ellipse …
    strata
        Columns to adjust by, of cases and population; the category in the categorical models.
    place
        The column of places, where it is called otherwise than `place`, `location` or `id`.
    count
        The column of cases, where it is called otherwise than `cases` or `count`.
    date
        The column of dates, where it is called otherwise than `date`, `month` or `year`.
    value
        The column of values (normal model), where it is called otherwise than `value`.
    people
        The column of people at risk (or controls), where it is called otherwise than `population` or
        `expected` (`controls`).
    latitude
        The column of latitudes, or of y.
    longitude
        The column of longitudes, or of x.
    plane
        Coordinates are x and y on a plane.
    start
        First day of the study; that of the cases where not given.
    end
        Last day of the study.
    unit
        Length of a period: day, week, month or year; what the dates are told to where not given.
    length
        So many of the unit are one period.
    out
        The folder to write into; made where it is not there.
    json
        Print JSON.
    """
    from anlan.analyse.given import scalar
    from anlan.analyse.scan_input import Columns
    from anlan.analyse.scanning import scan as scan_tables

    given: dict[str, Any] = {"model": model, "analysis": analysis, "timing": timing}
    for word in param:
        name, sign, text = word.partition("=")
        if not sign:
            raise InvalidValue("no parameter", where="--param", found=repr(word), expected="NAME=VALUE")
        parts = tuple(scalar(part.strip()) for part in text.split(","))
        given[name.strip().replace("-", "_")] = parts if len(parts) > 1 else parts[0]
    if cases.suffix.lower() == ".json":
        return _register(cases, out, {k: v for k, v in given.items() if k in _named(param)}, json)
    if coords is None:
        raise InvalidValue("coordinates are needed", where="--coords", found="none", expected="a CSV file")
    found = scan_tables(
        cases,
        coords,
        population=population,
        controls=controls,
        columns=Columns(place, count, date, value, latitude, longitude, tuple(strata), people),
        start=_day(start, "--start"),
        end=_day(end, "--end"),
        unit=unit,
        length=length,
        plane=plane,
        **given,
    )
    written = _write(found, out, cases.name)
    if json:
        say_json(_document(found, cases, written))
    else:
        _print(found, written)
    return 0


def _named(param: list[str]) -> set[str]:
    return {word.partition("=")[0].strip().replace("-", "_") for word in param}


def _register(path: Path, folder: Path, changes: dict[str, Any], json: bool) -> int:
    from rich.progress import Progress

    from anlan.analyse.scan_register import RESULTS, run_scans
    from anlan.analyse.scanning import parameters

    parameters(changes)
    with Progress(console=err, transient=True, disable=json) as progress:
        task = progress.add_task("cases", total=None)
        outcomes = run_scans(
            path, folder, changes, lambda done, of: progress.update(task, completed=done, total=of)
        )
    wrong = [o for o in outcomes if o.error or o.differences]
    if json:
        say_json(
            {
                "register": str(path),
                "cases": len(outcomes),
                "failed": [{"case": o.case["id"], "error": o.error} for o in wrong if o.error],
                "compared": sum(o.compared for o in outcomes),
                "differences": [
                    {"case": o.case["id"], "differences": list(o.differences)} for o in wrong if o.differences
                ],
                "files": [str(folder / RESULTS)],
            }
        )
    else:
        for o in wrong:
            for what in (o.error,) if o.error else o.differences:
                err.print(f"{o.case['id']}: {what}", markup=False, style="red")
        screen.print(
            f"{len(outcomes) - sum(bool(o.error) for o in outcomes)} of {len(outcomes)} cases answered, "
            f"{sum(o.compared for o in outcomes)} clusters compared, "
            f"{sum(len(o.differences) for o in outcomes)} difference(s). Written: {folder / RESULTS}",
            markup=False,
        )
    return 1 if wrong else 0


def _day(text: str, where: str) -> Day | None:
    from anlan.formats.days import DATE_FORMS, day_of

    if not text:
        return None
    day = day_of(text)
    if day is None:
        raise InvalidValue("no such day", where=where, found=repr(text), expected=DATE_FORMS)
    return day


def _write(found: Scanned, folder: Path, source: str) -> list[Path]:
    import json as plain

    from anlan.analyse.scan_report import report

    try:
        folder.mkdir(parents=True, exist_ok=True)
        found.frame().write_csv(folder / CLUSTERS, null_value="NA")
        found.members().write_csv(folder / MEMBERS)
        drawn = found.geojson()
        if drawn is not None:
            (folder / GEOJSON).write_text(plain.dumps(drawn, ensure_ascii=False), encoding="utf-8")
        (folder / REPORT).write_text(report(found, source), encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable("cannot write", where=str(folder), found=str(error.strerror)) from error
    return [folder / name for name in (CLUSTERS, MEMBERS, *([GEOJSON] if drawn else []), REPORT)]


def _document(found: Scanned, cases: Path, written: list[Path]) -> dict[str, Any]:
    result = found.result
    return {
        "file": str(cases),
        "state": result.state.name.lower(),
        "reason": result.reason.name.lower(),
        "detail": result.detail,
        "places": result.places,
        "cases": result.cases,
        "zones": result.zones,
        "replications": len(result.maxima),
        "clusters": [
            {name: str(value) if name in ("start", "end") and value else value for name, value in row.items()}
            for row in found.frame().to_dicts()
        ],
        "files": [str(path) for path in written],
    }


def _print(found: Scanned, written: list[Path]) -> None:
    from rich.table import Table

    from anlan.analyse.words import shown

    def number(value: float | None) -> str:
        return "–" if value is None else shown(value)

    result = found.result
    if not result.state:
        screen.print(f"unknown: {result.detail}", markup=False)
    table = Table()
    for name in ("#", "centre", "places", "from", "to", "observed", "expected", "LLR", "p"):
        words = name in ("centre", "from", "to")
        table.add_column(name, justify="left" if words else "right", no_wrap=name in ("from", "to", "LLR"))
    for c in result.clusters[:20]:
        span = (str(c.start), str(c.end)) if found.dated else ("–", "–")
        table.add_row(
            str(c.rank),
            c.centre or "–",
            str(len(c.members)),
            *span,
            number(c.observed),
            number(c.expected),
            number(c.llr),
            number(c.p_value),
        )
    screen.print(table)
    screen.print(
        f"{len(result.clusters)} cluster(s) among {result.places} places, {result.cases:g} cases. "
        f"Written: {', '.join(str(path) for path in written)}",
        markup=False,
    )
