"""A server that forks replays to be killed: `replay_process.py`, then one line of JSON for each run.

Each line names the workspace and where the peers listen. The pack and its record are read once, before
any fork, so that a restart costs what opening the stores costs. For every run it says, each on a line of
the standard output: `pid N`; `running` with the instant of the last whole turn when the replay begins or
goes on; `turn` with its instant after each turn; `done` at the end. After the line `reap` on its input:
`ended STATUS`."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from anlan.app.clock import VirtualClock
from anlan.app.config import ChannelConfig, Config
from anlan.app.house import RunningHouse
from anlan.app.replay import Replay
from anlan.app.scenario import Scenario, find_scenario
from anlan.assess.detect.farrington_flexible import farrington_flexible
from anlan.assess.detect.panel import Panel
from anlan.assess.detect.registry import specs
from anlan.assess.surveys.registry import described
from anlan.channels.registry import modules
from anlan.model.pack import Pack
from anlan.model.time import format_instant
from anlan.packs.load import load_pack
from anlan.packs.paths import pack_path
from anlan.ports.source import Batch
from anlan.turn import CURSOR
from anlan.warn.ground import grounds

SCENARIO = "newport-short"
KEY = "0123456789abcdef0123456789abcdef"


class Recorded(Replay):
    """A replay whose record has been read before."""

    def __init__(self, house: RunningHouse, scenario: Scenario, record: dict[str, tuple[Batch, ...]]) -> None:
        super().__init__(house, scenario)
        self.record = record

    def _recorded(self, source: str) -> Iterator[Batch]:
        yield from self.record[source]


def prepared() -> tuple[Pack, Scenario, dict[str, tuple[Batch, ...]]]:
    """Pack, scenario and record. One of the two mail recipients is told by webhook instead."""
    pack = load_pack("demo", pack_path())
    oncall = replace(pack.recipients["health.oncall"], channel="webhook", address="on-call")
    pack = replace(pack, recipients={**pack.recipients, "health.oncall": oncall})
    scenario = find_scenario(pack, SCENARIO)
    grounds(pack)
    specs()
    modules()
    described()
    from anlan.sources.registry import build

    record = {
        source: tuple(build(pack.sources[source]).history(pack))
        for window in scenario.windows
        for source in window.sources
    }
    # the detector is compiled when first called; once, not in every fork
    farrington_flexible(Panel(np.full((1, 400), 2.0), 52), np.array([399]), short_history="unknown")
    return pack, scenario, record


def config(run: dict[str, Any]) -> Config:
    """The channels of the plan: mail and webhook to the peers, the feed into the workspace. A copy goes as
    often as kills cut it short, so that a killed replay can end as one that was not."""
    mail = {"host": "127.0.0.1", "port": run["mail"], "security": "none", "sender": "kill@anlan.invalid"}
    hook = {"key": {"file": run["key"]}, "plain_http": True, "private_networks": True}
    mail["repeats"] = hook["repeats"] = 100
    return Config(
        pack="demo",
        sender="kill@anlan.invalid",
        mode="replay",
        channel=(
            ChannelConfig(
                "feed", "cap_feed", {"folder": "feed", "feed_id": "urn:kill:feed", "public": False}
            ),
            ChannelConfig("mail", "smtp", mail),
            ChannelConfig("webhook", "webhook", hook),
        ),
        addresses={"health.oncall": f"{run['web']}on-call"},
    )


def say(line: str) -> None:
    """One write, so that lines of parent and child never mix, and a kill leaves a whole line or none."""
    os.write(1, f"{line}\n".encode())


def replayed(
    run: dict[str, Any], pack: Pack, scenario: Scenario, record: dict[str, tuple[Batch, ...]]
) -> None:
    workspace = Path(run["workspace"])
    clock = VirtualClock(scenario.windows[0].start)
    house = RunningHouse(workspace, clock, config(run), pack=pack)
    newest = house.journal.latest()
    if newest is not None:
        house.clock = VirtualClock(newest)
    replay = Recorded(house, scenario, record)
    say(f"running {house.journal.cursor(CURSOR) or ''}")
    replay.run(lambda progress: say(f"turn {format_instant(progress.now)}"))
    say("done")
    house.close()


def main() -> None:
    pack, scenario, record = prepared()
    say("ready")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            # what a terminal or the test sends to the group is not for the replay
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            code = 1
            try:
                replayed(json.loads(line), pack, scenario, record)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        say(f"pid {pid}")
        sys.stdin.readline()
        say(f"ended {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}")


if __name__ == "__main__":
    main()
