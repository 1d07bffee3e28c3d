"""Compiled code: which rules of CAP may find something in a message that was walked through, and how well the
ground of its areas is known.

A screen: what it passes over has nothing that `anlan.formats.cap.rules` would find; what it marks is looked
at there. Three findings that are common it tells for certain (AREA_CODED, AREA_ASTRAY and the outcomes).
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# what reads shorter takes longer to compile
# ruff: noqa: PLR1714, SIM102, SIM109

from __future__ import annotations

import numpy as np

from anlan.formats.cap.columns import (
    AREA_ASTRAY,
    AREA_CODED,
    ASTRAY,
    ASTRAY_FROM,
    CIRCLE,
    CODES,
    END,
    ESCAPED,
    EVENTS,
    EXACT,
    FIRST,
    FLAGGED,
    FOUND,
    INFO_EXECUTE,
    INFOS,
    LOOK,
    MARK,
    NAME,
    NOTHING,
    ODD,
    OTHERWISE,
    OUTCOME,
    OUTSIDE,
    REPAIRED,
    RETURNS,
    ROOM,
    SOUND,
    START,
    SWAPPED,
    TAKEN,
    TRICK,
    UNITS,
    UNRESOLVED,
    UNTOLD,
    VERDICT,
    WHAT,
    WORST,
)
from anlan.formats.cap.inner import inner
from anlan.formats.cap.limits import MAX_HEADLINE, MAX_SHAPES
from anlan.formats.cap.literals import (
    EXACT as FEW,
)
from anlan.formats.cap.literals import (
    characters,
    circle,
    exact_number,
    instant,
    is_blank,
    is_hexadecimal,
    is_mime,
    is_name_in_order,
    is_token,
    same,
    says,
)
from anlan.formats.cap.ringscan import verdict_on
from anlan.formats.cap.tables import AREA, INFO, NUMBER, READ, RESOURCE, WORD

#: radius in kilometres that is certainly less than half round the earth
_FAR = 10_000.0
#: degrees or kilometres from a bound
_NEAR = 1e-6

_IDENTIFIER, _SENDER, _SENT, _STATUS, _KIND, _SCOPE = (
    NUMBER[name] for name in ("identifier", "sender", "sent", "status", "msgType", "scope")
)
_RESTRICTION, _ADDRESSES, _NOTE, _REFERENCES, _INCIDENTS = (
    NUMBER[name] for name in ("restriction", "addresses", "note", "references", "incidents")
)
_EVENT, _RESPONSE, _HEADLINE, _INSTRUCTION, _WEB = (
    NUMBER[name] for name in ("event", "responseType", "headline", "instruction", "web")
)
_EFFECTIVE, _ONSET, _EXPIRES = (NUMBER[name] for name in ("effective", "onset", "expires"))
_NAME, _VALUE = NUMBER["valueName"], NUMBER["value"]
_DESCRIPTION, _MIME, _URI, _CONTENT, _DIGEST = (
    NUMBER[name] for name in ("resourceDesc", "mimeType", "uri", "derefUri", "digest")
)
_WHERE, _POLYGON, _CIRCLE, _GEOCODE, _ALTITUDE, _CEILING = (
    NUMBER[name] for name in ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
)
_EXERCISE, _PUBLIC, _ASSESS, _EXECUTE = (WORD[word] for word in ("Exercise", "Public", "Assess", "Execute"))
_ALERTS, _UPDATE, _CANCEL = WORD["Alert"], WORD["Update"], WORD["Cancel"]
_EXCLUSION = np.frombuffer(b"EXCLUDE_POLYGON", np.uint8).copy()
_PLUS, _COMMA, _QUOTE, _AMPERSAND = 43, 44, 34, 38
#: room for the instant of sending, the scope, how an area is known, its geocodes, and for a polygon
_INSTANT, _REACH, _KNOWN, _HELD, _OUTSIDE = ROOM, ROOM + 1, ROOM + 2, ROOM + 3, ROOM + 4


@inner
def _told(data, events, at):
    """True where a text for people need be looked into."""
    start = events[at, START]
    if start == events[at, END]:
        return False
    return bool(events[at, MARK] & (TRICK | ESCAPED)) or data[start] == 61 or data[start] == 64


@inner
def _odd_time(data, start):
    """True for +00:00 in place of -00:00, and for a year that is not of this century."""
    return (
        data[start] != 50
        or data[start + 1] != 48
        or (
            data[start + 19] == _PLUS
            and data[start + 20] == 48
            and data[start + 21] == 48
            and data[start + 23] == 48
            and data[start + 24] == 48
        )
    )


@inner
def _references(data, start, end, sender, identifier, sent, events):
    """True where every item is the name of an earlier message; `sender` and `identifier` are events."""
    at, items = start, 0
    while at < end:
        if is_blank(data[at]):
            at += 1
            continue
        first, commas = at, 0
        one, two = at, at
        while at < end and not is_blank(data[at]):
            byte = data[at]
            if byte == _COMMA:
                commas += 1
                one = at if commas == 1 else one
                two = at
            elif byte < 33 or byte > 126 or byte == _AMPERSAND:
                return False
            at += 1
        if commas != 2 or one == first or two == one + 1:
            return False
        then, exists = instant(data, two + 1, at)
        if not exists or then > sent:
            return False
        if same(data, first, one, events[sender, START], events[sender, END]) and same(
            data, one + 1, two, events[identifier, START], events[identifier, END]
        ):
            return False
        items += 1
    return items > 0


@inner
def _alert(data, events, last, told):
    """What is found in the alert's own elements, the first of them its identifier, sender and instant of
    sending; that instant and the scope are put into `told`."""
    found, references = NOTHING, -1
    status = kind = -1
    for at in range(last):
        name, start, end = events[at, NAME], events[at, START], events[at, END]
        if name == _IDENTIFIER or name == _SENDER:
            if not is_token(data, start, end):
                found = LOOK
        elif name == _SENT:
            told[_INSTANT] = instant(data, start, end)[0]
            if _odd_time(data, start):
                found = LOOK
        elif name == _STATUS:
            status = events[at, MARK]
        elif name == _KIND:
            kind = events[at, MARK]
        elif name == _SCOPE:
            told[_REACH] = events[at, MARK]
        elif name == _REFERENCES:
            references = at
        elif name == _NOTE:
            if _told(data, events, at):
                found = LOOK
        elif name == _INCIDENTS:
            for place in range(start, end):
                if data[place] == _QUOTE or data[place] == _AMPERSAND:
                    found = LOOK
        elif name == _RESTRICTION or name == _ADDRESSES:
            if start != end:
                found = LOOK
    if status == _EXERCISE or told[_REACH] != _PUBLIC or (told[INFOS] == 0 and kind != _CANCEL):
        return LOOK
    if references < 0:
        return found if kind == _ALERTS else LOOK
    if kind != _ALERTS and kind != _UPDATE and kind != _CANCEL:
        return LOOK
    if _references(data, events[references, START], events[references, END], 1, 0, told[_INSTANT], events):
        return found
    return LOOK


@inner
def _info(data, events, first, last, sent, scope):
    """What is found in an info's own elements."""
    expires, effective = False, False
    expiry, start_of = 0, 0
    # what is to be done: 1 where it is certainly told, -1 where it may be
    execute, instruction = False, 0
    for at in range(first, last):
        name, start, end = events[at, NAME], events[at, START], events[at, END]
        if READ[name] and _told(data, events, at):
            return LOOK
        if name == _EVENT:
            if not says(data, start, end):
                return LOOK
        elif name == _RESPONSE:
            word = events[at, MARK]
            if word == _ASSESS and scope == _PUBLIC:
                return LOOK
            execute = execute or word == _EXECUTE
        elif name == _INSTRUCTION:
            if start != end:
                instruction = 1 if says(data, start, end) else -1
        elif name == _EFFECTIVE or name == _ONSET or name == _EXPIRES:
            if _odd_time(data, start):
                return LOOK
            if name == _EXPIRES:
                expires, expiry = True, instant(data, start, end)[0]
            elif name == _EFFECTIVE:
                effective, start_of = True, instant(data, start, end)[0]
        elif name == _HEADLINE:
            if end - start > MAX_HEADLINE and characters(data, start, end) > MAX_HEADLINE:
                return LOOK
        elif name == _WEB:
            if start == end:
                return LOOK
        elif name == _NAME:
            if not is_name_in_order(data, start, end):
                return LOOK
    if not expires or expiry <= sent or (effective and expiry <= start_of):
        return LOOK
    if not execute or instruction > 0:
        return NOTHING
    return LOOK if instruction < 0 else INFO_EXECUTE


