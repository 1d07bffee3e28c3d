"""An element tree as the texts that it carries, block by block: what the rules and the reader look at.

A block holds, for the name of each element in it, the texts of those elements in their order: a string
for a leaf, a (valueName, value) pair for a code, a block for an info, a resource or an area. It is taken
from any tree, however broken, and says nothing of its own about what is right.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from anlan.formats.cap.schema import alert_parts

Block = dict[str, list[Any]]
#: (valueName, value); None where the element is missing
Pair = tuple[str | None, str | None]

_CONTAINERS = {"info": ("resource", "area")}
_PAIRS = ("eventCode", "parameter", "geocode")
_LEAF, _NAME, _VALUE, _PAIR, _BLOCK, _INFO = range(6)


def first(block: Block, name: str) -> str:
    """The text of the first element of that name, blanks around it taken off; empty where there is none."""
    found = block.get(name)
    return found[0].strip() if found else ""


def coded(block: Block, element: str, name: str) -> list[str]:
    """The values that a block's codes (eventCode, parameter or geocode) have under a valueName."""
    return [(value or "").strip() for told, value in block.get(element, ()) if (told or "").strip() == name]


def blocks(root: Any, prefix: str, version: str) -> Block:
    """The block of an alert, from any tree; elements outside the namespace (`prefix` is `{…}` or empty)
    are passed over. A leaf that holds elements is taken with all the text inside it."""
    return _block(root, prefix, version, ("info",))


def _block(element: Any, prefix: str, version: str, inner: tuple[str, ...]) -> Block:
    found: Block = {}
    cut = len(prefix)
    for child in element:
        tag: str = child.tag
        if not tag.startswith(prefix) or (not cut and tag.startswith("{")):
            continue
        name = tag[cut:]
        value: Any
        if name in inner:
            value = _block(child, prefix, version, _CONTAINERS.get(name, ()))
        elif name in _PAIRS and version != "1.0":
            value = _pair(child, prefix)
        else:
            value = "".join(child.itertext()) if len(child) else child.text or ""
            if name in _PAIRS:
                value = split_pair(value)
        found.setdefault(name, []).append(value)
    return found


def _pair(element: Any, prefix: str) -> Pair:
    name: str | None = None
    value: str | None = None
    for child in element:
        if name is None and child.tag == f"{prefix}valueName":
            name = child.text or ""
        elif value is None and child.tag == f"{prefix}value":
            value = child.text or ""
    return name, value


def split_pair(text: str) -> Pair:
    """A code of CAP 1.0, name=value in one string; the name is None where there is no = in it."""
    name, equals, value = text.partition("=")
    return (name, value) if equals else (None, text)


@cache
def _kinds(prefix: str, version: str) -> dict[str, tuple[int, str]]:
    """What to do at each tag of a message of that version."""
    kinds: dict[str, tuple[int, str]] = {}

    def add(parts: tuple[Any, ...]) -> None:
        for part in parts:
            kind = _LEAF
            if part.name in _PAIRS:
                kind = _PAIR
            elif part.kind == "parts":
                kind = _INFO if part.name == "info" else _BLOCK
                add(part.parts)
            kinds[prefix + part.name] = (kind, part.name)

    add(alert_parts(version))
    kinds[f"{prefix}valueName"] = (_NAME, "valueName")
    kinds[f"{prefix}value"] = (_VALUE, "value")
    return kinds


def valid_blocks(root: Any, prefix: str, version: str) -> Block:
    """The same as `blocks` for a tree that the schema accepts, each info in one walk: there the order of
    the elements alone says which block each belongs to."""
    kinds = _kinds(prefix, version)
    alert: Block = {}
    for child in root:
        known = kinds.get(child.tag)
        if known is None:  # a signature
            continue
        kind, tag = known
        alert.setdefault(tag, []).append(
            _valid_info(child, kinds, version) if kind == _INFO else child.text or ""
        )
    return alert


def _valid_info(element: Any, kinds: dict[str, tuple[int, str]], version: str) -> Block:
    info: Block = {}
    block = info
    name: str | None = None
    pairs: list[Any] = []
    old = version == "1.0"
    for child in element.iterdescendants():
        kind, tag = kinds[child.tag]
        if kind == _LEAF:
            if tag in block:
                block[tag].append(child.text or "")
            else:
                block[tag] = [child.text or ""]
        elif kind == _NAME:
            name = child.text or ""
        elif kind == _VALUE:
            pairs.append((name, child.text or ""))
        elif kind == _PAIR:
            if tag in block:
                pairs = block[tag]
            else:
                pairs = block[tag] = []
            if old:
                pairs.append(split_pair(child.text or ""))
        else:
            block = {}
            info.setdefault(tag, []).append(block)
    return info
