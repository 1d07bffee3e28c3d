"""Forks processes that deliver one message to many, to be killed: `delivery_process.py FOLDER COUNT URL ASKS`
(yes: the far end is asked what it has).

Prepares the workspace and says `ready`. Then for each line on standard input it forks a process that goes on
with the delivery, and says its number; the process ends with status 0 once every copy is handed over and
journalled, and this server says `ended PID STATUS`."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from anlan import flow
from anlan.app.clock import WallClock
from anlan.app.config import ChannelConfig, Config
from anlan.app.courier import Courier
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.model.assessment import Assessment
from anlan.model.pack import Pack
from anlan.model.warning import Contents, Recipient, Warning
from anlan.turn import Turn
from chain_pack import PLAN, both, chain_pack

WORDS = both("a word")


def crowd(count: int, url: str) -> Pack:
    """So many recipients on one webhook."""
    recipients = {
        f"r{n:05d}": Recipient(f"r{n:05d}", both(f"r{n:05d}"), "hook", url, ("x",), languages=("en",))
        for n in range(count)
    }
    plan = replace(PLAN, recipients=tuple(recipients), ladder=(), opens_at=1)
    return chain_pack(recipients=recipients, plans={"flood-plan": plan}, duties={})


def desk(folder: Path, pack: Pack) -> RunningDesk:
    options = {
        "key": {"file": str(folder / "hook.key")},
        "plain_http": True,
        "private_networks": True,
        "asks": sys.argv[4] == "yes",
    }
    config = Config(pack="chain", sender="a@b.invalid", channel=(ChannelConfig("hook", "webhook", options),))
    return RunningDesk(RunningHouse(folder, WallClock(), config, pack=pack))


def prepare(folder: Path, pack: Pack) -> None:
    """The message approved, nothing handed over."""
    (folder / "anlan.toml").write_text('pack = "chain"\nsender = "a@b.invalid"\n')
    (folder / "hook.key").write_text("a key of thirty-two characters...")
    made = desk(folder, pack)
    now = datetime.now(UTC)
    risk = Assessment(
        "R-1", "flood", "water", "x/a", WORDS, now, now, "automatic", "confirmed", "known", 2, 2, ()
    )
    contents = Contents(WORDS, now, WORDS, WORDS, WORDS, WORDS)
    message = Warning(
        "W-1", "R-1", "alert", "approved", "Actual", "Public", "flood", 2, ("x/a",), contents, WORDS, now,
        now + timedelta(days=1), "office", "act-2010#5", "ada", "ben", now, now, plan="flood-plan",
    )  # fmt: skip
    made.changed = lambda: None
    with made._turn():
        turn = Turn(made.house, made.clock.now())
        turn.put("assessment.opened", risk, risk.id)
        flow.publish(turn, replace(message, sent=turn.now), "ben")
        made._end(turn)
    made.close()


def go_on(folder: Path, pack: Pack) -> None:
    """As a restarted service does, until nothing is left to hand over."""
    running = desk(folder, pack)
    courier = Courier(running)
    running.changed = courier.look
    running.recover()
    courier.start()
    while running.state().to_send:
        time.sleep(0.005)
    courier.stop()
    courier.join(5)
    running.close()


def main() -> None:
    faulthandler.enable()
    folder, count, url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    (folder / "chain").mkdir(exist_ok=True)
    (folder / "chain" / "pack.toml").write_text("# made in the test\n")
    pack = replace(crowd(count, url), folders=(str(folder / "chain"),))
    # in a process of its own: the lake's threads do not survive a fork
    if os.fork() == 0:
        prepare(folder, pack)
        os._exit(0)
    assert os.wait()[1] == 0
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                go_on(folder, pack)
                os._exit(0)
            except BaseException as error:
                print(f"error {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(f"ended {child} {status}", flush=True)
    assert threading.active_count() == 1


if __name__ == "__main__":
    main()