@inner
def _resource(data, events, first, last):
    """What is found in a resource."""
    mime, uri = False, False
    for at in range(first, last):
        name, start, end = events[at, NAME], events[at, START], events[at, END]
        if name == _DESCRIPTION:
            if not says(data, start, end) or _told(data, events, at):
                return LOOK
        elif name == _MIME:
            mime = True
            if not is_mime(data, start, end):
                return LOOK
        elif name == _URI:
            uri = start != end
        elif name == _CONTENT:
            return LOOK
        elif name == _DIGEST:
            if start != end and end - start != 40:
                return LOOK
            for place in range(start, end):
                if not is_hexadecimal(data[place]):
                    return LOOK
    return NOTHING if mime and uri else LOOK


@inner
def _area(data, events, first, last, room, told):
    """What is found in an area; `told` gets how its ground is known."""
    found, plain, astray = NOTHING, True, False
    polygons, swapped, circles, geocodes = 0, 0, 0, 0
    ceiling, altitude = 0.0, 0.0
    high, low = False, False
    for at in range(first, last):
        name, start, end = events[at, NAME], events[at, START], events[at, END]
        if name == _WHERE:
            if not says(data, start, end) or _told(data, events, at):
                found = LOOK
        elif name == _POLYGON:
            polygons += 1
            verdict = verdict_on(data, start, end, room, told, _OUTSIDE)
            events[at, MARK] = (events[at, MARK] & 3) | verdict << VERDICT
            if verdict == OUTSIDE:
                events[at, ASTRAY_FROM], events[at, ASTRAY] = told[_OUTSIDE], told[_OUTSIDE + 1]
                astray = True
                plain = plain and told[_OUTSIDE + 2] != 0
                if told[_OUTSIDE + 2] == SWAPPED:
                    swapped += 1
            elif verdict != SOUND:
                found, plain = LOOK, False
        elif name == _CIRCLE:
            lat, lon, radius, whole, digits = circle(data, start, end)
            # near the bounds only exact numbers decide
            if not (whole and abs(lat) < 90 - _NEAR and abs(lon) < 180 - _NEAR):
                circles += 1
                found, plain = LOOK, False
            elif _NEAR < radius < _FAR:
                circles += 1
            elif radius == 0 and digits <= FEW:
                # a place, which the rules tell of; it adds no ground
                found = LOOK
            else:
                circles += 1
                found, plain = LOOK, False
        elif name == _GEOCODE:
            geocodes += 1
        elif name == _NAME:
            if not is_name_in_order(data, start, end):
                found, plain = LOOK, False
            elif end - start == _EXCLUSION.size:
                right = True
                for place in range(_EXCLUSION.size):
                    right = right and data[start + place] == _EXCLUSION[place]
                plain = plain and not right
        elif name == _VALUE:
            if not says(data, start, end) or events[at, MARK] & (ESCAPED | RETURNS):
                found, plain = LOOK, False
        elif name == _ALTITUDE:
            altitude, low = exact_number(data, start, end)
            if not low:
                found = LOOK
        elif name == _CEILING:
            ceiling, high = exact_number(data, start, end)
            if not high:
                found = LOOK
    if high and (not low or ceiling < altitude):
        found = LOOK
    drawn = polygons + circles
    if drawn == 0 and geocodes == 0:
        found = LOOK
    told[_KNOWN], told[_HELD] = UNTOLD, geocodes
    # one polygon that is on the earth as it stands leaves it open which way round the others are
    if plain and (swapped == 0 or swapped == polygons):
        if astray:
            told[_KNOWN] = REPAIRED
        elif circles:
            told[_KNOWN] = CIRCLE
        else:
            told[_KNOWN] = EXACT if polygons else UNRESOLVED
    if found == NOTHING:
        if astray:
            return AREA_ASTRAY
        if drawn == 0:
            return AREA_CODED
    return found


