"""The scan's search on a GPU: the CPU's maxima to rounding, in Numba's simulator everywhere, on a GPU where
there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from anlan.assess.scan import gpu
from anlan.assess.scan.windows import Windows

# Both devices on one small area: every side, shape and kind of window.
SCRIPT = """
import json
import numpy as np
from anlan.assess.scan import Points, ScanData, periods, scan
from datetime import date

random = np.random.default_rng(4)
n, t = 5, 3
spots = Points(random.random((n, 2)) * 10, "plane")
population = random.integers(50, 200, (n, t)).astype(float)
cases = random.poisson(population / 60).astype(float)
weeks = periods(date(2024, 1, 1), date(2024, 1, 21), "day", 7)
data = ScanData(tuple("abcde"), spots, weeks, cases=cases, population=population)
ill = ScanData(tuple("abcde"), spots, weeks, cases=cases, controls=population - cases)
runs = {
    "low and high": (data, {"analysis": "space_time", "with_spatial": True, "rates": "both"}),
    "prospective": (data, {"analysis": "space_time", "timing": "prospective"}),
    "ellipse": (data, {"shape": "ellipse", "ellipse_ratios": (2.0,), "ellipse_angles": (2,)}),
    "bernoulli": (ill, {"model": "bernoulli"}),
    "permutation": (data, {"model": "permutation", "analysis": "space_time"}),
}
apart = {}
for name, (what, params) in runs.items():
    cpu, other = (scan(what, replications=9, seed=3, device=device, **params) for device in ("cpu", "gpu"))
    assert len(cpu.maxima) == 9 and cpu.maxima.max() > 0
    assert [c.p_value for c in cpu.clusters] == [c.p_value for c in other.clusters]
    apart[name] = float(np.abs(cpu.maxima - other.maxima).max())
print(json.dumps(apart))
"""


def run(**environment: str) -> dict[str, Any]:
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


def test_the_code_for_a_gpu_finds_the_maxima_of_the_cpu() -> None:
    for name, apart in run(NUMBA_ENABLE_CUDASIM="1").items():
        assert apart < 1e-9, name


def test_a_gpu_finds_the_maxima_of_the_cpu() -> None:
    try:
        gpu.require()
    except (ImportError, RuntimeError) as missing:
        pytest.skip(str(missing))
    for name, apart in run().items():
        assert apart < 1e-9, name


def test_tiles_hold_every_span_once() -> None:
    for windows in (
        Windows(1, 1, 1),
        Windows(20, 1, 10),
        Windows(20, 3, 12, whole=True),
        Windows(11, 1, 10, alive=True, whole=True),
    ):
        held = []
        for bound, other, count, sense in gpu.tiles(windows).tolist():
            assert count <= gpu.TILE
            held += [(bound, o) if sense > 0 else (o, bound) for o in range(other, other + count)]
        assert sorted(held) == windows.spans()


def test_data_sets_beside_each_other_fit_the_memory_of_a_gpu() -> None:
    for n_places, n_periods in ((3000, 1), (2850, 365), (50_000, 730)):
        together = gpu.lanes(n_places, n_periods, 2)
        assert together % 128 == 0
        assert together == 128 or n_places * (n_periods + 1) * 6 * together <= gpu.ROOM
    assert gpu.lanes(500, 52, 2) == np.int64(gpu.MOST)
