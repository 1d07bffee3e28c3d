"""The value of an R expression: numbers, arrays, dates, named lists, formulas.

It runs no R and knows no name or function beyond those given and those listed here: anything else is a
ValueError that names it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anlan.assess.models.r_expression import Constant, Empty, Expression, Symbol, deparse


@dataclass(frozen=True, slots=True)
class Formula:
    """The value of `~ expression`: kept as a tree, never worked out here."""

    right: Expression


def evaluate(
    tree: Expression, known: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
) -> Any:
    """The value of `tree`: float, str, bool, None, array, `dict` (a named list) or `Formula`. `known`
    gives values to names, `functions` further functions; pi and T, F need no giving. ValueError for a name
    or function not known."""
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, Symbol):
        value = known.get(tree.name, _NAMES.get(tree.name))
        if value is None and tree.name not in known:
            raise ValueError(
                f"nothing is known of {tree.name!r} (known: {', '.join(sorted(known)) or 'none'})"
            )
        return value
    if isinstance(tree, Empty):
        raise ValueError("an argument is left out where a value is needed")
    if tree.function == "~":
        return Formula(tree.arguments[-1])
    values = [evaluate(argument, known, functions) for argument in tree.arguments]
    if tree.function in _OPERATORS and len(values) == 2:
        return _OPERATORS[tree.function](_array(values[0]), _array(values[1]))
    if tree.function in _SIGNS and len(values) == 1:
        return _SIGNS[tree.function](_array(values[0]))
    if tree.function == "list":
        return {name or str(i): v for i, (name, v) in enumerate(zip(tree.names, values, strict=True), 1)}
    if tree.function == "c" and any(tree.names):
        return {name or str(i): v for i, (name, v) in enumerate(zip(tree.names, values, strict=True), 1)}
    function = (functions or {}).get(tree.function) or _FUNCTIONS.get(tree.function)
    if function is None:
        raise ValueError(f"nothing is known of the function {tree.function!r}")
    loose = [v for name, v in zip(tree.names, values, strict=True) if name is None]
    named = {_PYTHON.get(name, name): v for name, v in zip(tree.names, values, strict=True) if name}
    try:
        return function(*loose, **named)
    except TypeError as error:
        raise ValueError(f"{deparse(tree)[:80]}: {error}") from error


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, list) else value


def _combine(*values: Any) -> Any:
    if any(isinstance(v, str) for v in values):
        return [str(v) for v in values]
    if not values:
        return None
    if all(isinstance(v, bool) for v in values):
        return np.array(values, dtype=np.bool_)
    return np.concatenate([np.atleast_1d(np.asarray(v)) for v in values if v is not None])


def _sequence(start: Any = 1.0, end: Any = None, *, by: Any = 1.0, length: int | None = None) -> Any:
    if isinstance(start, np.datetime64):
        return np.arange(start, end + np.timedelta64(1, "D"), _days(by))
    if length is not None:
        return np.linspace(start, end, int(length))
    count = math.floor((end - start) / by + 1e-10) + 1
    return start + by * np.arange(count)


def _days(by: Any) -> np.timedelta64:
    if isinstance(by, str):
        match = re.fullmatch(r"(?:(\d+) )?(day|week)s?", by)
        if match is None:
            raise ValueError(f"dates go by days or weeks, found {by!r}")
        return np.timedelta64(int(match[1] or 1) * (7 if match[2] == "week" else 1), "D")
    return np.timedelta64(int(by), "D")


def _range(start: Any, end: Any) -> Any:
    return float(start) + np.arange(int(end - start) + 1, dtype=np.float64)


def _repeat(value: Any, times: Any = 1, *, each: int = 1) -> Any:
    return np.tile(np.repeat(np.atleast_1d(value), int(each)), int(times))


def _matrix(value: Any, nrow: Any = None, ncol: Any = None, *, byrow: bool = False) -> Any:
    flat = np.atleast_1d(value)
    rows = int(nrow) if nrow is not None else (flat.size // int(ncol) if ncol is not None else flat.size)
    columns = int(ncol) if ncol is not None else max(1, flat.size // rows)
    return np.resize(flat, rows * columns).reshape((rows, columns), order="C" if byrow else "F")


def _filled(value: Any, dim: Any) -> Any:
    shape = tuple(int(d) for d in np.atleast_1d(dim))
    return np.resize(np.atleast_1d(value), math.prod(shape)).reshape(shape, order="F")


def _structure(value: Any, *, dim: Any = None, **attributes: Any) -> Any:
    if dim is not None:
        return np.asarray(value).reshape(tuple(int(d) for d in np.atleast_1d(dim)), order="F")
    rest = {name: v for name, v in attributes.items() if name not in ("class", "names", "dimnames")}
    return {"value": value, **rest} if rest else value


def _dates(value: Any) -> Any:
    return np.datetime64(value) if isinstance(value, str) else np.array(value, dtype="datetime64[D]")


def _division(a: Any, b: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(a, b)


_NAMES: dict[str, Any] = {"pi": math.pi, "T": True, "F": False}
_PYTHON = {"length.out": "length"}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _division,
    "^": lambda a, b: a**b,
    ":": _range,
    "%%": np.mod,
    "%/%": np.floor_divide,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_SIGNS: dict[str, Callable[[Any], Any]] = {
    "-": lambda a: -a,
    "+": lambda a: a,
    "!": np.logical_not,
    "(": lambda a: a,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "c": _combine,
    "seq": _sequence,
    "rep": _repeat,
    "matrix": _matrix,
    "array": _filled,
    "structure": _structure,
    "as.Date": _dates,
    "I": lambda a: a,
    "as.numeric": lambda a: np.asarray(a, dtype=np.float64),
    "t": np.transpose,
    "diag": lambda x: np.eye(int(x)) if np.ndim(x) == 0 else np.diag(x),
    "sqrt": np.sqrt,
    "log": np.log,
    "exp": np.exp,
    "sin": np.sin,
    "cos": np.cos,
    "abs": np.abs,
    "pmin": np.minimum,
    "pmax": np.maximum,
}
