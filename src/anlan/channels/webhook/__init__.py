"""Webhook: one signed HTTP POST to a partner system."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from anlan.channels.addresses import Barred
from anlan.channels.copy_id import copy_id
from anlan.channels.deadline import TooLate
from anlan.channels.webhook.exchange import post
from anlan.channels.webhook.signing import key, sign
from anlan.formats.values import canonical
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

# answers that ask for another try: request timeout, too early, too many requests
_LATER = (408, 425, 429)


class Webhook:
    """The recipient's address is the URL. One key signs for all recipients of the channel, and for as
    long as they change over, the previous one beside it."""

    id = "webhook"
    at_once = 8

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self.public: bool = options["public"]
        self.keys = [
            key(options[name], f"channel webhook option {name}")
            for name in ("key", "previous_key")
            if options.get(name)
        ]
        self.plain_http: bool = options["plain_http"]
        self.private: bool = options["private_networks"]
        self.timeout = float(options["timeout_s"])
        self.trust = ssl.create_default_context(cafile=options.get("ca_file"))
        self.clock = clock

    def deliver(self, parcel: Parcel) -> Receipt:
        """2xx with its whole answer: accepted. 408, 425, 429, 5xx, no or a broken answer: transient, with
        the peer's Retry-After. Everything else, redirects included: for good."""
        url = parcel.recipient.address
        fault = self._fault(url)
        if fault:
            return Receipt(False, f"bad_address: {fault}")
        body, now = envelope(parcel), self.clock.now()
        id, stamp = copy_id(parcel.delivery), int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "anlan",
            "Idempotency-Key": id,
            "webhook-id": id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(self.keys, id, stamp, body),
            "X-Anlan-Repeat": "yes" if parcel.repeat else "no",
        }
        try:
            answer = post(
                url,
                body,
                headers,
                seconds=self.timeout,
                trust=self.trust,
                private=self.private,
                now=now,
            )
        except Barred as error:
            return Receipt(False, f"address_barred: {error}")
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):
            return Receipt(False, f"bad_address: {shown(url)} is none")
        except TooLate as error:
            return Receipt(False, f"deadline: {error}", transient=True, doubtful=True)
        except (httpx2.HTTPError, OSError) as error:
            # what never got through to the peer cannot have arrived
            sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | socket.gaierror)
            detail = f"no_answer: {type(error).__name__}: {error}"
            return Receipt(False, detail, transient=True, doubtful=sent)
        if 200 <= answer.status <= 299:
            return Receipt(True, f"answered {answer.status}")
        later = answer.status in _LATER or answer.status >= 500
        return Receipt(
            False,
            f"answered_{answer.status}: {shown(url)}",
            transient=later,
            retry_after=answer.retry_after if later else None,
        )

    def _fault(self, url: str) -> str:
        """What is wrong with an address, without its secrets; empty where nothing is."""
        schemes = ("https://", "http://") if self.plain_http else ("https://",)
        if not url.lower().startswith(schemes):
            return f"{shown(url)} does not start with {' or '.join(schemes)}"
        if not url.isprintable():
            return "it has characters that no address has"
        try:
            parts = urlsplit(url)
            # reading the port checks it
            if not parts.hostname or parts.port == 0:
                return f"{shown(url)} names no host"
        except ValueError as error:
            return str(error).replace(url, "it")
        if parts.username or parts.password:
            return f"{shown(url)} has a name or password in it"
        return ""


def shown(url: str) -> str:
    """An address as receipts and logs may show it: scheme and host, for path and query may be secrets."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "the address"
    if not parts.scheme or not host:
        return "the address"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}/…"


def envelope(parcel: Parcel) -> bytes:
    """The body: canonical JSON, the same bytes for the same parcel, whether it is a repeat or not.
    `cap` is the published message; its SHA-256 is the warning's digest. `token` goes with a receipt, and
    `answer_url` is where an answer that is asked for is given: null where this system has no address."""
    return canonical(
        {
            "format": "anlan.webhook/1",
            "delivery": parcel.delivery.id,
            "recipient": parcel.recipient.id,
            "rung": parcel.delivery.rung,
            "answer_by": format_instant(parcel.delivery.answer_by) if parcel.delivery.answer_by else None,
            "answer_url": parcel.answer_url or None,
            "token": parcel.token or None,
            "warning": parcel.warning.id,
            "risk": parcel.warning.risk,
            "status": parcel.warning.mode,
            "change": parcel.warning.change,
            "level": parcel.warning.level,
            "subject": parcel.subject,
            "body": parcel.body,
            "cap": parcel.cap.decode("utf-8"),
        }
    )


def make(options: Mapping[str, Any], clock: Clock) -> Webhook:
    """The channel from its settled options (see manifest.toml)."""
    return Webhook(options, clock)
