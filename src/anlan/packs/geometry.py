"""Outlines of places from TopoJSON (1.0) and GeoJSON (RFC 7946), read when a map needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

from anlan.model.errors import Unreadable
from anlan.model.pack import GeometryLayer
from anlan.packs.antimeridian import cut

_CONTINUOUS = 2  # a ring that touches itself is invalid; make_valid returns parts of other dimensions too

_PLAIN = re.compile(r"[0-9A-Za-z/_-]+")  # no fractions: 1.50 is read as 1.5


@dataclass(frozen=True, slots=True)
class Outlines:
    """Place id -> polygon or multipolygon in WGS 84 degrees. `repaired` ids were invalid as drawn and
    were made valid; `without_id` counts features that have no code, `empty` the ids whose feature
    holds no area."""

    shapes: dict[str, BaseGeometry]
    repaired: tuple[str, ...]
    empty: tuple[str, ...]
    without_id: int


def outlines(layer: GeometryLayer) -> Outlines:
    """Every outline of a layer, by place id; features of one id are united. Unreadable when the file
    is neither TopoJSON nor GeoJSON, or has no such object. Read once per version of the file."""
    return _outlines(layer.path, layer.key, layer.prefix, layer.objects, *version_of(layer))


def may_have(layer: GeometryLayer, place: str) -> bool:
    """False where the layer has no outline of that place for certain, by its prefix and its file as it is
    written, without drawing anything: a code that is in a file as a value stands there as a word. Unreadable
    when the file cannot be read."""
    code = place.removeprefix(layer.prefix)
    if not place.startswith(layer.prefix):
        return False
    try:
        written = Path(layer.path).read_bytes().lower()
    except OSError as error:
        raise Unreadable("no geometry file there", where=layer.path, found=error.strerror or "") from error
    if not _PLAIN.fullmatch(code) or b"\\u00" in written or b"\\/" in written:
        return True  # it may be written in more than one way
    word = re.compile(rb"(?<![0-9a-z])" + re.escape(code.lower().encode()) + rb"(?![0-9a-z])")
    return word.search(written) is not None


def version_of(layer: GeometryLayer) -> tuple[int, int]:
    """(modified in ns, bytes) of the layer's file, which tell one version of it from another. Unreadable
    where there is none."""
    try:
        stamp = Path(layer.path).stat()
    except OSError as error:
        raise Unreadable("no geometry file there", where=layer.path, found=error.strerror or "") from error
    return stamp.st_mtime_ns, stamp.st_size


def as_geojson(layer: GeometryLayer, ids: Iterable[str] | None = None, digits: int = 4) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of those places (all where None), rings wound as RFC 7946 asks and
    coordinates to `digits` decimals (4: eleven metres). Ids without an outline are left out."""
    shapes = outlines(layer).shapes
    wanted = shapes if ids is None else [id for id in ids if id in shapes]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": id,
                "properties": {"id": id, "level": layer.level},
                "geometry": _plain(shapes[id], digits),
            }
            for id in wanted
        ],
    }


def _plain(shape: BaseGeometry, digits: int) -> dict[str, Any]:
    document = mapping(shapely.orient_polygons(shape))
    return {"type": document["type"], "coordinates": _rounded(document["coordinates"], digits)}


def _rounded(part: Any, digits: int) -> Any:
    if isinstance(part, int | float):
        return round(part, digits)
    return [_rounded(inner, digits) for inner in part]


@lru_cache(maxsize=16)
def _outlines(path: str, key: str, prefix: str, objects: str, _mtime: int, _size: int) -> Outlines:
    drawn: dict[str, list[BaseGeometry]] = {}
    empty: set[str] = set()
    without_id = 0
    for properties, shape in _features(path, objects):
        code = properties.get(key)
        if code is None or code == "":
            without_id += 1
        elif shape is None or shape.is_empty:
            empty.add(f"{prefix}{code}")
        else:
            drawn.setdefault(f"{prefix}{code}", []).append(cut(shape))
    shapes: dict[str, BaseGeometry] = {}
    repaired: list[str] = []
    for id, parts in sorted(drawn.items()):
        whole = [_areas(part) for part in parts]
        if any(not part.is_valid for part in parts):
            repaired.append(id)
        shape = whole[0] if len(whole) == 1 else _areas(shapely.union_all(whole))
        if shape.is_empty:
            empty.add(id)
        else:
            shapes[id] = shape
    return Outlines(shapes, tuple(repaired), tuple(sorted(empty - set(shapes))), without_id)


