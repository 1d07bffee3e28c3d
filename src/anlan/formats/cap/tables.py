"""The element tables of CAP 1.1 and 1.2 (`anlan.formats.cap.schema`) as arrays, for code that is compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from anlan.formats.cap.limits import UNLIMITED
from anlan.formats.cap.rulebook import ACRONYMS
from anlan.formats.cap.schema import TEXTS, Child, alert_parts

#: the versions whose tables stand here, by their place in them
VERSIONS = ("1.1", "1.2")

#: what holds elements, by its place in the tables
ALERT, INFO, RESOURCE, AREA, PAIR = range(5)
_CONTAINERS = {"info": INFO, "resource": RESOURCE, "area": AREA}
#: kinds of values
TEXT, ENUM, TIME, LANGUAGE, URI, INTEGER, DECIMAL, PARTS = range(8)
_KINDS = {
    "text": TEXT,
    "words": TEXT,
    "enum": ENUM,
    "time": TIME,
    "language": LANGUAGE,
    "uri": URI,
    "integer": INTEGER,
    "decimal": DECIMAL,
    "parts": PARTS,
}


def _sequences(version: str) -> dict[int, tuple[Child, ...]]:
    """The parts of each container."""
    found: dict[int, tuple[Child, ...]] = {ALERT: alert_parts(version)}
    waiting = list(found[ALERT])
    while waiting:
        part = waiting.pop()
        if part.kind == "parts":
            found[container(part.name)] = part.parts
            waiting += part.parts
    return found


def container(name: str) -> int:
    """What an element with elements in it is."""
    return _CONTAINERS.get(name, PAIR)


_PARTS = {version: _sequences(version) for version in VERSIONS}
#: every element but the alert itself, by its number
NAMES = tuple(dict.fromkeys(part.name for row in _PARTS.values() for parts in row.values() for part in parts))
NUMBER = {name: number for number, name in enumerate(NAMES)}
#: every word of an enumeration, by its number
WORDS = tuple(
    dict.fromkeys(
        word for row in _PARTS.values() for parts in row.values() for p in parts for word in p.values
    )
)
WORD = {word: number for number, word in enumerate(WORDS)}

_MOST_PARTS = max(len(parts) for row in _PARTS.values() for parts in row.values())
_SHAPE = (len(VERSIONS), 5, len(NAMES))
#: (version, container, name): its place in the sequence, or -1
PLACE: npt.NDArray[np.int64] = np.full(_SHAPE, -1, np.int64)
#: (version, container, name): its kind
KIND: npt.NDArray[np.int64] = np.zeros(_SHAPE, np.int64)
#: (version, container, name): whether it may stand there more than once
AGAIN: npt.NDArray[np.bool_] = np.zeros(_SHAPE, np.bool_)
#: (version, container, place): how many elements before that place must be there
NEEDED: npt.NDArray[np.int64] = np.zeros((len(VERSIONS), 5, _MOST_PARTS + 1), np.int64)
#: (version, container): the number of places
PLACES: npt.NDArray[np.int64] = np.zeros((len(VERSIONS), 5), np.int64)
#: (version, name, word): whether the word is one of those that the element may have
ALLOWED: npt.NDArray[np.bool_] = np.zeros((len(VERSIONS), len(NAMES), len(WORDS)), np.bool_)
#: name -> the container that it is
HOLDS: npt.NDArray[np.int64] = np.array([container(name) for name in NAMES], np.int64)
#: name -> whether people read it; whether it may be of any length
READ: npt.NDArray[np.bool_] = np.array([name in TEXTS for name in NAMES], np.bool_)
LONG: npt.NDArray[np.bool_] = np.array([name in UNLIMITED for name in NAMES], np.bool_)

for _v, _version in enumerate(VERSIONS):
    for _c, _parts in _PARTS[_version].items():
        PLACES[_v, _c] = len(_parts)
        for _place, _part in enumerate(_parts):
            _number = NUMBER[_part.name]
            PLACE[_v, _c, _number] = _place
            KIND[_v, _c, _number] = _KINDS[_part.kind]
            AGAIN[_v, _c, _number] = _part.most > 1
            NEEDED[_v, _c, _place + 1] = NEEDED[_v, _c, _place] + (_part.least > 0)
            for _word in _part.values:
                ALLOWED[_v, _number, WORD[_word]] = True

#: slots of a table of strings found by their hash
SLOTS = 1024


def hashed(text: bytes, seed: int) -> int:
    """The hash by which compiled code finds a string."""
    value = seed
    for byte in text:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return (value ^ (value >> 11)) % SLOTS


def _found(texts: tuple[str, ...]) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """(seed, slot -> number or -1, number -> length and bytes) without two strings in one slot."""
    written = [text.encode("ascii") for text in texts]
    seed = next(
        seed for seed in range(1, 1_000_000) if len({hashed(text, seed) for text in written}) == len(written)
    )
    slots = np.full(SLOTS, -1, np.int64)
    kept = np.zeros((len(written), max(map(len, written)) + 1), np.uint8)
    for number, text in enumerate(written):
        slots[hashed(text, seed)] = number
        kept[number, 0] = len(text)
        kept[number, 1 : len(text) + 1] = np.frombuffer(text, np.uint8)
    return seed, slots, kept


NAME_SEED, NAME_SLOTS, NAME_BYTES = _found(NAMES)
WORD_SEED, WORD_SLOTS, WORD_BYTES = _found(WORDS)
ACRONYM_SEED, ACRONYM_SLOTS, ACRONYM_BYTES = _found(tuple(sorted(ACRONYMS)))

#: classes of bytes in a text: nothing to see, those with a rule of their own, and what may begin a drill
PLAIN, LESS, AMPERSAND, BRACKET, CONTROL, RETURN, LETTER_D, LETTER_X, WIDE = range(9)
CLASS: npt.NDArray[np.uint8] = np.zeros(256, np.uint8)
CLASS[:32] = CONTROL
CLASS[[9, 10]] = PLAIN
CLASS[13] = RETURN
CLASS[ord("<")] = LESS
CLASS[ord("&")] = AMPERSAND
CLASS[ord("]")] = BRACKET
CLASS[[ord("d"), ord("D")]] = LETTER_D
CLASS[[ord("x"), ord("X")]] = LETTER_X
CLASS[128:] = WIDE

#: a byte of a text is to be looked at where it and the one behind it have a bit in common here: whatever is
#: not PLAIN, but a letter that may begin a drill only where the next of its word stands behind it
HEEDED: npt.NDArray[np.uint8] = (CLASS != PLAIN).astype(np.uint8)
BEHIND: npt.NDArray[np.uint8] = np.ones(256, np.uint8)
for _bit, _letters, _next in ((2, "dD", "rR"), (4, "xX", "eE")):
    HEEDED[[ord(letter) for letter in _letters]] = _bit
    BEHIND[[ord(letter) for letter in _next]] |= _bit

#: characters of a name that is taken
NAMED: npt.NDArray[np.bool_] = np.zeros(256, np.bool_)
NAMED[[byte for byte in range(128) if chr(byte).isalnum() or chr(byte) in "_-."]] = True
#: RFC 2045, section 5.1, as far as `anlan.formats.cap.rules` takes it
TOKEN: npt.NDArray[np.bool_] = np.zeros(256, np.bool_)
TOKEN[[byte for byte in range(128) if chr(byte).isalnum() or chr(byte) in "!#$&^_.+-"]] = True
TOKEN[ord("&")] = False
