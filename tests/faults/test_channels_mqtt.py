"""Brokers that go, stay silent or refuse: nothing counts as taken that was not acknowledged."""

from __future__ import annotations

import gc
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from anlan.channels import registry
from anlan.ports.channel import Channel
from anlan.testing.check_channel import sample_parcel
from brokers import LOOPBACK, Broker, Reader, free_port, wait
from sirens import Device

BASE = "https://warn.drill.invalid/public/cap/{id}.cap.xml"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes a running broker; all of them are gone at the end."""
    made: list[Broker] = []

    def make(settings: str = "allow_anonymous true") -> Broker:
        made.append(Broker(tmp_path, settings))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def wis2(port: int, **options: Any) -> Channel:
    given = {"host": LOOPBACK, "port": port, "tls": False, "centre_id": "xx-drill", "base_url": BASE}
    return registry.build("wis2", {**given, "timeout_s": 2, **options}, FixedClock())


class Lossy:
    """Between the channel and the broker: lets bytes through until it is told to swallow what the broker
    says, so that a message arrives and its acknowledgement does not."""

    def __init__(self, port: int) -> None:
        self.to, self.swallow = port, threading.Event()
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port = int(self.listener.getsockname()[1])
        self.pairs: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            there = socket.create_connection((LOOPBACK, self.to))
            self.pairs += [here, there]
            threading.Thread(target=self._pump, args=(here, there, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(there, here, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, back: bool) -> None:
        try:
            while part := source.recv(65_536):
                if not (back and self.swallow.is_set()):
                    sink.sendall(part)
        except OSError:
            return

    def cut(self) -> None:
        for end in self.pairs:
            end.close()
        self.pairs.clear()

    def close(self) -> None:
        self.listener.close()
        self.cut()


def test_a_broker_restarted_in_mid_send_loses_nothing_and_repeats_are_marked(
    brokers: Callable[..., Broker],
) -> None:
    """The broker is killed again and again while a hundred messages go out, each tried until it is taken."""
    broker = brokers()
    channel = wis2(broker.port)
    taken: set[str] = set()
    came: dict[str, list[str]] = {}
    reader = Reader(broker.port)

    def keep() -> None:
        for _, _, marks in reader.came:
            came.setdefault(marks["anlan-delivery"], []).append(marks["anlan-repeat"])
        reader.came.clear()

    for number in range(100):
        if number % 20 == 10:
            # what was acknowledged has reached the reader before the broker dies with its memory
            wait(lambda: (keep(), taken <= set(came))[1])
            reader.stop()
            broker.stop()
        parcel = sample_parcel("", number=number)
        receipt = channel.deliver(parcel)
        if number % 20 == 10:
            assert (receipt.accepted, receipt.transient) == (False, True), receipt
            broker.start()
            reader = Reader(broker.port)
        if not receipt.accepted:
            receipt = channel.deliver(sample_parcel("", number=number, repeat=True))
        assert receipt.accepted, receipt
        taken.add(parcel.delivery.id)
    wait(lambda: (keep(), taken <= set(came))[1])
    reader.stop()
    assert taken == set(came) == {f"D-check-{number}" for number in range(100)}
    assert all(marks in (["no"], ["yes"], ["no", "yes"]) for marks in came.values())


def test_a_message_whose_acknowledgement_is_lost_is_not_counted_as_taken(
    brokers: Callable[..., Broker],
) -> None:
    broker = brokers()
    lossy = Lossy(broker.port)
    reader = Reader(broker.port)
    channel = wis2(lossy.port, timeout_s=0.5)
    assert channel.deliver(sample_parcel("")).accepted
    lossy.swallow.set()
    unsure = channel.deliver(sample_parcel("", number=2))
    assert (unsure.accepted, unsure.transient, unsure.doubtful) == (False, True, True)
    assert unsure.detail == "no_acknowledgement: none within 0.5 s"
    lossy.swallow.clear()
    assert channel.deliver(sample_parcel("", number=2, repeat=True)).accepted
    wait(lambda: len(reader.came) == 3)
    # only what the channel was asked to send has come: nothing was sent again behind its back
    time.sleep(0.3)
    assert [marks["anlan-repeat"] for _, _, marks in reader.came] == ["no", "no", "yes"]
    lossy.close()
    reader.stop()


def test_a_command_whose_acknowledgement_is_lost_is_given_again_marked_and_sounds_once(
    brokers: Callable[..., Broker],
) -> None:
    broker = brokers()
    lossy = Lossy(broker.port)
    device = Device(broker.port, "roof-1")
    given = {"host": LOOPBACK, "port": lossy.port, "tls": False, "timeout_s": 0.5, "sound_from": 2}
    channel = registry.build("siren", given, FixedClock())
    assert channel.deliver(sample_parcel("roof-1")).delivered
    lossy.swallow.set()
    unsure = channel.deliver(sample_parcel("roof-1", number=2))
    assert unsure.detail.startswith("no_acknowledgement")
    assert (unsure.accepted, unsure.transient, unsure.doubtful) == (False, True, True)
    lossy.swallow.clear()
    assert channel.deliver(sample_parcel("roof-1", number=2, repeat=True)).delivered
    wait(lambda: len(device.commands) == 3)
    assert [command["repeat"] for command in device.commands] == [False, False, True]
    assert device.sounded == ["D-check-1", "D-check-2"]
    device.stop()
    lossy.close()


def test_a_connection_cut_between_two_messages_is_made_again(brokers: Callable[..., Broker]) -> None:
    broker = brokers()
    lossy = Lossy(broker.port)
    channel = wis2(lossy.port)
    assert channel.deliver(sample_parcel("")).accepted
    lossy.cut()
    receipts = [channel.deliver(sample_parcel("", number=2)) for _ in range(2)]
    assert receipts[-1].accepted
    assert all(receipt.accepted or receipt.transient for receipt in receipts)
    lossy.close()


def test_a_broker_that_is_not_there_or_says_nothing_is_left_in_time() -> None:
    began = time.monotonic()
    gone = wis2(free_port(), timeout_s=0.5).deliver(sample_parcel(""))
    with socket.create_server((LOOPBACK, 0)) as silent:
        mute = wis2(silent.getsockname()[1], timeout_s=0.5).deliver(sample_parcel(""))
    for receipt in (gone, mute):
        assert (receipt.accepted, receipt.transient) == (False, True)
        assert receipt.detail.startswith("no_connection")
    assert time.monotonic() - began < 4


def test_a_name_that_does_not_exist_may_exist_later() -> None:
    receipt = wis2(1, host="broker.drill.invalid").deliver(sample_parcel(""))
    assert (receipt.accepted, receipt.transient) == (False, True)


def test_a_broker_that_does_not_let_us_in_says_so_for_good_and_no_password_is_told(
    brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANLAN_TEST_SECRET", "a-password-to-keep")
    broker = brokers("allow_anonymous false")
    for options in ({}, {"user": "anlan", "password": {"env": "ANLAN_TEST_SECRET"}}):
        receipt = wis2(broker.port, **options).deliver(sample_parcel(""))
        assert (receipt.accepted, receipt.transient) == (False, False)
        assert receipt.detail.startswith("refused_0x8")
        assert "a-password-to-keep" not in receipt.detail


def test_a_topic_that_the_broker_forbids_is_refused_for_good(
    tmp_path: Path, brokers: Callable[..., Broker]
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic write allowed/#\n")
    rights.chmod(0o600)
    broker = brokers(f"allow_anonymous true\nacl_file {rights}")
    receipt = wis2(broker.port).deliver(sample_parcel(""))
    assert (receipt.accepted, receipt.transient) == (False, False)
    assert receipt.detail.startswith("refused_0x87")


# paho leaves the socket of a handshake that failed to the interpreter to close
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_is_used_with_a_certificate_that_is_checked(
    tmp_path: Path, brokers: Callable[..., Broker]
) -> None:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={LOOPBACK}",
    ]
    command += ["-addext", f"subjectAltName=IP:{LOOPBACK}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    broker = brokers(f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}")
    unknown = wis2(broker.port, tls=True).deliver(sample_parcel(""))
    assert (unknown.accepted, unknown.transient) == (False, True)
    assert "certificate verify failed" in unknown.detail
    assert wis2(broker.port, tls=True, ca_file=str(certificate)).deliver(sample_parcel("")).accepted
    gc.collect()


def test_a_siren_whose_broker_restarts_sounds_once_and_is_known_to_have_sounded(
    brokers: Callable[..., Broker],
) -> None:
    broker = brokers()
    given = {"host": LOOPBACK, "port": broker.port, "tls": False, "sound_from": 2, "timeout_s": 1}
    channel = registry.build("siren", given, FixedClock())
    device = Device(broker.port, "roof-1", None)
    # it sounds, and its answer does not come
    assert channel.deliver(sample_parcel("roof-1")).transient
    broker.stop()
    assert channel.deliver(sample_parcel("roof-1", repeat=True)).transient
    broker.start()
    device.says = "done"
    wait(device.client.is_connected)
    assert channel.deliver(sample_parcel("roof-1", repeat=True)).delivered
    device.stop()
    assert device.sounded == ["D-check-1"]
