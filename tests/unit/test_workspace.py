"""A workspace is made once, and one process at a time writes in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anlan.app.config import read_config
from anlan.app.workspace import Lease, init
from anlan.model.errors import NotFound, StoreUnavailable, WrongState

HOLDER = """
import sys
from pathlib import Path
from anlan.app.workspace import Lease
Lease(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_new_workspace_reads_back_as_it_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" 名 folder'
    init(folder, 'C:\\packs\\"odd"/x', mode="exercise", language="zh", port=0, sender="a@b")
    config = read_config(folder)
    assert config.pack.endswith('C:\\packs\\"odd"/x')
    assert (config.mode, config.language, config.port, config.sender) == ("exercise", "zh", 0, "a@b")
    # exercise messages must not pass a public channel, so these are none
    assert [channel.options["public"] for channel in config.channel] == [False, False]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = init(tmp_path / "w", "demo")
    before = path.read_text()
    with pytest.raises(WrongState, match="there is a workspace already"):
        init(tmp_path / "w", "cn")
    assert path.read_text() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="choose another folder"):
        init(tmp_path / "file" / "w", "demo")


def test_one_process_at_a_time_writes_and_a_kill_gives_the_right_back(tmp_path: Path) -> None:
    init(tmp_path / "w", "demo")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "w")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(WrongState, match=f"found process {holder.pid}; stop it first"):
        Lease(tmp_path / "w")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    lease = Lease(tmp_path / "w")
    with pytest.raises(WrongState):
        Lease(tmp_path / "w")
    lease.release()
    lease.release()
    Lease(tmp_path / "w").release()
    with pytest.raises(NotFound):
        Lease(tmp_path)
