"""What CAP demands beyond its schema (CAP 1.2, section 3): rules over the texts of one message.

They look at blocks (`anlan.formats.cap.blocks`), so that a message which the schema refuses is told all
that is wrong with it at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from anlan.formats.cap.blocks import Block, Pair
from anlan.formats.cap.fault import CapFault, shown
from anlan.formats.cap.geometry import SOUND, Broken, Looked, circle_faults, polygon_faults, sound_rings
from anlan.formats.cap.lists import split_list
from anlan.formats.cap.secure import follows
from anlan.formats.cap.times import BUDDHIST, judge_time

BLANKS = " \t\r\n"
_NAME = re.compile(r"[^\s,<&]+")
_MIME = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+([ \t]*;.*)?", re.DOTALL)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,500})?/?>|<!--")
_ENTITY = re.compile(r"&[A-Za-z][A-Za-z0-9]{1,30};")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DRILL = re.compile(r"\bdrill\b|\bexercise exercise\b|演练|演习", re.IGNORECASE)
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_DOTTED = re.compile(r"\b(?:[A-Za-z]\.){2,}")
#: codes and parameters known by their acronym
_ACRONYMS = frozenset(
    (
        *("SAME", "FIPS", "FIPS4", "FIPS6", "UGC", "ZIP", "VTEC", "EAS-ORG", "EMMA_ID"),
        *("NUTS1", "NUTS2", "NUTS3", "SGC", "WMO", "ISO", "ISO3166-2"),
    )
)
MAX_HEADLINE = 160
MAX_INFOS = 1000
MAX_FINDINGS = 2000
MAX_SHAPES = 20_000
_CAP_TIME = "YYYY-MM-DDThh:mm:ss and a numeric offset such as +08:00"
_EXPECTED = {
    "D-format": _CAP_TIME,
    "D-no-Z": "a numeric offset in place of the letter",
    "D-schema-comma": "+ or - before the offset",
    "D-calendar": "a date and time that exist",
    "D-utc-minus": "-00:00",
    "D-implausible-year": "a year from 2000 to 2100",
}


class Findings:
    """What is found, as it is found, with what several rules need to know."""

    def __init__(self, version: str, plain: bool = False) -> None:
        self.faults: list[CapFault] = []
        #: nothing in the document can be markup or a trick: no text need be looked into
        self.plain = plain
        #: findings beyond the limit, counted and not kept
        self.untold = 0
        self.version = version
        self.strict = version == "1.2"
        #: polygon as written -> the verdict on it (`sound_rings`)
        self.rings: dict[str, str | None] = {}
        self.checked: dict[str, tuple[Broken, ...]] = {}
        #: polygon as written -> its shape, where that had to be built
        self.looked: dict[str, Looked] = {}

    def add(
        self, path: str, rule: str, found: str, expected: str, *, blocking: bool = False, schema: bool = False
    ) -> None:
        if len(self.faults) < MAX_FINDINGS or blocking:
            self.faults.append(CapFault(path, rule, found, expected, schema, blocking))
        else:
            self.untold += 1

    def time(self, path: str, text: str, *, essential: bool = False) -> datetime | None:
        """The instant, with what is wrong with its form noted."""
        reading = judge_time(text.strip(BLANKS), self.strict)
        if reading.broken:
            self._told(path, text, reading.instant, reading.broken, essential)
        return reading.instant

    def _told(
        self,
        path: str,
        text: str,
        instant: datetime | None,
        broken: tuple[tuple[str, bool], ...],
        essential: bool,
    ) -> None:
        for rule, schema in broken:
            found = shown(text) if text.strip(BLANKS) else "nothing"
            if rule == "D-implausible-year" and instant is not None and instant.year > 2400:
                found += f" (in the Buddhist era the year {instant.year - BUDDHIST})"
            self.add(
                path, rule, found, _EXPECTED[rule], blocking=essential and instant is None, schema=schema
            )


def check_rules(alert: Block, version: str, plain: bool = False) -> Findings:
    """Every rule of CAP over the blocks of one message; `plain` where `may_trick` has seen that no text of
    it need be looked into."""
    findings = Findings(version, plain)
    polygons: list[str] = []
    circles = 0
    for info in alert.get("info", ()):
        for area in info.get("area", ()):
            if "polygon" in area:
                polygons += area["polygon"]
            if "circle" in area:
                circles += len(area["circle"])
    shapes = len(polygons) + circles
    if shapes > MAX_SHAPES:
        findings.add("alert/info", "S-size", f"{shapes} shapes", f"at most {MAX_SHAPES}", blocking=True)
        return findings
    if polygons:
        rings = list(dict.fromkeys(polygons))
        findings.rings = dict(zip(rings, sound_rings(rings), strict=True))
    sent = _alert(alert, findings)
    infos = alert.get("info", ())
    if len(infos) > MAX_INFOS:
        findings.add("alert/info", "S-size", f"{len(infos)} blocks", f"at most {MAX_INFOS}", blocking=True)
        return findings
    for number, info in enumerate(infos, 1):
        _info(info, f"alert/info[{number}]", alert, sent, findings)
    if len(infos) > 1:
        _sequence(alert, findings)
    if findings.untold:
        told = f"{findings.untold} findings more"
        findings.faults.append(CapFault("alert", "S-size", told, f"at most {MAX_FINDINGS}", False, False))
    return findings


def _first(block: Block, name: str) -> str:
    found = block.get(name)
    return found[0] if found else ""


def _alert(alert: Block, findings: Findings) -> datetime | None:
    """The rules of the alert's own elements; gives the instant of sending."""
    add = findings.add
    identifier, sender = _first(alert, "identifier"), _first(alert, "sender")
    for name, value in (("identifier", identifier), ("sender", sender)):
        if name not in alert:
            continue
        if not value.strip():
            add(f"alert/{name}", f"A-{name}-required", "nothing", "a name", blocking=True)
        elif not _NAME.fullmatch(value):
            # one with a line break in it forges log lines and headers; blanks around it are harmless
            broken = not value.strip(BLANKS).isprintable()
            expected = "no blank, comma, < or &"
            add(f"alert/{name}", f"A-{name}-chars", shown(value), expected, blocking=broken)
    sent = None
    for text in alert.get("sent", ())[:1]:
        sent = findings.time("alert/sent", text, essential=True)
    status, kind = _first(alert, "status").strip(BLANKS), _first(alert, "msgType").strip(BLANKS)
    scope, references = _first(alert, "scope").strip(BLANKS), _first(alert, "references")
    if status == "Exercise" and not _first(alert, "note").strip():
        add("alert/note", "A-exercise-note", "nothing", "the name of the exercise")
    if kind == "Error" and not _first(alert, "note").strip():
        add("alert/note", "A-error-note", "nothing", "why")
    if kind in _ABOUT and not references.strip():
        add("alert/references", "A-references-required", "nothing", f"what the {kind} is about")
    if references and findings.version != "1.0":
        _references(references, sender, identifier, sent, findings)
    restriction = _first(alert, "restriction").strip()
    if scope == "Restricted" and not restriction:
        add("alert/restriction", "A-restriction-required", "nothing", "the restriction")
    elif restriction and scope in ("Public", "Private"):
        add("alert/restriction", "A-restriction-scope", shown(restriction), f"none: scope is {scope}")
    addresses = _first(alert, "addresses")
    if addresses.strip():
        _addresses(addresses, findings)
    elif scope == "Private":
        add("alert/addresses", "A-addresses-required", "nothing", "the addresses")
    incidents = _first(alert, "incidents")
    if '"' in incidents:
        _quotes("alert/incidents", incidents, findings)
    if "password" in alert:
        add("alert/password", "V-10-password", "a password", "none")
    if "info" not in alert and kind in ("Alert", "Update") and status != "System" and scope in ("Public", ""):
        add("alert/info", "A-info-absent", "nothing", "an info")
    for text in alert.get("note", ()):
        _words("alert/note", text, findings)
    return sent


