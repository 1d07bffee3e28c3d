"""Peers that are gone, silent, slow or lying: the receipt says what happened, and nothing raises."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import SMTP as MAIL
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from anlan.channels import registry
from anlan.channels.webhook.signing import sign
from anlan.ports.channel import Channel, Receipt
from anlan.testing.check_channel import sample_parcel

# one of Apprise's own modules still imports it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TIMEOUT = 0.5
KEY = "a shared key of thirty-two bytes"


class FixedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 2, 4, tzinfo=UTC)


def mail(port: int, **options: Any) -> Channel:
    given = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "warn@drill.invalid",
        "timeout_s": TIMEOUT,
    }
    return registry.build("smtp", {**given, **options}, FixedClock())


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Channel:
    monkeypatch.setenv("ANLAN_TEST_KEY", KEY)
    local = {"plain_http": True, "private_networks": True, "timeout_s": TIMEOUT}
    options = {"key": {"env": "ANLAN_TEST_KEY"}, **local}
    return registry.build("webhook", options, FixedClock())


@contextmanager
def peer(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server whose every connection is handled by `talk`; the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(5)
            with connection:
                try:
                    talk(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def outcome(receipt: Receipt) -> tuple[bool, bool]:
    return receipt.accepted, receipt.transient


RETRY, FOR_GOOD, DONE = (False, True), (False, False), (True, False)


class Desk:
    """An SMTP server's answers to DATA or RCPT, one a message; and what it took."""

    def __init__(self, *answers: str, rcpt: str = "250 OK") -> None:
        self.answers = list(answers)
        self.rcpt = rcpt
        self.taken: list[bytes] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            self.taken.append(envelope.content)
        return answer


@contextmanager
def smtp_server(desk: Desk, **options: Any) -> Iterator[int]:
    controller = Controller(desk, hostname="127.0.0.1", port=closed_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def test_mail_put_off_with_451_is_taken_at_the_next_try_and_marked() -> None:
    desk = Desk("451 try again later")
    with smtp_server(desk) as port:
        channel = mail(port)
        first = channel.deliver(sample_parcel("desk@drill.invalid"))
        assert outcome(first) == RETRY
        assert first.detail.startswith("refused_451")
        assert outcome(channel.deliver(sample_parcel("desk@drill.invalid", repeat=True))) == DONE
    message = message_from_bytes(desk.taken[0], policy=MAIL)
    assert message["X-Anlan-Repeat"] == "yes"
    assert message["Message-ID"] == "<D-check-1@drill.invalid>"
    assert "向高处转移" in message.get_body().get_content()
    attached = next(iter(message.iter_attachments()))
    assert attached.get_payload(decode=True) == sample_parcel("").cap


@pytest.mark.parametrize(
    ("desk", "code"), [(Desk("550 no"), "refused_550"), (Desk(rcpt="553 unknown"), "refused_553")]
)
def test_mail_refused_with_5xx_is_refused_for_good(desk: Desk, code: str) -> None:
    with smtp_server(desk) as port:
        receipt = mail(port).deliver(sample_parcel("desk@drill.invalid"))
    assert outcome(receipt) == FOR_GOOD
    assert receipt.detail.startswith(code)


def test_mail_to_a_full_mailbox_may_be_tried_again() -> None:
    with smtp_server(Desk(rcpt="452 full")) as port:
        assert outcome(mail(port).deliver(sample_parcel("desk@drill.invalid"))) == RETRY


def test_a_mail_server_that_is_not_there_may_be_tried_again() -> None:
    receipt = mail(closed_port()).deliver(sample_parcel("desk@drill.invalid"))
    assert outcome(receipt) == RETRY
    assert "ConnectionRefusedError" in receipt.detail


@pytest.mark.parametrize("greeting", [b"", b"220 ready\r\n"])
def test_a_mail_server_that_falls_silent_is_left_after_the_timeout(greeting: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(greeting)
        while connection.recv(4096):
            pass

    with peer(talk) as port:
        began = time.monotonic()
        receipt = mail(port).deliver(sample_parcel("desk@drill.invalid"))
    assert outcome(receipt) == RETRY
    assert time.monotonic() - began < 6 * TIMEOUT


def test_a_mail_server_that_turns_everybody_away_is_believed() -> None:
    for greeting, expected in ((b"421 busy\r\n", RETRY), (b"554 not you\r\n", FOR_GOOD)):
        with peer(lambda connection, said=greeting: connection.sendall(said)) as port:
            assert outcome(mail(port).deliver(sample_parcel("desk@drill.invalid"))) == expected


def test_mail_whose_server_vanishes_before_it_says_250_is_not_taken_as_accepted() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 ready\r\n")
        reader = connection.makefile("rb")
        for line in reader:
            if line.startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
                reader.readline()
                return
            connection.sendall(b"250 OK\r\n")

    with peer(talk) as port:
        assert outcome(mail(port).deliver(sample_parcel("desk@drill.invalid"))) == RETRY


def test_mail_is_never_sent_in_the_clear_when_encryption_is_required() -> None:
    desk = Desk()
    with smtp_server(desk) as port:
        receipt = mail(port, security="starttls").deliver(sample_parcel("desk@drill.invalid"))
    assert outcome(receipt) == RETRY
    assert desk.taken == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_starttls_is_used_with_a_certificate_that_is_checked(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    desk = Desk()
    with smtp_server(desk, tls_context=context, require_starttls=True) as port:
        parcel = sample_parcel("desk@drill.invalid")
        unknown = mail(port, security="starttls").deliver(parcel)
        assert outcome(unknown) == RETRY
        assert "certificate verify failed" in unknown.detail
        assert desk.taken == []
        known = mail(port, security="starttls", ca_file=f"{certificate}.crt").deliver(parcel)
        assert outcome(known) == DONE
    assert len(desk.taken) == 1


def http(answer: bytes, seen: list[bytes] | None = None, pause: float = 0) -> Callable[[socket.socket], None]:
    """Reads a whole request, then sends `answer` and closes."""

    def talk(connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        head = b"".join(iter(reader.readline, b"\r\n"))
        lengths = [
            line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        ]
        body = reader.read(int(lengths[0]))
        if seen is not None:
            seen.append(head + b"\r\n" + body)
        time.sleep(pause)
        connection.sendall(answer)

    return talk


def status(code: int, rest: bytes = b"Content-Length: 0\r\n\r\n") -> bytes:
    return f"HTTP/1.1 {code} X\r\n".encode() + rest


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(200), DONE),
        (status(202, b"Content-Length: 2\r\n\r\nok"), DONE),
        (status(302, b"Location: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"), FOR_GOOD),
        (status(400), FOR_GOOD),
        (status(404), FOR_GOOD),
        (status(408), RETRY),
        (status(429), RETRY),
        (status(500), RETRY),
        (status(503), RETRY),
        (status(200, b"Content-Length: 100\r\n\r\nonly this"), RETRY),
        (b"HTTP/1.1 2", RETRY),
        (b"", RETRY),
        (b"220 this is a mail server\r\n", RETRY),
        (status(200, b"Content-Length: 10000000\r\n\r\n" + b"x" * 200_000), DONE),
    ],
)
def test_the_answer_of_a_webhook_decides_what_the_receipt_says(
    answer: bytes, expected: tuple[bool, bool], webhook: Channel
) -> None:
    with peer(http(answer)) as port:
        assert outcome(webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))) == expected


