"""Compiled code: values as they are written in the bytes of a message. Each takes only what is certainly in
order and exact; what it does not take is for the plain reader to judge.

Offsets are into the bytes, ends exclusive. Compiled as part of `anlan.formats.cap.kernels`.
"""

# the arguments of compiled functions are Numba's, whose types mypy cannot see
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
# what reads shorter takes longer to compile
# ruff: noqa: PLR1714, SIM109, SIM110

from __future__ import annotations

import numpy as np

from anlan.formats.cap.inner import inner
from anlan.formats.cap.tables import (
    ACRONYM_BYTES,
    ACRONYM_SEED,
    ACRONYM_SLOTS,
    SLOTS,
    TOKEN,
)

#: a number of no more digits is the nearest double once it is divided by its power of ten
EXACT = 15
_COMMA, _PLUS, _MINUS, _POINT, _ZERO, _NINE = 44, 43, 45, 46, 48, 57
_POWERS = 10.0 ** np.arange(18)
_COLON, _SLASH, _AMPERSAND, _HYPHEN, _T = 58, 47, 38, 45, 84
_SPACE = 32


@inner
def slot_of(value):
    """Where a string stands in a table of SLOTS, by the sum of its bytes times powers of 33 (`hashed`)."""
    value &= 0xFFFFFFFF
    return (value ^ (value >> 11)) % SLOTS


@inner
def is_blank(byte):
    """White space of XML."""
    return byte == 32 or byte == 10 or byte == 9 or byte == 13


@inner
def is_digit(byte):
    """0 to 9."""
    return _ZERO <= byte <= _NINE


@inner
def is_letter(byte):
    """A to Z, small or capital."""
    return 65 <= (byte & 0xDF) <= 90


@inner
def number(data, at, end):
    """(value, where it ends, digits) of the decimal number that begins at `at`; ends at -1 where there is
    none, or one of more whole digits than can be told apart. Exact for up to EXACT digits, else to within a
    rounding."""
    at, negative = max(at, 0), False
    if at < end and (data[at] == _PLUS or data[at] == _MINUS):
        negative = data[at] == _MINUS
        at += 1
    whole, digits, places, point = 0, 0, 0, False
    while at < end:
        byte = data[at]
        if _ZERO <= byte <= _NINE:
            digits += 1
            # digits past the seventeenth are below what a double tells apart
            if digits <= 17:
                whole = whole * 10 + (byte - _ZERO)
                if point:
                    places += 1
            elif not point:
                return 0.0, -1, 0
        elif byte == _POINT and not point:
            point = True
        else:
            break
        at += 1
    if digits == 0:
        return 0.0, -1, 0
    value = whole / _POWERS[places]
    return (-value if negative else value), at, digits


@inner
def exact_number(data, start, end):
    """(value, whether the text is one decimal number and no more, and the value exact)."""
    value, at, digits = number(data, start, end)
    return value, at == end and digits <= EXACT


@inner
def circle(data, start, end):
    """(latitude, longitude, kilometres, whether it is one, the digits of the last), each number to within a
    rounding."""
    start = max(start, 0)
    while start < end and is_blank(data[start]):
        start += 1
    while end > start and is_blank(data[end - 1]):
        end -= 1
    lat, at, _ = number(data, start, end)
    if at < 0 or at == end or data[at] != _COMMA:
        return 0.0, 0.0, 0.0, False, 0
    lon, at, _ = number(data, at + 1, end)
    if at < 0 or at == end or not is_blank(data[at]):
        return 0.0, 0.0, 0.0, False, 0
    while at < end and is_blank(data[at]):
        at += 1
    radius, at, digits = number(data, at, end)
    return lat, lon, radius, at == end, digits


@inner
def _two(data, at):
    return (data[at] - _ZERO) * 10 + (data[at + 1] - _ZERO)


