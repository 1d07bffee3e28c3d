"""A full disk and a locked database: intake says so, nothing acknowledged is lost, and it recovers."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from anlan.app.house import RESERVE
from anlan.store.journal import SqlJournal
from anlan.store.lake import DeltaLake
from served import Person, Service, pack, quick_workspace, stage, wait

MIB = 1024 * 1024
HASTY = Path(__file__).with_name("hasty_process.py")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    size = f"size={RESERVE // MIB + 32}m"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no small disk here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """A file that leaves only so many bytes."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        while (free := shutil.disk_usage(folder).free) > leave:
            try:
                file.write(b"\0" * min(MIB, free - leave))
                file.flush()
            except OSError:
                break
    return filler


def told(answer: Any) -> str:
    """The sentence of a refusal of intake."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:anlan:problem:store"
    return str(problem["detail"])


def in_lake(home: Path) -> dict[str, float]:
    lake = DeltaLake.open(home)
    slice = lake.read("stage", known=datetime.now(UTC))
    lake.close()
    return {f"{at}Z": value for at, value in zip(slice.at.astype("datetime64[s]"), slice.value, strict=True)}


def test_a_disk_that_fills_up_stops_intake_before_it_is_full_and_recovers(small_disk: Path) -> None:
    home, secret = quick_workspace(small_disk, pack())
    with Service(home) as service:
        kept = [stage(1.0 + n / 10, back=n) for n in range(3)]
        for item in kept[:1]:
            assert service.push(secret, [item]).status_code == 202
        ada = Person(service.url, "ada")
        filler = fill(small_disk, RESERVE - MIB)
        said = told(service.push(secret, [kept[1]]))
        assert "the disk is nearly full" in said and str(home) in said and "free some space" in said
        # people still decide: the reserve is theirs
        ada.act("handover", "", to="ben", note="the disk fills up")
        filler.unlink()
        assert service.push(secret, [kept[1]]).json()["accepted"] == 1

        # not even the reserve is left
        filler = fill(small_disk, 0)
        told(service.push(secret, [kept[2]]))
        refused = ada.do("handover", "", to="ben", note="full")
        assert refused.status_code in (303, 503), refused.text
        assert httpx2.get(f"{service.url}/v1/health").status_code == 200
        filler.unlink()
        ada.act("handover", "", to="ben", note="room again")
        assert service.push(secret, [kept[2]]).json()["accepted"] == 1
        assert service.stop() == 0
    held = in_lake(home)
    assert all(held[item["at"]] == item["value"] for item in kept)
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    assert journal.verify() > 0
    journal.close()


@pytest.mark.slow
def test_a_journal_that_another_process_locks_stops_intake_and_recovers(tmp_path: Path) -> None:
    home, secret = quick_workspace(tmp_path, pack())
    high = stage(4.5)  # once: the hour may end meanwhile
    with Service(home, program=HASTY) as service:
        ada = Person(service.url, "ada")
        assert service.push(secret, [stage(1.0, back=1)]).status_code == 202
        before = ada.get("/v1/health")["entries"]
        other = sqlite3.connect(home / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        try:
            said = told(service.push(secret, [high]))
            assert "locked by another process" in said and "journal.sqlite" in said
            assert ada.get("/v1/health")["entries"] == before
            assert ada.get("/v1/risks") == []
        finally:
            other.execute("ROLLBACK")
            other.close()
        # what had reached the lake is looked at even if nobody sends it again
        wait(lambda: ada.get("/v1/risks"), 25, why=service.log.read_text())
        again = service.push(secret, [high])
        assert again.json() == {"accepted": 0, "repeated": 1, "quarantined": []}
        assert len(ada.get("/v1/risks")) == 1
        assert service.stop() == 0
    journal = SqlJournal(f"sqlite:///{home / 'journal.sqlite'}")
    assert journal.verify() > before
    journal.close()
