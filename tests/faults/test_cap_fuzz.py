"""Every reader of CAP against documents made to break it: no crash, no other error than the promised ones,
nothing that takes long.

`./run soak` runs a million inputs (ANLAN_FUZZ_INPUTS says how many); here a few thousand with a fixed seed,
and any number with another: `ANLAN_FUZZ_SEED=7 ./run test tests/faults/test_cap_fuzz.py`.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cap_fuzz import BASE, READERS, described, one, seeds, tried

SEED = int(os.environ.get("ANLAN_FUZZ_SEED", "20261125"))
SHARED = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "cap"
#: seconds of the processor for one input; the slowest seen here took a fraction of it
MOST = 5.0


def run(seed: int, first: int, last: int) -> tuple[int, float, str]:
    """(inputs tried, the longest seconds of one, how to make the one that failed or "")."""
    found = seeds(SHARED if SHARED.is_dir() else None)
    longest = 0.0
    for number in range(first, last):
        reader, raw = one(seed, number, found)
        began = time.process_time()
        try:
            tried(reader, raw)
        except Exception as error:
            return number - first, longest, f"{reader}: {error!r}: {described(seed, number, raw)}"
        took = time.process_time() - began
        if took > MOST:
            return number - first, took, f"{reader}: {took:.1f} s: {described(seed, number, raw)}"
        longest = max(longest, took)
    return last - first, longest, ""


def test_a_few_thousand_broken_documents_are_refused_or_read_at_once() -> None:
    count, longest, failed = run(SEED, 0, 2_000)
    assert not failed, failed
    assert count == 2_000 and longest < MOST


@pytest.mark.soak
def test_a_million_broken_documents_are_refused_or_read_at_once() -> None:
    inputs = int(os.environ.get("ANLAN_FUZZ_INPUTS", "1000000"))
    seed = int(os.environ.get("ANLAN_FUZZ_SEED", str(time.time_ns() % 1_000_000_000)))
    print(f"fuzz: seed {seed}, {inputs} inputs")
    # in processes of their own: a crash of the parser itself is seen and told, not suffered
    step = 5_000
    tasks = [(seed, first, min(first + step, inputs)) for first in range(0, inputs, step)]
    done, longest = 0, 0.0
    spawn = multiprocessing.get_context("spawn")
    # processes are replaced with their pool: one that ends its children by itself (max_tasks_per_child) may
    # wait for ever on Python 3.11
    for begin in range(0, len(tasks), 20):
        with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
            for task, answer in [(task, pool.submit(run, *task)) for task in tasks[begin : begin + 20]]:
                try:
                    count, took, failed = answer.result(timeout=1_800)
                except (BrokenProcessPool, TimeoutError) as error:
                    pytest.fail(f"{error!r} in a process that read inputs from {task[1]} on, of seed {seed}")
                assert not failed, failed
                assert count == task[2] - task[1]
                done, longest = done + count, max(longest, took)
        print(f"fuzz: {done} inputs so far, the longest took {longest:.2f} s", flush=True)
    print(f"fuzz: {done} inputs, none failed; the longest took {longest:.2f} s")
    assert done == inputs


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")))
def test_no_bytes_break_any_reader(raw: bytes) -> None:
    for reader in READERS:
        tried(reader, raw)
        tried(reader, BASE[:-8] + raw + BASE[-8:])