@inner
def screen(data, events, units, told, room):
    """Notes in `units` what is found in each and how the ground of areas is known, and in `told` in how many
    something is found, how many areas are to be looked at for their ground, and the worst outcome of the
    others. OTHERWISE where it has more shapes than are looked at."""
    shapes = 0
    for at in range(told[EVENTS]):
        if events[at, NAME] == _POLYGON or events[at, NAME] == _CIRCLE:
            shapes += 1
    if shapes > MAX_SHAPES:
        return OTHERWISE
    count = told[UNITS]
    told[FLAGGED] = told[ODD] = 0
    told[WORST] = UNTOLD
    for unit in range(count):
        first, what = units[unit, FIRST], units[unit, WHAT]
        last = units[unit + 1, FIRST] - 1 if unit + 1 < count else told[EVENTS]
        told[_KNOWN] = UNTOLD
        if what == AREA:
            found = _area(data, events, first, last, room, told)
            if told[_KNOWN] == UNTOLD:
                told[ODD] += 1
            told[WORST] = max(told[WORST], told[_KNOWN])
        elif what == RESOURCE:
            found = _resource(data, events, first, last)
        elif what == INFO:
            found = _info(data, events, first, last, told[_INSTANT], told[_REACH])
        else:
            found = _alert(data, events, last, told)
        units[unit, FOUND], units[unit, OUTCOME], units[unit, CODES] = found, told[_KNOWN], told[_HELD]
        if found != NOTHING:
            told[FLAGGED] += 1
    return TAKEN
