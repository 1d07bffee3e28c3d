"""Rules over the elements of one resource (CAP 1.2, section 3.2.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import ABSOLUTE, BLANKS, Findings, first_of
from anlan.formats.cap.tricks import words

_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+([ \t]*;.*)?", re.DOTALL)
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_INTEGER = re.compile(r"[-+]?[0-9]+")


def check_resource(resource: Block, path: str, findings: Findings) -> None:
    """One resource; its content against its digest."""
    add = findings.add
    if "resourceDesc" in resource:
        text = resource["resourceDesc"][0]
        if text.strip():
            words(f"{path}/resourceDesc", text, findings)
        else:
            add(f"{path}/resourceDesc", "R-desc-required", "nothing", "what the resource is")
    mime = resource.get("mimeType")
    if mime is not None and not _MIME.fullmatch(mime[0].strip(BLANKS)):
        add(f"{path}/mimeType", "R-mime-format", shown(mime[0]), "type/subtype")
    if mime is None and findings.version == "1.1":
        add(f"{path}/mimeType", "V-11-map", "nothing", "the MIME type that CAP 1.2 asks for")
    size = first_of(resource, "size").strip(BLANKS)
    if size.startswith("-") and _INTEGER.fullmatch(size) and size.strip("-0"):
        add(f"{path}/size", "R-size", shown(size), "0 or more bytes")
    uri, content = resource.get("uri"), first_of(resource, "derefUri").strip(BLANKS)
    if uri is not None and uri[0].strip(BLANKS):
        if not content and not ABSOLUTE.fullmatch(uri[0].strip(BLANKS)):
            add(f"{path}/uri", "R-uri-absolute", shown(uri[0]), "an absolute URI")
    elif not content:
        add(path, "R-no-content", "neither uri nor derefUri", "one of them")
    data = None
    if content:
        try:
            data = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            add(f"{path}/derefUri", "R-deref-base64", str(error), "base64")
    digest = first_of(resource, "digest").strip(BLANKS)
    if digest and not _SHA1.fullmatch(digest):
        add(f"{path}/digest", "R-digest-sha1", shown(digest), "40 hexadecimal digits")
    elif digest and data is not None:
        actual = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        if actual != digest.lower():
            add(f"{path}/digest", "R-digest-mismatch", digest, actual)
