"""A process killed in the middle of publishing leaves whole files, and goes on where it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from anlan.formats import cap

PUBLISH = """
import sys
from datetime import UTC, datetime
from anlan.channels import registry
from anlan.testing.check_channel import sample_parcel

class Clock:
    def now(self):
        return datetime(2030, 1, 2, 4, tzinfo=UTC)

channel = registry.build("cap_feed", {"folder": sys.argv[1], "feed_id": "https://a.invalid/f"}, Clock())
print("ready", flush=True)
for number in range(60):
    receipt = channel.deliver(sample_parcel("", number=number))
    assert receipt.accepted, receipt
"""


def publish(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PUBLISH, str(folder)], stdout=subprocess.PIPE, text=True)


def test_killed_at_any_moment_the_feed_is_whole_and_the_next_run_completes_it(tmp_path: Path) -> None:
    roll = random.Random(7)
    for _ in range(6):
        with publish(tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(roll.random() * 0.25)
            os.kill(process.pid, signal.SIGKILL)
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
