"""Scan statistics: seconds of one core for a whole analysis, 999 data sets under the null included.

Ours: from counts to clusters with p-values (neighbours, search, replications), on sets that this script
makes. Before times are compared, the strongest cluster is found again by a plain search in NumPy. The peer
is SaTScan 10.3.2 (C++), which no package holds: its figures below were recorded on one core of a machine
of two, on sets of the same sizes (that of the permutation set was not recorded), and were not measured in
this run. `--gpu` does the same work on a GPU, by the wall clock and with all cores of its host for what stays
there, and compares the maxima of every data set with those of the CPU.
SpatialEpi for R is run beside ours where it is installed, else named as missing.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from anlan.assess.scan import Points, ScanData, gpu, periods, scan

#: SaTScan 10.3.2, seconds on one core, 999 replications, as recorded; not run here
RECORDED = {
    "spatial_3000_s": 17.7,
    "retrospective_200x52_s": 22.0,
    "retrospective_500x52_s": 41.0,
    "prospective_500x52_s": 3.9,
    "permutation_s": 3.5,
}
REPLICATIONS = 999


def area(n: int, t: int, cases: int, seed: int, days: int = 7, hot: float = 2.0) -> ScanData:
    """`n` places in a square with uneven populations, `t` periods of so many `days`, about `cases` cases;
    in the north-east corner and towards the end twice as many."""
    random = np.random.default_rng(seed)
    spots = random.random((n, 2)) * 100
    people = random.integers(500, 5000, n).astype(float)
    rate = np.repeat((people / people.sum())[:, None], t, axis=1) * cases / t
    corner = np.argsort(((spots - 80) ** 2).sum(axis=1))[: max(2, n // 50)]
    rate[corner, max(0, t - 4) :] *= hot
    counts = random.poisson(rate).astype(float)
    return ScanData(
        tuple(f"p{i:05}" for i in range(n)),
        Points(spots, "plane"),
        periods(date(2020, 1, 1), date.fromordinal(date(2020, 1, 1).toordinal() + days * t - 1), "day", days),
        cases=counts,
        population=np.repeat(people[:, None] / t, t, axis=1),
    )


def ratio(c: Any, e: Any, total: float) -> Any:
    """The Poisson log likelihood ratio of high windows, 0 elsewhere."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(c > 0, c * np.log(c / e), 0.0)
        outside = np.where(total > c, (total - c) * np.log((total - c) / (total - e)), 0.0)
        return np.where((c > e) & (c >= 2), inside + outside, 0.0)


def plainly(data: ScanData, longest: int, alive: bool, permutation: bool = False) -> float:
    """The largest statistic, by NumPy: every zone of every centre, every span."""
    assert data.cases is not None and isinstance(data.geography, Points)
    cases = data.cases[:, :, 0]
    n, t = cases.shape
    total = float(cases.sum())
    if permutation:
        expected = np.outer(cases.sum(axis=1), cases.sum(axis=0)) / total
    else:
        assert data.population is not None
        expected = data.population[:, :, 0] * total / data.population.sum()
    spots = data.geography.coordinates
    spans = [
        (s, e) for s in range(t) for e in range(s + 1, t + 1) if e - s <= longest and (e == t or not alive)
    ]
    start, end = np.array(spans).T
    best = 0.0
    for centre in range(n):
        order = np.argsort(((spots - spots[centre]) ** 2).sum(axis=1), kind="stable")
        held = np.cumsum(expected[order].sum(axis=1))
        chain = order[: int((held <= 0.5 * total).sum())]
        c = np.concatenate([np.zeros((len(chain), 1)), np.cumsum(np.cumsum(cases[chain], axis=0), axis=1)], 1)
        e = np.concatenate(
            [np.zeros((len(chain), 1)), np.cumsum(np.cumsum(expected[chain], axis=0), axis=1)], 1
        )
        best = max(
            best, float(ratio(c[:, end] - c[:, start], e[:, end] - e[:, start], total).max(initial=0.0))
        )
    return best


def timed(data: ScanData, **params: Any) -> tuple[float, Any]:
    begun = time.process_time()
    found = scan(data, seed=7, **params)
    return time.process_time() - begun, found


