"""Templates into answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType

from anlan.ports.desk import Desk
from anlan.web.catalogue import preferred
from anlan.web.screen import Screen
from anlan.web.session import LANGUAGE, THEME, THEMES, Caller, form_token

STATIC = Path(str(files("anlan.web"))) / "static"


@cache
def environment() -> Environment:
    """Autoescaping everywhere; an undefined name is an error."""
    return Environment(
        loader=PackageLoader("anlan.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        # a page goes with the code that fills it: files that an upgrade replaces are for the next start
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def asset(name: str) -> str:
    """The address of a static file with a digest of its bytes, so that a browser may keep it."""
    file = STATIC / name
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "missing"
    return f"/static/{name}?v={digest}"


def screen(request: Request[Any, Any, Any], csrf: str | None = None, here: str | None = None) -> Screen:
    """The request's view of the desk: language by cookie, then the user's, then the browser's. `here`: the
    page's own address, where it answers a form that was sent to another."""
    desk: Desk = request.app.state.desk
    user, caller = request.scope.get("user"), request.scope.get("auth") or Caller("none")
    language = request.cookies.get(LANGUAGE) or (user.language if user else "")
    if not language:
        language = preferred(request.headers.get("accept-language", ""))
    theme = request.cookies.get(THEME, "auto")
    token = form_token(caller.secret) if csrf is None else csrf
    theme = theme if theme in THEMES else "auto"
    view = Screen(desk, user, language, theme, request.app.state.zone, request.url, token)
    view.here = view.here if here is None else here
    return view


def page(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    cookies: Iterable[Cookie] = (),
    csrf: str | None = None,
    here: str | None = None,
    **values: Any,
) -> Response[str]:
    """A rendered page."""
    view = screen(request, csrf, here)
    content = (
        environment()
        .get_template(template)
        .render(
            s=view, t=view.words, term=view.words.term, asset=asset, live=request.app.state.live, **values
        )
    )
    return Response(
        content,
        status_code=status,
        media_type=MediaType.HTML,
        headers={"content-language": view.lang, "vary": "cookie, accept-language"},
        cookies=list(cookies),
    )
