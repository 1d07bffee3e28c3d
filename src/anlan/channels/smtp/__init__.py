"""E-mail: the words in the recipient's languages, the CAP message attached."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from typing import Any

from anlan.channels.durable import file_name
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock


class Mail:
    """One connection for each message. `security`: tls (from the first byte), starttls (required: a
    server that does not offer it gets nothing), none (for a relay on this machine)."""

    id = "smtp"
    public = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options

    def deliver(self, parcel: Parcel) -> Receipt:
        """Accepted once the server has taken the message. 4xx, a broken or silent connection: transient;
        5xx (RFC 5321, section 4.2.1) and addresses that are none: for good."""
        try:
            message = compose(parcel, self.options["sender"])
        except (ValueError, HeaderParseError) as error:
            return Receipt(False, f"bad_address: {error}")
        try:
            return self._send(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, said = next(iter(refused.recipients.values()))
            return _refusal(code, said)
        except smtplib.SMTPResponseException as refused:
            return _refusal(refused.smtp_code, refused.smtp_error)
        except (smtplib.SMTPException, OSError) as error:
            return Receipt(False, f"no_connection: {type(error).__name__}: {error}", transient=True)

    def _send(self, message: EmailMessage) -> Receipt:
        host, port, timeout = self.options["host"], self.options["port"], float(self.options["timeout_s"])
        security = self.options["security"]
        context = None
        if security != "none":
            context = ssl.create_default_context(cafile=self.options.get("ca_file"))
        server: smtplib.SMTP
        if security == "tls":
            server = smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=timeout)
        try:
            if security == "starttls":
                server.starttls(context=context)
            if self.options.get("user"):
                server.login(self.options["user"], self.options.get("password") or "")
            server.send_message(message)
            # the server has answered 250: whatever happens from here on, it is accepted
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()
        return Receipt(True, f"accepted by {host}:{port} as {message['Message-ID']}")


def compose(parcel: Parcel, sender: str) -> EmailMessage:
    """The mail: the same parcel gives the same headers, with a Message-ID made from the delivery's id,
    so that a mailbox can tell a repeat. ValueError for an address that is none."""
    address, origin = Address(addr_spec=parcel.recipient.address), Address(addr_spec=sender)
    if not address.domain or not address.addr_spec.isascii():
        raise ValueError(f"{parcel.recipient.address!r} is not user@domain in ASCII")
    mail = EmailMessage(policy=MAIL)
    mail["From"] = origin
    mail["To"] = address
    mail["Subject"] = " ".join(parcel.subject.split())
    mail["Date"] = parcel.warning.sent or parcel.delivery.due
    mail["Message-ID"] = f"<{file_name(parcel.delivery.id, '')}@{origin.domain}>"
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