_ABOUT = ("Update", "Cancel", "Ack", "Error")


def _references(text: str, sender: str, identifier: str, sent: datetime | None, findings: Findings) -> None:
    path, form, add = "alert/references", "sender,identifier,sent", findings.add
    for item in text.split():
        parts = item.split(",")
        if len(parts) != 3 or not parts[0] or not parts[1]:
            add(path, "A-references-format", shown(item), form)
            continue
        then = judge_time(parts[2], findings.strict).instant
        if then is None:
            add(path, "A-references-format", shown(item), form)
            continue
        # an issuer that uses one identifier again for its next message follows an earlier one
        if (parts[0], parts[1]) == (sender.strip(), identifier.strip()) and (sent is None or then >= sent):
            add(path, "A-references-self", shown(item), "an earlier message")
        if sent is not None and then > sent:
            add(path, "A-references-future", parts[2], "an earlier message")


def _addresses(text: str, findings: Findings) -> None:
    if '"' in text:
        _quotes("alert/addresses", text, findings)
    for item in split_list(text):
        if "," in item or ";" in item:
            findings.add("alert/addresses", "A-addresses-list", shown(item), "addresses separated by blanks")
            return


def _quotes(path: str, text: str, findings: Findings) -> None:
    # an item is quoted as a whole: a quote inside one, or one that is never closed, is neither
    outside = re.sub(r'(?:(?<=\s)|\A)"[^"]*"(?=\s|\Z)', "", text)
    if '"' in outside:
        findings.add(path, "A-quoted-list", shown(text), "items with blanks in double quotes, in pairs")


