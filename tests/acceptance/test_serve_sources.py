"""A live desk and its peers: feeds it polls, a broker it listens to; what fails, ends, and comes back."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from served import Person, Service, hour, pack, quick_workspace, wait

POLLED = """
[[source]]
id = "quakes"
title = {{ en = "earthquakes", zh = "地震" }}
kind = "usgs"
licence = "CC0-1.0"
attribution = {{ en = "Seismic office", zh = "地震局" }}
stale_after = "PT1H"
dead_after = "P1D"
poll = "PT1S"
indicators = ["magnitude"]
options = {{ url = "{url}/quakes.geojson", indicator = "magnitude", outside = "x" }}

[[source]]
id = "tides"
title = {{ en = "tide gauges", zh = "潮位站" }}
kind = "table"
licence = "CC0-1.0"
attribution = {{ en = "Tide office", zh = "潮汐局" }}
stale_after = "PT6S"
dead_after = "PT9S"
poll = "PT1S"
indicators = ["surge"]

[source.options]
url = "{url}/tides.csv"
format = "csv"
place = "place"
at = "at"
value = "metres"
indicator = "surge"
"""
HEARD = """
[[source]]
id = "buoys"
title = {{ en = "buoys", zh = "浮标" }}
kind = "mqtt"
licence = "CC0-1.0"
attribution = {{ en = "Sea office", zh = "海洋局" }}
stale_after = "PT1H"
dead_after = "P1D"
indicators = ["surge"]

[source.options]
host = "127.0.0.1"
port = {port}
subscribe = ["sea/#"]

[[source.options.topics]]
filter = "sea/+/surge"
indicator = "surge"
place = "2"
place_prefix = "x/"
value = "metres"
at = "at"
"""


class Peer(ThreadingHTTPServer):
    """Serves two files with ETag; counts its answers by path and status; fails when told to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        self.failing = False
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Peer

    def do_GET(self) -> None:
        body = self.server.files[self.path]
        tag = f'"{hash(body)}"'
        status = 200
        if self.server.failing:
            status, body = 500, b""
        elif self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.server.answers[(self.path, status)] += 1
        self.send_response(status)
        if status == 200:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the counter is the record."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.shutdown()
    running.server_close()


def quake(id: str, magnitude: float) -> dict[str, Any]:
    ago = int(time.time() * 1000) - 60_000
    properties = {"mag": magnitude, "time": ago, "updated": ago, "ids": f",{id},", "type": "earthquake"}
    place = {"type": "Point", "coordinates": [103.4, 31.0, 19.0]}
    return {"type": "Feature", "id": id, "properties": {**properties, "title": id}, "geometry": place}


def feed(*quakes: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": quakes}).encode()


def source(person: Person, id: str) -> dict[str, Any]:
    return next(found for found in person.get("/v1/sources") if found["id"] == id)


@pytest.mark.slow
def test_a_polled_peer_that_fails_goes_late_and_dead_and_comes_back(tmp_path: Path, peer: Peer) -> None:
    first = quake("us1", 4.6)
    peer.files["/quakes.geojson"] = feed(first)
    peer.files["/tides.csv"] = f"place,at,metres\nx/a,{hour(1)},2.0\nx/a,{hour()},4.5\n".encode()
    home, _ = quick_workspace(tmp_path, pack(POLLED.format(url=peer.url)))
    with Service(home) as service:
        ada = Person(service.url, "ada")
        (risk,) = wait(lambda: ada.get("/v1/risks"), why=service.log.read_text())
        assert (risk["level"], risk["state"]) == (2, "known")
        # asked again and again, sent once
        wait(lambda: peer.answers[("/quakes.geojson", 304)] >= 2 and peer.answers[("/tides.csv", 304)] >= 2)
        assert peer.answers[("/quakes.geojson", 200)] == peer.answers[("/tides.csv", 200)] == 1
        peer.files["/quakes.geojson"] = feed(first, quake("us2", 3.1))
        wait(lambda: source(ada, "quakes")["accepted"] == 2)

        peer.failing = True
        seen: list[str] = []

        def dead() -> bool:
            status = source(ada, "tides")["status"]
            if not seen or seen[-1] != status:
                seen.append(status)
            return status == "dead"

        wait(dead, 30, why=f"{seen} {service.log.read_text()}")
        assert seen == ["fresh", "failing", "late", "dead"]
        # a silent source never lowers a level: it makes it unknown
        (risk,) = ada.get("/v1/risks")
        assert (risk["level"], risk["state"]) == (2, "unknown")
        refusals = peer.answers[("/tides.csv", 500)]
        # more and more seldom, down to once in a quarter of the silence that makes it late, less a quarter
        assert refusals <= 9 / (6 / 4 * 3 / 4) + 1, "it asks a peer that fails as often as one that answers"

        peer.failing = False
        wait(lambda: source(ada, "tides")["status"] == "fresh", 30)
        (risk,) = ada.get("/v1/risks")
        assert (risk["level"], risk["state"]) == (2, "known")
        assert service.stop() == 0

    # read anew after a restart, nothing is taken in twice
    with Service(home) as service:
        ada = Person(service.url, "ada")
        before = peer.answers[("/quakes.geojson", 304)]
        wait(lambda: peer.answers[("/quakes.geojson", 304)] > before)
        assert source(ada, "quakes")["accepted"] == 2
        assert source(ada, "tides")["accepted"] == 2


class Broker:
    """A real mosquitto on a port of its own; sessions are kept in a file."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
        if binary is None:
            pytest.skip("no mosquitto on this machine")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._command = [binary, "-c", str(folder / "mosquitto.conf")]
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {folder}/\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def publish(self, value: float, back: int = 0) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        payload = json.dumps({"metres": value, "at": hour(back)})
        client.publish("sea/a/surge", payload, qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.stop()


@pytest.mark.slow
def test_messages_of_a_broker_survive_every_absence(tmp_path: Path, broker: Broker) -> None:
    home, _ = quick_workspace(tmp_path, pack(HEARD.format(port=broker.port)))
    service = Service(home).start()
    ada = Person(service.url, "ada")

    def accepted(count: int) -> None:
        wait(lambda: source(ada, "buoys")["accepted"] == count, 40, why=service.log.read_text())

    try:
        # the broker is not there yet; the desk waits for it
        wait(lambda: "cannot be reached" in service.log.read_text())
        broker.start()
        wait(lambda: "buoys: subscribed" in service.log.read_text(), 30)
        broker.publish(1.0, back=5)
        accepted(1)

        # published while nobody runs
        service.kill()
        broker.publish(1.5, back=4)
        broker.publish(2.0, back=3)
        service.start()
        ada = Person(service.url, "ada")
        accepted(3)

        # taken in only when it is durable: killed while the journal is locked, it comes again
        other = sqlite3.connect(home / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        broker.publish(4.5)
        time.sleep(1.5)
        service.kill()
        other.execute("ROLLBACK")
        other.close()
        service.start()
        ada = Person(service.url, "ada")
        (risk,) = wait(lambda: ada.get("/v1/risks"), 40)
        assert (risk["level"], risk["state"]) == (2, "known")

        # the broker goes and comes back
        broker.stop()
        broker.start()
        before = source(ada, "buoys")["accepted"]
        numbers = iter(range(6, 200))

        def again() -> bool:
            broker.publish(1.1, back=next(numbers))
            time.sleep(0.5)
            return source(ada, "buoys")["accepted"] > before

        wait(again, 40)
        assert service.stop() == 0
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill()
