"""Detection beside R `surveillance`: the same alarms and thresholds first, then how long they took.

`detect.py [--small]`:

- family: 100 weekly series of 624 weeks (the simulation panel of the reference data, or one of the same
  law), the last 49 weeks tested by each detector that both have, at the same settings. R runs in the same
  run, some detectors on every n-th series only (stated). Both on one core: process time, R's user + system.
- wide: Farrington Flexible on 100,000 series, the last week tested; R on some of them.
- nation: one week of 855,000 series with ten years of weeks each, from a file, on all cores.
- live: one new value of one series, from an array to a detection.
- curve: time against the number of series (to 1,000,000) and of tested weeks.

Series follow the 28 scenarios of Noufaily et al. 2013, Stat Med 32:1206, the seeds are fixed. Ours runs
under `compat="surveillance"` where numbers are compared, and by default (mended) in the rest. Times are
best of several runs where a run is short. Without R and its package (apt-get install r-base-core
r-cran-surveillance) ours runs alone and says so.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from anlan.assess.detect.panel import Detection, Panel
from anlan.assess.detect.registry import detector, names
from anlan.assess.detect.run import CHUNK, cores, over_chunks, over_panel

Floats = npt.NDArray[np.float64]
SHARED = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared"))
YEAR, WEEKS = 52, 624
FIRST, LAST = 576, 624  # tested weeks, numbered from 1
INSTALL = "apt-get install r-base-core r-cran-surveillance"
COMPAT: dict[str, Any] = {"compat": "surveillance"}
#: settings of Noufaily et al. 2013, as agencies run them
FLEXIBLE: dict[str, Any] = {
    "b": 5, "w": 3, "no_periods": 10, "past_weeks_not_included": 26, "alpha": 0.005, "limit54": (5, 4),
    "p_threshold_trend": 0.05, "weights_threshold": 2.58, "threshold_method": "nb_plugin",
}  # fmt: skip
FLEXIBLE_R = (
    "farringtonFlexible(S(M), list(range = rg, b = 5, w = 3, reweight = TRUE, weightsThreshold = 2.58, "
    "pastWeeksNotIncluded = 26, pThresholdTrend = 0.05, trend = TRUE, thresholdMethod = '{}', "
    "alpha = 0.005, limit54 = c(5, 4), noPeriods = 10, glmWarnings = FALSE))"
)
#: theta, phi, beta, gamma1, gamma2 of the seven settings; each with and without trend and season
SETTINGS = (
    (0.1, 1.5, 0.0025, 0.6, 0.6),
    (-2.0, 2.0, 0.005, 0.1, 0.3),
    (1.5, 1.0, 0.003, 0.2, -0.4),
    (0.5, 5.0, 0.002, 0.5, 0.5),
    (2.5, 3.0, 0.001, 1.0, 0.1),
    (3.75, 1.1, 0.001, 0.1, -0.1),
    (5.0, 1.2, 0.0001, 0.05, 0.01),
)


@dataclass(frozen=True)
class Row:
    """One detector in both: our name and parameters, the package's call, how many of the 100 series it
    gets in the full run and in the small one."""

    label: str
    ours: str
    params: dict[str, Any]
    call: str
    full: int = 100
    small: int = 100


def each(function: str, control: str) -> str:
    """A call of the package's older functions, which take one series."""
    return f"each({function}, {control})"


