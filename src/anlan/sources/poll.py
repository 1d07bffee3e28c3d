"""Asking over HTTP: conditional requests, limits of size and time, and when to ask again."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2

from anlan.model.errors import AnlanError, Hostile
from anlan.model.indicator import SourceDef

# its lines hold whole addresses, and those may be secrets, whatever level a program logs at
logging.getLogger("httpx2").setLevel(logging.WARNING)

LONGEST_WAIT = timedelta(hours=1)
FIRST_WAIT = timedelta(seconds=15)


class SourceUnreachable(AnlanError):
    """A peer that did not answer, or answered with an error: a failure to count, not data to hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer sent. `unchanged` True for 304 (then `body` is empty)."""

    body: bytes = b""
    unchanged: bool = False
    content_type: str = ""


class Poller:
    """Remembers for each address what the peer called its last answer (ETag, Last-Modified) and asks
    only for something newer (RFC 9110, section 13).

    `limit`: most bytes of an answer, unpacked; `seconds`: longest time for a whole answer;
    `redirects`: how many are followed.
    """

    def __init__(
        self,
        *,
        limit: int = 64 * 1024 * 1024,
        seconds: float = 30.0,
        redirects: int = 3,
        agent: str = "anlan/0.1",
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._client = httpx2.Client(
            timeout=min(10.0, seconds),
            follow_redirects=True,
            max_redirects=redirects,
            headers={"User-Agent": agent},
        )
        self._marks: dict[str, dict[str, str]] = {}

    def ask(self, url: str, *, conditional: bool = True) -> Answer:
        """The answer of a peer. SourceUnreachable when there is none or it is an error; Hostile when
        it is larger than the limit."""
        marks = self._marks.get(url, {}) if conditional else {}
        end = time.monotonic() + self.seconds
        try:
            with self._client.stream("GET", url, headers=marks) as response:
                if response.status_code == httpx2.codes.NOT_MODIFIED:
                    return Answer(unchanged=True)
                if response.status_code != httpx2.codes.OK:
                    raise SourceUnreachable(
                        "the peer refused",
                        where=url,
                        found=f"HTTP {response.status_code}",
                        expected="200 or 304",
                    )
                body = self._body(response, url, end)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise SourceUnreachable(
                "the peer cannot be reached",
                where=url,
                found=f"{type(error).__name__}: {error}",
                expected="an answer",
            ) from error
        names = (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since"))
        self._marks[url] = {
            asked: response.headers[told] for told, asked in names if told in response.headers
        }
        return Answer(body, content_type=response.headers.get("Content-Type", ""))

    def _body(self, response: httpx2.Response, url: str, end: float) -> bytes:
        stated = response.headers.get("Content-Length", "")
        if stated.isdecimal() and int(stated) > self.limit:
            raise Hostile(
                "larger than an answer may be",
                where=url,
                found=f"{stated} bytes stated",
                expected=f"at most {self.limit}",
            )
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes(65_536):
            size += len(part)
            if size > self.limit:
                raise Hostile(
                    "larger than an answer may be",
                    where=url,
                    found=f"more than {self.limit} bytes",
                    expected=f"at most {self.limit}",
                )
            if time.monotonic() > end:
                raise SourceUnreachable(
                    "the peer is too slow",
                    where=url,
                    found=f"{size} bytes in {self.seconds:g} s",
                    expected="the whole answer",
                )
            parts.append(part)
        return b"".join(parts)

    def forget(self, url: str) -> None:
        """Ask for everything next time: what was last received could not be kept."""
        self._marks.pop(url, None)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def backoff(source: str, failures: int, poll: timedelta, longest: timedelta = LONGEST_WAIT) -> timedelta:
    """How long to wait after so many failures in a row: 15 s (or `poll` if shorter), doubled each time
    up to `longest` (or `poll` if longer), less up to a quarter that follows from the source's id and the
    number of failures, so that a crowd does not return together and a replay repeats."""
    if failures <= 0:
        return poll
    longest = max(longest, poll)
    doubled: timedelta = min(FIRST_WAIT, poll) * (1 << min(failures - 1, 20))
    wait = min(longest, doubled)
    digest = hashlib.sha256(f"{source}\x00{failures}".encode()).digest()
    return wait * (1 - int.from_bytes(digest[:4], "big") / 2**32 / 4)


def next_poll(definition: SourceDef, last: datetime | None, failures: int, now: datetime) -> datetime:
    """When to ask next: at once when never asked, else after `poll`, or after the backoff. A peer that was
    away is found back within a quarter of the silence that makes it late, be its absence ever so long."""
    if last is None:
        return now
    longest = min(LONGEST_WAIT, definition.stale_after / 4)
    return last + backoff(definition.id, failures, definition.poll or timedelta(hours=1), longest)
