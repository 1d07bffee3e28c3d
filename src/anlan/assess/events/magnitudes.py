"""Magnitudes of a catalogue: from which on it is complete, and how many small ones go with a large one.

Gutenberg-Richter: log10 N(>= m) = a - b m. b by maximum likelihood (Aki 1965, Bull Earthq Res Inst
43:237-239) with half a bin of correction for rounded magnitudes (Utsu 1966; Bender 1983, BSSA 73:831-851):

    b = log10(e) / (mean(m) - (mc - bin / 2))

Its standard error after Shi and Bolt (1982), BSSA 72:1677-1687, equation 5. Completeness by maximum
curvature (Wiemer and Wyss 2000, BSSA 90:859-869): the fullest bin, which is known to lie a little low, so
0.2 is added (Woessner and Wiemer 2005, BSSA 95:684-698).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: so many events above completeness a b-value needs before it means something
FEWEST = 20


@dataclass(frozen=True, slots=True)
class GutenbergRichter:
    """`b` with its standard error `error`, from `events` at or above `completeness`; `a` for the span of
    the catalogue: log10 of the number expected at or above magnitude 0."""

    b: float
    error: float
    a: float
    completeness: float
    events: int


def completeness(magnitudes: Floats, bin: float = 0.1, correction: float = 0.2) -> float:
    """The magnitude from which on the catalogue is taken as complete. ValueError for an empty one."""
    known = _known(magnitudes)
    if not len(known):
        raise ValueError("magnitudes must not be empty")
    numbers, counts = np.unique(np.round(known / bin).astype(np.int64), return_counts=True)
    fullest = numbers[counts == counts.max()].max()  # of two the higher: rather too few than too many
    return float(round(fullest * bin + correction, 6))


def gutenberg_richter(magnitudes: Floats, completeness: float, bin: float = 0.1) -> GutenbergRichter:
    """The fit to all magnitudes at or above `completeness` (rounded to `bin`; 0 for unrounded ones).
    ValueError where fewer than 20 are there, or all are alike."""
    known = _known(magnitudes)
    above = known[known >= completeness - bin / 2 + 1e-9]
    if len(above) < FEWEST:
        raise ValueError(
            f"at least {FEWEST} events at or above {completeness:g} are needed, found {len(above)}"
        )
    mean = float(above.mean())
    distance = mean - (completeness - bin / 2)
    if distance <= 0:
        raise ValueError(f"magnitudes must vary above completeness, found all at {mean:g}")
    b = math.log10(math.e) / distance
    spread = float(((above - mean) ** 2).sum() / (len(above) * (len(above) - 1)))
    error = math.log(10) * b * b * math.sqrt(spread)
    return GutenbergRichter(
        b, error, math.log10(len(above)) + b * (completeness - bin / 2), completeness, len(above)
    )


def _known(magnitudes: Floats) -> Floats:
    return np.asarray(magnitudes, dtype=np.float64)[np.isfinite(magnitudes)]
