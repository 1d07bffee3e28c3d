"""A process to be killed while it delivers: `outbox_sender.py URL SENT BEFORE|DURING|AFTER|NEVER`.

Delivers one message by adding a line to the file SENT, and kills itself at the named moment: before the
channel is called, when the message is gone but nobody has written it down, after it is written down."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from anlan.store.outbox import SqlOutbox

NOW = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)


def main(url: str, sent: Path, moment: str) -> None:
    outbox = SqlOutbox(url)
    if any(attempt.outcome == "accepted" for attempt in outbox.history("dl-1")):
        return
    attempt = outbox.begin("dl-1", NOW)
    if moment == "BEFORE":
        os.kill(os.getpid(), signal.SIGKILL)
    with sent.open("a") as file:
        file.write(f"{attempt.number} {'repeat' if attempt.repeat else 'first'}\n")
    if moment == "DURING":
        os.kill(os.getpid(), signal.SIGKILL)
    outbox.finish(attempt, "accepted", "written", NOW)
    if moment == "AFTER":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
