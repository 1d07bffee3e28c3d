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

from anlan.formats.cap.columns import (
    DOUBTED,
    DOUBTS,
    END,
    ESCAPED,
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
    RETURNS,
    ROOM,
    START,
    TAIL,
    TAKEN,
    TRICK,
    UNITS,
    WHAT,
)
from anlan.formats.cap.inner import inner
from anlan.formats.cap.limits import MAX_INFOS, MAX_TEXT
from anlan.formats.cap.literals import exact_number, instant, is_blank, is_digit, is_hexadecimal, is_whole
from anlan.formats.cap.tables import (
    AGAIN,
    ALLOWED,
    AMPERSAND,
    BRACKET,
    CLASS,
    CONTROL,
    DECIMAL,
    ENUM,
    HOLDS,
    INFO,
    INTEGER,
    KIND,
    LANGUAGE,
    LESS,
    LETTER_D,
    LETTER_X,
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
    PLAIN,
    RESOURCE,
    RETURN,
    SLOTS,
    TEXT,
    TIME,
    URI,
    WIDE,
    WORD_BYTES,
    WORD_SEED,
    WORD_SLOTS,
)

_MORE, _SLASH, _SEMICOLON, _HASH, _X, _BRACKET, _BANG, _HYPHEN = 62, 47, 59, 35, 120, 93, 33, 45


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).copy()


_DRILL, _EXERCISE, _FIRST_E = _bytes("rill"), _bytes("ercise exercise"), 101
_ENTITIES = _bytes("lt;gt;amp;quot;apos;")


@inner
def stands(data, at, words):
    """True where those bytes stand there, capital or small, for words in small letters."""
    if at + words.size > data.size:
        return False
    for place in range(words.size):
        byte = data[at + place]
        if 65 <= byte <= 90:
            byte |= 0x20
        if byte != words[place]:
            return False
    return True


@inner
def _blanks(data, at):
    while at < data.size and is_blank(data[at]):
        at += 1
    return at


@inner
def wide(data, at):
    """The offset behind the character outside ASCII that begins there, -1 for what is no character of XML;
    negative and below -1 for one that turns the direction of reading, or may begin a word for a drill."""
    size = data.size
    lead = data[at]
    if lead < 0xC2 or lead > 0xF4 or at + 1 >= size:
        return -1
    second = data[at + 1]
    if second & 0xC0 != 0x80:
        return -1
    if lead < 0xE0:
        # dotless and dotted i and the long s are an i and an s to whoever does not mind capitals
        odd = (lead == 0xC4 and (second == 0xB0 or second == 0xB1)) or (lead == 0xC5 and second == 0xBF)
        return -(at + 2) if odd else at + 2
    if at + 2 >= size:
        return -1
    third = data[at + 2]
    if third & 0xC0 != 0x80:
        return -1
    if lead < 0xF0:
        if (
            (lead == 0xE0 and second < 0xA0)
            or (lead == 0xED and second > 0x9F)
            or (lead == 0xEF and second == 0xBF and third >= 0xBE)
        ):
            return -1
        odd = (lead == 0xE6 and second == 0xBC and third == 0x94) or (
            lead == 0xE2
            and ((second == 0x80 and 0xAA <= third <= 0xAE) or (second == 0x81 and 0xA6 <= third <= 0xA9))
        )
        return -(at + 3) if odd else at + 3
    if (
        at + 3 >= size
        or data[at + 3] & 0xC0 != 0x80
        or (lead == 0xF0 and second < 0x90)
        or (lead == 0xF4 and second > 0x8F)
    ):
        return -1
    return at + 4


@inner
def _entity(data, at):
    """The offset behind the reference that begins there; -1 for another than the five and the characters of
    XML by their number."""
    size = data.size
    at += 1
    if at < size and data[at] == _HASH:
        at += 1
        base = 10
        if at < size and data[at] == _X:
            at += 1
            base = 16
        first, value = at, 0
        while at < size and (is_digit(data[at]) or (base == 16 and is_hexadecimal(data[at]))):
            byte = data[at]
            value = min(value * base + (byte - 48 if is_digit(byte) else (byte & 0xDF) - 55), 0x110000)
            at += 1
        exists = value == 9 or value == 10 or value == 13 or 32 <= value < 0xD800 or 0xE000 <= value <= 0xFFFD
        if at == first or at >= size or data[at] != _SEMICOLON:
            return -1
        return at + 1 if exists or 0x10000 <= value < 0x110000 else -1
    # each of the names ends with its semicolon
    name = 0
    while name < _ENTITIES.size:
        place = 0
        while at + place < size and data[at + place] == _ENTITIES[name + place]:
            if data[at + place] == _SEMICOLON:
                return at + place + 1
            place += 1
        while _ENTITIES[name] != _SEMICOLON:
            name += 1
        name += 1
    return -1


