"""The schemas of CAP 1.0, 1.1 and 1.2, written from the element tables and compiled: the validator of
record. They accept what the published schemas accept; the tables hold the facts once."""

from __future__ import annotations

import threading
from typing import Any

from lxml import etree

from anlan.formats.cap.schema import MANY, NAMESPACES, XMLDSIG, Child, alert_parts

_XS = "http://www.w3.org/2001/XMLSchema"
_SPACES = {version: namespace for namespace, version in NAMESPACES.items()}
_TYPES = {
    "text": "string",
    "uri": "anyURI",
    "integer": "integer",
    "decimal": "decimal",
    "language": "language",
}


def _element(part: Child, version: str) -> str:
    most = "unbounded" if part.most == MANY else str(part.most)
    head = f'<xs:element name="{part.name}" minOccurs="{part.least}" maxOccurs="{most}"'
    match part.kind:
        case "parts":
            return f"{head}>{_sequence(part.parts, version)}</xs:element>"
        case "enum":
            words = "".join(f'<xs:enumeration value="{word}"/>' for word in part.values)
            return f"{head}>{_restriction('string', words)}</xs:element>"
        case "words":
            return f'{head}><xs:simpleType><xs:list itemType="xs:string"/></xs:simpleType></xs:element>'
        case "time" if version == "1.2":
            # the sign class of the published pattern has a comma in it, which dateTime refuses anyway
            pattern = r"\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[-,+]\d\d:\d\d"
            form = f'<xs:pattern value="{pattern}"/>'
            return f"{head}>{_restriction('dateTime', form)}</xs:element>"
        case "time":
            return f'{head} type="xs:dateTime"/>'
        case "language":
            return f'{head} type="xs:language" default="en-US"/>'
    return f'{head} type="xs:{_TYPES[part.kind]}"/>'


def _restriction(base: str, facets: str) -> str:
    return f'<xs:simpleType><xs:restriction base="xs:{base}">{facets}</xs:restriction></xs:simpleType>'


def _sequence(parts: tuple[Child, ...], version: str, more: str = "") -> str:
    inside = "".join(_element(part, version) for part in parts)
    return f"<xs:complexType><xs:sequence>{inside}{more}</xs:sequence></xs:complexType>"


def schema_text(version: str) -> str:
    """The schema of that version."""
    signature = (
        f'<xs:any minOccurs="0" maxOccurs="unbounded" namespace="{XMLDSIG}" processContents="lax"/>'
        if version == "1.2"
        else ""
    )
    return (
        f'<xs:schema xmlns:xs="{_XS}" targetNamespace="{_SPACES[version]}" elementFormDefault="qualified">'
        f'<xs:element name="alert">{_sequence(alert_parts(version), version, signature)}</xs:element>'
        "</xs:schema>"
    )


_COMPILING = threading.Lock()
# what a validator said last is its own, and libxml2 validates without Python's lock: one for each thread
_OWN = threading.local()


def _compiled(version: str) -> Any:
    own: dict[str, Any] | None = getattr(_OWN, "schemas", None)
    if own is None:
        own = _OWN.schemas = {}
    if version not in own:
        # libxml2 makes its table of types at the first schema: two at a time end the process
        with _COMPILING:
            own[version] = etree.XMLSchema(etree.fromstring(schema_text(version)))
    return own[version]


def validate(root: Any, version: str) -> bool:
    """True where the schema of that version accepts the tree."""
    return bool(_compiled(version).validate(root))


def refusal(version: str) -> str:
    """What the schema of that version said first of the tree that it refused last."""
    first = next(iter(_compiled(version).error_log), None)
    return "refused" if first is None else first.message.replace(f"{{{_SPACES[version]}}}", "")
