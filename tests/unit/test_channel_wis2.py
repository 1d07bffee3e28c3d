"""Warnings on the WMO Information System: a notification that fits, names the message, and stays itself."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from anlan.channels import registry
from anlan.channels.guard import Guarded
from anlan.formats import cap
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Channel
from anlan.testing.check_channel import sample_parcel
from brokers import LOOPBACK, Broker, Reader, wait

TOPIC = "origin/a/wis2/xx-drill/data/core/weather/advisories-warnings"
BASE = "https://warn.drill.invalid/public/cap/{id}.cap.xml"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


def wis2(port: int, **options: Any) -> Channel:
    given = {"host": LOOPBACK, "port": port, "tls": False, "centre_id": "xx-drill", "base_url": BASE}
    return registry.build("wis2", {**given, "timeout_s": 5, **options}, FixedClock())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.start()
    yield running
    running.stop()


def test_a_warning_reaches_who_subscribes_to_the_branch_of_warnings(broker: Broker) -> None:
    reader = Reader(broker.port, "origin/a/wis2/+/data/core/weather/#")
    parcel = sample_parcel("")
    channel = wis2(broker.port)
    assert channel.deliver(parcel).accepted
    assert channel.deliver(replace(parcel, repeat=True)).accepted
    wait(lambda: len(reader.came) == 2)
    reader.stop()
    (topic, payload, marks), (_, again, marked) = reader.came
    assert topic == TOPIC
    assert payload == again
    assert (marks["anlan-repeat"], marked["anlan-repeat"]) == ("no", "yes")
    said = json.loads(payload)
    assert said["links"] == [
        {
            "rel": "canonical",
            "href": BASE.replace("{id}", "W-check-1"),
            "type": "application/cap+xml",
            "length": len(parcel.cap),
        }
    ]
    assert (
        said["properties"]["integrity"]["value"]
        == base64.b64encode(hashlib.sha512(parcel.cap).digest()).decode()
    )
    assert UUID(said["id"]).version == 5
    assert said["properties"]["pubtime"].startswith("2030-01-02T03:04:05")
    assert "metadata_id" not in said["properties"]
    assert said["properties"]["content"]["value"].encode() == parcel.cap


def test_a_message_too_long_to_stand_in_its_notification_stands_at_its_address_only(broker: Broker) -> None:
    reader = Reader(broker.port, "origin/a/wis2/#")
    channel = wis2(broker.port, metadata_id="urn:wmo:md:xx-drill:warnings")
    parcel = sample_parcel("")
    message = cap.read(parcel.cap)
    # words that no packing makes short
    words = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(400))
    info = replace(message.infos[0], description=words)
    raw = cap.write(replace(message, infos=(info, *message.infos[1:]), raw=b""))
    assert channel.deliver(replace(parcel, cap=raw)).accepted
    wait(lambda: len(reader.came) == 1)
    reader.stop()
    ((_, payload, _),) = reader.came
    assert len(payload) <= 8192
    said = json.loads(payload)
    assert "content" not in said["properties"]
    assert said["properties"]["metadata_id"] == "urn:wmo:md:xx-drill:warnings"
    assert said["links"][0]["href"] == BASE.replace("{id}", "W-check-1")


@pytest.mark.parametrize("topic", ["origin/a/wis2/+/x", "origin/a/wis2/#", "cache/a/wis2/x", "a\nb"])
def test_a_topic_elsewhere_is_refused_for_good(topic: str) -> None:
    receipt = wis2(1).deliver(sample_parcel(topic))
    assert (receipt.accepted, receipt.transient) == (False, False)
    assert receipt.detail.startswith("bad_address")


def test_a_channel_that_does_not_say_where_messages_stand_is_no_channel() -> None:
    with pytest.raises(InvalidValue, match="base_url"):
        wis2(1, base_url="https://warn.drill.invalid/")
    assert isinstance(wis2(1), Guarded)