def spatial_epi(data: ScanData, replications: int) -> float | None:
    """Seconds of SpatialEpi::kulldorff on the same purely spatial set; None where it is not installed."""
    rscript = shutil.which("Rscript")
    if rscript is None or subprocess.run(
        [rscript, "-e", "library(SpatialEpi)"], capture_output=True, check=False
    ).returncode:  # fmt: skip
        return None
    assert data.cases is not None and data.population is not None and isinstance(data.geography, Points)
    with tempfile.TemporaryDirectory() as folder:
        rows = np.column_stack(
            [data.geography.coordinates, data.cases.sum((1, 2)), data.population.sum((1, 2))]
        )
        np.savetxt(Path(folder) / "in.csv", rows, delimiter=",")
        script = (
            "library(SpatialEpi); d <- as.matrix(read.csv('in.csv', header=FALSE));"
            "e <- d[,4]*sum(d[,3])/sum(d[,4]);"
            "s <- proc.time(); k <- kulldorff(d[,1:2], d[,3], d[,4], e, 0.5, REPS, 0.05, FALSE);"
            "cat((proc.time()-s)[['elapsed']])"
        )
        run = subprocess.run(
            [rscript, "-e", script.replace("REPS", str(replications))],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
    return float(run.stdout.split()[-1]) if run.returncode == 0 else None


def sets(cut: int) -> dict[str, tuple[ScanData, dict[str, Any]]]:
    """What is scanned, and how, under the names of RECORDED."""
    return {
        "spatial_3000_s": (area(3000 // cut, 1, 3000 // cut, 1), {}),
        "retrospective_200x52_s": (area(200 // cut, 52, 2080 // cut, 2), {"analysis": "space_time"}),
        "retrospective_500x52_s": (area(500 // cut, 52, 5200 // cut, 3), {"analysis": "space_time"}),
        "prospective_500x52_s": (
            area(500 // cut, 52, 5200 // cut, 3),
            {"analysis": "space_time", "timing": "prospective"},
        ),
        "permutation_s": (
            area(200 // cut, 52, 2080 // cut, 2),
            {"analysis": "space_time", "model": "permutation", "timing": "prospective"},
        ),
    }


def nation(cut: int) -> tuple[ScanData, dict[str, Any]]:
    """A year of a nation by county and day, in windows of four weeks at most."""
    data = area(2850 // cut, 365 // cut, 30_000 // cut, 5, days=1)
    return data, {"analysis": "space_time", "max_periods": 28}


def ratios(ours: dict[str, float]) -> dict[str, float]:
    return {
        f"SaTScan recorded {name}": round(seconds / ours[name], 1)
        for name, seconds in RECORDED.items()
        if name != "permutation_s"  # of unknown size
    }


def on_gpu(small: bool) -> None:
    gpu.require()
    from numba import cuda

    cut, reps, cores = (10, 99, os.cpu_count() or 1) if small else (1, REPLICATIONS, os.cpu_count() or 1)
    ours: dict[str, float] = {}
    apart = 0.0
    same = True
    for name, (data, params) in sets(cut).items():
        there, here = (
            {"seed": 7, "threads": cores, "device": device, "replications": reps} | params
            for device in ("gpu", "cpu")
        )
        scan(data, **there)  # compiled, and the context made
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            found = scan(data, **there)
            seconds.append(time.perf_counter() - begun)
        ours[name] = min(seconds)
        twin = scan(data, **here)
        apart = max(apart, float(abs(found.maxima - twin.maxima).max()))
        same = same and [(c.members, c.start, c.end, c.p_value) for c in found.clusters] == [
            (c.members, c.start, c.end, c.p_value) for c in twin.clusters
        ]
        print(f"{name:24} {ours[name]:8.4f} s, maxima apart by {apart:.1e}", file=sys.stderr)
    data, params = nation(cut)
    begun = time.perf_counter()
    found = scan(data, seed=7, threads=cores, device="gpu", replications=reps, **params)
    ours["nation_2850x365_999_replications_s"] = time.perf_counter() - begun
    print(
        f"nation {ours['nation_2850x365_999_replications_s']:.1f} s for {found.zones} zones x "
        f"{found.windows} spans",
        file=sys.stderr,
    )
    device = cuda.get_current_device()  # type: ignore[no-untyped-call]
    card = device.name.decode() if isinstance(device.name, bytes) else device.name
    result = {
        "name": "scan_gpu",
        "work": f"{'a tenth of the ' if small else ''}sets of the benchmark of scans, on "
        f"{card} with {cores} cores beside it; {reps} replications, wall clock from counts "
        "to clusters, the best of three runs (the nation: one run)",
        "ours": {name: round(value, 4) for name, value in ours.items()},
        "peers": {"SaTScan 10.3.2, one core, recorded elsewhere, not run": RECORDED},
        "ratio": {} if small else ratios(ours),
        "agree": same and apart < 1e-9,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


def main(small: bool) -> None:
    cut = 10 if small else 1
    reps = 99 if small else REPLICATIONS
    work = sets(cut)
    for _, params in work.values():  # the compiler is not what is measured
        scan(area(30, 6, 60, 9) if params else area(30, 1, 60, 9), replications=20, **params)
    ours: dict[str, float] = {}
    agree = True
    for name, (data, params) in work.items():
        ours[name], found = timed(data, replications=reps, **params)
        alive = params.get("timing") == "prospective"
        t = len(data.periods) if params else 1
        plain = plainly(data, max(1, t // 2), alive, params.get("model") == "permutation")
        first = found.clusters[0] if found.clusters else None
        same = first is not None and math.isclose(first.statistic, plain, abs_tol=1e-6)
        # a strongest cluster that every data set under the null beats is not reported
        agree = agree and (same or (first is None and plain <= found.maxima.min()))
        print(
            f"{name:24} {ours[name]:8.2f} s   SaTScan as recorded {RECORDED[name]:5.1f} s   "
            f"{found.zones} zones x {found.windows} spans, largest {plain:.6f}"
            f"{', found' if same else ''}",
            file=sys.stderr,
        )
    whole, params = nation(cut)
    seconds, found = timed(whole, replications=128, **params)
    ours["nation_2850x365_128_replications_s"] = seconds
    print(
        f"nation {seconds:.1f} s for {found.zones} zones x {found.windows} spans of 28 days or less, "
        "128 replications",
        file=sys.stderr,
    )
    epi = spatial_epi(work["spatial_3000_s"][0], reps)
    peers: dict[str, Any] = {"SaTScan 10.3.2, recorded elsewhere, not run": RECORDED}
    peers["SpatialEpi"] = {"spatial_s": round(epi, 3)} if epi is not None else "missing"
    result = {
        "name": "scan",
        "work": f"{'a tenth of the ' if small else ''}places and cases: 1 case a place in space, 0.2 a place "
        f"and week in space-time; {reps} replications, process time of one core; generated sets",
        "ours": {name: round(value, 3) for name, value in ours.items()},
        "peers": peers,
        "ratio": {} if small else ratios(ours),
        "agree": agree,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    (on_gpu if "--gpu" in sys.argv[1:] else main)("--small" in sys.argv[1:])