#: the same controls and words as bytes of UTF-8
_BIDI_UTF8 = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
_DRILL_UTF8 = "演".encode()


def may_trick(raw: bytes) -> bool:
    """True where a document may hold what `_words` looks for in its texts: seen at once for all of them.
    What is not UTF-8 may hold anything."""
    if (
        b"\x00" in raw[:8]
        or b"&" in raw
        or follows(raw, b"<", b"!")
        or any(follows(raw, b">", sign) for sign in (b"=", b"@"))
    ):
        return True
    if not raw.isascii():
        head = raw[:200].lower()
        if raw[:1] != b"<" or b"\x00" in head or (b"encoding" in head and b"utf-8" not in head):
            return True
        # looking for the first byte alone takes a tenth of the time
        if (b"\xe6" in raw and _DRILL_UTF8 in raw) or (b"\xe2" in raw and _BIDI_UTF8.search(raw)):
            return True
    low = raw.lower()
    return b"drill" in low or b"exercise exercise" in low


def _words(path: str, text: str, findings: Findings, actual: bool = False) -> None:
    """A text for people: no markup, no tricks."""
    if findings.plain:
        return
    if "<" in text and (tag := _TAG.search(text)):
        findings.add(path, "X-html", shown(tag.group()), "plain text")
    if "&" in text and (entity := _ENTITY.search(text)):
        findings.add(path, "X-entities", shown(entity.group()), "the character itself")
    if not text.isascii() and (control := _BIDI.search(text)):
        findings.add(path, "S-bidi", shown(control.group()), "no direction controls")
    if text[:1] in _FORMULA:
        findings.add(path, "S-formula", shown(text), "a text")
    if actual and (word := _DRILL.search(text)):
        findings.add(path, "S-drill-words", shown(word.group()), "status Exercise")


_FORMULA = ("=", "@")
_READ = (
    "event", "audience", "senderName", "headline", "description", "instruction", "contact",
)  # fmt: skip


def _info(info: Block, path: str, alert: Block, sent: datetime | None, findings: Findings) -> None:
    add, get = findings.add, info.get
    if "event" in info and not info["event"][0].strip():
        add(f"{path}/event", "I-event-required", "nothing", "the event in words")
    language = get("language")
    if language is not None and not language[0].strip(BLANKS):
        add(f"{path}/language", "I-language-empty", "nothing", "no element at all")
    responses = get("responseType", ())
    if "Assess" in responses and _first(alert, "scope") == "Public":
        add(f"{path}/responseType", "I-assess-public", "'Assess'", "another response for the public")
    if "Execute" in responses and not _first(info, "instruction").strip():
        add(f"{path}/instruction", "I-execute-instruction", "nothing", "the planned activity")
    if findings.version == "1.0" and _first(info, "certainty") == "Very Likely":
        add(f"{path}/certainty", "I-very-likely", "'Very Likely'", "Likely")
    times: dict[str, datetime | None] = {}
    for name in ("effective", "onset", "expires"):
        texts = get(name)
        if texts is not None:
            reading = judge_time(texts[0].strip(BLANKS), findings.strict)
            times[name] = reading.instant
            if reading.broken:
                findings.time(f"{path}/{name}", texts[0])
    expires = times.get("expires")
    if "expires" not in times:
        add(f"{path}/expires", "I-expires-absent", "nothing", "when the message is over")
    elif expires is not None:
        if sent is not None and expires <= sent:
            add(f"{path}/expires", "I-expires-after-sent", info["expires"][0], f"after {alert['sent'][0]}")
        effective = times.get("effective")
        if effective is not None and expires <= effective:
            add(
                f"{path}/expires",
                "I-expires-after-effective",
                info["expires"][0],
                f"after {info['effective'][0]}",
            )
    if not findings.plain:
        actual = _first(alert, "status").strip(BLANKS) == "Actual"
        for name in _READ:
            for text in get(name, ()):
                if text:
                    _words(f"{path}/{name}", text, findings, actual)
    headline = _first(info, "headline")
    if len(headline) > MAX_HEADLINE:
        add(f"{path}/headline", "I-headline-160", f"{len(headline)} characters", f"about {MAX_HEADLINE}")
    web = get("web")
    if web is not None and not _ABSOLUTE.fullmatch(web[0].strip(BLANKS)):
        add(f"{path}/web", "I-web-absolute", shown(web[0]), "an absolute URI")
    for name in ("eventCode", "parameter"):
        pairs = get(name)
        if pairs is not None:
            _pairs(pairs, path, name, "I-pair", findings)
    for number, resource in enumerate(get("resource", ()), 1):
        _resource(resource, f"{path}/resource[{number}]", findings)
    for number, area in enumerate(get("area", ()), 1):
        _area(area, f"{path}/area[{number}]", findings)


