"""Kills, full disks and locks: nothing acknowledged is lost, nothing half-written is seen."""

from __future__ import annotations

import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anlan.model.errors import StoreUnavailable
from anlan.model.observation import Observation
from anlan.model.provenance import Provenance
from anlan.model.quarantine import Quarantined
from anlan.store.lake import DeltaLake

T0 = datetime(2020, 1, 1, tzinfo=UTC)
LATE = datetime(2030, 1, 1, tzinfo=UTC)
SRC = Path(__file__).resolve().parents[2] / "src"


def batch(number: int, size: int = 20) -> list[Observation]:
    at = T0 + timedelta(days=number)
    return [
        Observation("cases", f"p{row}", at, at, float(row), "{case}", Provenance("s", "r" * 40, row))
        for row in range(size)
    ]


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_lake_faults import LATE, DeltaLake, batch
    lake = DeltaLake.open(Path(sys.argv[1]))
    number = lake.indicators().get("cases", 0) // 20
    print("open", flush=True)
    while True:
        lake.append(batch(number))
        print(number, flush=True)
        number += 1
        if number % 7 == 0:
            lake.compact(LATE)
    """
)


def test_after_kill_9_every_acknowledged_batch_is_there_whole_and_no_other(tmp_path: Path) -> None:
    choice = random.Random(7)
    acknowledged = -1
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            time.sleep(choice.uniform(0.02, 0.5))
            writer.send_signal(signal.SIGKILL)
            told = writer.stdout.read().split("\n")
        acknowledged = max([acknowledged, *(int(line) for line in told[:-1])])
        lake = DeltaLake.open(tmp_path)
        rows = lake.indicators().get("cases", 0)
        assert rows % 20 == 0, "a batch is there whole or not at all"
        assert rows // 20 in (acknowledged + 1, acknowledged + 2)
        known = lake.read("cases", known=LATE)
        assert len(known.at) == rows
        assert lake.digest(known) == lake.digest(lake.read_files("cases", known=LATE))
        acknowledged = rows // 20 - 1
        lake.close()
    assert acknowledged > 5


def test_leavings_of_a_killed_writer_are_never_read_and_are_swept(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path)
    lake.append(batch(0))
    table = tmp_path / "lake" / "observations"
    (table / "indicator=cases" / "year=2020" / "0000000002-0.parquet").write_bytes(b"PAR1 half")
    (table / "_delta_log" / ".00000000000000000002.json.draft").write_bytes(b'{"add"')
    again = DeltaLake.open(tmp_path)
    assert again.indicators() == {"cases": 20}
    again.append(batch(1))
    assert len(DeltaLake.open(tmp_path).read("cases", known=LATE).at) == 40


def test_data_is_flushed_before_the_commit_that_points_at_it(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from test_lake_faults import DeltaLake, batch\n"
        "DeltaLake.open(Path(sys.argv[1])).append(batch(0))\n"
    )
    trace = tmp_path / "trace"
    done = subprocess.run(
        [strace, "-f", "-y", "-o", str(trace), "-e", "trace=fsync,link,linkat", sys.executable, "-c", code,
         str(tmp_path / "w"), str(Path(__file__).parent)],
        check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SRC)},
    )  # fmt: skip
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("this machine does not let a process be traced")
    assert done.returncode == 0, done.stderr
    calls = trace.read_text()
    steps = [
        calls.find(found.group())
        for found in (
            re.search(r"fsync\(\d+<[^>]*0000000001-0\.parquet>", calls),
            re.search(r"fsync\(\d+<[^>]*00000000000000000001\.json\.draft>", calls),
            re.search(r"link(at)?\([^\n]*00000000000000000001\.json\"", calls),
        )
        if found
    ]
    assert len(steps) == 3 and steps == sorted(steps)
    assert re.search(r"fsync\(\d+<[^>]*_delta_log>", calls[steps[2] :])


def test_a_lake_held_by_another_process_says_so_and_loses_nothing(tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path, wait_s=0.05)
    lake.append(batch(0))
    with (tmp_path / "lake" / ".observations.lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable, match="another process is writing"):
            lake.append(batch(1))
        assert len(lake.read("cases", known=LATE).at) == 20
    assert lake.append(batch(1)).new == 20


def test_a_full_disk_stops_intake_with_a_plain_sentence_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here (needs root)")
    try:
        _fill(disk)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(disk: Path) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    lake = DeltaLake.open(disk)
    acknowledged = 0
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        for number in range(500):
            lake.append(batch(number, size=400))
            acknowledged += 400
    with pytest.raises(StoreUnavailable, match="the quarantine cannot be written"):
        lake.quarantine([_held(bytes(1_000_000))])
    assert acknowledged > 0
    assert lake.quarantined() == []
    for reader in (lake, DeltaLake.open(disk)):
        assert len(reader.read("cases", known=LATE).at) == acknowledged
    ballast.unlink()
    assert lake.quarantine([_held(b"x")]) == 1
    assert lake.append(batch(1000)).new == 20


def test_a_limit_on_file_size_reads_as_a_full_disk(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_lake_faults import LATE, DeltaLake, StoreUnavailable, batch
        lake = DeltaLake.open(Path(sys.argv[1]))
        lake.append(batch(0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            lake.append(batch(1))
        except StoreUnavailable as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert len(lake.read("cases", known=LATE).at) == 20
        assert lake.append(batch(1)).new == 20
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SRC)},
    )  # fmt: skip
    assert "the disk is full" in done.stdout


def _held(raw: bytes) -> Quarantined:
    return Quarantined("Q-1", "s", "r", None, T0, "unreadable", "not readable", raw)
