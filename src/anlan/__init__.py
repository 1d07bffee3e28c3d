"""anlan (安澜): a risk carried from the first observation to the closed incident.

The detection engine also stands alone: `anlan.detect` takes an array, a data frame or a CSV file, and
`anlan.scan` looks for clusters in space and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    from anlan.analyse.detection import Tested
    from anlan.analyse.findings import Findings
    from anlan.analyse.frames import Data
    from anlan.analyse.scan_input import Columns, Table
    from anlan.analyse.scanned import Scanned

__version__ = "0.1.0"


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
    changed: Sequence[str] = (),
    **params: Any,
) -> Findings:
    """Test counts (or readings) with a detector; without a pack, a workspace or a service.

    `data`        a `Panel`; an array [n_series, n_time] (or [n_time]), NaN = missing; a polars or pandas
                  frame: wide (`date` or `k`, and one column per series) or long (`date`, `series`,
                  `value`), with `year` and `week` (or `month`) instead of `date` where they are; the path
                  of a CSV file of either form
    `detector`    its name: `farrington_scan`, `ears_c1` …; ValueError lists them all
    `test`        times to test: indexes or a slice, `"last 10"`, `"2012-01-01.."`, `"264:312"` (numbers
                  from 1, both ends); by default the last year, at most half of the times
    `freq`        periods per year; needed for an array, and for a table without dates
    `population`  denominators, in any of the same forms
    `series`      names for the rows of an array or a panel
    `weeks`       which weeks numbers of weeks are, and that 202005 is one: `iso` (Monday to Sunday; the
                  default where a week is written as such) or `mmwr` (Sunday to Saturday)
    `decimal`     `.` or `,`; by default what the cells of the table prove
    `changed`     times from which it is counted otherwise, `"2019-09-01"`; `"2019-09-01=1.8"` where a value
                  of before, times 1.8, is what would have been counted
    `params`      parameters of the detector, by its own names

    Gives `Findings`: a `Detection` with arrays [n_series, n_test], and `frame()`, one row per tested
    series and time. What cannot be answered is unknown with its reason, never "no alarm". ValueError
    names what was found and expected where a parameter, a name or a time does not fit.

    >>> import numpy as np
    >>> import anlan
    >>> cases = np.array([2, 1, 3, 2, 2, 1, 3, 2, 2, 14, np.nan])
    >>> found = anlan.detect(cases, "ears_c1", freq=365, test="last 3")
    >>> found.frame().select("k", "value", "alarm", "reason").rows()
    [(9, 2.0, False, 'ok'), (10, 14.0, True, 'ok'), (11, None, None, 'missing_value')]
    >>> found.threshold.round(2)
    array([[ 4.52,  4.28, 17.84]])
    """
    from anlan.analyse.detection import detect as run

    return run(
        data,
        detector,
        test=test,
        freq=freq,
        population=population,
        series=series,
        weeks=weeks,
        decimal=decimal,
        changed=changed,
        **params,
    )


def scan(
    cases: Table,
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
    """Look for clusters of cases in space and time with a scan statistic; needs nothing else of anlan.

    `cases`       rows of `place`, `cases` and, for time, `date`: the path of a CSV file, a polars or
                  pandas frame, or a `ScanData` (then no other table is read)
    `places`      rows of `place`, `lat`, `lon` (`x`, `y` with `plane`)
    `population`  people at risk by place (and date of the census); `controls` for the bernoulli model
    `columns`     names of columns, where they are called otherwise, and the strata to adjust by
    `start`, `end`   the study period; that of the cases by default
    `unit`, `length` a period is so many days, weeks, months or years; by default one of what dates tell
    `params`      fields of `ScanParams`: `model`, `analysis`, `timing`, `max_distance`, `replications` …

    Gives `Scanned`: `result`, `frame()` with one row per cluster, `members()`, `geojson()`. InvalidValue
    (a ValueError) or Unreadable name the table, the line, what was found and what was expected.

    >>> import polars as pl
    >>> import anlan
    >>> names = [f"p{i}" for i in range(25)]
    >>> x, y = [i % 5 for i in range(25)], [i // 5 for i in range(25)]
    >>> places = pl.DataFrame({"place": names, "x": x, "y": y})
    >>> cases = pl.DataFrame({"place": names, "cases": [9 if i in (0, 1, 5, 6) else 1 for i in range(25)]})
    >>> people = pl.DataFrame({"place": names, "population": [100] * 25})
    >>> found = anlan.scan(cases, places, population=people, plane=True, replications=99)
    >>> sorted(found.clusters[0].members), found.clusters[0].p_value
    (['p0', 'p1', 'p5', 'p6'], 0.01)
    """
    from anlan.analyse.scanning import scan as run

    return run(
        cases,
        places,
        population=population,
        controls=controls,
        columns=columns,
        start=start,
        end=end,
        unit=unit,
        length=length,
        plane=plane,
        **params,
    )
