"""Run a scan on whatever holds the cases."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

from anlan.analyse.scan_input import Columns, Table, scan_data
from anlan.analyse.scanned import Scanned
from anlan.assess.scan import ScanData, ScanParams
from anlan.assess.scan import scan as scan_engine
from anlan.model.errors import InvalidValue


def scan(
    cases: Table | ScanData,
    places: Table | None = None,
    *,
    population: Table | None = None,
    controls: Table | None = None,
    columns: Columns | None = None,
    start: date | None = None,
    end: date | None = None,
    unit: str = "",
    length: int = 1,
    plane: bool = False,
    **params: Any,
) -> Scanned:
    """Look for clusters of `cases`. See `anlan.scan`."""
    chosen = parameters(params)
    if isinstance(cases, ScanData):
        return Scanned(scan_engine(cases, chosen), cases, True)
    if places is None:
        raise InvalidValue("places are needed", where="places", found="none", expected="their coordinates")
    data, dated = scan_data(
        cases,
        places,
        chosen.model,
        population=population,
        controls=controls,
        columns=columns,
        start=start,
        end=end,
        unit=unit,
        length=length,
        plane=plane,
    )
    try:
        return Scanned(scan_engine(data, chosen), data, dated)
    except ValueError as error:
        raise InvalidValue(str(error), where="scan") from error


def parameters(given: dict[str, Any]) -> ScanParams:
    """The parameters of a scan; InvalidValue names one that there is not, or a value that cannot be."""
    known = [field.name for field in fields(ScanParams)]
    for name in given:
        if name not in known:
            raise InvalidValue("no such parameter", where="scan", found=name, expected=", ".join(known))
    try:
        return ScanParams(**given)
    except (ValueError, TypeError) as error:
        raise InvalidValue(str(error), where="scan") from error
