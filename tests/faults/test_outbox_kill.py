"""A delivery cut short by a kill is repeated at most once for each kill, and marked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anlan.store.outbox import SqlOutbox

SENDER = Path(__file__).with_name("outbox_sender.py")
SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.sqlite"
    name: Callable[[], str] = request.getfixturevalue("new_database")
    return str(request.getfixturevalue("cluster").url(name()))


@pytest.mark.parametrize(
    ("moments", "sent"),
    [
        (["NEVER"], ["1 first"]),
        (["BEFORE", "NEVER"], ["2 repeat"]),
        (["DURING", "NEVER"], ["1 first", "2 repeat"]),
        (["DURING", "BEFORE", "DURING", "NEVER"], ["1 first", "3 repeat", "4 repeat"]),
        (["AFTER", "NEVER"], ["1 first"]),
    ],
)
def test_a_message_goes_out_again_only_after_a_kill_and_marked(
    url: str, tmp_path: Path, moments: list[str], sent: list[str]
) -> None:
    record = tmp_path / "sent"
    for moment in moments:
        done = subprocess.run(
            [sys.executable, str(SENDER), url, str(record), moment],
            env=os.environ | {"PYTHONPATH": str(SOURCES)},
            check=False,
        )
        assert done.returncode == (0 if moment == "NEVER" else -signal.SIGKILL)
    assert record.read_text().splitlines() == sent
    outbox = SqlOutbox(url)
    assert outbox.unfinished() == ()
    assert outbox.history("dl-1")[-1].outcome == "accepted"
    outbox.close()
