"""Which places of a pack a drawn area lies over, by their outlines."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import UnknownPlace, Unreadable
from anlan.model.pack import GeometryLayer, Pack
from anlan.packs.geometry import outlines

#: a place counts as covered from this share of its outline on
WHOLE = 0.98
#: outlines of neighbours are not drawn alike: less in common than this share of the place is no overlap
SLIVER = 0.001


def covered(shape: BaseGeometry, pack: Pack, at: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(places, those of them that are covered only in part), both by id; WGS 84, longitude first.

    From the widest level down: a place covered as a whole stands for everything in it, one that is
    covered in part gives way to the places within it that the area meets. Where packs that are laid over each
    other have one place in two trees (a nation among the countries of the world, and as the whole of its
    provinces), each tree has its own: who looks after the one may not see the other. A layer that cannot be
    read is left out: its places are found by the other layers or not at all."""
    if shape.is_empty:
        return (), ()
    whole: set[str] = set()
    part: set[str] = set()
    lines: dict[str, tuple[str, ...]] = {}
    for layer in sorted(pack.geometry, key=lambda one: _rank(one, pack)):
        try:
            ids, shapes, tree = _indexed(layer)
        except Unreadable:
            continue
        hits = np.sort(tree.query(shape, predicate="intersects"))
        for number in hits:
            id = ids[number]
            if id not in lines:
                lines[id] = _line(id, pack, at)
            if not lines[id] or not whole.isdisjoint(lines[id][1:]):
                continue
            outline = shapes[number]
            size = outline.area
            share = shapely.area(shapely.intersection(outline, shape)) / size if size else 1.0
            if share >= WHOLE:
                whole.add(id)
            elif share > SLIVER or _is_within(shape, outline):
                part.add(id)
    found = whole | part
    # a place that was met in part, and so were places within it: those say it better
    wider = {up for id in found for up in lines[id][1:]}
    part -= wider
    return tuple(sorted(whole | part)), tuple(sorted(part))


def _is_within(shape: BaseGeometry, outline: BaseGeometry) -> bool:
    """A small area in a large place is a sliver of it, and still lies in it."""
    size = float(shape.area)
    return size == 0 or float(shapely.area(shapely.intersection(outline, shape))) / size > SLIVER * 100


def _rank(layer: GeometryLayer, pack: Pack) -> int:
    level = pack.place_levels.get(layer.level)
    return level.rank if level is not None else 0


def _line(id: str, pack: Pack, at: datetime) -> tuple[str, ...]:
    try:
        return pack.ancestry(id, at)
    except UnknownPlace:
        return ()


def _indexed(layer: GeometryLayer) -> tuple[list[str], list[BaseGeometry], Any]:
    path = Path(layer.path)
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _tree(layer, stamp)


@lru_cache(maxsize=16)
def _tree(layer: GeometryLayer, _stamp: int) -> tuple[list[str], list[BaseGeometry], Any]:
    drawn = outlines(layer).shapes
    ids, shapes = list(drawn), list(drawn.values())
    shapely.prepare(shapes)
    return ids, shapes, shapely.STRtree(shapes)
