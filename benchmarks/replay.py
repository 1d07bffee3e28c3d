"""How fast recorded history is replayed: the demonstration's days a second, with every turn durable.

`replay.py [--small]`: the whole demonstration, or only the outbreak of autumn 2011. Real mail and webhook
peers on the loopback take the messages. The replay is run twice in two folders and must end with the same
head. There is no peer: no package known to us replays a decision chain; `sqlite` is the floor under it,
the same number of rows in the same number of durable transactions, and nothing decided.
"""

from __future__ import annotations

import json
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from anlan.app.demo import Demo, prepare


def ours(folder: Path, scenario: str) -> tuple[dict[str, float], str, int, float, int]:
    """Times, head, turns, days replayed, bytes journalled."""
    begun = time.perf_counter()
    demo: Demo = prepare(folder, "demo", scenario=scenario)
    prepared = time.perf_counter()
    try:
        demo.run()
        done = time.perf_counter()
        days = sum((w.end - w.start).total_seconds() for w in demo.scenario.windows) / 86_400
        rows, head = demo.house.journal.head()
        return (
            {"prepare_s": prepared - begun, "replay_s": done - prepared},
            head,
            demo.replay.turns,
            days,
            rows,
        )
    finally:
        demo.close()


def floor(folder: Path, rows: list[tuple[int, str]], turns: int) -> float:
    """The rows alone into SQLite, in as many durable transactions."""
    connection = sqlite3.connect(folder / "floor.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, body TEXT)")
    size = max(1, len(rows) // turns)
    begun = time.perf_counter()
    for first in range(0, len(rows), size):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO journal VALUES (?, ?)", rows[first : first + size])
        connection.execute("COMMIT")
    spent = time.perf_counter() - begun
    connection.close()
    return spent


def main(small: bool) -> None:
    scenario = "newport-short" if small else "demo"
    root = Path(tempfile.mkdtemp(prefix="replay-"))
    try:
        times, head, turns, days, rows = ours(root / "one", scenario)
        _, again, _, _, _ = ours(root / "two", scenario)
        source = sqlite3.connect(root / "one" / "journal.sqlite")
        written = source.execute("SELECT seq, body FROM journal ORDER BY seq").fetchall()
        source.close()
        beneath = floor(root, written, turns)
    finally:
        shutil.rmtree(root)
    print(
        f"{days / times['replay_s']:,.1f} days/s, {turns / times['replay_s']:,.1f} turns/s", file=sys.stderr
    )
    result = {
        "name": "replay",
        "work": f"{days:.0f} days of {scenario} in {turns} turns, {rows} journal rows",
        "ours": {
            **{name: round(value, 4) for name, value in times.items()},
            "day_s": round(times["replay_s"] / days, 6),
        },
        "peers": {"sqlite": {"replay_s": round(beneath, 4)}},
        "ratio": {"sqlite": round(beneath / times["replay_s"], 4)},
        "agree": head == again and len(written) == rows,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main("--small" in sys.argv[1:])
