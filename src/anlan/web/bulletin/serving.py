"""Hands out the current edition, from memory, under one path that only reads.

It stands before the rest of the application: no session, no database, no template. So it goes on when the
rest is busy, and what it costs does not depend on what is in force.
"""

from __future__ import annotations

from email.utils import format_datetime

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types.asgi_types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope

from anlan.web.bulletin.edition import Edition, File
from anlan.web.bulletin.press import Press
from anlan.web.headers import HEADERS

PREFIX = "/public"
_SECURE = {**HEADERS, "cross-origin-resource-policy": "cross-origin", "access-control-allow-origin": "*"}
_COMMON = [(name.encode(), value.encode()) for name, value in _SECURE.items()]
#: a copy may be shown for so long without asking, and for a day where we cannot be asked: it says its age
_CACHE = (b"cache-control", b"public, max-age=15, stale-if-error=86400")


class Serving:
    """`inner` answers everything else, and the start and end of the application."""

    def __init__(self, press: Press, inner: ASGIApp) -> None:
        self._press = press
        self._inner = inner
        self._edition: Edition | None = None
        self._heads: dict[tuple[str, bool], list[tuple[bytes, bytes]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in (ScopeType.HTTP, ScopeType.WEBSOCKET):
            await self._live(scope, receive, send)
            return
        if scope["type"] != ScopeType.HTTP or not _ours(scope["path"]):
            await self._inner(scope, receive, send)
            return
        status, head, body = self._answer(scope)
        start: HTTPResponseStartEvent = {"type": "http.response.start", "status": status, "headers": head}
        await send(start)
        content = b"" if scope["method"] == "HEAD" else body
        rest: HTTPResponseBodyEvent = {"type": "http.response.body", "body": content, "more_body": False}
        await send(rest)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The life of the application, from its start to its end: the press runs as long."""
        self._press.start()
        try:
            await self._inner(scope, receive, send)
        finally:
            # not awaited: a server that ends cancels what still waits
            self._press.stop()

    def _answer(self, scope: HTTPScope) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        if scope["method"] not in ("GET", "HEAD"):
            return 405, [*_COMMON, (b"allow", b"GET, HEAD"), (b"content-length", b"0")], b""
        path = scope["path"].removeprefix(PREFIX)
        if path == "":
            return 308, [*_COMMON, (b"location", b"public/"), (b"content-length", b"0")], b""
        edition = self._press.current
        if edition is None:
            return _said(503, "No edition has been built yet. / 尚未生成。", [(b"retry-after", b"5")])
        name = path[1:] + ("index.html" if path.endswith("/") else "")
        file = edition.files.get(name)
        if file is None:
            return _said(404, "There is no such page. / 无此页面。", [_CACHE])
        asked = {
            key: value for key, value in scope["headers"] if key in (b"accept-encoding", b"if-none-match")
        }
        packed = file.packed is not None and b"gzip" in asked.get(b"accept-encoding", b"")
        head = self._head(edition, name, file, packed)
        tag = _tag(file, packed).encode()
        known = [one.strip().removeprefix(b"W/") for one in asked.get(b"if-none-match", b"").split(b",")]
        if tag in known or b"*" in known:
            return 304, [one for one in head if one[0] not in (b"content-length", b"content-encoding")], b""
        return 200, head, file.packed if packed and file.packed is not None else file.content

    def _head(self, edition: Edition, name: str, file: File, packed: bool) -> list[tuple[bytes, bytes]]:
        """The headers of a file, made once for each edition."""
        if edition is not self._edition:
            self._edition, self._heads = edition, {}
        head = self._heads.get((name, packed))
        if head is None:
            length = len(file.packed if packed and file.packed is not None else file.content)
            head = [
                *_COMMON,
                _CACHE,
                (b"content-type", file.kind.encode()),
                (b"content-length", str(length).encode()),
                (b"etag", _tag(file, packed).encode()),
                (b"last-modified", format_datetime(edition.built, usegmt=True).encode()),
                (b"vary", b"accept-encoding"),
            ]
            if packed:
                head.append((b"content-encoding", b"gzip"))
            self._heads[(name, packed)] = head
        return head


def _ours(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _tag(file: File, packed: bool) -> str:
    """The validator of one representation: the packed one is other bytes, so another (RFC 9110, 8.8.3.3)."""
    return f'"{file.tag}{"-gz" if packed else ""}"'


def _said(
    status: int, text: str, more: list[tuple[bytes, bytes]]
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    words = f"{text}\n".encode()
    head = [
        *_COMMON,
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(words)).encode()),
        *more,
    ]
    return status, head, words
