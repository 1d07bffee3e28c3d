"""An element tree against the element tables: everything the schema would refuse, with its place.

Times are not looked at here (`anlan.formats.cap.times.judge_time`). What blocks reading is little: what
leaves a message without a name, a standing or an addressee, what is said twice, and foreign elements.
"""

from __future__ import annotations

import contextlib
import re
from functools import cache
from typing import Any

from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.schema import NAMESPACES, XMLDSIG, Child, alert_parts
from anlan.formats.cap.tricks import MARKUP

MAX_FAULTS = 200
MAX_ATTRIBUTES = 16

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS = (f"{_XSI}schemaLocation", f"{_XSI}noNamespaceSchemaLocation")
_BLANKS = " \t\r\n"
#: kinds of values that any text fits, as far as it is looked at here
_ANY_TEXT = ("text", "words", "time")
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
#: without them nobody knows which message this is, whether it is meant, and for whom
_OLD = "Very Likely"
_ESSENTIAL = frozenset(("identifier", "sender", "sent", "status", "msgType", "scope"))


@cache
def _places(version: str) -> dict[str, dict[str, int]]:
    """The place of each element in the sequence of what holds it, by the name of that."""
    found: dict[str, dict[str, int]] = {}

    def add(name: str, parts: tuple[Child, ...]) -> None:
        found[name] = {part.name: place for place, part in enumerate(parts)}
        for part in parts:
            if part.parts:
                add(part.name, part.parts)

    add("alert", alert_parts(version))
    return found


class _TooMany(Exception):
    """Enough faults to refuse the message and to mend it by."""


class _Walk:
    def __init__(self, version: str, namespace: str) -> None:
        self.version = version
        self.namespace = namespace
        self.places = _places(version)
        self.faults: list[CapFault] = []

    def add(
        self, path: str, rule: str, found: str, expected: str, *, schema: bool = True, blocking: bool = True
    ) -> None:
        self.faults.append(CapFault(path, rule, found, expected, schema, blocking))
        if len(self.faults) >= MAX_FAULTS:
            raise _TooMany

    def sequence(
        self, element: Any, path: str, holder: str, parts: tuple[Child, ...], *, signed: bool = False
    ) -> None:
        """Children against the table: order, cardinality, names; then each child's own content."""
        self.attributes(element, path)
        if (element.text or "").strip(_BLANKS):
            self.add(path, "X-xsd", f"text {shown(element.text)}", "elements only", blocking=False)
        prefix = f"{{{self.namespace}}}" if self.namespace else ""
        places = self.places[holder]
        position, count = 0, 0
        totals: dict[str, int] = {}
        signing = False
        for node in element:
            if (node.tail or "").strip(_BLANKS):
                self.add(path, "X-xsd", f"text {shown(node.tail)}", "elements only", blocking=False)
            tag: str = node.tag
            if signed and tag.startswith(f"{{{XMLDSIG}}}"):
                signing = True
                if self.version != "1.2":
                    self.add(path, "X-xsd", "a signature", "none before CAP 1.2", blocking=False)
                continue
            name = tag.removeprefix(prefix)
            at = places.get(name, -1)
            if at < position or signing:
                known = at >= 0
                rule = "X-order" if known else ("X-foreign" if "{" in name else "X-xsd")
                expected = "the elements of the schema, in its order"
                self.add(path, rule, f"element {shown(tag)}", expected, blocking=rule == "X-foreign")
                if known:
                    totals[name] = totals.get(name, 0) + 1
                    self.child(node, path, parts[at], totals[name])
                continue
            if at != position:
                self.gap(path, parts[position:at], count, element, prefix)
                position, count = at, 0
            count += 1
            totals[name] = totals.get(name, 0) + 1
            self.child(node, path, parts[at], totals[name])
        self.gap(path, parts[position:], count, element, prefix)

    def child(self, node: Any, path: str, part: Child, number: int) -> None:
        """One element that the table knows, the `number`th of its name."""
        if part.kind in _ANY_TEXT and number <= part.most and not len(node) and not node.keys():
            return
        here = f"{path}/{part.name}[{number}]" if part.most > 1 else f"{path}/{part.name}"
        if number > part.most:
            # a text that people read is read with all its words; of a value nobody says which one holds
            words = part.words
            self.add(here, "X-xsd", f"{number} elements", f"at most {part.most}", blocking=not words)
        if part.kind == "parts":
            self.sequence(node, here, part.name, part.parts)
        else:
            self.leaf(node, here, part)

    def gap(self, path: str, parts: tuple[Child, ...], first: int, element: Any, prefix: str) -> None:
        """Faults for entries passed over; `first` is how many of the first one were there. What stands
        elsewhere in the element is out of order, not absent."""
        for index, part in enumerate(parts):
            if (first if index == 0 else 0) < part.least:
                if next(element.iterchildren(prefix + part.name), None) is not None:
                    continue
                essential = path == "alert" and part.name in _ESSENTIAL
                self.add(f"{path}/{part.name}", part.absent, "nothing", "the element", blocking=essential)

    def attributes(self, element: Any, path: str) -> None:
        # nearly none has any, and a list of names is had sooner than what maps them to values
        if not element.keys():
            return
        found = [name for name in element.attrib if name not in _HINTS]
        many = len(found) > MAX_ATTRIBUTES
        if many:
            self.add(path, "X-xsd", f"{len(found)} attributes", "no attribute")
        for name in found[:1] if many else found:
            self.add(path, "X-xsd", f"attribute {shown(name)}", "no attribute", blocking=False)

    def leaf(self, element: Any, path: str, part: Child) -> None:
        self.attributes(element, path)
        if len(element):
            tags = [inner.tag for inner in element.iterdescendants()]
            own = f"{{{self.namespace}}}" if self.namespace else "{}"
            foreign = next((tag for tag in tags if tag[:1] == "{" and not tag.startswith(own)), "")
            rule = "X-foreign" if foreign else "X-xsd"
            # a text with markup in it is read with all its words; a value in pieces is none
            self.add(path, rule, f"element {shown(foreign or tags[0])}", "text only", blocking=not part.words)
            marked = next((tag for tag in tags if tag.rpartition("}")[2].lower() in MARKUP), "")
            if marked and part.words:
                self.add(
                    path, "X-html", f"element {shown(marked)}", "plain text", schema=False, blocking=False
                )
            return
        text: str = element.text or ""
        collapsed = text.strip(_BLANKS)
        match part.kind:
            case "enum":
                if text not in part.values and collapsed in part.values:
                    self.add(path, "X-xsd", shown(text), "no blanks around the word", blocking=False)
                elif text not in part.values:
                    essential = part.name in _ESSENTIAL
                    rule = "I-very-likely" if part.name == "certainty" and text == _OLD else part.wrong
                    self.add(path, rule, shown(text), ", ".join(part.values), blocking=essential)
            case "language":
                if text and not _LANGUAGE.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a language tag such as zh-CN", blocking=False)
            case "uri":
                if not is_uri(text):
                    self.add(path, part.wrong, shown(text), "a URI", blocking=False)
            case "integer":
                if not _INTEGER.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a whole number", blocking=False)
            case "decimal":
                if not _DECIMAL.fullmatch(collapsed):
                    self.add(path, part.wrong, shown(text), "a decimal number", blocking=False)


