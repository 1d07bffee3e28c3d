"""Sirens: they sound for a real warning of the right level, once, and the device itself says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anlan.channels import registry
from anlan.formats import cap
from anlan.model.errors import InvalidValue
from anlan.ports.channel import Channel
from anlan.testing.check_channel import sample_parcel
from brokers import LOOPBACK, Broker
from sirens import Device


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


def siren(port: int, **options: Any) -> Channel:
    given = {"host": LOOPBACK, "port": port, "tls": False, "sound_from": 2, "timeout_s": 2}
    return registry.build("siren", {**given, **options}, FixedClock())


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize("by_id", [True, False])
def test_delivered_means_that_the_device_itself_has_answered(broker: Broker, by_id: bool) -> None:
    device = Device(broker.port, "roof-1", by_id=by_id)
    receipt = siren(broker.port).deliver(sample_parcel("roof-1"))
    device.stop()
    assert receipt.accepted and receipt.delivered
    assert receipt.detail == "roof-1 has answered: battery 80 %"
    (command,) = device.commands
    assert command["action"] == "sound"
    assert command["text"] == "洪水橙色预警 / Orange flood warning"
    assert (command["level"], command["duration_s"], command["mode"]) == (2, 180, "Actual")


def test_a_repeat_is_answered_and_not_sounded_again(broker: Broker) -> None:
    device = Device(broker.port, "roof-1")
    channel = siren(broker.port)
    assert channel.deliver(sample_parcel("roof-1")).delivered
    assert channel.deliver(sample_parcel("roof-1", repeat=True)).delivered
    device.stop()
    assert device.sounded == ["D-check-1"]
    assert [command["repeat"] for command in device.commands] == [False, True]


@pytest.mark.parametrize("mode", ["Exercise", "Test"])
def test_what_is_not_actual_never_sounds(broker: Broker, mode: str) -> None:
    device = Device(broker.port, "roof-1")
    drill = sample_parcel("roof-1", mode=mode)
    assert siren(broker.port).deliver(drill).detail.startswith("exercise_barred")
    assert siren(broker.port, public=False).deliver(drill).delivered
    device.stop()
    (command,) = device.commands
    assert (command["action"], command["mode"], command["duration_s"]) == ("show", mode, 0)
    assert device.sounded == []


def test_a_milder_warning_is_shown_and_a_lifted_one_clears_the_sign(broker: Broker) -> None:
    device = Device(broker.port, "roof-1")
    channel = siren(broker.port, sound_from=1)
    assert channel.deliver(sample_parcel("roof-1")).delivered
    assert channel.deliver(sample_parcel("roof-1", number=2, follows=1, change="cancel")).delivered
    device.stop()
    assert [command["action"] for command in device.commands] == ["show", "stop"]
    # a device that shows two warnings knows which of them is over
    shown, stopped = device.commands
    assert (shown["follows"], stopped["follows"]) == ([], [shown["warning"]])


@pytest.mark.parametrize(
    ("says", "transient", "code"),
    [(None, True, "no_answer"), ("later", True, "device_busy"), ("refused", False, "device_refused")],
)
def test_a_device_that_does_not_do_it_is_not_counted_as_told(
    broker: Broker, says: str | None, transient: bool, code: str
) -> None:
    device = Device(broker.port, "roof-1", says)
    receipt = siren(broker.port, timeout_s=0.5).deliver(sample_parcel("roof-1"))
    device.stop()
    assert (receipt.accepted, receipt.transient, receipt.delivered) == (False, transient, False)
    assert receipt.detail.startswith(code)


def test_a_headline_that_does_not_fit_is_said_in_the_language_that_does(broker: Broker) -> None:
    device = Device(broker.port, "roof-1")
    parcel = sample_parcel("roof-1")
    channel = siren(broker.port)
    message = cap.read(parcel.cap)
    zh, en = message.infos
    long = cap.write(replace(message, infos=(zh, replace(en, headline="Flood " * 26 + "warning"))))
    assert channel.deliver(replace(parcel, cap=long)).delivered
    longest = cap.write(
        replace(message, infos=tuple(replace(info, headline="洪" * 161) for info in message.infos))
    )
    refused = channel.deliver(replace(parcel, cap=longest))
    device.stop()
    assert [command["text"] for command in device.commands] == ["洪水橙色预警"]
    assert (refused.accepted, refused.transient) == (False, False)
    assert refused.detail.startswith("too_long")


@pytest.mark.parametrize("address", ["", "a/b", "+", "#", "../x", "a b"])
def test_a_name_that_is_no_device_s_is_refused(address: str) -> None:
    assert siren(1).deliver(sample_parcel(address)).detail.startswith("bad_address")


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"prefix": "a/+"}, {"prefix": ""}, {"sound_from": 5}):
        with pytest.raises(InvalidValue, match="channel siren option"):
            siren(1, **wrong)