@inner
def _text(data, at, told):
    """The offset of the < behind the text that begins there, -1 where something in it is not taken; what it
    holds is put into `told[ROOM]`."""
    size = data.size
    found = 0
    while at < size:
        kind = CLASS[data[at]]
        if kind == PLAIN:
            at += 1
        elif kind == LESS:
            told[ROOM] = found
            return at
        elif kind == LETTER_D:
            if stands(data, at + 1, _DRILL):
                found |= TRICK
            at += 1
        elif kind == LETTER_X:
            if at > 0 and data[at - 1] | 0x20 == _FIRST_E and stands(data, at + 1, _EXERCISE):
                found |= TRICK
            at += 1
        elif kind == AMPERSAND:
            at = _entity(data, at)
            if at < 0:
                return -1
            found |= ESCAPED
        elif kind == BRACKET:
            if at + 2 < size and data[at + 1] == _BRACKET and data[at + 2] == _MORE:
                return -1
            at += 1
        elif kind == RETURN:
            found |= RETURNS
            at += 1
        elif kind == CONTROL:
            return -1
        else:
            at = wide(data, at)
            if at < 0:
                if at == -1:
                    return -1
                found |= TRICK
                at = -at
    return -1


@inner
def _comment(data, at):
    """The offset behind the comment that begins there with <!, -1 for what is none."""
    size = data.size
    if at + 6 >= size or data[at + 2] != _HYPHEN or data[at + 3] != _HYPHEN:
        return -1
    at += 4
    while at + 2 < size:
        byte = data[at]
        if byte == _HYPHEN and data[at + 1] == _HYPHEN:
            return at + 3 if data[at + 2] == _MORE else -1
        kind = CLASS[byte]
        if kind == CONTROL:
            return -1
        if kind == WIDE:
            at = abs(wide(data, at))
            if at == 1:
                return -1
        else:
            at += 1
    return -1


@inner
def _named(data, at, prefix, length):
    """(number of the name of the element that is there, with that prefix, where it ends); -1 for another."""
    size = data.size
    if at + length >= size:
        return -1, at
    for place in range(length):
        if data[at + place] != data[prefix + place]:
            return -1, at
    at += length
    start, value = at, NAME_SEED
    while at < size and NAMED[data[at]]:
        value = (value * 33 + data[at]) & 0xFFFFFFFF
        at += 1
    slot = NAME_SLOTS[(value ^ (value >> 11)) % SLOTS]
    if slot < 0 or NAME_BYTES[slot, 0] != at - start:
        return -1, at
    for place in range(at - start):
        if data[start + place] != NAME_BYTES[slot, place + 1]:
            return -1, at
    return slot, at


@inner
def _word(data, start, end):
    """The number of a word of the enumerations, or -1."""
    value = WORD_SEED
    for at in range(start, end):
        value = (value * 33 + data[at]) & 0xFFFFFFFF
    slot = WORD_SLOTS[(value ^ (value >> 11)) % SLOTS]
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
        at = _blanks(data, at)
        if at + 2 >= size or CLASS[data[at]] != LESS:
            return OTHERWISE
        if data[at + 1] == _BANG:
            at = _comment(data, at)
            if at < 0:
                return OTHERWISE
            continue
        kind, last = told[OPEN_KIND + depth], told[OPEN_PLACE + depth]
        if data[at + 1] == _SLASH:
            if NEEDED[version, kind, PLACES[version, kind]] != NEEDED[version, kind, last + 1]:
                return OTHERWISE
            if depth == 0:
                break
            name, at = _named(data, at + 2, prefix, length)
            at = _blanks(data, at)
            if name != told[OPEN_NAME + depth] or at >= size or data[at] != _MORE:
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
        at = _blanks(data, behind)
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
                end = _text(data, start, told)
                if end < 0 or end + 2 >= size or data[end + 1] != _SLASH:
                    return OTHERWISE
                closing, at = _named(data, end + 2, prefix, length)
                at = _blanks(data, at)
                if closing != name or at >= size or data[at] != _MORE:
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
