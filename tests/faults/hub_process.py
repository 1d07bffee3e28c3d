"""A desk that hears a feed of CAP messages again and again; killed by its test. Arguments: its folder."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from anlan import flow
from anlan.formats.cap import read
from anlan.ports.source import Batch
from anlan.sources.cap.policy import Policy
from anlan.sources.cap.received import Receiver
from chain_pack import DAY, T0, Room, both, chain_pack

MESSAGES = 40


def feed(number: int) -> bytes:
    """The number-th message: every third is an update of the one before, every seventh a cancel of it."""
    kind = "Cancel" if number % 7 == 6 else "Update" if number % 3 == 2 else "Alert"
    follows = f"<references>met@x.invalid,m-{number - 1},2020-06-01T00:00:00-00:00</references>"
    info = (
        "<info><category>Met</category><event>Storm</event><urgency>Expected</urgency>"
        "<severity>Severe</severity><certainty>Likely</certainty>"
        "<expires>2020-06-20T00:00:00-00:00</expires><area><areaDesc>Alpha</areaDesc></area></info>"
    )
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>m-{number}</identifier><sender>met@x.invalid</sender>"
        f"<sent>2020-06-01T00:{number:02}:00-00:00</sent><status>Actual</status><msgType>{kind}</msgType>"
        f"<scope>Public</scope>{follows if kind != 'Alert' else ''}{info}</alert>"
    ).encode()


def main(folder: Path) -> None:
    from anlan.model.indicator import SourceDef
    from anlan.model.state import fold

    pack = chain_pack()
    options: dict[str, Any] = {"area_map": {"Alpha": "x/a"}}
    definition = SourceDef("met", both("met"), "cap", "", both("met"), DAY, DAY, options=options)
    pack.sources["met"] = definition
    room = Room(folder, pack)
    room.state = fold(room.journal.read())
    # the clock goes on where it was
    began = max((entry.at for entry in room.journal.read()), default=T0) + timedelta(hours=2)
    receiver = Receiver(definition)
    print("ready", flush=True)
    for number in range(MESSAGES):
        now = began + timedelta(seconds=number)
        received = receiver.receive(read(feed(number)), now, f"feed:{number}", pack, Policy())
        house: Any = room
        flow.end(flow.begin(house, now, [Batch("met", now, relayed=(received,))]))
    room.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
