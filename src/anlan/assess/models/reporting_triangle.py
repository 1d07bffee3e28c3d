"""The reporting triangle: cases by period of the event and delay to their report, as known at one time.

Notation of Höhle, an der Heiden (2014), "Bayesian nowcasting during the STEC O104:H4 outbreak in Germany,
2011", Biometrics 70:993-1002, section 2: n[t, d] cases of event period t reported d periods later, seen so
far only where t + d <= T.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Days: TypeAlias = npt.NDArray[np.datetime64]
Period: TypeAlias = Literal["1 day", "1 week", "1 month"]
MovingWindow: TypeAlias = Literal["hoehle_anderheiden2014", "lawless1994"]

PERIODS = ("1 day", "1 week", "1 month")


@dataclass(frozen=True, slots=True)
class ReportingTriangle:
    """`counts` [n_periods, max_delay + 1], NaN = not seen yet; the last row is the present period and the
    last column holds that delay and all longer ones. `longer`: cases moved there from longer delays."""

    counts: Floats
    longer: int

    @property
    def last(self) -> int:
        """T: index of the present period."""
        return len(self.counts) - 1

    @property
    def max_delay(self) -> int:
        """D."""
        return int(self.counts.shape[1]) - 1

    def reported(self) -> Floats:
        """N(t, T) [n_periods]: cases of each period reported so far."""
        return np.asarray(np.nansum(self.counts, axis=1), dtype=np.float64)

    def window_sums(
        self, m: int | None = None, form: MovingWindow = "hoehle_anderheiden2014"
    ) -> tuple[Floats, Floats]:
        """n_x and N_x [max_delay + 1]: cases with delay x, and with delay x or less, over the event periods
        where delay x has been seen. `m` periods back only: the last m rows, or (`lawless1994`) the m latest
        reports of each delay; 0 where that leaves none."""
        if m is not None and m < 1:
            raise ValueError(f"m must be at least 1 period, found {m}")
        window = self.last if m is None else m
        n, total = np.zeros(self.max_delay + 1), np.zeros(self.max_delay + 1)
        for x in range(self.max_delay + 1):
            back = x if form == "lawless1994" else 0
            rows = slice(max(0, self.last - window - back), self.last - x + 1)
            n[x] = self.counts[rows, x].sum()
            total[x] = self.counts[rows, : x + 1].sum()
        return n, total


def period_index(days: Days, by: Period) -> Ints:
    """Number of the day, ISO week (from Monday) or month each date lies in."""
    if by not in PERIODS:
        raise ValueError(f"periods must be one of {PERIODS}, found {by!r}")
    if by == "1 month":
        return days.astype("datetime64[M]").astype(np.int64)
    number = days.astype("datetime64[D]").astype(np.int64)
    return number if by == "1 day" else (number + 3) // 7  # 1970-01-01 was a Thursday


def period_start(index: int, by: Period) -> Any:
    """First day of the period with that number."""
    if by == "1 month":
        return np.array(index, dtype="datetime64[M]").astype("datetime64[D]")[()]
    return np.datetime64(index if by == "1 day" else index * 7 - 3, "D")


def triangle_from_line_list(
    event: Days,
    report: Days,
    *,
    now: np.datetime64,
    start: np.datetime64,
    max_delay: int,
    by: Period = "1 day",
) -> ReportingTriangle:
    """The triangle at `now` from one event and one report date per case (NaT = not known: left out), for
    event periods from `start`. Reports after `now` are not looked at; longer delays count as `max_delay`."""
    if event.shape != report.shape:
        raise ValueError(f"event and report dates must match, found {event.shape} and {report.shape}")
    both = ~(np.isnat(event) | np.isnat(report))
    at = period_index(event[both], by)
    seen = period_index(report[both], by)
    present = int(period_index(np.array([now]), by)[0])
    first = int(period_index(np.array([start]), by)[0])
    last = present - first
    if max_delay < 1:
        raise ValueError(f"max_delay must be at least 1, found {max_delay}")
    if max_delay > last:
        raise ValueError(
            f"D>T: cannot estimate delays of {max_delay} periods from the {last} since the start"
        )
    if not (seen <= present).any():
        raise ValueError(f"no data available at {now}")
    used = (seen <= present) & (at >= first) & (at <= present) & (seen >= at)
    delay = (seen - at)[used]
    counts = np.zeros((last + 1, max_delay + 1))
    np.add.at(counts, (at[used] - first, np.minimum(delay, max_delay)), 1.0)
    unseen = np.arange(last + 1)[:, None] + np.arange(max_delay + 1) > last
    counts[unseen] = np.nan
    return ReportingTriangle(counts, int((delay > max_delay).sum()))
