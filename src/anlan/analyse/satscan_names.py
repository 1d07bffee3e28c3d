"""SaTScan's parameters (the names of its parameter files, User Guide 10.3) in our words.

A parameter left out has SaTScan's own default. One that would change the answer and has no counterpart
here is refused by name, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from anlan.assess.scan import ScanParams
from anlan.model.errors import InvalidValue

MODELS = {
    0: "poisson",
    1: "bernoulli",
    2: "permutation",
    3: "ordinal",
    5: "normal",
    7: "multinomial",
}
#: analysis, timing
ANALYSES = {
    1: ("spatial", "retrospective"),
    2: ("temporal", "retrospective"),
    3: ("space_time", "retrospective"),
    4: ("space_time", "prospective"),
    5: ("trends", "retrospective"),
    6: ("temporal", "prospective"),
}
RATES = {1: "high", 2: "low", 3: "both"}
SHAPES = {0: "circle", 1: "ellipse"}
PENALTIES = {0: "none", 1: "medium", 2: "strong"}
TRENDS = {0: "none", 1: "by_period", 2: "fixed", 3: "fitted", 4: "stratified"}
OVERLAPS = {
    0: "none",
    1: "no_centre_in_other",
    2: "no_centre_in_stronger",
    3: "no_centre_in_weaker",
    4: "no_mutual_centres",
    5: "any",
}
UNITS = {0: "", 1: "year", 2: "month", 3: "day"}
#: said of the output, or of how p-values are printed: no cluster changes by them
ASIDE = frozenset(
    {
        "PrecisionCaseTimes",
        "MostLikelyClusterEachCentroidASCII",
        "CensusAreasReportedClustersASCII",
        "IncludeRelativeRisksCensusAreasASCII",
        "SaveSimLLRsASCII",
        "ReportHierarchicalClusters",
        "ReportGumbel",
        "CriticalValue",
        "EarlySimulationTermination",
        "IncludeClusters",
    }
)


def _said(choice: Any) -> str:
    return " ".join(choice) if isinstance(choice, tuple) else choice or "none"


class Given:
    """The parameters of one case, each asked for once by name with SaTScan's default."""

    def __init__(self, parameters: Mapping[str, Any], where: str) -> None:
        self.parameters, self.where = parameters, where
        self.asked: set[str] = set(ASIDE)

    def number(self, name: str, default: float) -> float:
        """A number; InvalidValue where there is none."""
        self.asked.add(name)
        value = self.parameters.get(name, default)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise self.fault(name, value, "a number") from None

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.number(name, default)
        if value != int(value):
            raise self.fault(name, value, "a whole number")
        return int(value)

    def one_of(self, name: str, default: int, choices: Mapping[int, Any]) -> Any:
        """What a code stands for; InvalidValue lists the codes that have a counterpart."""
        code = self.whole(name, default)
        if code not in choices:
            raise self.fault(name, code, ", ".join(f"{k} ({_said(v)})" for k, v in choices.items()))
        return choices[code]

    def yes(self, name: str) -> bool:
        """y or n; n by default."""
        self.asked.add(name)
        value = str(self.parameters.get(name, "n")).lower()
        if value not in ("y", "n", "1", "0"):
            raise self.fault(name, value, "y or n")
        return value in ("y", "1")

    def numbers(self, name: str, default: str) -> tuple[float, ...]:
        """Numbers with commas between."""
        self.asked.add(name)
        value = self.parameters.get(name, default)
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            raise self.fault(name, value, "numbers with commas between") from None

    def day(self, name: str) -> date:
        """A day as 2001/11/24; 2000 as a whole where a study has no dates."""
        self.asked.add(name)
        value = str(self.parameters.get(name, "2000/1/1" if name == "StartDate" else "2000/12/31"))
        try:
            year, month, day = (int(part) for part in value.replace("-", "/").split("/"))
            return date(year, month, day)
        except ValueError:
            raise self.fault(name, value, "a day as 2001/11/24") from None

    def fault(self, name: str, found: Any, expected: str) -> InvalidValue:
        """The error for a value that cannot be."""
        return InvalidValue(
            "no such value of a parameter",
            where=f"{self.where}: {name}",
            found=repr(found),
            expected=expected,
        )


def scan_params(given: Given, **changes: Any) -> ScanParams:
    """The parameters of a scan; `changes` replace them by our names. InvalidValue names a parameter that
    is not known here or cannot be. Everything that `given` holds must be asked for before, or here."""
    analysis, timing = given.one_of("AnalysisType", 1, ANALYSES)
    share, length = given.number("MaxTemporalSize", 50), given.whole("TimeAggregationLength", 1)
    in_units = given.whole("MaxTemporalSizeInterpretation", 0) == 1
    distance = given.number("MaxSpatialSizeInDistanceFromCenter", 1)
    early = given.whole("EarlyTerminationThreshold", 50)
    found: dict[str, Any] = {
        "model": given.one_of("ModelType", 0, MODELS),
        "analysis": analysis,
        "timing": timing,
        "rates": given.one_of("ScanAreas", 1, RATES),
        "population_share": given.number("MaxSpatialSizeInPopulationAtRisk", 50) / 100,
        "max_distance": distance if given.yes("UseDistanceFromCenterOption") else None,
        "time_share": 0.5 if in_units else share / 100,
        "max_periods": int(share // length) if in_units else None,
        "min_periods": given.whole("MinimumTemporalClusterSize", 1),
        "with_spatial": given.yes("IncludePurelySpatial"),
        "with_temporal": given.yes("IncludePurelyTemporal"),
        "shape": given.one_of("SpatialWindowShapeType", 0, SHAPES),
        "ellipse_ratios": given.numbers("EllipseShapes", "1.5,2,3,4,5"),
        "ellipse_angles": tuple(int(n) for n in given.numbers("EllipseAngles", "4,6,9,12,15")),
        "penalty": given.one_of("NonCompactnessPenalty", 1, PENALTIES),
        "trend": given.one_of("TimeTrendAdjustmentType", 0, TRENDS),
        "trend_percent": given.number("TimeTrendPercentage", 0),
        "min_cases": given.whole("MinimumCasesInHighRateClusters", 2),
        "overlap": given.one_of("CriteriaForReportingSecondaryClusters", 0, OVERLAPS),
        "gini": given.yes("ReportGiniClusters"),
        "replications": given.whole("MonteCarloReps", 999),
        "stop_after": early if given.whole("PValueReportType", 0) == 2 else None,
    }
    unknown = sorted(set(given.parameters) - given.asked)
    if unknown:
        raise InvalidValue(
            "parameters without a counterpart here",
            where=given.where,
            found=", ".join(unknown),
            expected=f"some of: {', '.join(sorted(given.asked))}",
        )
    try:
        return ScanParams(**found | changes)
    except (ValueError, TypeError) as error:
        raise InvalidValue(str(error), where=given.where) from error