#: names of codes that have nothing wrong with them, as far as they have been met
_SOUND_NAMES: set[str | None] = set()
_MOST_NAMES = 4096


#: (altitude, ceiling) as written that have nothing wrong with them, as far as they have been met
_SOUND_HEIGHTS: set[tuple[str, str]] = set()


def forget() -> None:
    """Lets go of the names of codes and the heights that were found sound."""
    _SOUND_NAMES.clear()
    _SOUND_HEIGHTS.clear()


def _pairs(pairs: list[Pair], above: str, element: str, rule: str, findings: Findings) -> None:
    """Codes: the rules of names, and for geocodes those of empty values."""
    old = findings.version == "1.0"
    sound = _SOUND_NAMES
    for number, (name, value) in enumerate(pairs, 1):
        if name in sound and value and value[0] > " ":
            continue
        path = f"{above}/{element}"
        if name is None and old:
            findings.add(f"{path}[{number}]", "V-10-pairs", shown(value or ""), "name=value")
        # the schema tells of a missing element
        elif (name is not None and not name.strip()) or (
            rule == "G-geocode-pair" and value is not None and not value.strip()
        ):
            findings.add(f"{path}[{number}]", rule, shown(f"{name}={value}"), "name and value")
        elif name is not None and name not in sound:
            before = len(findings.faults)
            _acronym(name, f"{path}[{number}]/valueName", findings)
            if len(findings.faults) == before and len(sound) < _MOST_NAMES and len(name) <= 64:
                sound.add(name)


def _acronym(name: str, path: str, findings: Findings) -> None:
    plain = name.strip().upper()
    if plain in _ACRONYMS and name.strip() != plain:
        findings.add(path, "I-acronyms", shown(name), plain)
    elif (dotted := _DOTTED.search(name)) is not None:
        capitals = dotted.group().replace(".", "").upper()
        if capitals in _ACRONYMS or dotted.group() == name.strip():
            findings.add(path, "I-acronyms", shown(name), capitals)


def _resource(resource: Block, path: str, findings: Findings) -> None:
    add = findings.add
    if "resourceDesc" in resource:
        text = resource["resourceDesc"][0]
        if text.strip():
            _words(f"{path}/resourceDesc", text, findings)
        else:
            add(f"{path}/resourceDesc", "R-desc-required", "nothing", "what the resource is")
    mime = resource.get("mimeType")
    if mime is not None and not _MIME.fullmatch(mime[0].strip(BLANKS)):
        add(f"{path}/mimeType", "R-mime-format", shown(mime[0]), "type/subtype")
    if mime is None and findings.version == "1.1":
        add(f"{path}/mimeType", "V-11-map", "nothing", "the MIME type that CAP 1.2 asks for")
    size = _first(resource, "size").strip(BLANKS)
    if size.startswith("-") and _INTEGER.fullmatch(size):
        add(f"{path}/size", "R-size", shown(size), "0 or more bytes")
    uri, content = resource.get("uri"), _first(resource, "derefUri").strip(BLANKS)
    if uri is not None and uri[0].strip(BLANKS):
        if not content and not _ABSOLUTE.fullmatch(uri[0].strip(BLANKS)):
            add(f"{path}/uri", "R-uri-absolute", shown(uri[0]), "an absolute URI")
    elif not content:
        add(path, "R-no-content", "neither uri nor derefUri", "one of them")
    data = None
    if content:
        try:
            data = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            add(f"{path}/derefUri", "R-deref-base64", str(error), "base64")
    digest = _first(resource, "digest").strip(BLANKS)
    if digest and not _SHA1.fullmatch(digest):
        add(f"{path}/digest", "R-digest-sha1", shown(digest), "40 hexadecimal digits")
    elif digest and data is not None:
        actual = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        if actual != digest.lower():
            add(f"{path}/digest", "R-digest-mismatch", digest, actual)


