"""What to scan for, in the words of the trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Model: TypeAlias = Literal["poisson", "bernoulli", "permutation", "ordinal", "multinomial", "normal"]
Analysis: TypeAlias = Literal["spatial", "temporal", "space_time", "trends"]
Timing: TypeAlias = Literal["retrospective", "prospective"]
Rates: TypeAlias = Literal["high", "low", "both"]
Shape: TypeAlias = Literal["circle", "ellipse"]
Penalty: TypeAlias = Literal["none", "medium", "strong"]
Device: TypeAlias = Literal["cpu", "gpu"]
Trend: TypeAlias = Literal["none", "fixed", "fitted", "by_period", "stratified"]
Overlap: TypeAlias = Literal[
    "none", "no_centre_in_other", "no_centre_in_stronger", "no_centre_in_weaker", "no_mutual_centres", "any"
]

PENALTY_POWER = {"none": 0.0, "medium": 0.5, "strong": 1.0}


@dataclass(frozen=True, slots=True)
class ScanParams:
    """Parameters of a scan; every one has a default, wrong ones raise ValueError.

    `model`                 what is counted: cases in a population (`poisson`), cases and controls
                            (`bernoulli`), cases alone in space and time (`permutation`), categories in
                            order (`ordinal`) or without (`multinomial`), values (`normal`)
    `analysis`              `spatial`, `temporal`, `space_time`, or `trends`: places whose trend in time
                            differs from the rest
    `timing`                `retrospective`: windows anywhere in the study period; `prospective`: only
                            those that reach its end
    `rates`                 look for `high` rates (values, categories), `low` ones, or `both`
    `population_share`      the largest share of the population at risk in a zone
    `max_distance`          the largest radius: km, or the unit of the plane
    `time_share`            the longest window as a share of the study period
    `max_periods`           the longest window in periods; used in place of `time_share` where given
    `min_periods`           the shortest window in periods
    `with_spatial`          in space-time also windows over the whole study period
    `with_temporal`         in space-time also windows over all places
    `shape`                 `circle` or `ellipse`; `ellipse_ratios` (long axis / short) and for each of
                            them `ellipse_angles`, a number of directions
    `penalty`               on long ellipses: the statistic is multiplied by (4 s / (s + 1)^2)^a with
                            a = 0 (`none`), 1/2 (`medium`), 1 (`strong`)
    `flexible_places`       on a graph of neighbours: the most places in a zone
    `trend`                 trend in time taken out first (poisson): `fixed` at `trend_percent` a year,
                            `fitted` log-linear, `by_period` (expected = observed in every period), or
                            `stratified`: each window against the rest of the same periods alone, and
                            cases stay in their period under the null
    `min_cases`             the fewest cases in a high window
    `overlap`               which further clusters are reported beside stronger ones: those that share no
                            place (`none`), by where the centres lie, or `any`
    `gini`                  report the set of clusters, over several largest shares of the population,
                            with the largest Gini coefficient
    `replications`          data sets drawn under the null; 0 for no p-values
    `stop_after`            stop when so many of them reach the strongest cluster (sequential Monte
                            Carlo); none: never
    `seed`                  of the replications: the same seed gives the same p-values, on any number
                            of `threads`
    `device`                where the replications are searched: `cpu`, or `gpu` (poisson, bernoulli and
                            permutation models; the same results to rounding)
    """

    model: Model = "poisson"
    analysis: Analysis = "spatial"
    timing: Timing = "retrospective"
    rates: Rates = "high"
    population_share: float = 0.5
    max_distance: float | None = None
    time_share: float = 0.5
    max_periods: int | None = None
    min_periods: int = 1
    with_spatial: bool = False
    with_temporal: bool = False
    shape: Shape = "circle"
    ellipse_ratios: tuple[float, ...] = (1.5, 2.0, 3.0, 4.0, 5.0)
    ellipse_angles: tuple[int, ...] = (4, 6, 9, 12, 15)
    penalty: Penalty = "medium"
    flexible_places: int = 8
    trend: Trend = "none"
    trend_percent: float = 0.0
    min_cases: int = 2
    overlap: Overlap = "none"
    gini: bool = False
    replications: int = 999
    stop_after: int | None = None
    seed: int = 1
    threads: int = 1
    device: Device = "cpu"

    def __post_init__(self) -> None:
        for name, choices in (
            ("model", Model),
            ("analysis", Analysis),
            ("timing", Timing),
            ("rates", Rates),
            ("shape", Shape),
            ("penalty", Penalty),
            ("trend", Trend),
            ("overlap", Overlap),
            ("device", Device),
        ):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(
                    f"{name} must be one of {', '.join(get_args(choices))}; found {getattr(self, name)!r}"
                )
        for name in ("population_share", "time_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie above 0 and not above 1, found {getattr(self, name)}")
        for name, least in (("min_periods", 1), ("min_cases", 0), ("replications", 0), ("threads", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be {least} or more, found {getattr(self, name)}")
        for name in ("max_periods", "stop_after"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be 1 or more, found {value}")
        if self.max_distance is not None and not self.max_distance > 0:
            raise ValueError(f"max_distance must be above 0, found {self.max_distance}")
        if self.max_periods is not None and self.max_periods < self.min_periods:
            raise ValueError(
                f"max_periods must not be below min_periods, found {self.max_periods} and {self.min_periods}"
            )
        self._fit_together()

    def _fit_together(self) -> None:
        if self.model == "permutation" and self.analysis != "space_time":
            raise ValueError(f"the permutation model needs analysis 'space_time', found {self.analysis!r}")
        if self.trend != "none" and self.model != "poisson":
            raise ValueError(f"a trend is taken out of poisson scans, found {self.trend!r}, {self.model!r}")
        if self.trend == "by_period" and self.analysis == "temporal":
            raise ValueError("trend 'by_period' leaves nothing to find where analysis is 'temporal'")
        if self.trend == "stratified" and self.analysis != "space_time":
            raise ValueError(f"trend 'stratified' needs analysis 'space_time', found {self.analysis!r}")
        if self.analysis == "trends" and (self.model != "poisson" or self.timing == "prospective"):
            raise ValueError(
                f"analysis 'trends' needs the retrospective poisson model, found {self.model!r} and "
                f"{self.timing!r}"
            )
        counted = self.model in ("poisson", "bernoulli", "permutation")
        if self.device == "gpu" and (not counted or self.analysis == "trends" or self.trend == "stratified"):
            raise ValueError(
                f"device 'gpu' needs a poisson, bernoulli or permutation scan, found {self.model!r}, "
                f"analysis {self.analysis!r}, trend {self.trend!r}"
            )
        if self.gini and (self.analysis != "spatial" or self.model not in ("poisson", "bernoulli")):
            raise ValueError(
                f"gini needs a spatial poisson or bernoulli scan, found {self.analysis!r} and {self.model!r}"
            )