@inner
def instant(data, start, end):
    """(seconds from any one instant, whether it is a CAP date and time that exists, of the years 1900 to 2999
    and less than 14 hours from UTC)."""
    if end - start != 25:
        return 0, False
    start = max(start, 0)
    for place in range(25):
        byte = data[start + place]
        if place == 4 or place == 7:
            right = byte == _HYPHEN
        elif place == 10:
            right = byte == _T
        elif place == 13 or place == 16 or place == 22:
            right = byte == _COLON
        elif place == 19:
            right = byte == _PLUS or byte == _MINUS
        else:
            right = is_digit(byte)
        if not right:
            return 0, False
    year = _two(data, start) * 100 + _two(data, start + 2)
    month, day = _two(data, start + 5), _two(data, start + 8)
    hour, minute, second = _two(data, start + 11), _two(data, start + 14), _two(data, start + 17)
    hours, minutes = _two(data, start + 20), _two(data, start + 23)
    if not (1900 <= year <= 2999 and 1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return 0, False
    if hours > 13 or minutes > 59 or day < 1:
        return 0, False
    days = 31
    if month == 4 or month == 6 or month == 9 or month == 11:
        days = 30
    elif month == 2:
        days = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if day > days:
        return 0, False
    # years that begin with March have the leap day at their end
    if month > 2:
        month -= 3
    else:
        month += 9
        year -= 1
    number_of_day = year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    shift = (hours * 60 + minutes) * 60
    if data[start + 19] == _PLUS:
        shift = -shift
    return ((number_of_day * 24 + hour) * 60 + minute) * 60 + second + shift, True


@inner
def is_whole(data, start, end):
    """A whole number without a sign, of at most EXACT digits."""
    if not 0 < end - start <= EXACT:
        return False
    for at in range(start, end):
        if not is_digit(data[at]):
            return False
    return True


@inner
def is_hexadecimal(byte):
    """A hexadecimal digit."""
    return is_digit(byte) or 65 <= (byte & 0xDF) <= 70


@inner
def is_mime(data, start, end):
    """A media type without parameters."""
    at = start
    while at < end and TOKEN[data[at]]:
        at += 1
    if at == start or at + 1 >= end or data[at] != _SLASH:
        return False
    for place in range(at + 1, end):
        if not TOKEN[data[place]]:
            return False
    return True


@inner
def is_token(data, start, end):
    """A name without blanks, commas and angle brackets, all of it in ASCII."""
    if start == end:
        return False
    for at in range(start, end):
        byte = data[at]
        if byte <= _SPACE or byte > 126 or byte == _COMMA or byte == 60 or byte == _AMPERSAND:
            return False
    return True


@inner
def says(data, start, end):
    """True where a text is certainly not of blanks alone, whatever counts as one: the blanks outside ASCII
    begin with C2, E1, E2 or E3 80."""
    for at in range(start, end):
        byte = data[at]
        if byte < 0xC3:
            if 32 < byte < 127:
                return True
        elif byte == 0xE3:
            if at + 1 < end and data[at + 1] != 0x80:
                return True
        elif byte != 0xE1 and byte != 0xE2:
            return True
    return False


@inner
def characters(data, start, end):
    """The number of characters."""
    count = 0
    for at in range(start, end):
        if data[at] & 0xC0 != 0x80:
            count += 1
    return count


@inner
def same(data, start, end, other, other_end):
    """True for the same bytes."""
    if end - start != other_end - other:
        return False
    for place in range(end - start):
        if data[start + place] != data[other + place]:
            return False
    return True


@inner
def is_name_in_order(data, start, end):
    """True for the name of a code that says something, is no acronym in small letters and none with points.
    Letters outside ASCII are passed over where none of them has a capital in ASCII: the Latin ones of
    U+00C0 to U+00FF but for U+00DF, and what begins with E4 to E9."""
    if end - start > 128 or end == start:
        return False
    start = max(start, 0)
    capitals = True
    value, told = ACRONYM_SEED, False
    dotted = 0
    for at in range(start, end):
        byte = data[at]
        if byte >= 0x80:
            if byte == 0xC3:
                if data[at + 1] == 0x9F:
                    return False
                told = True
            elif 0xE4 <= byte <= 0xE9:
                told = True
            elif byte >= 0xC0:
                return False
        elif byte <= _SPACE:
            # blanks around an acronym are taken off before it is compared
            if byte != _SPACE or at == start or at == end - 1:
                return False
        elif byte == _AMPERSAND:
            return False
        elif byte < 127:
            told = True
        if byte == _POINT and at > start and is_letter(data[at - 1]):
            # letters each with a point behind it, twice or more; what stands before them does not matter
            dotted += 1
            if dotted >= 2 and data[at - 2] == _POINT:
                return False
        if 97 <= byte <= 122:
            capitals = False
            byte -= 32
        value = value * 33 + byte
    if not told:
        return False
    if capitals:
        return True
    slot = ACRONYM_SLOTS[slot_of(value)]
    if slot < 0 or ACRONYM_BYTES[slot, 0] != end - start:
        return True
    for place in range(end - start):
        byte = data[start + place]
        if 97 <= byte <= 122:
            byte -= 32
        if byte != ACRONYM_BYTES[slot, place + 1]:
            return True
    return False