def _areas(shape: BaseGeometry) -> BaseGeometry:
    """A valid polygon or multipolygon: the parts of `make_valid` that have area."""
    if not shape.is_valid:
        shape = shapely.make_valid(shape)
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [part for part in shapely.get_parts(shape) if shapely.get_dimensions(part) == _CONTINUOUS]
    return shapely.union_all(parts) if parts else MultiPolygon()


def _features(path: str, objects: str) -> Iterator[tuple[dict[str, Any], BaseGeometry | None]]:
    try:
        document = json.loads(Path(path).read_bytes())
        kind = document["type"]
        if kind == "Topology":
            yield from _topology(document, objects)
        elif kind == "FeatureCollection":
            for feature in document["features"]:
                geometry = feature["geometry"]
                shape = None if geometry is None else shapely.from_geojson(json.dumps(geometry))
                yield feature.get("properties") or {}, shape
        else:
            raise Unreadable(
                "no geometry file", where=path, found=str(kind)[:60], expected="Topology or FeatureCollection"
            )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(
            "neither TopoJSON nor GeoJSON", where=path, found=f"{type(error).__name__}: {error}"[:160]
        ) from error
    except shapely.errors.ShapelyError as error:
        raise Unreadable("a geometry that cannot be drawn", where=path, found=str(error)[:160]) from error
    except OSError as error:
        raise Unreadable("the geometry cannot be read", where=path, found=error.strerror or "") from error


def _topology(document: dict[str, Any], objects: str) -> Iterator[tuple[dict[str, Any], BaseGeometry | None]]:
    named = document["objects"]
    if objects and objects not in named:
        raise Unreadable("no such object in the topology", found=objects, expected=", ".join(named))
    if not objects and len(named) != 1:
        raise Unreadable(
            "which object of the topology?", found=", ".join(named), expected="`objects` names one"
        )
    arcs = [_arc(arc, document.get("transform")) for arc in document["arcs"]]
    top = named[objects] if objects else next(iter(named.values()))
    for geometry in top["geometries"] if top["type"] == "GeometryCollection" else [top]:
        shape: BaseGeometry | None = None
        if geometry["type"] == "Polygon":
            shape = _polygon(geometry["arcs"], arcs)
        elif geometry["type"] == "MultiPolygon":
            parts = [part for rings in geometry["arcs"] if (part := _polygon(rings, arcs)) is not None]
            shape = MultiPolygon(parts) if parts else None
        yield geometry.get("properties") or {}, shape


def _arc(points: list[list[float]], transform: dict[str, Any] | None) -> NDArray[np.float64]:
    """Absolute positions (n, 2); a transform means that positions are sums of integer steps."""
    line = np.asarray([point[:2] for point in points], dtype=np.float64).reshape(-1, 2)
    if transform is None:
        return line
    positions: NDArray[np.float64] = np.cumsum(line, axis=0) * np.asarray(transform["scale"])
    positions += np.asarray(transform["translate"])
    return positions


def _polygon(rings: list[list[int]], arcs: list[NDArray[np.float64]]) -> Any:
    """A polygon from arc numbers (negative: the arc backwards); rings below four positions enclose
    nothing and are left out; None when the outer one does."""
    drawn = [ring for ring in (_ring(numbers, arcs) for numbers in rings) if ring is not None]
    if not drawn or _ring(rings[0], arcs) is None:
        return None
    return shapely.Polygon(drawn[0], drawn[1:])


def _ring(numbers: list[int], arcs: list[NDArray[np.float64]]) -> NDArray[np.float64] | None:
    pieces = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    # Each arc begins where the one before ended; that shared position stands once.
    joined = np.concatenate([piece if place == 0 else piece[1:] for place, piece in enumerate(pieces)])
    return joined if len(joined) >= 4 else None
