"""The element tables of CAP 1.0, 1.1 and 1.2: order, how often, of what kind (CAP 1.2, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

NAMESPACES = {
    "urn:oasis:names:tc:emergency:cap:1.2": "1.2",
    "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
    "http://www.incident.com/cap/1.0": "1.0",
}
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"

STATUS = ("Actual", "Exercise", "System", "Test", "Draft")
MSG_TYPE = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPE = ("Public", "Restricted", "Private")
CATEGORY = (
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
)
RESPONSE_TYPE = (
    "Shelter",
    "Evacuate",
    "Prepare",
    "Execute",
    "Avoid",
    "Monitor",
    "Assess",
    "AllClear",
    "None",
)
URGENCY = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITY = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTY = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")

#: elements that people read
TEXTS = frozenset(
    (
        "note",
        "event",
        "audience",
        "senderName",
        "headline",
        "description",
        "instruction",
        "contact",
        "areaDesc",
        "resourceDesc",
    )
)

MANY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of a sequence: from `least` to `most` elements called `name`.

    `kind`: text, enum (one of `values`), time, language, uri, integer, decimal, words (a list), or
    parts (child elements, in `parts`). `absent` and `wrong` are the rules broken when it is missing
    and when its value does not fit."""

    name: str
    kind: str = "text"
    least: int = 0
    most: int = 1
    values: tuple[str, ...] = ()
    parts: tuple[Child, ...] = ()
    absent: str = "X-xsd"
    wrong: str = "X-xsd"

    @property
    def words(self) -> bool:
        """True for a text that people read."""
        return self.name in TEXTS


def _must(name: str, kind: str = "text", *, rule: str, values: tuple[str, ...] = (), most: int = 1) -> Child:
    return Child(name, kind, 1, most, values, (), f"{rule}-required", f"{rule}-enum" if values else "X-xsd")


def _pair(name: str, rule: str, version: str) -> Child:
    if version == "1.0":
        return Child(name, most=MANY)
    parts = (Child("valueName", least=1, absent=rule), Child("value", least=1, absent=rule))
    return Child(name, "parts", 0, MANY, parts=parts, absent=rule, wrong=rule)


def _time(name: str, least: int = 0) -> Child:
    return Child(name, "time", least, absent="D-required", wrong="D-format")


def _resource(version: str) -> Child:
    parts = (
        _must("resourceDesc", rule="R-desc"),
        Child("mimeType", least=1 if version == "1.2" else 0, absent="R-mime-required"),
        Child("size", "integer", wrong="R-size"),
        Child("uri", "uri"),
        *(() if version == "1.0" else (Child("derefUri"),)),
        Child("digest"),
    )
    return Child("resource", "parts", 0, MANY, parts=parts)


def _area(version: str) -> Child:
    shape = "words" if version == "1.0" else "text"
    height = "decimal" if version == "1.2" else "text"
    parts = (
        _must("areaDesc", rule="G-areaDesc"),
        Child("polygon", shape, most=MANY),
        Child("circle", shape, most=MANY),
        _pair("geocode", "G-geocode-pair", version),
        Child("altitude", height, wrong="G-altitude-number"),
        Child("ceiling", height, wrong="G-altitude-number"),
    )
    return Child("area", "parts", 0, MANY, parts=parts)


def _info(version: str) -> Child:
    categories = tuple(c for c in CATEGORY if version != "1.0" or c != "CBRNE")
    responses = tuple(r for r in RESPONSE_TYPE if version == "1.2" or r not in ("Avoid", "AllClear"))
    certainty = ("Very Likely", *CERTAINTY[1:]) if version == "1.0" else CERTAINTY
    parts = (
        Child("language", "language", wrong="I-language-syntax"),
        Child(
            "category",
            "enum",
            0 if version == "1.0" else 1,
            MANY,
            categories,
            absent="I-category-required",
            wrong="I-category-enum",
        ),
        _must("event", rule="I-event"),
        *(
            ()
            if version == "1.0"
            else (Child("responseType", "enum", 0, MANY, responses, wrong="I-responseType-enum"),)
        ),
        _must("urgency", "enum", rule="I-urgency", values=URGENCY),
        _must("severity", "enum", rule="I-severity", values=SEVERITY),
        _must("certainty", "enum", rule="I-certainty", values=certainty),
        Child("audience"),
        _pair("eventCode", "I-pair", version),
        _time("effective"),
        _time("onset"),
        _time("expires"),
        Child("senderName"),
        Child("headline"),
        Child("description"),
        Child("instruction"),
        Child("web", "uri", wrong="I-web-absolute"),
        Child("contact"),
        _pair("parameter", "I-pair", version),
        _resource(version),
        _area(version),
    )
    return Child("info", "parts", 0, MANY, parts=parts)


@cache
def alert_parts(version: str) -> tuple[Child, ...]:
    """What an alert of that version holds, in order."""
    listing = "words" if version == "1.0" else "text"
    status = STATUS[:4] if version == "1.0" else STATUS
    scope = _must("scope", "enum", rule="A-scope", values=SCOPE)
    if version == "1.0":
        scope = Child("scope", "enum", 0, 1, SCOPE, wrong="A-scope-enum")
    return (
        _must("identifier", rule="A-identifier"),
        _must("sender", rule="A-sender"),
        _time("sent", 1),
        _must("status", "enum", rule="A-status", values=status),
        _must("msgType", "enum", rule="A-msgType", values=MSG_TYPE),
        *((Child("password"),) if version == "1.0" else ()),
        Child("source"),
        scope,
        Child("restriction"),
        Child("addresses"),
        Child("code", most=MANY),
        Child("note"),
        Child("references", listing),
        Child("incidents", listing),
        _info(version),
    )
