"""A live desk that takes in the warnings of others: its reading process is killed, forged messages come,
and the desk goes on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from anlan.formats.cap.signing import sign
from served import INDICATORS, Person, Service, anlan, pack, quick_workspace, wait
from signers import signer

SOURCE = """
[[source]]
id = "neighbour"
title = {{ en = "neighbour", zh = "邻区" }}
kind = "cap"
licence = "CC0-1.0"
attribution = {{ en = "Neighbour's office", zh = "邻区气象局" }}
stale_after = "PT1H"
dead_after = "P1D"
poll = "PT1S"
indicators = ["official_warnings"]
options = {{ url = "{url}/feed.xml", geocode_prefix = {{ code = "x/" }}, trust = "data/trust.toml" }}
"""
INDICATOR = """
[[indicator]]
id = "official_warnings"
title = { en = "warnings of others", zh = "他方预警" }
domain = "water"
unit = "1"
kind = "event"
direction = "up"
basis = "gauge handbook"
"""
MET = signer("met.neighbour.invalid")


def message(number: int, *, back: int = 5, severity: str = "Severe") -> bytes:
    sent = (datetime.now(UTC) - timedelta(minutes=back)).replace(microsecond=0)
    until = (sent + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S-00:00")
    raw = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>n{number}</identifier><sender>met@neighbour.invalid</sender>"
        f"<sent>{sent:%Y-%m-%dT%H:%M:%S}-00:00</sent><status>Actual</status><msgType>Alert</msgType>"
        "<scope>Public</scope><info><category>Met</category><event>Rain</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty><expires>{until}</expires>"
        "<area><areaDesc>A</areaDesc><geocode><valueName>code</valueName><value>a</value></geocode></area>"
        "</info></alert>"
    )
    return sign(raw.encode(), MET.signing())


class Feed(ThreadingHTTPServer):
    """Serves one document, whatever is asked for."""

    body = b"<alerts/>"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        Thread(target=self.serve_forever, daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    server: Feed

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def feed() -> Iterator[Feed]:
    running = Feed()
    yield running
    running.shutdown()
    running.server_close()


def readers(parent: int) -> list[int]:
    """The reading processes of a service."""
    found = []
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            ours = f"PPid:\t{parent}\n" in path.read_text()
            if ours and b"worker_process" in (path.parent / "cmdline").read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def alive(pid: int) -> bool:
    """Running, and not only waiting to be counted off."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.slow
def test_the_desk_goes_on_when_its_reader_is_killed_and_holds_what_is_forged(
    tmp_path: Path, feed: Feed
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc on this system")
    url = f"http://127.0.0.1:{feed.server_address[1]}"
    files = pack(SOURCE.format(url=url))
    files["domains/water/indicators.toml"] = INDICATORS + INDICATOR
    files["domains/water/rules.toml"] = files["domains/water/rules.toml"].replace(
        'indicator = "magnitude"', 'indicator = "official_warnings"'
    )
    files["data/trust.toml"] = '[[anchor]]\nsender = "met@neighbour.invalid"\ncertificate = "met.pem"\n'
    files["data/met.pem"] = MET.pem.decode()
    home, _ = quick_workspace(tmp_path, files)

    def body(*messages: bytes) -> None:
        feed.body = b"<alerts>" + b"".join(messages) + b"</alerts>"

    one, two, three = message(1), message(2, back=4), message(3, back=3)
    body(one)
    with Service(home) as service:
        ada = Person(service.url, "ada")
        assert service.process is not None

        def state() -> dict[str, Any]:
            return next(found for found in ada.get("/v1/sources") if found["id"] == "neighbour")

        wait(lambda: state()["accepted"] == 1, 30, why=service.log.read_text())
        for number, known in ((2, (one, two)), (3, (one, two, three))):
            (reader,) = wait(lambda: readers(service.process.pid))  # type: ignore[union-attr]
            os.kill(reader, signal.SIGKILL)
            body(*known)
            wait(lambda n=number: state()["accepted"] == n, 30, why=service.log.read_text())
        forged = message(4, back=2).replace(b"Severe", b"Extreme")
        unsigned = message(5, back=2)
        unsigned = unsigned[: unsigned.index(b"<ds:Signature")] + b"</alert>"
        body(one, two, three, forged, unsigned)
        wait(lambda: state()["quarantined"] == 2, 30, why=service.log.read_text())
        feed.body = b'<!DOCTYPE a [<!ENTITY e "x">]><alert>&e;</alert>'
        wait(lambda: state()["quarantined"] == 3, 30, why=service.log.read_text())
        assert state()["accepted"] == 3
        pids = readers(service.process.pid)
        assert service.stop() == 0
    wait(lambda: not any(alive(pid) for pid in pids), 10, why="the reader outlives its service")
    listed = json.loads(anlan("quarantine", "list", "--workspace", str(home), "--json").stdout)
    assert sorted(item["code"] for item in listed) == [
        "hostile",
        "sender_not_authenticated",
        "signature_broken",
    ]
