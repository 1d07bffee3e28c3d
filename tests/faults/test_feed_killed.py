"""A process killed in the middle of publishing leaves whole files, and goes on where it was."""

from __future__ import annotations

import random
import time
from pathlib import Path

from anlan.formats import cap
from prepared import Command

PROCESS = Path(__file__).with_name("feed_process.py")


def publish(folder: Path) -> Command:
    return Command([str(folder)], PROCESS)


def test_killed_at_any_moment_the_feed_is_whole_and_the_next_run_completes_it(tmp_path: Path) -> None:
    roll = random.Random(7)
    for _ in range(6):
        with publish(tmp_path) as process:
            process.stdout.readline()
            time.sleep(roll.random() * 0.25)
            process.kill()
        for path in tmp_path.glob("*.cap.xml"):
            assert not any(fault.bars for fault in cap.check(path.read_bytes()))
        feed = tmp_path / "feed.atom"
        if feed.exists():
            linked = {entry.links[0] for entry in cap.read_index(feed.read_bytes())}
            assert linked <= {path.name for path in tmp_path.glob("*.cap.xml")}
    with publish(tmp_path) as process:
        process.communicate()
    assert process.returncode == 0
    assert len(cap.read_index((tmp_path / "feed.atom").read_bytes())) == 60
