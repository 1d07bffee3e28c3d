"""Compiled code: the characters of a plain message. What is not certainly well-formed (XML 1.0, sections 2.2
to 2.5 and 4.6) is not taken. Compiled as part of `anlan.formats.cap.kernels`."""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# what reads shorter takes longer to compile
# ruff: noqa: PLR1714

from __future__ import annotations

import numpy as np

from anlan.formats.cap.columns import ESCAPED, RETURNS, ROOM, TRICK
from anlan.formats.cap.inner import inner
from anlan.formats.cap.literals import is_blank, is_digit, is_hexadecimal
from anlan.formats.cap.tables import (
    AMPERSAND,
    BEHIND,
    BRACKET,
    CLASS,
    CONTROL,
    HEEDED,
    LESS,
    LETTER_D,
    LETTER_X,
    RETURN,
    WIDE,
)

_MORE, _SLASH, _SEMICOLON, _HASH, _X, _BRACKET, _BANG, _HYPHEN = 62, 47, 59, 35, 120, 93, 33, 45


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).copy()


_DRILL, _EXERCISE, _FIRST_E = _bytes("rill"), _bytes("ercise exercise"), 101
_ENTITIES = _bytes("lt;gt;amp;quot;apos;")


@inner
def stands(data, at, words):
    """True where those bytes stand there, capital or small, for words in small letters."""
    at = max(at, 0)
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
def blanks_behind(data, at):
    at = max(at, 0)
    while at < data.size and is_blank(data[at]):
        at += 1
    return at


@inner
def wide(data, at):
    """The offset behind the character outside ASCII that begins there, -1 for what is no character of XML;
    negative and below -1 for one that turns the direction of reading, or may begin a word for a drill."""
    at, size = max(at, 0), data.size
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
def _next_heeded(data, at):
    """The offset of the next byte that is to be looked at, or that of the last of all."""
    at, last = max(at, 0), data.size - 1
    while at < last and not HEEDED[data[at]] & BEHIND[data[at + 1]]:
        at += 1
    return at


@inner
def text_end(data, at, told):
    """The offset of the < behind the text that begins there, -1 where something in it is not taken; what it
    holds is put into `told[ROOM]`."""
    size = data.size
    found = 0
    while True:
        at = _next_heeded(data, at)
        if at + 1 >= size:
            return -1
        kind = CLASS[data[at]]
        if kind == LESS:
            told[ROOM] = found
            return at
        if kind == LETTER_D:
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


@inner
def comment_end(data, at):
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
