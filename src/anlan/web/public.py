"""What everybody may read: public warnings in force, their CAP files, and an Atom feed of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from lxml import etree

from anlan.model.errors import NotFound
from anlan.model.state import State
from anlan.model.time import format_instant
from anlan.model.warning import Warning
from anlan.ports.desk import Desk
from anlan.web.access import PUBLIC
from anlan.web.duty import in_force
from anlan.web.render import page

ATOM = "http://www.w3.org/2005/Atom"
_FRESH = {"cache-control": "public, max-age=30"}


def is_public(warning: Warning) -> bool:
    """Published, for the public, and no exercise or test."""
    return warning.scope == "Public" and warning.mode == "Actual" and warning.sent is not None


def public_in_force(state: State, now: datetime) -> list[Warning]:
    return [w for w in in_force(state.warnings.values(), now) if is_public(w)]


@get("/status", opt={"act": PUBLIC}, sync_to_thread=True)
def status(request: Request[Any, Any, Any]) -> Response[str]:
    """The public page."""
    desk: Desk = request.app.state.desk
    return page(request, "status.html", warnings=public_in_force(desk.state(), desk.clock.now()))


@get("/feed/feed.atom", opt={"act": PUBLIC}, sync_to_thread=True)
def feed(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Public messages of warnings in force and the latest cancellations, newest first (RFC 4287)."""
    desk: Desk = request.app.state.desk
    base = str(request.base_url).rstrip("/")
    sent = sorted(
        (w for w in desk.state().warnings.values() if is_public(w) and w.expires > desk.clock.now()),
        key=lambda w: (w.sent or w.drafted, w.id),
        reverse=True,
    )
    newest = sent[0].sent if sent and sent[0].sent else desk.clock.now()
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _child(root, "id", f"{base}/feed/feed.atom")
    _child(root, "title", f"{desk.pack.title.en} / {desk.pack.title.zh}")
    _child(root, "updated", format_instant(newest))
    _child(_child(root, "author"), "name", desk.pack.title.en)
    _child(root, "link", rel="self", href=f"{base}/feed/feed.atom", type="application/atom+xml")
    for warning in sent:
        entry = _child(root, "entry")
        href = f"{base}/feed/{warning.id}.xml"
        _child(entry, "id", href)
        _child(entry, "title", f"{warning.headline.en} / {warning.headline.zh}")
        _child(entry, "updated", format_instant(warning.sent or warning.drafted))
        _child(entry, "summary", f"{warning.contents.matters.en} / {warning.contents.matters.zh}")
        _child(entry, "link", rel="alternate", href=href, type="application/cap+xml")
    raw: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return Response(raw, media_type="application/atom+xml", headers=_FRESH)


@get("/feed/{file:str}", opt={"act": PUBLIC}, sync_to_thread=True)
def cap_file(request: Request[Any, Any, Any], file: FromPath[str]) -> Response[bytes]:
    """The published bytes of a public warning, exactly."""
    desk: Desk = request.app.state.desk
    id = file.removesuffix(".xml")
    warning = desk.state().warnings.get(id)
    if not file.endswith(".xml") or warning is None or not is_public(warning):
        raise NotFound("no such public warning", where="feed", found=repr(file))
    return Response(desk.cap(id), media_type="application/cap+xml", headers=_FRESH)


def _child(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    child = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if text is not None:
        child.text = text
    return child
