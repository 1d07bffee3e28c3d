"""Sessions: cookies, bearer tokens, keys, and the proof that a form is ours."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult

from anlan.model.errors import InvalidValue, NotAllowed
from anlan.model.user import User
from anlan.ports.desk import Desk

SESSION = "anlan_session"
VISIT = "anlan_visit"
LANGUAGE = "anlan_lang"
THEME = "anlan_theme"
THEMES = ("auto", "light", "dark")

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """How the caller showed who they are. `way`: none, cookie, bearer, key. `secret` is the session
    token of a cookie, or the visit token of somebody not signed in."""

    way: str
    secret: str = ""


class Keys:
    """Keys of machines that push observations: name -> SHA-256 of the key."""

    def __init__(self, digests: Mapping[str, str] | None = None) -> None:
        self._digests = dict(digests or {})

    @classmethod
    def read(cls, path: Path) -> Keys:
        """A file with one `name sha256-of-the-key-in-hex` a line; `#` begins a comment."""
        digests: dict[str, str] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = line.partition("#")[0].split()
            if not words:
                continue
            if len(words) != 2 or len(words[1]) != 64:
                raise InvalidValue(
                    "not a key",
                    where=f"{path}: line {number}",
                    found=f"{len(words)} word(s)",
                    expected="a name and 64 hexadecimal digits",
                )
            digests[words[0]] = words[1].lower()
        return cls(digests)

    def name(self, key: str) -> str | None:
        """Whose key it is, compared in constant time."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        found = [name for name, held in self._digests.items() if hmac.compare_digest(held, digest)]
        return found[0] if found else None


class SessionMiddleware(AbstractAuthenticationMiddleware):
    """Sets `user` (User or None) and `auth` (Caller); never refuses by itself: the guard does."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        desk: Desk = connection.app.state.desk
        keys: Keys = connection.app.state.machine_keys
        scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and credential:
            if name := keys.name(credential):
                return AuthenticationResult(User(f"key:{name}", "", ()), Caller("key"))
            user = desk.user(credential)
            return AuthenticationResult(user, Caller("bearer" if user else "none"))
        token = connection.cookies.get(SESSION, "")
        user = desk.user(token) if token else None
        if user is not None:
            return AuthenticationResult(user, Caller("cookie", token))
        return AuthenticationResult(None, Caller("none", connection.cookies.get(VISIT, "")))


def form_token(secret: str) -> str:
    """What a form of this session carries. Only who holds the (HttpOnly) cookie's value can make it."""
    return hmac.new(secret.encode(), b"anlan form", hashlib.sha256).hexdigest() if secret else ""


async def check_form(request: Request[Any, Any, Any]) -> None:
    """NotAllowed unless a request that changes something comes from one of our own pages. A bearer
    token is no ambient credential and needs no such proof."""
    caller: Caller = request.auth
    if caller.way in ("bearer", "key"):
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    sent = request.headers.get("x-csrf-token", "")
    if not sent and request.content_type[0] == "application/x-www-form-urlencoded":
        sent = str((await request.form()).get("csrf", ""))
    expected = form_token(caller.secret)
    if site not in ("same-origin", "none") or not expected or not hmac.compare_digest(sent, expected):
        raise NotAllowed("the form is not from this session; open the page again and repeat")


def new_visit() -> str:
    """A token for somebody not signed in, so that the sign-in form too can be proved ours."""
    return secrets.token_urlsafe(24)


def cookie(name: str, value: str, *, secure: bool, lasting: bool = False) -> Cookie:
    """A cookie no script and no other site can use; `lasting` keeps it for a year."""
    return Cookie(
        key=name,
        value=value,
        path="/",
        httponly=True,
        secure=secure,
        samesite="strict",
        max_age=365 * 86_400 if lasting else None,
    )


def expired(name: str, *, secure: bool) -> Cookie:
    """The same cookie, ended."""
    return Cookie(key=name, value="", path="/", httponly=True, secure=secure, samesite="strict", max_age=0)
