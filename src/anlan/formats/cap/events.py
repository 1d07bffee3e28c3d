"""The events of a plain message (`anlan.formats.cap.walk`) as blocks: the texts that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from anlan.formats.cap.blocks import Block
from anlan.formats.cap.tables import ENUM, KIND, NAMES, NUMBER, WORDS

_ESCAPED, _RETURNS = 1, 2
_LEAF, _WORD, _PAIR, _NAME, _VALUE, _INFO, _INNER = range(7)
_SORTS = [_LEAF] * len(NAMES)
for _number, _name in enumerate(NAMES):
    if (KIND[:, :, _number] == ENUM).any():
        _SORTS[_number] = _WORD
for _name in ("eventCode", "parameter", "geocode"):
    _SORTS[NUMBER[_name]] = _PAIR
for _name in ("resource", "area"):
    _SORTS[NUMBER[_name]] = _INNER
_SORTS[NUMBER["info"]] = _INFO
_SORTS[NUMBER["valueName"]], _SORTS[NUMBER["value"]] = _NAME, _VALUE
#: number of a name -> (name, what to do there)
_KINDS = tuple(zip(NAMES, _SORTS, strict=True))

_REFERENCE = re.compile("&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([a-z]+));")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def text_of(raw: bytes, start: int, end: int, mark: int) -> str:
    """A text as the parser gives it, with the flags that the walk put on it."""
    text = raw[start:end].decode()
    if mark & _RETURNS:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _REFERENCE.sub(_character, text) if mark & _ESCAPED else text


def _character(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name is not None:
        return _CHARACTERS[name]
    return chr(int(hexadecimal, 16) if hexadecimal is not None else int(decimal))


def blocks_of(raw: bytes, events: Iterable[list[int]]) -> Block:
    """The block of those events, and of what stands inside: what `anlan.formats.cap.blocks.blocks` gives for
    the same elements."""
    whole: Block = {}
    info = block = whole
    name = ""
    pairs: list[Any] = []
    for number, start, end, mark, _, _ in events:
        tag, sort = _KINDS[number]
        if sort == _LEAF:
            text = text_of(raw, start, end, mark) if mark & 3 else raw[start:end].decode()
            if tag in block:
                block[tag].append(text)
            else:
                block[tag] = [text]
        elif sort == _NAME:
            name = text_of(raw, start, end, mark) if mark & 3 else raw[start:end].decode()
        elif sort == _VALUE:
            text = text_of(raw, start, end, mark) if mark & 3 else raw[start:end].decode()
            pairs.append((name, text))
        elif sort == _PAIR:
            pairs = block.setdefault(tag, [])
        elif sort == _WORD:
            block.setdefault(tag, []).append(WORDS[mark])
        elif sort == _INFO:
            info = block = {}
            whole.setdefault(tag, []).append(info)
        else:
            block = {}
            info.setdefault(tag, []).append(block)
    return whole
