"""MQTT against a real broker: topics into observations, at least once, nothing acknowledged too early."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from anlan.model.errors import InvalidValue, StoreUnavailable
from anlan.ports.source import Batch
from anlan.sources import registry
from anlan.sources.mqtt.client import MqttSubscription
from anlan.sources.mqtt.source import MqttSource, matches
from anlan.sources.poll import SourceUnreachable
from anlan.store.lake import DeltaLake
from anlan.testing.drill_pack import drill_pack, drill_source

NOW = datetime(2017, 9, 14, 6, tzinfo=UTC)
RAIN = {"filter": "gauges/+/rain", "indicator": "rain", "place": "2", "place_prefix": "xx/", "unit": "cm"}
GOOD = {"indicator": "rain", "place": "xx/1", "at": "2017-09-14T02:00:00Z", "value": 12.5, "unit": "mm"}


class Still:
    def now(self) -> datetime:
        return NOW


def source(**options: Any) -> MqttSource:
    definition = drill_source("mqtt", host="127.0.0.1", subscribe=["gauges/#"], topics=[RAIN], **options)
    built = registry.build(definition)
    assert isinstance(built, MqttSource)
    return built


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    binary = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if binary is None:
        pytest.skip("no mosquitto on this machine")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    running = subprocess.Popen(
        [binary, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait(lambda: listens(port))
        yield port
    finally:
        running.terminate()
        running.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait(what: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing came in time"
        time.sleep(0.02)


def publish(port: int, *messages: tuple[str, bytes]) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_a_topic_mapping_reads_bare_numbers_and_objects() -> None:
    topics = [RAIN, {**RAIN, "filter": "json/+/#", "value": "mm", "at": "t", "unit": "mm"}]
    built = MqttSource(drill_source("mqtt", host="h", subscribe=["#"], topics=topics), None)  # type: ignore[arg-type]
    (bare,) = built.parse(b"1.5", "mqtt:gauges/1/rain", NOW, drill_pack()).observations
    assert (bare.place, bare.at, bare.value, bare.unit) == ("xx/1", NOW, 15.0, "mm")
    body = json.dumps({"mm": None, "t": "2017-09-14T02:00:00Z"}).encode()
    (given,) = built.parse(body, "mqtt:json/1/x/y", NOW, drill_pack()).observations
    assert given.value is None and given.at.hour == 2
    for raw in (
        b"wet",
        b'{"mm": "1", "t": "x"}',
        b'{"t": 1}',
        b'{"mm": 1, "t": "9999-12-31T23:59:59-14:00"}',
    ):
        (held,) = built.parse(raw, "mqtt:json/1/x", NOW, drill_pack()).quarantined
        assert held.raw == raw and "mqtt:json/1/x" in held.sentence
    (held,) = built.parse(b"1", "mqtt:gauges/9/rain", NOW, drill_pack()).quarantined
    assert held.code == "unknown_place"


def test_filters_match_as_the_standard_says() -> None:
    assert (
        matches("a/+/c", "a/b/c") and matches("a/#", "a/b/c") and matches("a/#", "a") and matches("#", "x/y")
    )
    assert not matches("a/+", "a/b/c") and not matches("a/b/c", "a/b") and not matches("a", "b")


@pytest.mark.parametrize(
    "topic", [{**RAIN, "place": "0"}, {**RAIN, "place": "x"}, {**RAIN, "colour": 1}, {"filter": "a"}]
)
def test_a_topic_mapping_that_does_not_hold_together_is_refused(topic: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=r"options.topics\[0\]"):
        registry.build(drill_source("mqtt", host="h", subscribe=["#"], topics=[topic]))


def test_messages_of_a_broker_reach_the_lake(broker: int, tmp_path: Path) -> None:
    lake = DeltaLake.open(tmp_path / "w")
    got: list[Batch] = []

    def take(batch: Batch) -> None:
        lake.append(batch.observations)
        lake.quarantine(batch.quarantined)
        got.append(batch)

    subscription = MqttSubscription(source(port=broker), drill_pack, Still(), take)
    subscription.start()
    publish(
        broker, ("gauges/1/rain", b"1.5"), ("gauges/push", json.dumps([GOOD]).encode()), ("gauges/x", b"?")
    )
    wait(lambda: len(got) == 3)
    subscription.stop()
    assert sorted(lake.read("rain", known=NOW).value) == [12.5, 15.0]
    assert [item.ref for item in lake.quarantined()] == ["mqtt:gauges/x"]
    lake.close()


def test_what_arrives_while_we_are_away_waits_with_the_broker(broker: int) -> None:
    got: list[Batch] = []
    first = MqttSubscription(source(port=broker), drill_pack, Still(), got.append)
    first.start()
    first.stop()
    publish(broker, ("gauges/1/rain", b"1"), ("gauges/1/rain", b"2"))
    second = MqttSubscription(source(port=broker), drill_pack, Still(), got.append)
    second.start()
    wait(lambda: len(got) == 2)
    second.stop()
    assert [batch.observations[0].value for batch in got] == [10.0, 20.0]


def test_a_message_that_could_not_be_kept_is_not_acknowledged_and_comes_again(broker: int) -> None:
    full = threading.Event()

    def refuse(_batch: Batch) -> None:
        full.set()
        raise StoreUnavailable("the disk is full")

    first = MqttSubscription(source(port=broker), drill_pack, Still(), refuse)
    first.start()
    publish(broker, ("gauges/1/rain", b"1"))
    assert full.wait(10)
    first.stop()
    got: list[Batch] = []
    second = MqttSubscription(source(port=broker), drill_pack, Still(), got.append)
    second.start()
    wait(lambda: len(got) == 1)
    second.stop()


def test_a_store_that_comes_back_takes_the_waiting_message(broker: int) -> None:
    tries: list[Batch] = []

    def reluctant(batch: Batch) -> None:
        tries.append(batch)
        if len(tries) < 2:
            raise StoreUnavailable("locked")

    subscription = MqttSubscription(source(port=broker), drill_pack, Still(), reluctant)
    subscription.start()
    publish(broker, ("gauges/1/rain", b"1"))
    wait(lambda: len(tries) == 2)
    subscription.stop()
    assert tries[0] == tries[1]


def test_a_message_too_large_is_held_as_hostile(broker: int) -> None:
    got: list[Batch] = []
    subscription = MqttSubscription(source(port=broker, limit_mb=0.001), drill_pack, Still(), got.append)
    subscription.start()
    publish(broker, ("gauges/1/rain", b" " * 2000 + b"1"))
    wait(lambda: len(got) == 1)
    subscription.stop()
    assert got[0].quarantined[0].code == "hostile"


def test_a_broker_that_is_not_there_is_a_failure_that_names_it() -> None:
    subscription = MqttSubscription(source(port=1), drill_pack, Still(), lambda _: None)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1:1"):
        subscription.start()
