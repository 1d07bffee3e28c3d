"""An element tree against the element tables: everything the schema would refuse, with its place."""

from __future__ import annotations

import re
from typing import Any

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.schema import NAMESPACES, XMLDSIG, Child, alert_parts
from anlan.formats.cap.times import CAP_FORM, is_time, read_time

MAX_TEXT = 50_000
MAX_FAULTS = 200

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS = (f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation")
_BLANKS = " \t\r\n"
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
# RFC 3986, appendix A, as a URI reference; xs:anyURI lets characters outside it stand for their escapes
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.-]*:|(?=[^:]*(?:[/?#]|\Z)))"
    rf"(?://(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{{2}})*@)?"
    rf"(?:\[[^\]]*\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})*)(?::[0-9]{{1,9}})?(?:/{_PCHAR}*)*"
    rf"|(?!//)(?:{_PCHAR}|/)*)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?\[\]])*)?"
)
_OUTSIDE_URI = re.compile(r"[\x00-\x20\x7f-\U0010ffff<>\"{}|\\^`']")
# lists, content and geometry: bounded by the size of the document and a number of points
_UNLIMITED = ("derefUri", "polygon", "references", "addresses")


class _TooMany(Exception):
    """Enough faults to refuse the message and to mend it by."""


class _Walk:
    def __init__(self, version: str, namespace: str) -> None:
        self.version = version
        self.namespace = namespace
        self.faults: list[CapFault] = []

    def add(
        self, path: str, rule: str, found: str, expected: str, *, schema: bool = True, blocking: bool = True
    ) -> None:
        self.faults.append(CapFault(path, rule, found, expected, schema, blocking))
        if len(self.faults) >= MAX_FAULTS:
            raise _TooMany

    def sequence(self, element: Any, path: str, parts: tuple[Child, ...], *, signed: bool = False) -> None:
        """Children against the table: order, cardinality, names; then each child's own content."""
        self.attributes(element, path)
        if (element.text or "").strip(_BLANKS):
            self.add(path, "X-xsd", f"text {shown(element.text)}", "elements only")
        prefix = f"{{{self.namespace}}}" if self.namespace else ""
        position, count = 0, 0
        totals: dict[str, int] = {}
        signing = False
        for node in element:
            if (node.tail or "").strip(_BLANKS):
                self.add(path, "X-xsd", f"text {shown(node.tail)}", "elements only")
            tag: str = node.tag
            if signed and tag.startswith(f"{{{XMLDSIG}}}"):
                signing = True
                if self.version != "1.2":
                    self.add(path, "S-enveloped", "a signature", "none before CAP 1.2", blocking=False)
                continue
            name = tag.removeprefix(prefix)
            at = next((i for i in range(position, len(parts)) if parts[i].name == name), None)
            if at is None or signing:
                known = any(part.name == name for part in parts)
                rule = "X-order" if known else ("X-foreign" if "{" in name else "X-xsd")
                self.add(path, rule, f"element {shown(tag)}", "the elements of the schema, in its order")
                continue
            if at != position:
                self.gap(path, parts[position:at], count)
                position, count = at, 0
            count += 1
            totals[name] = totals.get(name, 0) + 1
            part = parts[at]
            here = f"{path}/{name}[{totals[name]}]" if part.most > 1 else f"{path}/{name}"
            if count > part.most:
                self.add(here, "X-xsd", f"{count} elements", f"at most {part.most}")
            if part.kind == "parts":
                self.sequence(node, here, part.parts)
            else:
                self.leaf(node, here, part)
        self.gap(path, parts[position:], count)

    def gap(self, path: str, parts: tuple[Child, ...], first: int) -> None:
        """Faults for entries passed over; `first` is how many of the first one were there."""
        for index, part in enumerate(parts):
            if (first if index == 0 else 0) < part.least:
                self.add(f"{path}/{part.name}", part.absent, "nothing", "the element")

    def attributes(self, element: Any, path: str) -> None:
        for name in element.attrib:
            if name not in _HINTS:
                self.add(path, "X-xsd", f"attribute {shown(name)}", "no attribute")

    def leaf(self, element: Any, path: str, part: Child) -> None:
        self.attributes(element, path)
        if len(element):
            self.add(path, "X-xsd", f"element {shown(element[0].tag)}", "text only")
            return
        text: str = element.text or ""
        if len(text) > MAX_TEXT and part.name not in _UNLIMITED:
            self.add(path, "S-size", f"{len(text)} characters", f"at most {MAX_TEXT}", schema=False)
            return
        collapsed = text.strip(_BLANKS)
        match part.kind:
            case "enum":
                if text not in part.values:
                    self.add(path, part.wrong, shown(text), ", ".join(part.values))
            case "time":
                self.time(path, collapsed)
            case "language":
                if text and not _LANGUAGE.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a language tag such as zh-CN")
            case "uri":
                if not is_uri(text):
                    self.add(path, part.wrong, shown(text), "a URI")
            case "integer":
                if not _INTEGER.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a whole number")
            case "decimal":
                if not _DECIMAL.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a decimal number")

    def time(self, path: str, text: str) -> None:
        form = "YYYY-MM-DDThh:mm:ss and a numeric offset such as +08:00"
        if self.version == "1.2" and not CAP_FORM.match(text):
            self.add(path, "D-format", shown(text), form)
        elif not is_time(text):
            self.add(path, "D-calendar", shown(text), "a date and time that exist")
        elif not CAP_FORM.match(text):
            self.add(path, "D-format", shown(text), form, schema=False, blocking=not _placed(text))
        elif text.endswith("+00:00"):
            self.add(path, "D-utc-minus", shown(text), "-00:00", schema=False, blocking=False)


def _placed(text: str) -> bool:
    """True where the instant is certain although the form is not that of CAP."""
    try:
        read_time(text)
    except ValueError:
        return False
    return True


def is_uri(text: str) -> bool:
    """True for the lexical form of xs:anyURI as XML Schema processors check it."""
    collapsed = " ".join(part for part in re.split(f"[{_BLANKS}]+", text) if part)
    return _URI.fullmatch(_OUTSIDE_URI.sub("_", collapsed)) is not None


def conform(root: Any) -> tuple[str, list[CapFault]]:
    """The message's version ("" when it is not CAP at all) and everything its schema refuses.

    A message without any namespace is judged as 1.2, with the one fault X-namespace, not blocking.
    """
    tag: str = root.tag
    namespace, _, name = tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    if name != "alert":
        return "", [CapFault(name, "X-root", f"element {shown(tag)}", "alert")]
    version = NAMESPACES.get(namespace, "1.2" if not namespace else "")
    if not version:
        expected = ", ".join(NAMESPACES)
        return "", [CapFault("alert", "X-namespace", shown(namespace), expected)]
    walk = _Walk(version, namespace)
    try:
        if not namespace:
            walk.add("alert", "X-namespace", "no namespace", next(iter(NAMESPACES)), blocking=False)
        walk.sequence(root, "alert", alert_parts(version), signed=True)
    except _TooMany:
        return version, walk.faults
    return version, walk.faults