FAMILY = (
    Row(
        "Farrington Flexible, negative binomial",
        "farrington_flexible",
        {**FLEXIBLE, **COMPAT},
        FLEXIBLE_R.format("nbPlugin"),
        small=6,
    ),
    Row(
        "Farrington Flexible, delta",
        "farrington_flexible",
        {**FLEXIBLE, "threshold_method": "delta", **COMPAT},
        FLEXIBLE_R.format("delta"),
        small=6,
    ),
    Row(
        "Farrington, original",
        "farrington",
        {"b": 5, "w": 3, "alpha": 0.01, **COMPAT},
        each(
            "algo.farrington",
            "b = 5, w = 3, reweight = TRUE, alpha = 0.01, trend = TRUE, limit54 = c(5, 4), "
            "powertrans = '2/3'",
        ),
        small=12,
    ),
    *(
        Row(
            f"EARS {method}",
            f"ears_{method.lower()}",
            {"baseline": 7, "alpha": alpha},
            f"earsC(S(M), list(range = rg, method = '{method}', baseline = 7, alpha = {alpha}))",
        )
        for method, alpha in (("C1", 0.001), ("C2", 0.001), ("C3", 0.025))
    ),
    *(
        Row(
            f"Bayes {number}",
            "bayes",
            {"b": b, "w": w, "act_y": now, "alpha": 0.05, **COMPAT},
            each("algo.bayes", f"b = {b}, w = {w}, actY = {str(now).upper()}, alpha = 0.05"),
        )
        for number, b, w, now in ((1, 0, 6, True), (2, 1, 6, True), (3, 2, 4, False))
    ),
    *(
        Row(
            f"RKI {number}",
            "rki",
            {"b": b, "w": w, "act_y": now, **COMPAT},
            each("algo.rki", f"b = {b}, w = {w}, actY = {str(now).upper()}"),
        )
        for number, b, w, now in ((1, 0, 6, True), (2, 1, 6, True), (3, 2, 4, False))
    ),
    Row(
        "CDC",
        "cdc",
        {"b": 5, "m": 1, "alpha": 0.01, **COMPAT},
        each("algo.cdc", "b = 5, m = 1, alpha = 0.01"),
    ),
    Row(
        "CUSUM, standard",
        "cusum",
        {"k": 1.04, "h": 2.26, "trans": "standard", **COMPAT},
        each("algo.cusum", "k = 1.04, h = 2.26, m = NULL, trans = 'standard'"),
    ),
    Row(
        "CUSUM, Rossi, seasonal mean",
        "cusum",
        {"k": 1.04, "h": 2.26, "m": "glm", "trans": "rossi", **COMPAT},
        each("algo.cusum", "k = 1.04, h = 2.26, m = 'glm', trans = 'rossi'"),
    ),
    Row(
        "GLR Poisson, seasonal mean",
        "glrpois",
        {"c_arl": 5, "s": 1, "trend": True, **COMPAT},
        each("algo.glrpois", "c.ARL = 5, mu0 = list(S = 1, trend = TRUE, refit = FALSE), ret = 'value'"),
        small=20,
    ),
    Row(
        "Outbreak P",
        "outbreak_p",
        {"k": 100, "ret": "value", **COMPAT},
        each("algo.outbreakP", "k = 100, ret = 'value'"),
        small=10,
    ),
)  # fmt: skip

R_HEAD = """
suppressPackageStartupMessages(library(surveillance))
S <- function(M) sts(observed = M, frequency = 52)
rg <- {first}:{last}
X <- matrix(readBin("{folder}/panel.bin", "double", {n_time} * {n_series}), nrow = {n_time})
colnames(X) <- paste0("s", seq_len(ncol(X)))
numbers <- function(r) if (is(r, "sts")) list(a = alarms(r), u = upperbound(r)) else r
one <- function(id, chosen, f) {{
  M <- X[, chosen, drop = FALSE]; sink(nullfile()); gc(); t0 <- proc.time()
  r <- tryCatch(suppressMessages(suppressWarnings(f(M))), error = function(e) conditionMessage(e))
  t <- sum((proc.time() - t0)[1:2]); sink()
  if (is.character(r)) {{ cat(id, -1, r, "\\n"); return(invisible()) }}
  r <- numbers(r)
  writeBin(c(as.double(r$a), as.double(r$u)), paste0("{folder}/", id, ".bin"))
  cat(id, t, "\\n")
}}
each <- function(f, ctl) function(M) {{
  s <- S(M); A <- U <- matrix(NA_real_, length(rg), ncol(M))
  for (j in seq_len(ncol(M))) {{ d <- sts2disProg(s[, j]); d$observed <- as.matrix(d$observed)
    r <- f(d, control = ctl); A[, j] <- as.double(r$alarm); U[, j] <- as.double(r$upperbound) }}
  list(a = A, u = U) }}
"""


