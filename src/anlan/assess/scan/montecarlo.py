"""How surprising: ranks among data sets under the null, stopped early or not, and the Gumbel law.

p = (1 + number of maxima as large or larger) / (1 + number of data sets). Stopping early after h maxima
as large as the strongest cluster (Besag, Clifford 1991, "Sequential Monte Carlo p-values", Biometrika
78(2):301-304) gives p = h / data sets drawn. The Gumbel law is fitted by moments to the maxima (Abrams,
Kulldorff, Kleinman 2010, "Gumbel based p-value approximations for spatial scan statistics", Int J Health
Geogr 9:61); it reaches below 1 / (replications + 1).
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from anlan.assess.scan.engine import Engine
from anlan.assess.scan.statistic import TIE
from anlan.assess.scan.windows import Windows
from anlan.assess.scan.zones import Zones

Floats: TypeAlias = npt.NDArray[np.float64]

EULER = 0.5772156649015329


def maxima(
    engine: Engine,
    zones: Zones,
    windows: Windows,
    replications: int,
    threads: int,
    strongest: float,
    stop_after: int | None,
) -> Floats:
    """The largest statistic of each data set, up to the one at which `stop_after` of them have reached
    `strongest`. The same numbers on any number of threads."""
    engine.prepare(zones, windows)
    blocks = [
        range(begin, min(begin + engine.block, replications))
        for begin in range(0, replications, engine.block)
    ]
    done: list[Floats] = []

    def work(block: range) -> Floats:
        return engine.maxima(zones, windows, block)

    if threads == 1:
        for block in blocks:
            done.append(work(block))
            if _stops(done, strongest, stop_after) is not None:
                break
    else:
        with ThreadPoolExecutor(threads) as pool:
            for begin in range(0, len(blocks), 2 * threads):
                done += pool.map(work, blocks[begin : begin + 2 * threads])
                if _stops(done, strongest, stop_after) is not None:
                    break
    drawn = np.concatenate(done) if done else np.empty(0)
    return drawn[: _stops(done, strongest, stop_after)]


def _stops(done: list[Floats], strongest: float, stop_after: int | None) -> int | None:
    """After how many data sets to stop, if among those done."""
    if stop_after is None or not done:
        return None
    reached = np.flatnonzero(np.concatenate(done) >= strongest - TIE)
    return int(reached[stop_after - 1]) + 1 if len(reached) >= stop_after else None


def p_value(statistic: float, drawn: Floats, stop_after: int | None) -> float:
    """By rank among the maxima `drawn`."""
    reached = int((drawn >= statistic - TIE).sum())
    if stop_after is not None and reached >= stop_after:
        return reached / len(drawn)
    return (reached + 1) / (len(drawn) + 1)


def gumbel(statistic: float, drawn: Floats) -> float | None:
    """The chance of so large a maximum under the fitted law; None with fewer than 10 data sets."""
    if len(drawn) < 10 or drawn.std() == 0:
        return None
    scale = float(drawn.std(ddof=1)) * math.sqrt(6) / math.pi
    mode = float(drawn.mean()) - EULER * scale
    return -math.expm1(-math.exp(min((mode - statistic) / scale, 700.0)))
