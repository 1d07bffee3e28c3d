"""Compiled code: one walk over the elements of a plain message, whose start tag and end are looked at by
`anlan.formats.cap.plain`. What it takes is certainly well-formed (XML 1.0, Namespaces in XML 1.0) and valid
by the schema of CAP 1.1 or 1.2, but for the values that it leaves to whoever asks (DOUBTS).

Plain: UTF-8; one prefix or none; no attributes; only the five named entities and common characters by their
number; comments between elements alone; no CDATA and processing instructions.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# what reads shorter takes longer to compile
# ruff: noqa: PLR1714, SIM109

from __future__ import annotations

import numpy as np

from anlan.formats.cap.characters import blanks_behind, comment_end, text_end
from anlan.formats.cap.columns import (
    DOUBTED,
    DOUBTS,
    END,
    EVENTS,
    FIRST,
    FULL,
    INFOS,
    MARK,
    MOST_DOUBTS,
    NAME,
    NUMBER,
    OPEN_KIND,
    OPEN_NAME,
    OPEN_PLACE,
    OTHERWISE,
    PLACED,
    ROOM,
    START,
    TAIL,
    TAKEN,
    UNITS,
    WHAT,
)
from anlan.formats.cap.inner import inner
from anlan.formats.cap.limits import MAX_INFOS, MAX_TEXT
from anlan.formats.cap.literals import exact_number, instant, is_whole, slot_of
from anlan.formats.cap.tables import (
    AGAIN,
    ALLOWED,
    CLASS,
    DECIMAL,
    ENUM,
    HOLDS,
    INFO,
    INTEGER,
    KIND,
    LANGUAGE,
    LESS,
    LONG,
    NAME_BYTES,
    NAME_SEED,
    NAME_SLOTS,
    NAMED,
    NEEDED,
    PAIR,
    PARTS,
    PLACE,
    PLACES,
    RESOURCE,
    TEXT,
    TIME,
    URI,
    WORD_BYTES,
    WORD_SEED,
    WORD_SLOTS,
)

_MORE, _SLASH, _BANG = 62, 47, 33


@inner
def _named(data, at, prefix, length):
    """(number of the name of the element that is there, with that prefix, where it ends); -1 for another."""
    at, size = max(at, 0), data.size
    if at + length >= size:
        return -1, at
    for place in range(length):
        if data[at + place] != data[prefix + place]:
            return -1, at
    at += length
    start, value = at, NAME_SEED
    while at < size and NAMED[data[at]]:
        value = value * 33 + data[at]
        at += 1
    slot = NAME_SLOTS[slot_of(value)]
    if slot < 0 or NAME_BYTES[slot, 0] != at - start:
        return -1, at
    for place in range(at - start):
        if data[start + place] != NAME_BYTES[slot, place + 1]:
            return -1, at
    return slot, at


@inner
def _ended(data, at, prefix, length, name):
    """Where the name of the end tag ends that is there, with that prefix; -1 for any other name."""
    at, size = max(at, 0), NAME_BYTES[name, 0]
    if at + length + size >= data.size:
        return -1
    for place in range(length):
        if data[at + place] != data[prefix + place]:
            return -1
    at += length
    for place in range(size):
        if data[at + place] != NAME_BYTES[name, place + 1]:
            return -1
    return at + size


@inner
def _word(data, start, end):
    """The number of a word of the enumerations, or -1."""
    start, value = max(start, 0), WORD_SEED
    for at in range(start, end):
        value = value * 33 + data[at]
    slot = WORD_SLOTS[slot_of(value)]
    if slot < 0 or WORD_BYTES[slot, 0] != end - start:
        return -1
    for place in range(end - start):
        if data[start + place] != WORD_BYTES[slot, place + 1]:
            return -1
    return slot


@inner
def _fits(data, kind, version, name, start, end, told):
    """True where a value is one of its kind by the schema, or is left to look at; of a word its number is put
    into `told[ROOM]`."""
    if kind == TEXT:
        return end - start <= MAX_TEXT or LONG[name]
    if kind == ENUM:
        word = _word(data, start, end)
        told[ROOM] = word
        return word >= 0 and ALLOWED[version, name, word]
    if kind == TIME:
        return instant(data, start, end)[1]
    if kind == DECIMAL:
        return exact_number(data, start, end)[1]
    if kind == INTEGER:
        return is_whole(data, start, end)
    if kind == URI and start == end:
        return True
    if (kind == URI or kind == LANGUAGE) and start != end and told[DOUBTED] < MOST_DOUBTS:
        at = DOUBTS + 3 * told[DOUBTED]
        told[at], told[at + 1], told[at + 2] = kind, start, end
        told[DOUBTED] += 1
        return True
    return False


@inner
def walk(data, start_at, prefix, length, version, events, units, told):
    """The events and units of a message whose elements begin at `start_at`, with the prefix of so many bytes
    (its colon among them) that stands at `prefix`. TAKEN, with the offset of the first that is no element of
    the alert in `told[TAIL]`; OTHERWISE, or FULL where there is no room."""
    size = data.size
    at = start_at
    depth = np.int64(0)
    count, unit_count = np.int64(0), np.int64(1)
    infos, resources, areas = np.int64(0), np.int64(0), np.int64(0)
    told[DOUBTED] = 0
    told[OPEN_KIND], told[OPEN_PLACE] = 0, -1
    for column in range(units.shape[1]):
        units[0, column] = 0
    while True:
        at = blanks_behind(data, at)
        if at + 2 >= size or CLASS[data[at]] != LESS:
            return OTHERWISE
        if data[at + 1] == _BANG:
            at = comment_end(data, at)
            if at < 0:
                return OTHERWISE
            continue
        kind, last = told[OPEN_KIND + depth], told[OPEN_PLACE + depth]
        if data[at + 1] == _SLASH:
            if NEEDED[version, kind, PLACES[version, kind]] != NEEDED[version, kind, last + 1]:
                return OTHERWISE
            if depth == 0:
                break
            at = _ended(data, at + 2, prefix, length, told[OPEN_NAME + depth])
            if at < 0:
                return OTHERWISE
            at = blanks_behind(data, at)
            if at >= size or data[at] != _MORE:
                return OTHERWISE
            at += 1
            depth -= 1
            continue
        name, behind = _named(data, at + 1, prefix, length)
        place = PLACE[version, kind, name] if name >= 0 else -1
        if place < 0:
            if depth or NEEDED[version, kind, PLACES[version, kind]] != NEEDED[version, kind, last + 1]:
                return OTHERWISE
            break
        if place == last:
            if not AGAIN[version, kind, name]:
                return OTHERWISE
        elif place < last or NEEDED[version, kind, place] != NEEDED[version, kind, last + 1]:
            return OTHERWISE
        told[OPEN_PLACE + depth] = place
        at = blanks_behind(data, behind)
        if at + 1 >= size:
            return OTHERWISE
        if count == events.shape[0] or unit_count == units.shape[0]:
            return FULL
        events[count, NAME] = name
        sort = KIND[version, kind, name]
        start = end = at
        told[ROOM] = 0
        if sort == PARTS:
            held = HOLDS[name]
            if data[at] != _MORE:
                return OTHERWISE
            if held != PAIR:
                number = infos
                if held == INFO:
                    infos += 1
                    number, resources, areas = infos, np.int64(0), np.int64(0)
                elif held == RESOURCE:
                    resources += 1
                    number = resources
                else:
                    areas += 1
                    number = areas
                units[unit_count, WHAT], units[unit_count, FIRST] = held, count + 1
                units[unit_count, NUMBER], units[unit_count, PLACED] = infos, number
                unit_count += 1
            depth += 1
            told[OPEN_KIND + depth], told[OPEN_NAME + depth], told[OPEN_PLACE + depth] = held, name, -1
            at += 1
        else:
            if data[at] == _SLASH and data[at + 1] == _MORE:
                at += 2
            elif data[at] == _MORE:
                start = at + 1
                end = text_end(data, start, told)
                if end < 0 or end + 2 >= size or data[end + 1] != _SLASH:
                    return OTHERWISE
                at = _ended(data, end + 2, prefix, length, name)
                if at < 0:
                    return OTHERWISE
                at = blanks_behind(data, at)
                if at >= size or data[at] != _MORE:
                    return OTHERWISE
                at += 1
            else:
                return OTHERWISE
            if not _fits(data, sort, version, name, start, end, told):
                return OTHERWISE
        events[count, START], events[count, END], events[count, MARK] = start, end, told[ROOM]
        count += 1
    if infos > MAX_INFOS:
        return OTHERWISE
    told[EVENTS], told[UNITS], told[INFOS], told[TAIL] = count, unit_count, infos, at
    return TAKEN
