"""What a detector says of itself: its parameters, how far back it looks, what values it takes.

A detector is a function (panel, test, **params) -> `Detection` and a `Spec`. Those of the house stand in
`registry.BUILT_IN`; an installed distribution adds its own by an entry point of the group
`anlan.detectors`, named as the detector, that loads a `Spec`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from anlan.assess.detect.panel import Detection, Panel, Test
from anlan.model.text import Text


class Detector(Protocol):
    """Test `panel` at `test` (slice or indexes) with named parameters."""

    def __call__(self, panel: Panel, test: Test, **params: Any) -> Detection: ...


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()

#: `count`: whole numbers of events, never negative; `reading`: any finite number (up to
#: `panel.LARGEST` either way)
Values: TypeAlias = Literal["count", "reading"]


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: `type` in words a pack author knows (int, float, bool, str, (int, int), list; `or
    none` behind), `default` (`REQUIRED` where there is none), `choices` where only these are allowed."""

    name: str
    type: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()

    def check(self, detector: str, value: Any) -> None:
        """Raise ValueError where `value` is not of the type: numbers, yes or no, pairs of numbers, lists (the
        other types are the detector's own affair)."""
        if value is None:  # a default, where the detector takes none
            return
        kind = self.type.removesuffix(" or none")
        parts = kind.strip("()").split(", ") if kind.startswith("(") else [kind]
        if not set(parts) <= set(_TYPES):
            return
        values = [value]
        if len(parts) > 1:
            values = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
        fit = len(values) == len(parts) and all(
            _TYPES[part](v) for part, v in zip(parts, values, strict=True)
        )
        if not fit:
            raise ValueError(f"detector {detector}: {self.name} must be {self.type}, found {value!r}")


def _whole(value: Any) -> bool:
    return _real(value) and float(value).is_integer()


def _real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _either(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (_whole(value) and value in (0, 1))


def _several(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "int": _whole,
    "float": _real,
    "bool": _either,
    "list": _several,
}


def no_history(params: Mapping[str, Any], freq: int) -> int:
    """The tested value alone."""
    del params, freq
    return 0


@dataclass(frozen=True, slots=True)
class Spec:
    """A detector by name.

    `run` is the function; `history(params, freq)` the number of periods before the first tested one
    that it reads, `params` complete with defaults; `values` what it takes: a negative or non-finite
    value is unknown with reason `INVALID_VALUE`, and only in its own series; `sequential`: the answer
    at a time also depends on the tested times before it (a cumulative sum), so `test` is contiguous and
    in order; `needs_history`: a time axis too short for `history` is refused (ValueError) instead of
    answered with unknown; `live`: parameters that a rule in service gets unless it says otherwise;
    `title` in a few words; `source` the publication; `words(params)`: how the bound comes about, where a
    finding cannot be understood without it; `yearly`: the p-value is of the highest value of a year, not of
    one period's."""

    name: str
    run: Callable[..., Detection]
    params: tuple[Param, ...]
    title: str
    source: str
    history: Callable[[Mapping[str, Any], int], int] = no_history
    values: Values = "count"
    sequential: bool = False
    needs_history: bool = False
    live: Mapping[str, Any] = field(default_factory=dict)
    words: Callable[[Mapping[str, Any]], Text] | None = None
    yearly: bool = False

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` with the defaults of those not given."""
        return {p.name: params.get(p.name, p.default) for p in self.params}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise ValueError, naming what was found and expected, where `params` do not fit: unknown or
        missing names, values of another type or outside the choices."""
        known = {p.name: p for p in self.params}
        for given in params:
            if given not in known:
                near = difflib.get_close_matches(given, known, n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise ValueError(
                    f"detector {self.name} has no parameter {given!r}{hint}; expected some of: "
                    f"{', '.join(known)}"
                )
        for p in known.values():
            if p.default is REQUIRED and p.name not in params:
                raise ValueError(f"detector {self.name} needs the parameter {p.name!r}: {p.meaning}")
            p.check(self.name, params.get(p.name))
            if p.choices and p.name in params and params[p.name] not in p.choices:
                raise ValueError(
                    f"detector {self.name}: {p.name} must be one of {', '.join(p.choices)}; "
                    f"found {params[p.name]!r}"
                )
