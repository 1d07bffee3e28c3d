"""The board as it was known at an earlier instant, out of a long journal: the answer, and how fast.

`as_known.py [--small]`: a journal on disk of 1,000,000 entries (--small: 100,000), one a second. Every
fiftieth is about one of our messages (drafted, submitted, approved and superseded, four entries each), every
twentieth a received one, the rest are heartbeats of twenty sources. The board is asked for at a tenth, half
and nine tenths of the time.

ours: `<part>_s` the state as known then, read by what has changed since; `<part>_page_s` with the board made
of it. peer `fold`: the same state by folding the journal from its first entry, which is also what ours is
compared with. Processor time, the least of three runs.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from duty import NOW, SECOND, Clock, both, county, nation, relayed

from anlan.app.board import SHOWN, looked_up
from anlan.app.config import Config
from anlan.app.desk import RunningDesk
from anlan.app.house import RunningHouse
from anlan.model.entry import Draft
from anlan.model.sourcestate import SourceState
from anlan.model.state import State
from anlan.model.warning import Contents, Warning
from anlan.store.journal import SqlJournal
from anlan.warn.board_filter import asked

PARTS = {"tenth": 0.1, "half": 0.5, "late": 0.9}
STATUSES = ("draft", "submitted", "approved", "superseded")
BULK = 5_000
RUNS = 3


def draft_of(n: int, at: datetime) -> Draft:
    """The entry number `n`."""
    if n % 50 == 0:
        number, step = divmod(n // 50, len(STATUSES))
        words = Contents(both("c"), at, both("a"), both("m"), both("d"), both("i"))
        status = STATUSES[step]
        sent = at if step >= 2 else None
        one = Warning(
            f"W-{number}", f"R-{number}", "alert", status, "Actual", "Public", "gale", number % 4 + 1,
            (county(number),), words, both(f"Warning {number}"), at, NOW + timedelta(days=1), "office", "",
            "duty", "approver" if sent else "", at, sent,
        )  # fmt: skip
        return Draft(f"warning.{status}", one.id, one.risk, "duty", one)
    if n % 20 == 1:
        message = replace(relayed(n // 20), known=at)
        return Draft("relayed.received", message.id, "", "system", message)
    source = f"feed-{n % 20}"
    return Draft("source.fresh", source, "", "system", SourceState(source, "fresh", at, at, n, 0))


def fill(folder: Path, count: int) -> None:
    """The journal on disk, one entry a second until NOW."""
    journal = SqlJournal(f"sqlite:///{folder / 'journal.sqlite'}")
    for first in range(0, count, BULK):
        # one append is one instant: the entries of a part share its first
        at = NOW - (count - first) * SECOND
        journal.append([draft_of(n, at) for n in range(first, min(count, first + BULK))], at)
    journal.close()


def folded(desk: RunningDesk, known: datetime) -> State:
    """The plain twin: the journal from its first entry."""
    state = State()
    for entry in desk.house.journal.read():
        if entry.at > known:
            break
        state.apply(entry)
    return state


def least(work: Callable[[], Any], runs: int = RUNS) -> tuple[float, Any]:
    spent, answer = [], None
    for _ in range(runs):
        began = time.process_time()
        answer = work()
        spent.append(time.process_time() - began)
    return min(spent), answer


def main() -> None:
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    count = 100_000 if parser.parse_args().small else 1_000_000
    folder = Path(tempfile.mkdtemp(prefix="anlan-known-"))
    ours: dict[str, float] = {}
    peer: dict[str, float] = {}
    agree = True
    try:
        fill(folder, count)
        house = RunningHouse(folder, Clock(), Config("bench", "bench@x.invalid"), pack=nation())
        desk = RunningDesk(house)
        print(f"{desk.state().head} entries, {len(desk.state().relayed)} received", flush=True)
        for name, part in PARTS.items():
            known = NOW - (1 - part) * count * SECOND
            ours[f"{name}_s"], then = least(lambda at=known: desk.as_known(at, SHOWN))  # type: ignore[misc]
            want = asked(NOW, known=known.isoformat())
            ours[f"{name}_page_s"], _ = least(lambda want=want: looked_up(desk, want, {}))  # type: ignore[misc]
            peer[f"{name}_s"], plain = least(lambda at=known: folded(desk, at), 1)  # type: ignore[misc]
            same = all(list(getattr(then, t).items()) == list(getattr(plain, t).items()) for t in SHOWN)
            agree = agree and same and then.head == plain.head
            print(f"{name:6} {ours[f'{name}_s']:.3f} s, folded {peer[f'{name}_s']:.3f} s", flush=True)
        desk.close()
    finally:
        shutil.rmtree(folder)
    print(
        json.dumps(
            {
                "name": "as_known",
                "work": f"{count} entries, the board at a tenth, half and nine tenths of them",
                "ours": {name: round(value, 4) for name, value in ours.items()},
                "peers": {"fold": {name: round(value, 4) for name, value in peer.items()}},
                "ratio": {"fold": round(max(peer.values()) / max(ours[f"{n}_s"] for n in PARTS), 1)},
                "agree": agree,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
