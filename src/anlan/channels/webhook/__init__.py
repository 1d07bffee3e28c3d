"""Webhook: one signed HTTP POST to a partner system."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx2

from anlan.formats.values import canonical
from anlan.model.time import format_instant
from anlan.ports.channel import Parcel, Receipt
from anlan.ports.clock import Clock

# answers that ask for another try: request timeout, too early, too many requests
_LATER = (408, 425, 429)
_READ_AT_MOST = 65_536


class Webhook:
    """The recipient's address is the URL. One key signs for all recipients of the channel."""

    id = "webhook"

    def __init__(self, options: Mapping[str, Any], clock: Clock) -> None:
        self.public: bool = options["public"]
        self.key = options["key"].encode()
        self.plain_http: bool = options["plain_http"]
        self.timeout = float(options["timeout_s"])
        self.trust = ssl.create_default_context(cafile=options.get("ca_file"))
        self.clock = clock

    def deliver(self, parcel: Parcel) -> Receipt:
        """2xx with its whole answer: accepted. 408, 425, 429, 5xx, no or a broken answer: transient.
        Everything else, redirects included: for good."""
        url = parcel.recipient.address
        schemes = ("https://", "http://") if self.plain_http else ("https://",)
        if not url.lower().startswith(schemes):
            return Receipt(False, f"bad_address: {url!r} does not start with {' or '.join(schemes)}")
        body = envelope(parcel)
        stamp = format_instant(self.clock.now())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": parcel.delivery.id,
            "X-Anlan-Timestamp": stamp,
            "X-Anlan-Signature": signature(self.key, stamp, body),
            "X-Anlan-Repeat": "yes" if parcel.repeat else "no",
        }
        try:
            code = self._post(url, body, headers)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError) as error:
            return Receipt(False, f"bad_address: {error}")
        except (httpx2.HTTPError, OSError) as error:
            return Receipt(False, f"no_answer: {type(error).__name__}: {error}", transient=True)
        if 200 <= code <= 299:
            return Receipt(True, f"answered {code}")
        return Receipt(False, f"answered_{code}: {url}", transient=code in _LATER or code >= 500)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status once the answer is whole, or long enough; the deadline is for the whole exchange,
        so that a peer that sends a byte at a time does not hold the queue."""
        deadline = time.monotonic() + self.timeout
        with (
            httpx2.Client(
                timeout=self.timeout, verify=self.trust, follow_redirects=False, trust_env=False
            ) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as response,
        ):
            received = 0
            for part in response.iter_raw():
                received += len(part)
                if received > _READ_AT_MOST:
                    break
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("the answer did not end in time")
            return int(response.status_code)


def envelope(parcel: Parcel) -> bytes:
    """The body: canonical JSON, the same bytes for the same parcel, whether it is a repeat or not.
    `cap` is the published message; its SHA-256 is the warning's digest."""
    return canonical(
        {
            "format": "anlan.webhook/1",
            "delivery": parcel.delivery.id,
            "recipient": parcel.recipient.id,
            "rung": parcel.delivery.rung,
            "answer_by": format_instant(parcel.delivery.answer_by) if parcel.delivery.answer_by else None,
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


def signature(key: bytes, stamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256, hexadecimal, over the timestamp, a full stop and the body. The
    receiver computes it too, and refuses old timestamps."""
    return "sha256=" + hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def make(options: Mapping[str, Any], clock: Clock) -> Webhook:
    """The channel from its settled options (see manifest.toml)."""
    return Webhook(options, clock)
