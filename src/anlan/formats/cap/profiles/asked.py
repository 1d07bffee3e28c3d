"""What several profiles ask in the same way, each under the name of its own rule."""

from __future__ import annotations

from collections.abc import Iterator

from anlan.formats.cap.blocks import Block, first
from anlan.formats.cap.fault import CapFault, shown


def broken(path: str, rule: str, found: str, expected: str) -> CapFault:
    """A finding of a profile: the schema knows nothing of it, and no reader is kept from the message."""
    return CapFault(path, rule, found, expected, schema=False, blocking=False)


def infos(alert: Block) -> Iterator[tuple[str, Block]]:
    """Every info with its path."""
    for number, info in enumerate(alert.get("info", ()), 1):
        yield f"alert/info[{number}]", info


def areas(alert: Block) -> Iterator[tuple[str, Block]]:
    """Every area with its path."""
    for path, info in infos(alert):
        for number, area in enumerate(info.get("area", ()), 1):
            yield f"{path}/area[{number}]", area


def an_info(alert: Block, rule: str, but: tuple[str, ...] = ()) -> Iterator[CapFault]:
    """There is an info, but for messages of some types."""
    if not alert.get("info") and first(alert, "msgType") not in but:
        yield broken("alert/info", rule, "nothing", "at least one info")


def an_area(alert: Block, rule: str) -> Iterator[CapFault]:
    """Every info has an area."""
    for path, info in infos(alert):
        if not info.get("area"):
            yield broken(f"{path}/area", rule, "nothing", "at least one area")


def filled(alert: Block, name: str, rule: str) -> Iterator[CapFault]:
    """Every info has that element, and it says something."""
    for path, info in infos(alert):
        if not any(str(text).strip() for text in info.get(name, ())):
            article = "an" if name[0] in "aeiou" else "a"
            yield broken(f"{path}/{name}", rule, "nothing", f"{article} {name}")


def referring(alert: Block, rule: str) -> Iterator[CapFault]:
    """Update and Cancel say what they are about."""
    kind = first(alert, "msgType")
    if kind in ("Update", "Cancel") and not first(alert, "references"):
        yield broken("alert/references", rule, "nothing", f"all messages that the {kind} is about")


def same(alert: Block, names: tuple[str, ...], rule: str) -> Iterator[CapFault]:
    """Every info has the same values of those elements, in any order."""
    blocks = list(infos(alert))
    for name in names:
        values = [sorted(map(repr, info.get(name, ()))) for _, info in blocks]
        for (path, _), value in zip(blocks[1:], values[1:], strict=True):
            if value != values[0]:
                found, expected = shown(", ".join(value)), shown(", ".join(values[0]))
                yield broken(f"{path}/{name}", rule, found, f"{expected}, as in the first info")
