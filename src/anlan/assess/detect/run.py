"""Any detector over any number of series: in chunks, on all cores, or on the workers of a cluster.

Series do not know of each other, so a panel may be cut between series wherever one likes: each part goes
through the same function, and the parts put together are, bit for bit, what one call gives. Kernels
leave the interpreter's lock, so threads share the cores without copies. What is in memory at a time is
bounded by the size of a chunk and the number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from typing import Any, TypeAlias

import numpy as np

from anlan.assess.detect.panel import Detection, Panel, Test
from anlan.assess.detect.registry import detector

#: bytes of counts in a chunk; a detector needs a few times as much while it works on it
CHUNK = 32 << 20

#: gives a part of a panel where it is needed: on a worker, from the lake
Load: TypeAlias = Callable[[], Panel]


def part(name: str, load: Panel | Load, test: Test, params: dict[str, Any]) -> Detection:
    """Test one part of a panel with the detector called `name`."""
    return detector(name)(load if isinstance(load, Panel) else load(), test, **params)


def over_panel(
    name: str,
    panel: Panel,
    test: Test,
    *,
    threads: int | None = None,
    chunk: int | None = None,
    **params: Any,
) -> Detection:
    """Test `panel` in chunks of `chunk` series (by default as many as fill `CHUNK`) on `threads` threads
    (by default as many as there are cores); the same as one call of the detector."""
    series = chunk if chunk is not None else max(1, CHUNK // (8 * max(1, panel.n_time)))
    if series < 1:
        raise ValueError(f"chunk must be at least 1 series, found {chunk}")
    if panel.n_series <= series:
        return part(name, panel, test, params)
    return joined(list(over_chunks(name, cut(panel, series), test, threads=threads, **params)))


def over_chunks(
    name: str,
    chunks: Iterable[Panel | Load],
    test: Test,
    *,
    threads: int | None = None,
    **params: Any,
) -> Iterator[Detection]:
    """The detection of each chunk, in order. `chunks` gives panels, or functions that load them (then
    the threads load); no more than one beyond `threads` is taken before its turn, so a panel larger than
    memory can pass through. ValueError for bad parameters comes with the first chunk."""
    workers = threads if threads is not None else cores()
    if workers < 1:
        raise ValueError(f"threads must be at least 1, found {threads}")
    if workers == 1:
        for chunk in chunks:
            yield part(name, chunk, test, params)
        return
    waiting: deque[Future[Detection]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="detect") as pool:
        try:
            for chunk in chunks:
                waiting.append(pool.submit(part, name, chunk, test, params))
                del chunk  # or it outlives its turn
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def over_partitions(
    name: str,
    partitions: Sequence[Load],
    test: Test,
    *,
    client: Any = None,
    **params: Any,
) -> list[Detection]:
    """The detection of each partition, in order, worked out as Dask tasks. Each of `partitions` loads its
    part of the panel and is called on the worker, so that counts do not travel. `client` a
    `dask.distributed.Client`; without one the scheduler that Dask is set to. ImportError names the extra
    to install where Dask is not there."""
    try:
        import dask
    except ImportError as missing:
        raise ImportError("running on a cluster needs Dask: install anlan[cluster]") from missing
    tasks = [dask.delayed(part, pure=False)(name, load, test, params) for load in partitions]  # type: ignore[attr-defined]
    if client is not None:
        return list(client.gather(client.compute(tasks)))
    return list(dask.compute(*tasks))  # type: ignore[attr-defined, no-untyped-call]


def cut(panel: Panel, series: int) -> Iterator[Panel]:
    """Parts of `panel` of at most `series` series each, without copies."""
    for begin in range(0, panel.n_series, series):
        rows = slice(begin, begin + series)
        population = None if panel.population is None else panel.population[rows]
        yield Panel(panel.counts[rows], panel.freq, population, panel.dates)


def joined(parts: Sequence[Detection]) -> Detection:
    """One detection of the series of all parts, in order; ValueError where there is none or their tested
    times differ."""
    if not parts:
        raise ValueError("nothing to join: expected at least one detection, found none")
    for one in parts:
        if not np.array_equal(one.test, parts[0].test):
            raise ValueError(
                f"parts must have the same tested times, found {one.test[:5]} beside {parts[0].test[:5]}"
            )
    arrays = {
        field.name: np.concatenate([getattr(one, field.name) for one in parts])
        for field in fields(Detection)
        if field.name != "test"
    }
    return Detection(test=parts[0].test, **arrays)


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
