"""A real MQTT broker (mosquitto) that can be stopped and started again on the same port."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as free:
        return int(free.getsockname()[1])


def wait(what: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.02)


class Broker:
    """`settings` are further lines of its configuration; a skip where there is no mosquitto."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true") -> None:
        binary = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
        if binary is None:
            pytest.skip("no mosquitto on this machine")
        self.binary, self.port = binary, free_port()
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} {LOOPBACK}\n{settings}\npersistence false\n"
            # started by root it would give its rights up, and then not read what lies in the test's folder
            f"user {getpass.getuser()}\n"
        )
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = subprocess.Popen(
            [self.binary, "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait(self._listens)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """At once, as a crash would."""
        if self._running is not None:
            self._running.kill()
            self._running.wait(10)
            self._running = None

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex((LOOPBACK, self.port)) == 0


class Reader:
    """Somebody who subscribes to everything and writes down (topic, payload, user properties)."""

    def __init__(self, port: int, filter: str = "#") -> None:
        self.came: list[tuple[str, bytes, dict[str, str]]] = []
        self._ready = False
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._take
        self.client.on_connect = lambda client, *_: client.subscribe(filter, qos=1)
        self.client.on_subscribe = lambda *_: setattr(self, "_ready", True)
        self.client.connect(LOOPBACK, port)
        self.client.loop_start()
        wait(lambda: self._ready)

    def _take(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        marks = dict(getattr(message.properties, "UserProperty", []))
        self.came.append((message.topic, bytes(message.payload), marks))

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
