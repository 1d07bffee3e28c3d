"""How aftershocks die away: the Omori-Utsu law, fitted by maximum likelihood.

    n(t) = K (t + c)^-p          t in days after the main shock

Utsu (1961), Geophys Mag 30:521-605; likelihood of Ogata (1983), J Phys Earth 31:115-124, equation 5: for
events at t_1 ... t_N in (S, T),

    log L = N log K - p sum log(t_i + c) - K A(S, T)
    A(S, T) = ((T + c)^(1-p) - (S + c)^(1-p)) / (1 - p),  log((T + c) / (S + c)) at p = 1

At the maximum K = N / A, which leaves two parameters to search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

#: fewer aftershocks than this say little about three parameters
FEWEST = 10
_LOG_C = (math.log(1e-4), math.log(10.0))
_P = (0.2, 3.0)


@dataclass(frozen=True, slots=True)
class OmoriUtsu:
    """`k` events, `c` days, `p`; `log_likelihood` at the maximum; `events` that were fitted in `since` to
    `until` days. `at_bound`: c or p lies at the end of the range searched (c 0.0001 to 10, p 0.2 to 3),
    so the data do not settle it."""

    k: float
    c: float
    p: float
    log_likelihood: float
    events: int
    since: float
    until: float
    at_bound: bool

    def rate(self, t: Floats | float) -> Floats:
        """Events a day at `t` days."""
        return np.asarray(self.k * (np.asarray(t) + self.c) ** -self.p)

    def expected(self, since: float, until: float) -> float:
        """Events between two times in days."""
        return self.k * decay(since, until, self.c, self.p)


def decay(since: float, until: float, c: float, p: float) -> float:
    """A(S, T), the integral of (t + c)^-p; exact through p = 1."""
    ratio = math.log((until + c) / (since + c))
    x = (1.0 - p) * ratio
    return float((since + c) ** (1.0 - p) * ratio * (math.expm1(x) / x if abs(x) > 1e-12 else 1.0))


def fit_omori(times: Floats, since: float, until: float) -> OmoriUtsu:
    """The fit to aftershocks at `times` (days after the main shock, any order) within `since` to `until`:
    begin only where the catalogue is complete again after the main shock. ValueError for a span that is
    none or fewer than 10 events."""
    if not 0 <= since < until:
        raise ValueError(f"the span must run from 0 or later to a later time, found {since} to {until}")
    inside = np.sort(times[(times > since) & (times <= until)])
    if len(inside) < FEWEST:
        raise ValueError(f"at least {FEWEST} aftershocks are needed, found {len(inside)}")

    def loss(x: Floats) -> float:
        c, p = math.exp(x[0]), float(x[1])
        area = decay(since, until, c, p)
        k = len(inside) / area
        return -(len(inside) * math.log(k) - p * float(np.log(inside + c).sum()) - len(inside))

    best = min(
        (
            minimize(loss, [math.log(c), p], method="L-BFGS-B", bounds=[_LOG_C, _P])
            for c, p in ((0.01, 1.0), (0.1, 1.1), (1.0, 1.5))
        ),
        key=lambda found: float(found.fun),
    )
    c, p = math.exp(best.x[0]), float(best.x[1])
    at_bound = any(
        abs(value - end) < 1e-6 for value, ends in zip(best.x, (_LOG_C, _P), strict=True) for end in ends
    )
    k = len(inside) / decay(since, until, c, p)
    return OmoriUtsu(k, c, p, -float(best.fun), len(inside), since, until, at_bound)
