"""Errors as pages, or as problem details (RFC 9457) under /v1, in the reader's language."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from anlan.model.errors import (
    AnlanError,
    BadInput,
    Hostile,
    InvalidValue,
    NotAllowed,
    NotFound,
    StoreUnavailable,
    WrongState,
)
from anlan.web.guards import Refused, SignInNeeded
from anlan.web.refusal_words import refusal
from anlan.web.render import page, screen

API = "/v1"
LOG = logging.getLogger("anlan.web")

# From the particular to the general: the first that fits decides.
STATUS: tuple[tuple[type[AnlanError], int, str], ...] = (
    (SignInNeeded, 401, "sign_in"),
    (NotAllowed, 403, "not_allowed"),
    (NotFound, 404, "not_found"),
    (WrongState, 409, "wrong_state"),
    (Hostile, 413, "hostile"),
    (BadInput, 422, "bad_input"),
    (InvalidValue, 422, "bad_input"),
    (StoreUnavailable, 503, "store"),
)
CODES = (*dict.fromkeys(code for _, _, code in STATUS), "request", "too_large", "too_many", "internal")
_HTTP = {401: "sign_in", 403: "not_allowed", 404: "not_found", 413: "too_large", 429: "too_many"}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the reader gets it. `code` is stable; `basis` cites an article where one refused."""

    status: int
    code: str
    detail: str
    basis: str = ""


def problem(request: Request[Any, Any, Any], error: Exception) -> Problem:
    """What to say about an error; nothing of an unexpected one is shown, it is logged instead."""
    if isinstance(error, Refused):
        return Problem(403, "not_allowed", error.reason.in_(screen(request, "").language))
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            told = refusal(error, screen(request, "").language)
            return Problem(status, code, told, getattr(error, "basis", ""))
    if isinstance(error, HTTPException) and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
        code = _HTTP.get(error.status_code, "request")
        return Problem(error.status_code, code, error.detail)
    LOG.error("unexpected error at %s %s", request.method, request.url.path, exc_info=error)
    return Problem(500, "internal", "")


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The exception handler of the whole site."""
    told = problem(request, error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if request.url.path == API or request.url.path.startswith(f"{API}/"):
        return _details(request, told, headers)
    if told.status == HTTPStatus.UNAUTHORIZED and request.method == "GET":
        back = quote(screen(request, "").here, safe="")
        return Redirect(f"/sign-in?next={back}", status_code=303)
    shown = page(request, "error.html", status=told.status, problem=told)
    shown.headers.update(headers)
    return shown


def _details(request: Request[Any, Any, Any], told: Problem, headers: dict[str, str]) -> Response[Any]:
    view = screen(request, "")
    body: dict[str, Any] = {
        "type": f"urn:anlan:problem:{told.code}",
        "title": view.words(f"error.{told.code}.title"),
        "status": told.status,
        "detail": told.detail or view.words(f"error.{told.code}.what"),
        "instance": request.url.path,
    }
    if told.basis:
        cited = view.cite(told.basis)
        body["basis"] = {"cite": told.basis, "law": cited.title, "gist": cited.gist}
    if told.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    headers["content-language"] = view.lang
    return Response(body, status_code=told.status, media_type="application/problem+json", headers=headers)
