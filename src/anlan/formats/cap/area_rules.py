"""Rules over the elements of one area (CAP 1.2, section 3.2.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.codes import pairs_of
from anlan.formats.cap.fault import shown
from anlan.formats.cap.findings import BLANKS, Findings, first_of
from anlan.formats.cap.geometry import SOUND, Broken, circle_faults, past_bounds, polygon_faults
from anlan.formats.cap.tricks import words

_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")

#: (altitude, ceiling) as written that have nothing wrong with them, as far as they have been met
_SOUND_HEIGHTS: set[tuple[str, str]] = set()
_MOST_HEIGHTS = 4096


def forget() -> None:
    """Lets go of the heights that were found sound."""
    _SOUND_HEIGHTS.clear()


def check_area(area: Block, path: str, findings: Findings) -> None:
    """One area; the verdicts on its polygons are known to the findings."""
    add, get = findings.add, area.get
    if "areaDesc" in area:
        text = area["areaDesc"][0]
        if text.strip():
            if not findings.plain:
                words(f"{path}/areaDesc", text, findings)
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
        pairs_of(geocodes, path, "geocode", "G-geocode-pair", findings)
        if not drawn:
            coded_only(path, len(geocodes), findings)
    elif not drawn:
        add(path, "G-area-undefined", "no usable shape", "a polygon, circle or geocode")
    if broken and (drawn or geocodes):
        _let_through(findings, first)
    if "altitude" in area or "ceiling" in area:
        _heights(area, path, findings)


def coded_only(path: str, codes: int, findings: Findings) -> None:
    """An area of so many geocodes and no shape."""
    findings.add(path, "G-geocode-only", f"{codes} geocodes", "a polygon or circle beside them")


def astray(path: str, lat: float, lon: float, number: int, findings: Findings) -> None:
    """A polygon in which so many pairs, this one first, are no places on the earth."""
    rule, found, expected, _ = past_bounds(lat, lon, number)
    findings.add(path, rule, found, expected)


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
    """A shape made to mislead keeps a message out only where its area has nothing else."""
    for place in range(first, len(findings.faults)):
        fault = findings.faults[place]
        if fault.blocking and fault.rule in ("G-polygon-syntax", "G-circle-syntax"):
            findings.faults[place] = fault._replace(blocking=False)


def _heights(area: Block, path: str, findings: Findings) -> None:
    written = first_of(area, "altitude"), first_of(area, "ceiling")
    if written in _SOUND_HEIGHTS:
        return
    altitude, ceiling = (text.strip(BLANKS) for text in written)
    if "ceiling" in area and "altitude" not in area:
        findings.add(f"{path}/ceiling", "G-ceiling-altitude", shown(ceiling), "an altitude with it")
    numbers = [_DECIMAL.fullmatch(text) is not None for text in (ceiling, altitude)]
    if all(numbers):
        if float(ceiling) < float(altitude):
            findings.add(f"{path}/ceiling", "G-ceiling-ge-altitude", ceiling, f"at least {altitude}")
        elif len(_SOUND_HEIGHTS) < _MOST_HEIGHTS and len(ceiling) + len(altitude) <= 64:
            _SOUND_HEIGHTS.add(written)
    if findings.version == "1.1":
        for name, text in (("altitude", altitude), ("ceiling", ceiling)):
            if name in area and not _DECIMAL.fullmatch(text):
                findings.add(f"{path}/{name}", "V-11-map", shown(text), "a number, as CAP 1.2 asks for")