def _area(area: Block, path: str, findings: Findings) -> None:
    add, get = findings.add, area.get
    if "areaDesc" in area:
        text = area["areaDesc"][0]
        if text.strip():
            if not findings.plain:
                _words(f"{path}/areaDesc", text, findings)
        else:
            add(f"{path}/areaDesc", "G-areaDesc-required", "nothing", "the area in words")
    drawn, broken = False, False
    first = len(findings.faults)
    rings = findings.rings
    for number, polygon in enumerate(get("polygon", ()), 1):
        verdict = rings.get(polygon)
        if verdict == SOUND:
            drawn = True
            continue
        check = partial(polygon_faults, simple=verdict is not None, looked=findings.looked)
        usable = _shape(polygon, f"{path}/polygon[{number}]", check, findings)
        drawn, broken = drawn or usable, broken or not usable
    for number, circle in enumerate(get("circle", ()), 1):
        usable = _shape(circle, f"{path}/circle[{number}]", circle_faults, findings)
        drawn, broken = drawn or usable, broken or not usable
    geocodes = get("geocode")
    if geocodes:
        _pairs(geocodes, path, "geocode", "G-geocode-pair", findings)
        if not drawn:
            add(path, "G-geocode-only", f"{len(geocodes)} geocodes", "a polygon or circle beside them")
    elif not drawn:
        add(path, "G-area-undefined", "no usable shape", "a polygon, circle or geocode")
    if broken and (drawn or geocodes):
        _let_through(findings, first)
    if "altitude" in area or "ceiling" in area:
        _heights(area, path, findings)


def _shape(text: str, path: str, check: Callable[[str], Iterator[Broken]], findings: Findings) -> bool:
    """Notes what is wrong with a polygon or circle; True where it says something of the ground."""
    broken = findings.checked.get(text)
    if broken is None:
        broken = findings.checked[text] = tuple(check(text))
    for rule, found, expected, blocking in broken:
        findings.add(path, rule, found, expected, blocking=blocking)
    return not any(rule in _NO_SHAPE for rule, *_ in broken)


_NO_SHAPE = ("G-polygon-empty", "G-polygon-syntax", "G-circle-empty", "G-circle-syntax", "S-size")


def _let_through(findings: Findings, first: int) -> None:
    """A shape that cannot be read keeps a message out only where its area has nothing else."""
    for place in range(first, len(findings.faults)):
        fault = findings.faults[place]
        if fault.blocking and fault.rule in ("G-polygon-syntax", "G-circle-syntax"):
            findings.faults[place] = replace(fault, blocking=False)


def _heights(area: Block, path: str, findings: Findings) -> None:
    written = _first(area, "altitude"), _first(area, "ceiling")
    if written in _SOUND_HEIGHTS:
        return
    altitude, ceiling = (text.strip(BLANKS) for text in written)
    if "ceiling" in area and "altitude" not in area:
        findings.add(f"{path}/ceiling", "G-ceiling-altitude", shown(ceiling), "an altitude with it")
    numbers = [_DECIMAL.fullmatch(text) is not None for text in (ceiling, altitude)]
    if all(numbers):
        if float(ceiling) < float(altitude):
            findings.add(f"{path}/ceiling", "G-ceiling-ge-altitude", ceiling, f"at least {altitude}")
        elif len(_SOUND_HEIGHTS) < _MOST_NAMES and len(ceiling) + len(altitude) <= 64:
            _SOUND_HEIGHTS.add(written)
    if findings.version == "1.1":
        for name, text in (("altitude", altitude), ("ceiling", ceiling)):
            if name in area and not _DECIMAL.fullmatch(text):
                findings.add(f"{path}/{name}", "V-11-map", shown(text), "a number, as CAP 1.2 asks for")


_SAME = ("urgency", "severity", "certainty", "effective", "onset", "expires")


def _sequence(alert: Block, findings: Findings) -> None:
    """Blocks of one language for the same target and event: the later must not contradict the earlier."""
    seen: dict[tuple[str, ...], list[Block]] = {}
    for number, info in enumerate(alert["info"], 1):
        key = (_first(info, "language").lower() or "en-us", _first(info, "event"), _first(info, "audience"))
        earlier = seen.setdefault(key, [])
        for other in earlier:
            if info.get("area") and all(info.get(name) == other.get(name) for name in _TARGET):
                _contradictions(other, info, f"alert/info[{number}]", findings)
                break
        earlier.append(info)


_TARGET = ("responseType", "eventCode", "area")


def _contradictions(earlier: Block, info: Block, path: str, findings: Findings) -> None:
    for name in _SAME:
        was, now = _first(earlier, name).strip(), _first(info, name).strip()
        if was and now and was != now:
            findings.add(f"{path}/{name}", "I-sequence", shown(now), f"{was}, as before")
