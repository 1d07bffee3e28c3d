"""One signed POST to a peer, and what its answer means for what was handed over."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from anlan.channels.addresses import Barred
from anlan.channels.deadline import TooLate
from anlan.channels.webhook.exchange import Answer, post
from anlan.channels.webhook.signing import key, sign
from anlan.ports.channel import Receipt
from anlan.ports.clock import Clock

_NOT_WHOLE = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.WriteError,
    httpx2.WriteTimeout,
    socket.gaierror,
)
# answers that ask for another try: request timeout, too early, too many requests
_LATER = (408, 425, 429)


class Sender:
    """Signs with the key of the channel, and for as long as partners change over with the previous one
    beside it. `options`: key, previous_key, plain_http, private_networks, ca_file, timeout_s."""

    def __init__(self, options: Mapping[str, Any], clock: Clock, where: str) -> None:
        self.keys = [
            key(options[name], f"{where} option {name}")
            for name in ("key", "previous_key")
            if options.get(name)
        ]
        self.plain_http: bool = options["plain_http"]
        self.private: bool = options["private_networks"]
        self.timeout = float(options["timeout_s"])
        self.trust = ssl.create_default_context(cafile=options.get("ca_file"))
        self.clock = clock

    def send(
        self,
        url: str,
        id: str,
        body: bytes,
        marks: Mapping[str, str],
        leave: Callable[[], None] | None = None,
    ) -> Answer | Receipt:
        """The peer's answer where it took the message (2xx, whole); otherwise the receipt of what was in it.
        408, 425, 429, 5xx, no or a broken answer: transient, with the peer's Retry-After. Everything else,
        redirects included: for good. `marks`: headers besides those of the signature. `leave` as of
        `exchange.post`."""
        fault = self.fault(url)
        if fault:
            return Receipt(False, f"bad_address: {fault}")
        now = self.clock.now()
        stamp = int(now.timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "anlan",
            "Idempotency-Key": id,
            "webhook-id": id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(self.keys, id, stamp, body),
            **marks,
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
                leave=leave,
            )
        except Barred as error:
            return Receipt(False, f"address_barred: {error}")
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):
            return Receipt(False, f"bad_address: {shown(url)} is none")
        except TooLate as error:
            return Receipt(False, f"deadline: {error}", transient=True, doubtful=True)
        except (httpx2.HTTPError, OSError) as error:
            # what never got through to the peer, or not with its last byte, cannot have been taken
            sent = not isinstance(error, _NOT_WHOLE)
            detail = f"no_answer: {type(error).__name__}: {error}"
            return Receipt(False, detail, transient=True, doubtful=sent)
        if 200 <= answer.status <= 299:
            return answer
        later = answer.status in _LATER or answer.status >= 500
        return Receipt(
            False,
            f"answered_{answer.status}: {shown(url)}",
            transient=later,
            retry_after=answer.retry_after if later else None,
        )

    def fault(self, url: str) -> str:
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
