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
from anlan.channels.wis2.notification import notification
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
    assert said["properties"]["pubtime"] == "2030-01-02T03:04:05Z"
    assert said["properties"]["content"]["value"].encode() == parcel.cap


def test_a_message_too_long_to_stand_in_its_notification_stands_at_its_address_only() -> None:
    message = cap.read(sample_parcel("").cap)
    for words, inline in ((0, True), (2_000, False)):
        info = replace(message.infos[0], description="水" * words)
        raw = cap.write(replace(message, infos=(info, *message.infos[1:])))
        made = notification(cap.read(raw), raw, centre_id="xx-drill", address="https://a.invalid/x")
        assert len(made) <= 8192
        said = json.loads(made)
        assert ("content" in said["properties"]) is inline
        assert said["links"][0]["href"] == "https://a.invalid/x"


def test_several_polygons_become_the_one_box_around_them() -> None:
    message = cap.read(sample_parcel("").cap)
    area = replace(
        message.infos[0].areas[0],
        polygons=("10,20 11,20 11,21 10,20", "30,40 31,40 31,41 30,40"),
    )
    raw = cap.write(replace(message, infos=(replace(message.infos[0], areas=(area,)),)))
    said = json.loads(notification(cap.read(raw), raw, centre_id="xx", address="https://a.invalid/x"))
    assert said["geometry"]["coordinates"] == [[[20, 10], [41, 10], [41, 31], [20, 31], [20, 10]]]
    bare = notification(message, sample_parcel("").cap, centre_id="xx", address="https://a.invalid/x")
    assert json.loads(bare)["geometry"] is None


@pytest.mark.parametrize("topic", ["origin/a/wis2/+/x", "origin/a/wis2/#", "cache/a/wis2/x", "a\nb"])
def test_a_topic_elsewhere_is_refused_for_good(topic: str) -> None:
    receipt = wis2(1).deliver(sample_parcel(topic))
    assert (receipt.accepted, receipt.transient) == (False, False)
    assert receipt.detail.startswith("bad_address")


def test_a_channel_that_does_not_say_where_messages_stand_is_no_channel() -> None:
    with pytest.raises(InvalidValue, match="base_url"):
        wis2(1, base_url="https://warn.drill.invalid/")
    assert isinstance(wis2(1), Guarded)
