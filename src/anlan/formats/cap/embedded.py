"""Messages that stand inside other documents, each with the very bytes that it has there.

An enveloped signature covers what was written, so a message is cut out of its wrapper and not written
anew. Where it leans on namespaces that its wrapper declares, those declarations are put into its first tag
and nothing else is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from lxml import etree

from anlan.formats.cap.schema import NAMESPACES

#: what holds extracts for sorting, not the message itself (EDXL-DE 1.0, keyXMLContent), or what was signed
_ASIDE = frozenset({"keyXMLContent", "Signature"})


#: what the namespaces of every version hold
CAP_TEXT = ("emergency:cap:", "incident.com/cap")


def local(tag: Any) -> str:
    """The name without its namespace; "" for what is no element."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(tag: str) -> str:
    """The namespace; "" for none."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def looks_like_cap(tag: Any) -> bool:
    """An `alert` of CAP, of something that calls itself CAP, or of no namespace."""
    if local(tag) != "alert":
        return False
    space = namespace(tag)
    return not space or space in NAMESPACES or "cap" in space.lower()


def outermost(root: Any) -> Iterator[Any]:
    """The message elements under (or at) `root` in document order; what stands in one is part of it."""
    ahead = [root]
    while ahead:
        node = ahead.pop()
        if looks_like_cap(node.tag):
            yield node
        elif local(node.tag) not in _ASIDE:
            ahead.extend(reversed(node))


def reads_like_cap(text: str | None) -> bool:
    """A text that is itself a document with a message."""
    if not text or len(text) < 40 or "alert" not in text:
        return False
    return text.lstrip().startswith("<") and any(sign in text for sign in CAP_TEXT)


class Cutter:
    """Cuts messages out of one document. `text` is the document as UTF-8, `root` its tree."""

    def __init__(self, text: bytes, root: Any) -> None:
        self._text = text
        nodes = [node for node in root.iter(etree.Element) if local(node.tag) == "alert"]
        spans = _spans(text)
        self._spans = dict(zip(nodes, spans, strict=True)) if len(nodes) == len(spans) else {}

    def bytes_of(self, node: Any) -> bytes:
        """The message as a document of its own: as it stands in the wrapper where that can be."""
        start, end = self._spans.get(node, (0, 0))
        if end > start:
            cut = self._text[start:end]
            for alone in (cut, _declared(cut, node)):
                if _means_the_same(alone, node):
                    return alone
        part: bytes = etree.tostring(node, with_tail=False)
        try:
            tree = etree.fromstring(part, _parser())
        except etree.XMLSyntaxError:
            # strange declarations of namespaces are written so that no parser takes them: its reader says so
            return part
        whole: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
        return whole


def _declared(cut: bytes, node: Any) -> bytes:
    """The message with the namespaces that hold around it declared in its first tag."""
    name = re.match(rb"<[^\s/>]+", cut)
    parent = node.getparent()
    if name is None or parent is None:
        return cut
    tag = cut[: cut.find(b">")]
    told = b""
    for prefix, space in parent.nsmap.items():
        attribute = f"xmlns:{prefix}" if prefix else "xmlns"
        if re.search(rb"\s" + re.escape(attribute.encode()) + rb"\s*=", tag) is None:
            told += f" {attribute}={quoteattr(space)}".encode()
    return cut[: name.end()] + told + cut[name.end() :]


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _means_the_same(cut: bytes, node: Any) -> bool:
    try:
        alone = etree.fromstring(cut, _parser())
    except etree.XMLSyntaxError:
        return False
    if alone.tag != node.tag:
        return False
    if alone.nsmap == node.nsmap:
        return True
    # The exclusive canonical form is what does not depend on the surroundings. Of a part it is asked of a
    # document of its own: lxml copies the whole document for each part.
    try:
        apart = etree.fromstring(etree.tostring(node, with_tail=False), _parser())
        return _exclusive(alone) == _exclusive(apart)
    except (etree.C14NError, etree.XMLSyntaxError):  # a relative name of a namespace: there is no such form
        return False


def _exclusive(root: Any) -> bytes:
    form: bytes = etree.tostring(root, method="c14n", exclusive=True, with_tail=False)
    return form


def _spans(text: bytes) -> list[tuple[int, int]]:
    """(start, end) of every element called `alert` in the order of their start tags; none where expat
    reads the document otherwise than lxml did."""
    found: list[list[int]] = []
    opened: list[int] = []
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="}")
    # nothing is handed over but the place of each tag
    parser.buffer_text = False

    def start(name: str, attributes: dict[str, str]) -> None:
        del attributes
        if name.rpartition("}")[2] == "alert":
            opened.append(len(found))
            found.append([parser.CurrentByteIndex, 0])

    def end(name: str) -> None:
        if name.rpartition("}")[2] == "alert":
            found[opened.pop()][1] = text.find(b">", parser.CurrentByteIndex) + 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        return []
    return [(start, end) for start, end in found]
