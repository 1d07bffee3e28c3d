"""Which way of forecasting to trust: what it scored on its own past forecasts, as known then.

At each origin a forecast is made from what was known that day and kept. A later origin scores the kept
ones against what is known by then, never against what became known later, and follows the method with the
least mean score, or mixes the best few. So the choice made on any day could have been made on that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anlan.assess.forecast.scores import weighted_interval_score

Floats = NDArray[np.float64]


def mixed(quantiles: list[Floats]) -> Floats:
    """The mean of several forecasts quantile by quantile (Vincent 1912; Lichtendahl, Grushka-Cockayne,
    Winkler 2013, Manag Sci 59:1594-1611), on the log scale of counts; members that say nothing (NaN) are
    left out, NaN where none speaks."""
    stack = np.log1p(np.stack(quantiles))
    speaks = ~np.isnan(stack)
    number = speaks.sum(axis=0)
    total = np.where(speaks, stack, 0.0).sum(axis=0)
    return np.where(number > 0, np.expm1(total / np.maximum(number, 1)), np.nan)


@dataclass
class Record:
    """Kept forecasts by method: each [n_series, horizon, n_levels] with the index of the first period that
    it is about. `levels` of all quantiles."""

    levels: Floats
    kept: dict[str, list[tuple[int, Floats]]] = field(default_factory=dict)

    def keep(self, method: str, first: int, quantiles: Floats) -> None:
        """A forecast of periods `first`, `first` + 1, ... as made at its origin."""
        self.kept.setdefault(method, []).append((first, quantiles))

    def scores(self, known: Floats) -> dict[str, float]:
        """Mean score of every method over the cells that *all* methods forecast and that are known in
        `known` [n_series, n_times] now, on the scale of log1p: a large state does not outvote fifty
        small ones. Methods without a score are left out."""
        cells: dict[str, dict[tuple[int, int, int], float]] = {}
        log = np.log1p(known)
        for method, forecasts in self.kept.items():
            found: dict[tuple[int, int, int], float] = {}
            for first, quantiles in forecasts:
                for h in range(quantiles.shape[1]):
                    if first + h >= known.shape[1]:
                        break
                    score = weighted_interval_score(
                        log[:, first + h], np.log1p(quantiles[:, h, :]), self.levels
                    )
                    for n in np.flatnonzero(~np.isnan(score)).tolist():
                        found[(first, h, n)] = float(score[n])
            if found:
                cells[method] = found
        if not cells:
            return {}
        common = set.intersection(*(set(found) for found in cells.values()))
        if not common:
            return {}
        order = sorted(common)
        return {m: float(np.mean([found[cell] for cell in order])) for m, found in cells.items()}

    def best(self, known: Floats, number: int = 1) -> list[str]:
        """The `number` methods of least score so far; all of them, in order of name, while none has one."""
        scores = self.scores(known)
        if not scores:
            return sorted(self.kept)
        return sorted(scores, key=lambda method: (scores[method], method))[:number]