def is_uri(text: str) -> bool:
    """True for the lexical form of xs:anyURI as XML Schema processors check it."""
    collapsed = " ".join(part for part in re.split(f"[{_BLANKS}]+", text) if part)
    return _URI.fullmatch(_OUTSIDE_URI.sub("_", collapsed)) is not None


def version_of(root: Any) -> tuple[str, str, list[CapFault]]:
    """(version, namespace, faults): the version is empty for what is no CAP. A message without any
    namespace is taken for 1.2, with the one fault X-namespace, not blocking; one in another namespace is
    not CAP, whatever it looks like."""
    tag: str = root.tag
    namespace, _, name = tag.rpartition("}")
    namespace = namespace.removeprefix("{")
    if name != "alert":
        return "", namespace, [CapFault(name, "X-root", f"element {shown(tag)}", "alert")]
    version = NAMESPACES.get(namespace, "")
    if version:
        return version, namespace, []
    if not namespace:
        expected = next(iter(NAMESPACES))
        return "1.2", "", [CapFault("alert", "X-namespace", "no namespace", expected, blocking=False)]
    return "", namespace, [CapFault("alert", "X-namespace", shown(namespace), ", ".join(NAMESPACES))]


def conform(root: Any, version: str, namespace: str) -> list[CapFault]:
    """Everything that the schema of `version` refuses in a tree whose elements are in `namespace`, but
    for times; at most MAX_FAULTS."""
    walk = _Walk(version, namespace)
    with contextlib.suppress(_TooMany):
        walk.sequence(root, "alert", "alert", alert_parts(version), signed=True)
    return walk.faults
