"""E-mail: the words in the recipient's languages, the CAP message attached."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from typing import Any

from anlan.channels.addresses import resolve
from anlan.channels.copy_id import copy_id
from anlan.channels.deadline import Deadline, TooLate
from anlan.channels.durable import file_name
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock


class Mail:
    """One connection for each message. `security`: tls (from the first byte), starttls (required: a
    server that does not offer it gets nothing), none (for a relay on this machine)."""

    id = "smtp"
    public = False
    # mail servers commonly take more from one client than this
    at_once = 4

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.repeats: int = options["repeats"]

    def deliver(self, parcel: Parcel) -> Receipt:
        """Accepted once the server has taken the message. 4xx, a broken or silent connection: transient;
        5xx (RFC 5321, section 4.2.1) and addresses that are none: for good."""
        return self.deliver_poised(parcel, lambda: None)

    def deliver_poised(self, parcel: Parcel, leave: Callable[[], None]) -> Receipt:
        """As `deliver`, held back at the end of the message's last line (RFC 5321, section 4.1.1.4)."""
        try:
            message = compose(parcel, self.options["sender"])
        except (ValueError, HeaderParseError) as error:
            return Receipt(False, f"bad_address: {error}")
        try:
            return self._send(message, leave)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            return _refusal(code, said)
        except smtplib.SMTPResponseException as refused:
            return _refusal(refused.smtp_code, refused.smtp_error)
        except TooLate as error:
            return Receipt(False, f"deadline: {error}", transient=True)
        except (smtplib.SMTPException, OSError) as error:
            return Receipt(False, f"no_connection: {type(error).__name__}: {error}", transient=True)

    def misaddressed(self, address: str) -> str:
        """A mailbox that mail can be sent to."""
        try:
            mailbox(address)
        except (ValueError, HeaderParseError) as error:
            return str(error)
        return ""

    def _send(self, message: EmailMessage, leave: Callable[[], None]) -> Receipt:
        host, port, timeout = self.options["host"], self.options["port"], float(self.options["timeout_s"])
        security = self.options["security"]
        context = None
        if security != "none":
            context = ssl.create_default_context(cafile=self.options.get("ca_file"))
        with Deadline(timeout) as deadline:
            try:
                address = resolve(host, port, deadline.left, private=True)[0]
                server = _Server(host, address, deadline, context if security == "tls" else None, leave)
                return self._converse(server, message, port, context)
            except (smtplib.SMTPException, OSError) as error:
                # also where an answer came: what it says was cut off with the connection
                if deadline.expired:
                    raise TooLate(f"the exchange did not end within {timeout:g} s") from error
                raise

    def _converse(
        self, server: _Server, message: EmailMessage, port: int, context: ssl.SSLContext | None
    ) -> Receipt:
        try:
            code, said = server.connect(server.name, port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if self.options["security"] == "starttls":
                server.starttls(context=context)
                if server.sock is not None:
                    server.deadline.watch(server.sock)
            if self.options.get("user"):
                server.login(self.options["user"], self.options.get("password") or "")
            try:
                server.send_message(message)
            except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
                raise
            except OSError as error:
                if not server.whole:
                    raise
                # a server that took the message may die before it says so
                how = "deadline" if server.deadline.expired else "no_answer"
                detail = f"{how}: {type(error).__name__}: {error}, after the message had left"
                return Receipt(False, detail, transient=True, doubtful=True)
            # the server has answered 250: whatever happens from here on, it is accepted
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()
        return Receipt(True, f"accepted by {server.name}:{port} as {message['Message-ID']}")


class _Server(smtplib.SMTP):
    """A server at an address resolved before, by its name for the certificate, under one deadline."""

    def __init__(
        self,
        name: str,
        address: str,
        deadline: Deadline,
        tls: ssl.SSLContext | None,
        leave: Callable[[], None],
    ) -> None:
        self.name = name
        self.address = address
        self.deadline = deadline
        self.tls = tls
        self.leave = leave
        # the message has left with its last line: from here on the server may have it
        self.whole = False
        super().__init__(timeout=deadline.left)
        # starttls checks the certificate against it
        self._host = name

    def send(self, s: Any) -> None:
        """As smtplib's. Commands are text, the message is bytes, its end with it."""
        if not isinstance(s, bytes):
            super().send(s)
            return
        super().send(s[:-1])
        self.leave()
        self.whole = True
        super().send(s[-1:])

    def _get_socket(self, _host: str, port: int, _timeout: float) -> socket.socket:
        opened = socket.create_connection((self.address, port), self.deadline.left)
        # before the handshake: that too can be dribbled
        self.deadline.watch(opened)
        if self.tls is None:
            return opened
        secured = self.tls.wrap_socket(opened, server_hostname=self.name)
        self.deadline.watch(secured)
        return secured


def mailbox(address: str) -> Address:
    """The address as mail knows it. ValueError or HeaderParseError for one that is none."""
    found = Address(addr_spec=address)
    if not found.domain or not found.addr_spec.isascii():
        raise ValueError(f"{address!r} is not user@domain in ASCII")
    return found


def compose(parcel: Parcel, sender: str) -> EmailMessage:
    """The mail: the same parcel gives the same headers, with a Message-ID made from the delivery's id,
    so that a mailbox can tell a repeat. ValueError for an address that is none."""
    address, origin = mailbox(parcel.recipient.address), Address(addr_spec=sender)
    mail = EmailMessage(policy=MAIL)
    mail["From"] = origin
    mail["To"] = address
    mail["Subject"] = " ".join(parcel.subject.split())
    # a digest is of its own hour, whatever messages are in it
    sent = None if parcel.delivery.digest else parcel.warning.sent
    mail["Date"] = sent or parcel.delivery.due
    mail["Message-ID"] = f"<{copy_id(parcel.delivery)}@{origin.domain}>"
    # the messages of one risk stand together in a mailbox (RFC 5322, section 3.6.4); a digest is of several
    if parcel.warning.risk and not parcel.delivery.digest:
        mail["References"] = f"<{file_name(parcel.warning.risk, '')}@{origin.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Anlan-Delivery"] = file_name(parcel.delivery.id, "")
    mail["X-Anlan-Warning"] = file_name(parcel.warning.id, "")
    mail["X-Anlan-Status"] = parcel.warning.mode
    if parcel.repeat:
        mail["X-Anlan-Repeat"] = "yes"
    mail.set_content(parcel.body, cte="base64")
    mail.add_attachment(
        parcel.cap,
        maintype="application",
        subtype="cap+xml",
        filename=file_name(parcel.warning.id, ".cap.xml"),
    )
    # a boundary is random unless it is given
    mail.set_boundary(f"=_{file_name(parcel.delivery.id, '')}")
    return mail


def _refusal(code: int, said: bytes | str) -> Receipt:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Receipt(
        False, f"refused_{code}: {' '.join(words.split())[:300]}", transient=not 500 <= code <= 599
    )


def make(options: Mapping[str, Any], _clock: Clock) -> Mail:
    """The channel from its settled options (see manifest.toml)."""
    return Mail(options)
