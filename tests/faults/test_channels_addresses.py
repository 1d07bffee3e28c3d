"""An address that somebody else wrote reaches nothing that only this machine may reach."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from anlan.channels import addresses, registry
from anlan.channels.addresses import Barred, is_public, resolve
from anlan.channels.deadline import Aside, TooLate
from anlan.ports.channel import Channel
from anlan.testing.check_channel import sample_parcel

KEY = "a shared key of thirty-two bytes"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setenv("ANLAN_TEST_KEY", KEY)
    options = {"key": {"env": "ANLAN_TEST_KEY"}, "plain_http": True, "timeout_s": 1}
    return registry.build("webhook", options, FixedClock())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_addresses_of_special_networks_are_not_of_the_public_net(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_public_net_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_a_webhook_does_not_reach_this_machine_in_whatever_way_it_is_written(
    host: str, webhook: Channel
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        receipt = webhook.deliver(sample_parcel(f"http://{host}:{server.getsockname()[1]}/"))
        assert (receipt.accepted, receipt.transient) == (False, False), receipt
        assert receipt.detail.startswith("address_barred"), receipt
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "url", ["http://user:s3cr3t@example.org/", "http://@127.0.0.1/", "http://example.org\\@127.0.0.1/"]
)
def test_an_address_made_to_be_misread_is_refused(url: str, webhook: Channel) -> None:
    receipt = webhook.deliver(sample_parcel(url))
    assert not receipt.accepted
    assert "s3cr3t" not in receipt.detail


def test_a_name_with_one_public_and_one_private_address_is_reached_at_the_public_one_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", port)),
        ]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", both)
    assert resolve("two.drill.invalid", 80, 1, private=False) == ("1.1.1.1",)
    assert resolve("two.drill.invalid", 80, 1, private=True) == ("127.0.0.1", "1.1.1.1")


def test_the_connection_goes_to_the_address_that_was_looked_at(
    webhook: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers with another address the second time (DNS rebinding) gains nothing."""
    asked: list[str] = []
    ask = socket.getaddrinfo

    def first_public(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host == "rebinding.drill.invalid":
            asked.append(host)
            address = "192.0.2.1" if len(asked) > 1 else "198.18.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]
        return ask(host, port, *rest, **more)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", first_public)
    receipt = webhook.deliver(sample_parcel("http://rebinding.drill.invalid/"))
    assert receipt.detail.startswith("address_barred")
    assert asked == ["rebinding.drill.invalid"]


def test_a_name_that_does_not_exist_may_exist_later(webhook: Channel) -> None:
    receipt = webhook.deliver(sample_parcel("https://nobody.drill.invalid/"))
    assert (receipt.accepted, receipt.transient) == (False, True)
    assert receipt.detail.startswith("no_answer: gaierror")


def test_a_resolver_that_does_not_answer_is_left_at_the_deadline_and_not_piled_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "_RESOLVER", Aside("resolver", most=2))
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: time.sleep(1.0))
    began = time.monotonic()
    for said in ("no end within", "no end within", "2 earlier calls"):
        with pytest.raises(TooLate, match=said):
            resolve("slow.drill.invalid", 80, 0.1, private=True)
    assert time.monotonic() - began < 0.9


def test_a_name_whose_every_address_is_private_names_them() -> None:
    with pytest.raises(Barred, match=r"127\.0\.0\.1"):
        resolve("127.0.0.1", 80, 1, private=False)
