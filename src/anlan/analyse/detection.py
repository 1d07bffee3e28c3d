"""Run a detector on whatever holds the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from anlan.analyse.findings import Findings
from anlan.analyse.frames import Data, combined
from anlan.analyse.laid import Laid
from anlan.analyse.span import indexes
from anlan.analyse.table import Manner
from anlan.assess.detect.panel import Detection, Ints, Test
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
    **params: Any,
) -> Findings:
    """Test the counts in `data` with the detector of that name. See `anlan.detect`."""
    manner = Manner(weeks, decimal)
    laid = combined(data, population, freq=freq, series=series, manner=manner)
    return run(laid, detector, test, params)


def run(laid: Laid, detector: str, test: Tested, params: dict[str, Any]) -> Findings:
    """Test a table that is laid on its axis. Parameters that a rule in service gets (a short history is
    unknown, not an error) hold here as well, unless `params` say otherwise."""
    at = tested(laid, test)
    used = {**spec(detector).live, **params}
    found = by_name(detector)(laid.panel, at, **used)
    plain = {field.name: getattr(found, field.name) for field in fields(Detection)}
    return Findings(**plain, laid=laid, detector=detector, params=used)


def tested(laid: Laid, test: Tested) -> Ints:
    """Indexes of the tested times."""
    if test is None or isinstance(test, str):
        return indexes(test or "", laid.axis)
    return laid.panel.test_indexes(test)
