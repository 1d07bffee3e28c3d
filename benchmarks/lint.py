"""How long the whole check of a pack takes, against merely reading the same files.

`lint.py [--small]`: the pack `cn` (with `--small`: `world`), every check, best of three. The peer reads the
same files with the standard library's tomllib, csv and json and checks nothing: the floor.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import time
import tomllib
from pathlib import Path

from anlan.assess.detect.registry import described
from anlan.packs import conditions, geometry
from anlan.packs.check import check
from anlan.packs.paths import available, pack_path
from anlan.packs.read import read_pack

DETECTORS = described()
ROUNDS = 3


def ours(pack: str) -> tuple[float, int]:
    """Seconds, and how many faults; what an earlier round has kept is forgotten."""
    for kept in (geometry._outlines, conditions.compile_condition, conditions._examine):
        kept.cache_clear()
    begun = time.perf_counter()
    faults, _ = check(pack, pack_path(), DETECTORS)
    return time.perf_counter() - begun, len(faults)


def plain(folders: list[Path]) -> tuple[float, int, int]:
    """Seconds, files and bytes, for reading alone."""
    begun = time.perf_counter()
    files = size = 0
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix not in (".toml", ".csv", ".json"):
                continue
            raw = path.read_bytes()
            files, size = files + 1, size + len(raw)
            if path.suffix == ".toml":
                tomllib.loads(raw.decode())
            elif path.suffix == ".csv":
                list(csv.reader(raw.decode("utf-8-sig").splitlines()))
            else:
                json.loads(raw)
    return time.perf_counter() - begun, files, size


def main(small: bool) -> None:
    name = "world" if small else "cn"
    resolved, faults, whole = read_pack(name, pack_path())
    assert resolved is not None
    assert whole
    folders = [Path(folder) for folder in resolved.pack.folders]
    assert available(pack_path())[name] in folders
    checks = [ours(name) for _ in range(ROUNDS)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reads = [plain(folders) for _ in range(ROUNDS)]
    spent, beneath = min(s for s, _ in checks), min(s for s, _, _ in reads)
    _, files, size = reads[0]
    print(f"ours {spent:.2f} s, reading alone {beneath:.2f} s", file=sys.stderr)
    result = {
        "name": "lint",
        "work": f"every check of the pack {name}: {files} files, {size / 1e6:.1f} MB, best of {ROUNDS}",
        "ours": {"check_s": round(spent, 4)},
        "peers": {"standard library": {"read_s": round(beneath, 4)}},
        "ratio": {"standard library": round(beneath / spent, 4)},
        "agree": not faults and all(found == 0 for _, found in checks),
        "peak_mb": round(peak),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
