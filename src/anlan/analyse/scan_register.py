"""Run a register of scans in the form of SaTScan's results (JSON) and say where the answers differ.

A register has a list `cases`; each names its `id`, its `dataset` and SaTScan's `parameters`, and may hold
the `clusters` that SaTScan reported. What a data set consists of stands under `datasets` in the register,
else in `PUBLIC`; its files lie in the folder `inputs` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from anlan.analyse.register import cell, read_document
from anlan.analyse.satscan_names import MODELS, UNITS, Given, scan_params
from anlan.analyse.scan_input import Columns, scan_data
from anlan.assess.scan import Cluster, Points, ScanData, ScanParams, ScanResult, scan
from anlan.model.errors import AnlanError, InvalidValue, StoreUnavailable

RESULTS = "scan_results.json"

_SIDS = {"cases": "nc_sids.csv", "place": "county", "first": "lat", "second": "lon"}
_NY = {"cases": "ny_leukaemia.csv", "place": "tract", "first": "lat", "second": "lon"}
_PENN = {"cases": "penn_lung.csv", "coords": "penn_coords.csv", "place": "county"}
_NM = {"cases": "nm_cases.csv", "coords": "nm_coords.csv", "population": "nm_population.csv"}

#: published data that scans are commonly compared on: files and columns. `first` and `second` are latitude
#: and longitude, or x and y on a plane.
PUBLIC: Mapping[str, Mapping[str, Any]] = {
    "nm": {**_NM, "strata": ["age_group", "sex"]},
    "nm0": _NM,
    "nyc": {"cases": "nycfever_cases.csv", "coords": "nycfever_coords.csv"},
    "nh": {
        "cases": "nhumberside_cases.csv",
        "controls": "nhumberside_controls.csv",
        "coords": "nhumberside_coords.csv",
    },
    "md": {"cases": "maryland_cases.csv", "coords": "maryland_coords.csv", "strata": ["category"]},
    "normal": {"cases": "normal_cases.csv", "coords": "normal_coords.csv"},
    "sids74": {**_SIDS, "population": "nc_sids.csv", "count": "sids74", "people": "births74"},
    "sids79": {**_SIDS, "population": "nc_sids.csv", "count": "sids79", "people": "births79"},
    "ny": {**_NY, "population": "ny_leukaemia.csv"},
    "ny_xy": {**_NY, "population": "ny_leukaemia.csv"},
    "penn": {**_PENN, "population": "penn_lung.csv", "strata": ["race", "gender", "age"]},
    "penn0": {**_PENN, "population": "penn_lung.csv"},
    "scot": {
        "cases": "scotland_lip.csv",
        "population": "scotland_lip.csv",
        "place": "district",
        "people": "expected",
        "first": "x_km",
        "second": "y_km",
    },
}
TABLES = ("cases", "coords", "population", "controls")
NAMES = ("place", "count", "date", "value", "people", "first", "second", "strata")


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """One case: its result or its `error`; `differences` from the clusters in the register, of which it
    had `compared`."""

    case: Mapping[str, Any]
    result: ScanResult | None = None
    error: str = ""
    clusters: tuple[dict[str, Any], ...] = ()
    compared: int = 0
    differences: tuple[str, ...] = field(default_factory=tuple)


def run_scans(
    path: Path,
    out: Path,
    changes: Mapping[str, Any] | None = None,
    told: Callable[[int, int], None] | None = None,
) -> list[ScanOutcome]:
    """Scan every case of the register at `path` and write `scan_results.json` into `out`. `changes`
    replace parameters in our words (`replications`, `threads`). `told(done, of)` is called after each."""
    cases, datasets = _read(path)
    outcomes = []
    for number, case in enumerate(cases, start=1):
        outcomes.append(_outcome(case, datasets, path, dict(changes or {})))
        if told is not None:
            told(number, len(cases))
    document = {"tool": "anlan", "cases": [_written(o) for o in outcomes]}
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / RESULTS).write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable("cannot write", where=str(out), found=str(error.strerror)) from error
    return outcomes


def case_input(
    case: Mapping[str, Any],
    folder: Path,
    datasets: Mapping[str, Any] = PUBLIC,
    where: str = "",
    **changes: Any,
) -> tuple[ScanData, ScanParams]:
    """The data and the parameters of a case; its files lie in `folder`. InvalidValue, NotFound or
    Unreadable say what is wrong with them."""
    where = where or str(case.get("id"))
    name, parameters = case.get("dataset"), case.get("parameters")
    if not isinstance(parameters, Mapping):
        raise InvalidValue(
            "a case without parameters", where=where, found=repr(parameters), expected="SaTScan's names"
        )
    if not isinstance(name, str) or name not in datasets:
        raise InvalidValue(
            "no such data set",
            where=f"{where}: dataset",
            found=repr(name),
            expected=f"{', '.join(datasets)}, or one described under `datasets` in the register",
        )
    described = datasets[name]
    strange = sorted(set(described) - {*TABLES, *NAMES})
    if strange or "cases" not in described:
        raise InvalidValue(
            "a data set that is not one",
            where=f"{where}: datasets.{name}",
            found=", ".join(strange) or "no cases",
            expected=f"cases, and some of: {', '.join((*TABLES[1:], *NAMES))}",
        )
    for table in TABLES:
        file = described.get(table)
        if file is not None and Path(str(file)).name != file:
            raise InvalidValue(
                "not a file of the folder `inputs`", where=f"{where}: {table}", found=repr(file),
                expected="its name alone",
            )  # fmt: skip
    given = Given(parameters, where)
    model = given.one_of("ModelType", 0, MODELS)
    plane = given.whole("CoordinatesType", 1) == 0
    first, second = str(described.get("first", "")), str(described.get("second", ""))
    columns = Columns(
        **{key: str(described.get(key, "")) for key in ("place", "count", "date", "value", "people")},
        latitude=second if plane else first,
        longitude=first if plane else second,
        strata=tuple(described.get("strata", ())),
    )
    unit = given.one_of("TimeAggregationUnits", 1, UNITS)
    length = given.whole("TimeAggregationLength", 1)
    start, end = given.day("StartDate"), given.day("EndDate")
    chosen = scan_params(given, **changes)

    def at(table: str, *models: str) -> Path | None:
        return folder / described[table] if table in described and model in models else None

    data, _ = scan_data(
        folder / described["cases"],
        folder / described.get("coords", described["cases"]),
        model,
        population=at("population", "poisson"),
        controls=at("controls", "bernoulli"),
        columns=columns,
        start=start,
        end=end,
        unit=unit,
        length=length,
        plane=plane,
    )
    return data, chosen


def _read(path: Path) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    document, cases = read_document(path)
    for number, case in enumerate(cases):
        if not isinstance(case, dict) or not case.get("id"):
            raise InvalidValue(
                "a case that is not one", where=f"{path}: cases[{number}]", found="no id",
                expected="an id, a dataset and parameters",
            )  # fmt: skip
    return cases, {**PUBLIC, **(document.get("datasets") or {})}


def _outcome(
    case: Mapping[str, Any], datasets: Mapping[str, Any], path: Path, changes: dict[str, Any]
) -> ScanOutcome:
    try:
        data, chosen = case_input(case, path.parent / "inputs", datasets, "parameters", **changes)
        result = scan(data, chosen)
    except (AnlanError, ValueError) as error:
        return ScanOutcome(case, error=" ".join(str(error).split()))
    except Exception as error:
        # a register is written by strangers: whatever is wrong with a case must not stop the others
        return ScanOutcome(case, error=f"the case cannot be read: {type(error).__name__}: {error}")
    if not result.state:
        return ScanOutcome(case, result, f"unknown: {result.detail}")
    theirs = case.get("clusters") or []
    least = 1 - 8 / max(len(result.maxima), 8)  # weaker ones come and go with the draws
    differences = [
        f"cluster {theirs[i].get('CLUSTER', i + 1)}: {what}"
        for i, ours in enumerate(result.clusters[: len(theirs)])
        for what in _differences(ours, theirs[i])
    ]
    differences += [
        f"cluster {one.get('CLUSTER')}: not found"
        for one in theirs[len(result.clusters) :]
        if float(one.get("P_VALUE", 0)) < least
    ]
    rows = tuple(_row(c, data) for c in result.clusters)
    return ScanOutcome(case, result, "", rows, len(theirs), tuple(differences))


def _differences(ours: Cluster, theirs: Mapping[str, Any]) -> list[str]:
    """Statistic to the digits printed, members in order, and days where both are whole dates."""
    found = []
    for name, value in (("LLR", ours.llr), ("TEST_STAT", ours.statistic)):
        text = str(theirs.get(name, "n/a"))
        if text in ("n/a", ""):
            continue
        half = 0.5000001 * 10.0 ** -len(text.partition(".")[2])
        if abs(value - float(text)) > half:
            found.append(f"{name} {value:.7g}, theirs {text}")
    if "members" in theirs and list(ours.members) != list(theirs["members"]):
        found.append(f"{len(ours.members)} members, theirs {len(theirs['members'])} or in another order")
    for name, day in (("START_DATE", ours.start), ("END_DATE", ours.end)):
        text = str(theirs.get(name, ""))
        if text.count("/") == 2 and text != _day(day):
            found.append(f"{name} {_day(day)}, theirs {text}")
    return found


def _day(day: date) -> str:
    return f"{day.year}/{day.month}/{day.day}"


def _row(c: Cluster, data: ScanData) -> dict[str, Any]:
    """A cluster under SaTScan's names, numbers to the last digit; what the model lacks is left out."""
    row: dict[str, Any] = {"CLUSTER": str(c.rank)}
    if c.centre is not None:
        row["LOC_ID"] = c.centre
        if isinstance(data.geography, Points):
            names = ("LATITUDE", "LONGITUDE") if data.geography.kind == "latlon" else ("X", "Y")
            at = data.geography.coordinates[data.places.index(c.centre)]
            row |= {name: cell(value) for name, value in zip(names, at, strict=True)}
    ellipse = c.ratio is not None
    numbers = {
        "E_MINOR" if ellipse else "RADIUS": c.radius,
        "E_ANGLE": c.angle,
        "E_SHAPE": c.ratio,
        "LLR": c.llr,
        "TEST_STAT": c.statistic if ellipse else None,
        "P_VALUE": c.p_value,
        "GBL_PVALUE": c.gumbel,
        "RECURR_INT": c.recurrence_days,
        "OBSERVED": c.observed,
        "EXPECTED": c.expected,
        "ODE": c.ode,
        "REL_RISK": c.relative_risk,
        "POPULATION": c.population,
        "MEAN_IN": c.mean_inside,
        "MEAN_OUT": c.mean_outside,
        "VARIANCE": c.variance,
        "IN_TREND": c.trend_inside,
        "OUT_TREND": c.trend_outside,
    }
    row |= {"START_DATE": _day(c.start), "END_DATE": _day(c.end), "NUMBER_LOC": str(len(c.members))}
    row |= {name: cell(value) for name, value in numbers.items() if value is not None}
    return row | {"GINI_CLUST": "T" if c.gini else "F", "members": list(c.members)}


def _written(outcome: ScanOutcome) -> dict[str, Any]:
    case, result = outcome.case, outcome.result
    kept = {key: case[key] for key in ("id", "dataset", "parameters") if key in case}
    if outcome.error:
        return {**kept, "error": outcome.error}
    assert result is not None
    return {
        **kept,
        "clusters": list(outcome.clusters),
        "cases_total": result.cases,
        "locations": float(result.places),
        "replications": len(result.maxima),
        "differences": list(outcome.differences),
    }