def test_a_webhook_that_is_slow_or_not_there_may_be_tried_again(webhook: Channel) -> None:
    assert outcome(webhook.deliver(sample_parcel(f"http://127.0.0.1:{closed_port()}/"))) == RETRY
    with peer(http(status(200), pause=3 * TIMEOUT)) as port:
        began = time.monotonic()
        assert outcome(webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))) == RETRY
        assert time.monotonic() - began < 3 * TIMEOUT


def test_a_webhook_that_dribbles_its_answer_is_left_at_the_deadline(webhook: Channel) -> None:
    def talk(connection: socket.socket) -> None:
        http(status(200, b"Content-Length: 1000\r\n\r\n"))(connection)
        for _ in range(40):
            connection.sendall(b"x")
            time.sleep(0.1)

    with peer(talk) as port:
        began = time.monotonic()
        assert outcome(webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))) == RETRY
        assert time.monotonic() - began < 4 * TIMEOUT


def dribble(opening: bytes, part: bytes) -> Callable[[socket.socket], None]:
    """Reads what there is, then sends `part` again and again, never falling silent for long."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(opening)
        for _ in range(60):
            connection.sendall(part)
            time.sleep(0.05)

    return talk


@pytest.mark.parametrize(
    ("opening", "part"),
    [(b"", b"H"), (b"HTTP/1.1 200 OK\r\n", b"X-Slow: yes\r\n"), (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y")],
)
def test_a_webhook_that_dribbles_its_headers_is_left_at_the_deadline(
    opening: bytes, part: bytes, webhook: Channel
) -> None:
    with peer(dribble(opening, part)) as port:
        began = time.monotonic()
        receipt = webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))
        took = time.monotonic() - began
    assert outcome(receipt) == RETRY
    assert took < 3 * TIMEOUT


@pytest.mark.parametrize(("opening", "part"), [(b"", b"2"), (b"220-hello\r\n", b"220-wait\r\n")])
def test_a_mail_server_that_dribbles_is_left_at_the_deadline(opening: bytes, part: bytes) -> None:
    with peer(dribble(opening, part)) as port:
        began = time.monotonic()
        receipt = mail(port).deliver(sample_parcel("desk@drill.invalid"))
        took = time.monotonic() - began
    assert outcome(receipt) == RETRY
    assert receipt.detail.startswith("deadline")
    assert took < 3 * TIMEOUT


def test_a_mail_server_whose_handshake_dribbles_is_left_at_the_deadline() -> None:
    with peer(dribble(b"\x16\x03\x03\x40\x00", b"\x00")) as port:
        began = time.monotonic()
        assert outcome(mail(port, security="tls").deliver(sample_parcel("desk@drill.invalid"))) == RETRY
        assert time.monotonic() - began < 3 * TIMEOUT


def test_a_mail_server_whose_name_does_not_exist_may_exist_later() -> None:
    receipt = mail(25, host="mail.drill.invalid").deliver(sample_parcel("desk@drill.invalid"))
    assert outcome(receipt) == RETRY
    assert "gaierror" in receipt.detail


@pytest.mark.parametrize(
    ("code", "value", "wait"),
    [
        (503, b"120", timedelta(seconds=120)),
        (429, b"Wed, 02 Jan 2030 04:01:00 GMT", timedelta(seconds=60)),
        (503, b"when it suits us", None),
        (404, b"120", None),
    ],
)
def test_what_a_webhook_says_of_when_to_come_again_is_in_the_receipt(
    code: int, value: bytes, wait: timedelta | None, webhook: Channel
) -> None:
    answer = status(code, b"Retry-After: " + value + b"\r\nContent-Length: 0\r\n\r\n")
    with peer(http(answer)) as port:
        assert webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/")).retry_after == wait


def test_a_chat_service_that_dribbles_or_is_not_there_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with peer(dribble(b"HTTP/1.1 200 OK\r\n", b"X-Slow: yes\r\n")) as port:
        for there, code in ((port, "deadline"), (closed_port(), "no_answer")):
            monkeypatch.setenv("ANLAN_TEST_URL", f"json://127.0.0.1:{there}/secret-path")
            options = {"urls": {"duty": {"env": "ANLAN_TEST_URL"}}, "timeout_s": TIMEOUT}
            channel = registry.build("gateway", options, FixedClock())
            began = time.monotonic()
            receipt = channel.deliver(sample_parcel("duty"))
            assert outcome(receipt) == RETRY
            assert receipt.detail.startswith(code)
            assert "secret-path" not in receipt.detail
            assert time.monotonic() - began < 3 * TIMEOUT


def test_a_retry_carries_the_same_key_and_says_that_it_is_one(webhook: Channel) -> None:
    seen: list[bytes] = []
    with peer(http(status(500), seen)) as port:
        webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))
        webhook.deliver(sample_parcel(f"http://127.0.0.1:{port}/", repeat=True))
    heads, bodies = zip(*(request.split(b"\r\n\r\n", 1) for request in seen), strict=True)
    for head, repeat in zip(heads, (b"no", b"yes"), strict=True):
        assert b"Idempotency-Key: D-check-1\r\n" in head
        assert b"X-Anlan-Repeat: " + repeat in head
        assert b"webhook-id: D-check-1\r\n" in head
        assert b"webhook-timestamp: 1893556800\r\n" in head
        signed = sign([KEY.encode()], "D-check-1", 1893556800, bodies[0])
        assert f"webhook-signature: {signed}\r\n".encode() in head
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize(
    "address",
    ["ftp://a.invalid/", "/etc/passwd", "http://", "http://a.invalid:port/", "http://a\r\nX: y/", ""],
)
def test_an_address_that_is_none_is_refused(address: str, webhook: Channel) -> None:
    assert not webhook.deliver(sample_parcel(address)).accepted


def test_a_webhook_does_not_speak_plainly_unless_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANLAN_TEST_KEY", KEY)
    channel = registry.build(
        "webhook", {"key": {"env": "ANLAN_TEST_KEY"}, "private_networks": True}, FixedClock()
    )
    seen: list[bytes] = []
    with peer(http(status(200), seen)) as port:
        receipt = channel.deliver(sample_parcel(f"http://127.0.0.1:{port}/"))
    assert outcome(receipt) == FOR_GOOD
    assert seen == []
