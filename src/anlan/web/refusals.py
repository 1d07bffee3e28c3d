"""An act that was refused: told on the page where it was asked for, with the words that were typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from litestar import Request, Response

from anlan.ports.desk import Desk
from anlan.web.errors import Problem
from anlan.web.guards import sees
from anlan.web.pages import warning_page
from anlan.web.render import page


@dataclass(frozen=True, slots=True)
class Tried:
    """What somebody asked for: `fields` what was typed, without secrets; `back` the page it came from."""

    act: str
    subject: str
    fields: Mapping[str, str]
    problem: Problem
    back: str


def refused(request: Request[Any, Any, Any], tried: Tried) -> Response[str]:
    """The page of the warning, or else a page with the refusal and the way back; the status is the
    refusal's."""
    desk: Desk = request.app.state.desk
    warnings = desk.state().warnings
    id = tried.subject if tried.subject in warnings else unquote(tried.back.removeprefix("/warning/"))
    if id in warnings and any(map(sees(request), warnings[id].places)):
        return warning_page(request, id, tried)
    return page(request, "error.html", status=tried.problem.status, problem=tried.problem, tried=tried)
