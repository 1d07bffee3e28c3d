"""One POST to an address that was looked at first, within one deadline."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from anlan.channels.addresses import resolve
from anlan.channels.deadline import Deadline, TooLate

# its lines hold whole addresses, and those may be secrets, whatever level a program logs at
logging.getLogger("httpx2").setLevel(logging.WARNING)

_READ_AT_MOST = 65_536
#: a peer may put off for a day at most; then we ask again
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, how long from now the peer wants to be asked again (None: not said), and what it said, no
    more than is read of it."""

    status: int
    retry_after: timedelta | None
    body: bytes = b""


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float,
    trust: ssl.SSLContext,
    private: bool,
    now: datetime,
    leave: Callable[[], None] | None = None,
) -> Answer:
    """The answer once it is whole, or long enough. `private`: addresses that are not of the public net are
    allowed. `leave` is called right before the last byte of the body leaves, and ends the exchange there by
    what it raises. addresses.Barred, httpx2.HTTPError and OSError (TooLate among them) as they come."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    with Deadline(seconds) as deadline:
        addresses = resolve(host, port, deadline.left, private=private)
        last: Exception | None = None
        for address in addresses:
            try:
                return _post(url, address, body, headers, deadline, trust, now, leave)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                # the next address of the same name, as long as there is time
                last = error
            except (httpx2.HTTPError, OSError) as error:
                if deadline.expired:
                    raise TooLate(f"the answer did not end within {seconds:g} s") from error
                raise
        raise last if last is not None else OSError("no address")


def _post(
    url: str,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    deadline: Deadline,
    trust: ssl.SSLContext,
    now: datetime,
    leave: Callable[[], None] | None,
) -> Answer:
    parts = urlsplit(url)
    bracketed = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    there = parts._replace(netloc=bracketed + port, fragment="").geturl()

    def trace(event: str, info: Mapping[str, Any]) -> None:
        """The socket as soon as there is one: only who has it can end a peer that dribbles its headers."""
        if event == "connection.connect_tcp.complete":
            deadline.watch(info["return_value"].get_extra_info("socket"))

    with (
        httpx2.Client(timeout=deadline.left, verify=trust, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST",
            there,
            content=body if leave is None else _poised(body, leave),
            # its length is said also of a body in two parts: without its last byte it is no request
            headers={**headers, "Host": (parts.hostname or "") + port, "Content-Length": str(len(body))},
            # the certificate is checked against the name, not against the address
            extensions={"sni_hostname": parts.hostname or "", "trace": trace},
        ) as response,
    ):
        received = bytearray()
        for part in response.iter_raw():
            received += part
            if len(received) > _READ_AT_MOST:
                break
        later = retry_after(response.headers.get("retry-after", ""), now)
        return Answer(response.status_code, later, bytes(received[:_READ_AT_MOST]))


def _poised(body: bytes, leave: Callable[[], None]) -> Iterator[bytes]:
    yield body[:-1]
    leave()
    yield body[-1:]


def retry_after(value: str, now: datetime) -> timedelta | None:
    """How long to wait (RFC 9110, section 10.2.3: a number of seconds, or an HTTP date), between nothing
    and a day; None where nothing readable was said."""
    if value.strip().isascii() and value.strip().isdigit():
        return min(_LONGEST, timedelta(seconds=min(int(value), 86_400)))
    with suppress(ValueError, TypeError, OverflowError):
        then = parsedate_to_datetime(value)
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        return min(_LONGEST, max(timedelta(0), then - now))
    return None
