"""A process to be killed: appends batches to the journal and says on its output what is durable.

`journal_writer.py URL ANCHOR|- NAME COUNT`: COUNT batches (0: for ever) of one to five rows. Each line of
output is `LAST_SEQ LAST_DIGEST`, written only after `append` has returned.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from anlan.model.entry import Draft, Marker
from anlan.store.journal import SqlJournal

AT = datetime(2024, 7, 1, 6, 0, tzinfo=UTC)


def main(url: str, anchor: str, name: str, batches: int) -> None:
    journal = SqlJournal(url, anchor=None if anchor == "-" else Path(anchor), wait=60)
    dice = random.Random(name)
    for number in range(batches) if batches else count():
        size = dice.randint(1, 5)
        subject = f"{name}-{number}"
        drafts = [
            Draft("marker.set", subject, name, "system", Marker(subject, "batch", f"{part}/{size}"))
            for part in range(1, size + 1)
        ]
        newest = journal.append(drafts, AT, (name, str(number)))[-1]
        print(newest.seq, newest.digest, flush=True)
    journal.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
