"""What every model gives the scan: the best windows of each chain, and the maxima under the null."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Best:
    """The best zone of each chain in each span: `chain`, `value` [n] and `where` [n, 3]: absolute position
    of the zone, first period, period after the last. By chain, then start, then end."""

    chain: Ints
    value: Floats
    where: Ints

    @classmethod
    def of_spans(cls, value: Floats, position: Ints, spans: Ints, floor: float) -> Best:
        """From tables [n_chains, n_spans], those of `floor` or more; `spans` [n_spans, 2]."""
        chain, span = np.nonzero(value >= floor)
        where = np.column_stack([position[chain, span], spans[span]])
        return cls(chain, value[chain, span], where)


class Engine(Protocol):
    """A model with its data. `at_risk` [n_places] is what shares of the population are taken of;
    `block` data sets are searched at a time."""

    at_risk: Floats
    block: int

    def prepare(self, zones: Zones, windows: Windows) -> None:
        """Work out what all replications share, before threads start."""

    def strongest(self, zones: Zones, windows: Windows) -> float:
        """The largest statistic of the data; 0 where no window qualifies."""

    def observed(self, zones: Zones, windows: Windows, floor: float) -> Best:
        """The best zone of every chain in every span, where its statistic is `floor` or more; of spans
        with the same end the best alone is enough."""

    def maxima(self, zones: Zones, windows: Windows, replications: range) -> Floats:
        """The largest statistic of each replication; may be called from several threads."""

    def describe(self, members: Ints, start: int, end: int) -> dict[str, Any]:
        """Fields of a `Cluster` that the model knows, for places in periods [start, end)."""
