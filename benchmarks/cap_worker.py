"""What it costs to read documents of strangers in a process of its own.

`cap_worker.py [--small]`: every file of the CAP corpus (feeds, wrappers, and the archives with the 2,422
messages of the matrix) looked at with its rules, areas and signatures, here and in the worker: by the clock,
best of several passes, and the start of the process. Agreement: every answer of the worker is the one given
here. There is no peer: no other reader of CAP does this.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from anlan.formats.cap.look import Asked, Look, look
from anlan.formats.cap.worker import Worker

SHARED = Path(os.environ.get("ANLAN_SHARED", Path(__file__).parents[2] / "shared"))
Read = Callable[[bytes, str, Asked], Iterator[Look]]


def passed(read: Read, files: list[tuple[str, bytes]]) -> tuple[float, list[Look]]:
    """(seconds by the clock, answers without their own times)."""
    began = time.perf_counter()
    found = [one for name, raw in files for one in read(raw, name, Asked(ground=True))]
    return time.perf_counter() - began, [replace(one, seconds=0.0) for one in found]


def main() -> int:
    small = "--small" in sys.argv[1:]
    corpus = SHARED / "corpus" / "cap"
    paths = sorted(
        path for path in corpus.rglob("*") if path.is_file() and path.suffix not in (".csv", ".md")
    )
    files = [(str(path.relative_to(corpus)), path.read_bytes()) for path in paths]
    if small:
        files = [one for one in files if not one[0].endswith(".zip")]
    worker = Worker()
    began = time.perf_counter()
    list(worker.look(b"<a/>", "start"))
    start = time.perf_counter() - began
    here, there = float("inf"), float("inf")
    agree = True
    for _ in range(2 if small else 5):
        took, mine = passed(look, files)
        here = min(here, took)
        took, theirs = passed(worker.look, files)
        there = min(there, took)
        agree = agree and mine == theirs
    worker.close()
    items = len(mine)
    print(f"{items} items: here {here:.3f} s, in the worker {there:.3f} s, start {start:.3f} s")
    print(
        json.dumps(
            {
                "name": "cap_worker",
                "work": f"{items} items of {len(files)} files",
                "ours": {
                    "here_s": round(here, 4),
                    "worker_s": round(there, 4),
                    "start_s": round(start, 4),
                    "overhead_per_item_s": round((there - here) / items, 7),
                },
                "peers": {},
                "ratio": {},
                "agree": agree,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    )
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