def scenario(series: int, weeks: int) -> tuple[Floats, float]:
    """(mean [weeks], dispersion) of the published scenario number `series` modulo 28."""
    theta, phi, beta, gamma1, gamma2 = SETTINGS[series // 4 % 7]
    t = np.arange(1, weeks + 1)
    angle = 2 * np.pi * t / YEAR
    season = (gamma1 * np.cos(angle) + gamma2 * np.sin(angle)) * (series % 2)
    return np.exp(theta + beta * t * (series // 2 % 2) + season), phi


@njit(cache=True, nogil=True)
def _draw(seed, mean, phi, out):  # type: ignore[no-untyped-def]
    """Fill `out` [n_series, weeks], series s after scenario s modulo 28: a Poisson count whose mean is
    gamma distributed, so that the variance is phi times the mean."""
    np.random.seed(seed)
    for s in range(len(out)):
        which = s % len(phi)
        for t in range(out.shape[1]):
            rate = mean[which, t]
            if phi[which] > 1.0:
                rate = np.random.gamma(rate / (phi[which] - 1.0), phi[which] - 1.0)
            out[s, t] = min(np.random.poisson(rate), 65535)


def drawn(seed: int, series: int, weeks: int) -> npt.NDArray[np.uint16]:
    laws = [scenario(s, weeks) for s in range(28)]
    out = np.empty((series, weeks), dtype=np.uint16)
    _draw(seed, np.array([law[0] for law in laws]), np.array([law[1] for law in laws]), out)
    return out


def timing_panel() -> Panel:
    path = SHARED / "reference" / "detect" / "bench" / "panel100x624.csv"
    if not path.is_file():
        print(f"{path} is not there: a panel of the same law is drawn", file=sys.stderr)
        return Panel(drawn(1, 100, WEEKS).astype(np.float64), YEAR)
    with path.open() as file:
        rows = list(csv.reader(file))
    return Panel(np.array([row[1:] for row in rows[1:]], dtype=np.float64).T, YEAR)


def best(run: Callable[[], Detection], least: float = 0.3, most: int = 30) -> tuple[float, Detection]:
    """(process seconds of the fastest run, what it gave), after one run that compiles."""
    run()
    times: list[float] = []
    while len(times) < 2 or (sum(times) < least and len(times) < most):
        begun = time.process_time()
        found = run()
        times.append(time.process_time() - begun)
    return min(times), found


def r_runs(
    folder: Path, counts: Floats, calls: list[tuple[str, list[int]]], first: int, last: int
) -> list[tuple[float, Floats, Floats] | str] | None:
    """(seconds, alarms, thresholds [chosen, tested]) of each (call, chosen series), or what the package
    says; None where there is no R or no package."""
    if shutil.which("Rscript") is None:
        return None
    counts.astype("<f8").tofile(folder / "panel.bin")
    head = R_HEAD.format(folder=folder, first=first, last=last, n_series=len(counts), n_time=counts.shape[1])
    lines = []
    for number, (call, chosen) in enumerate(calls):
        if call.startswith("each("):
            function, control = call[5:-1].split(", ", 1)
            body = f"each({function}, list(range = rg, {control}))"
        else:
            body = f"function(M) {call}"
        lines.append(f"one({number}, c({', '.join(str(s + 1) for s in chosen)}), {body})")
    script = folder / "peer.R"
    script.write_text(head + "\n".join(lines) + "\n")
    done = subprocess.run(["Rscript", "--vanilla", str(script)], capture_output=True, text=True, check=False)
    if "surveillance" in done.stderr and "no package" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(f"R stopped: {done.stderr[-2000:]}")
    out: list[tuple[float, Floats, Floats] | str] = []
    for line, (_, chosen) in zip(done.stdout.strip().splitlines(), calls, strict=True):
        identity, spent, *said = line.split(maxsplit=2)
        if float(spent) < 0:
            out.append(said[0])
            continue
        values = np.fromfile(folder / f"{identity}.bin", dtype="<f8").reshape(2, len(chosen), -1)
        out.append((float(spent), values[0], values[1]))
    return out


def differences(found: Detection, chosen: list[int], alarms: Floats, bounds: Floats) -> tuple[int, int]:
    """(alarms that differ, thresholds that differ by more than 1e-9 relative)."""
    ours = np.where(found.alarm == -1, np.nan, found.alarm)[chosen]
    threshold = found.threshold[chosen]
    alike = np.isclose(threshold, bounds, rtol=1e-9, atol=1e-12, equal_nan=True)
    return int((~np.isclose(ours, alarms, equal_nan=True)).sum()), int((~alike).sum())


def spaced(of: int, wanted: int) -> list[int]:
    """`wanted` numbers below `of`, evenly spaced."""
    return [int(n) for n in np.linspace(0, of - 1, min(of, wanted))]


def family(folder: Path, small: bool) -> tuple[list[dict[str, Any]], bool, bool]:
    """(the table, whether all agrees, whether R was there)."""
    panel = timing_panel()
    at = slice(FIRST - 1, LAST)
    rows = [row for row in FAMILY if row.ours in names()]
    chosen = [spaced(panel.n_series, row.small if small else row.full) for row in rows]
    print(f"R runs {len(rows)} detectors ...", file=sys.stderr)
    peers = r_runs(folder, panel.counts, list(zip((r.call for r in rows), chosen, strict=True)), FIRST, LAST)
    cells = panel.n_series * (LAST - FIRST + 1)
    table, agree = [], True
    print(f"{'':40} {'ours':>9} {'R':>9}  {'ratio':>7}  differ (alarms, thresholds) of", file=sys.stderr)
    for number, row in enumerate(rows):
        run = detector(row.ours)
        spent, found = best(partial(run, panel, at, **row.params))
        line: dict[str, Any] = {"detector": row.label, "ours_us": round(1e6 * spent / cells, 4)}
        peer = None if peers is None else peers[number]
        if isinstance(peer, str):
            line["peer"] = f"stopped: {peer}"
        elif peer is not None:
            their_cells = peer[1].size
            line["peer_us"] = round(1e6 * peer[0] / their_cells, 2)
            line["ratio"] = round(line["peer_us"] / line["ours_us"])
            line["alarms_differ"], line["thresholds_differ"] = differences(
                found, chosen[number], peer[1], peer[2]
            )
            line["compared"] = their_cells
            agree = agree and line["alarms_differ"] == 0 and line["thresholds_differ"] == 0
        table.append(line)
        print(
            f"{row.label:40} {line['ours_us']:9.3f} {line.get('peer_us', float('nan')):9.1f}  "
            f"{line.get('ratio', '-'):>7}  {line.get('alarms_differ', '-')}, "
            f"{line.get('thresholds_differ', '-')} of {line.get('compared', line.get('peer', '-'))}",
            file=sys.stderr,
        )
    return table, agree, peers is not None


def load(path: Path, weeks: int, begin: int, end: int) -> Panel:
    """Series `begin` ... `end` of a file of 16-bit counts, one series after the other."""
    raw = np.fromfile(path, dtype=np.uint16, count=(end - begin) * weeks, offset=2 * begin * weeks)
    return Panel(raw.reshape(-1, weeks).astype(np.float64), YEAR)


def loads(path: Path, weeks: int, series: int) -> Iterator[Callable[[], Panel]]:
    step = CHUNK // (8 * weeks)
    for begin in range(0, series, step):
        yield partial(load, path, weeks, begin, min(begin + step, series))


def write_counts(path: Path, series: int, weeks: int) -> None:
    step = 10_000
    with path.open("wb") as file:
        for seed, begin in enumerate(range(0, series, step)):
            drawn(seed, min(step, series - begin), weeks).tofile(file)


def nation(path: Path, weeks: int, series: int, threads: int, **params: Any) -> dict[str, float]:
    """Seconds, and what was found, of the last week of the first `series` series of a file."""
    begun, used = time.perf_counter(), time.process_time()
    alarms = unknown = tested = 0
    chunks = loads(path, weeks, series)
    test = slice(weeks - 1, weeks)
    for found in over_chunks("farrington_flexible", chunks, test, threads=threads, **{**FLEXIBLE, **params}):
        alarms += int((found.alarm == 1).sum())
        unknown += int((found.alarm == -1).sum())
        tested += found.alarm.size
    return {
        "series": tested,
        "wall_s": round(time.perf_counter() - begun, 3),
        "cpu_s": round(time.process_time() - used, 3),
        "alarms": alarms,
        "unknown": unknown,
    }


def wide(folder: Path, series: int, peer_series: int) -> dict[str, Any]:
    """Farrington Flexible on many series, one core; R on some of them."""
    panel = Panel(drawn(2, series, WEEKS).astype(np.float64), YEAR)
    at = slice(LAST - 1, LAST)
    run = partial(over_panel, "farrington_flexible", panel, at, threads=1, **FLEXIBLE, **COMPAT)
    spent, found = best(run, least=0.0)
    line: dict[str, Any] = {"series": series, "ours_us": round(1e6 * spent / series, 3)}
    chosen = spaced(series, peer_series)
    some = panel.counts[chosen]
    peers = r_runs(folder, some, [(FLEXIBLE_R.format("nbPlugin"), list(range(peer_series)))], LAST, LAST)
    if peers is not None and not isinstance(peers[0], str):
        line["peer_us"] = round(1e6 * peers[0][0] / peer_series, 1)
        line["peer_series"] = peer_series
        line["ratio"] = round(line["peer_us"] / line["ours_us"])
        line["alarms_differ"], line["thresholds_differ"] = differences(found, chosen, *peers[0][1:])
    return line


def live(weeks: int) -> dict[str, float]:
    """Milliseconds from the counts of one series, the new one last, to its detection."""
    series = drawn(3, 28, weeks).astype(np.float64)
    run = detector("farrington_flexible")
    times = []
    run(Panel(series[:1], YEAR), slice(weeks - 1, weeks), **FLEXIBLE)
    used = time.process_time()
    for number in itertools.islice(itertools.cycle(range(28)), 600):
        begun = time.perf_counter()
        run(Panel(series[number : number + 1], YEAR), slice(weeks - 1, weeks), **FLEXIBLE)
        times.append(1e3 * (time.perf_counter() - begun))
    used = time.process_time() - used
    return {
        "cpu_ms": round(1e3 * used / len(times), 4),
        "median_ms": round(float(np.median(times)), 4),
        "p99_ms": round(float(np.percentile(times, 99)), 4),
    }


def curve(path: Path, weeks: int, most: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """One core: the last week of ever more series, and ever more weeks of 10,000 series."""
    sizes = [n for n in (1_000, 10_000, 100_000, 200_000, 500_000, 1_000_000) if n <= most]
    by_series = [nation(path, weeks, n, 1) for n in sizes]
    panel = load(path, weeks, 0, min(most, 10_000))
    by_weeks: list[dict[str, float]] = []
    for n in (1, 2, 5, 10, 20, 49):
        test = slice(weeks - n, weeks)
        run = partial(over_panel, "farrington_flexible", panel, test, threads=1, **FLEXIBLE)
        by_weeks.append({"series": panel.n_series, "weeks": n, "cpu_s": round(best(run, least=0)[0], 4)})
    for point in by_series + by_weeks:
        cells = point["series"] * point.get("weeks", 1)
        print(
            f"curve    {point['series']:9,} series x {point.get('weeks', 1):2} weeks "
            f"{point['cpu_s']:8.3f} s, {1e6 * point['cpu_s'] / cells:.2f} us each",
            file=sys.stderr,
        )
    return by_series, by_weeks


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def main(small: bool) -> None:
    history = 10 * YEAR + 1
    load_before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    everyone, most = (20_000, 20_000) if small else (855_000, 1_000_000)
    root = Path(tempfile.mkdtemp(prefix="detect-"))
    try:
        table, agree, with_r = family(root, small)
        many = wide(root, 5_000 if small else 100_000, 20 if small else 280)
        agree = agree and not many.get("alarms_differ") and not many.get("thresholds_differ")
        print(f"wide     {many}", file=sys.stderr)
        now = live(history)
        print(f"live     {now}", file=sys.stderr)
        path = root / "counts.bin"
        write_counts(path, most, history)
        print(f"file     {path.stat().st_size / 1e6:,.0f} MB of counts", file=sys.stderr)
        all_cores = nation(path, history, everyone, cores())
        one_core = nation(path, history, everyone, 1)
        nine_years = nation(path, history, everyone, cores(), b=9)
        agree = agree and all(all_cores[k] == one_core[k] for k in ("series", "alarms", "unknown"))
        print(f"nation   {cores()} cores {all_cores}\n         1 core {one_core}", file=sys.stderr)
        print(f"         b = 9 {nine_years}", file=sys.stderr)
        by_series, by_weeks = curve(path, history, most)
    finally:
        shutil.rmtree(root)
    if not with_r:
        print(f"R or its package surveillance is not here: {INSTALL}", file=sys.stderr)
    flexible = next(line for line in table if line["detector"].startswith("Farrington Flexible"))
    result = {
        "name": "detect",
        "machine": f"on {cores()} cores of {processor()}, load {load_before:.1f} before the start",
        "work": f"100 x 624 panel, weeks {FIRST}-{LAST}; {many['series']} series; {everyone} series x "
        f"{history} weeks, last week tested",
        "ours": {
            "series_week_s": flexible["ours_us"] / 1e6,
            "wide_series_week_s": many["ours_us"] / 1e6,
            "nation_s": all_cores["wall_s"],
            "nation_one_core_s": one_core["wall_s"],
            "live_s": now["median_ms"] / 1e3,
        },
        "peers": {
            "surveillance": {
                "series_week_s": flexible["peer_us"] / 1e6,
                "wide_series_week_s": many["peer_us"] / 1e6,
            }
            if with_r
            else f"not installed: {INSTALL}"
        },
        "ratio": {"surveillance": flexible["ratio"], "surveillance, wide": many["ratio"]} if with_r else {},
        "agree": agree,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "family": table,
        "wide": many,
        "nation": [
            {"cores": cores(), "b": 5, **all_cores},
            {"cores": 1, "b": 5, **one_core},
            {"cores": cores(), "b": 9, **nine_years},
        ],
        "live": now,
        "curve_series": by_series,
        "curve_weeks": by_weeks,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
