"""Channels that reach by cells: what is heard is every cell that has a part in the area, as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from anlan.warn.ground import united
from anlan.warn.target.areas import Areas


@dataclass(frozen=True, slots=True)
class Cells:
    """`ids` of the cells to switch on, in the order given; `shape` is the ground they are heard on.
    `uncovered` is what of the area no cell covers: it cannot be warned over this channel."""

    ids: tuple[str, ...]
    shape: BaseGeometry
    uncovered: BaseGeometry


def cells_over(shape: BaseGeometry, cells: Mapping[str, BaseGeometry]) -> Cells:
    """The cells (id -> ground it is heard on) that have ground in common with the area, more than a boundary.
    Their ground goes into `reach` as what is sent, so that the overspill is that of whole cells. InvalidValue
    for a cell that is no polygon."""
    ids = list(cells)
    near = [ids[key] for key in Areas([cells[id] for id in ids]).within_each([shape])[0]]
    met = [id for id in near if shapely.area(shapely.intersection(shape, cells[id])) > 0]
    heard = united([cells[id] for id in met])
    return Cells(tuple(met), heard, shapely.difference(shape, heard))
