"""The process that reads documents from strangers: `python -m anlan.formats.cap.worker_process`.

Answers on standard output what is asked on standard input, in frames (see `anlan.formats.cap.frames`). It
opens no file and no connection; its memory and the processor time of each message are bounded, and where a
parser takes it down, only it goes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from anlan.formats.cap.container import LIMITS, open_bytes
from anlan.formats.cap.frames import ITEM, LOOK, OVER, READY, Frame, get, put, trust_from
from anlan.formats.cap.look import Asked, Look, guarded
from anlan.formats.values import to_json

try:
    import resource
except ImportError:  # not on this system: then the bounds are those of time alone
    resource = None  # type: ignore[assignment]


def main() -> int:
    """Serves until its input ends."""
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    _warm()
    _bound(memory)
    put(sink, Frame(READY, b"", b""))
    while (frame := get(source)) is not None:
        _serve(frame, sink, seconds)
    return 0


def _warm() -> None:
    """Everything is loaded before memory is bounded and files are closed to it."""
    plain = (
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>w</identifier><sender>w</sender>'
        b"<sent>2026-01-01T00:00:00-00:00</sent><status>Test</status><msgType>Alert</msgType>"
        b"<scope>Public</scope><info><category>Met</category><event>w</event><urgency>Past</urgency>"
        b"<severity>Minor</severity><certainty>Likely</certainty><area><areaDesc>w</areaDesc>"
        b"<circle>1,1 1</circle></area></info></alert>"
    )
    for item in open_bytes(plain, "warm"):
        to_json(_bare(guarded(item, Asked(ground=True))))


def _bound(memory: int) -> None:
    if resource is None:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # no file may grow by a byte: what is read can be written nowhere but into the pipe
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    held = _address_space()
    if held:
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))


def _address_space() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return 0


def _more_time(seconds: int) -> None:
    if resource is not None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        used = int(usage.ru_utime + usage.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 1, resource.RLIM_INFINITY))


def _serve(frame: Frame, sink: BinaryIO, seconds: int) -> None:
    told: dict[str, Any] = json.loads(frame.head)
    asked = Asked(
        tuple(told["profiles"]),
        tuple(told["documents"]),
        trust_from(told["trust"]),
        datetime.fromisoformat(told["at"]) if told["at"] else None,
        told["at_sent"],
        told["skip"],
        told["ground"],
        tuple((scheme, path) for scheme, path in told["gazetteers"]),
    )
    _more_time(seconds)
    try:
        for number, item in enumerate(open_bytes(frame.body, told["file"], LIMITS, asked.documents)):
            if number < asked.skip:
                continue
            put(sink, Frame(ITEM, to_json(replace(item, raw=b"")), item.raw))
            _more_time(seconds)
            put(sink, Frame(LOOK, to_json(_bare(guarded(item, asked))), b""))
            _more_time(seconds)
    except MemoryError:
        put(sink, Frame(OVER, b"parser_memory", b""))
        return
    except Exception as error:
        put(sink, Frame(OVER, f"parser_failed {type(error).__name__}".encode(), b""))
        return
    put(sink, Frame(OVER, b"", b""))


def _bare(look: Look) -> Look:
    """Without the bytes of the message, which are with the other side already, and its findings twice."""
    alert = replace(look.alert, raw=b"", faults=()) if look.alert is not None else None
    return replace(look, item=replace(look.item, raw=b""), alert=alert)


if __name__ == "__main__":
    sys.exit(main())
