"""TOML tables into model values, strictly: every unknown key, missing key and wrong type is a fault.

A table is first shaped after the class (names of keys, durations, dates), then validated as a whole
by pydantic in strict mode. What is wrong is replaced by a stand-in, so that one run names all that is
wrong with a table; a table with any fault gives no value, but where stand-ins make it whole, what else
it says can still be looked at.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import dataclass, is_dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from anlan.model.errors import AnlanError, Fault, InvalidValue
from anlan.model.text import Text
from anlan.model.time import MONTH, Validity, parse_duration
from anlan.packs.documents import Keys, Origin, shorten
from anlan.packs.tables import (
    VOCABULARY,
    hints,
    key_of,
    keys_of,
    required,
    unwrap,
    validity_field,
    validity_keys,
)

T = TypeVar("T")

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "finite_number": "a finite number",
}

_LARGE = 2**63  # TOML's integers end here


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


@dataclass(frozen=True, slots=True)
class Decoded(Generic[T]):
    """`value` of a table without fault; else `partial`, the table with stand-ins for what is wrong, where
    that makes it whole, and `told`, the keys below the table whose faults are told."""

    value: T | None = None
    partial: T | None = None
    told: frozenset[Keys] = frozenset()


def decode(kind: type[T], raw: object, origin: Origin, faults: list[Fault]) -> T | None:
    """The value of one table, or None with what is wrong added to `faults`."""
    return decode_partly(kind, raw, origin, faults).value


def decode_partly(kind: type[T], raw: object, origin: Origin, faults: list[Fault]) -> Decoded[T]:
    """The same, with what a faulty table says besides its faults."""
    before = len(faults)
    if not isinstance(raw, dict):
        faults.append(origin.fault("not a table", found=describe(raw), expected="a table"))
        return Decoded()
    shaping = _Shaping(origin, faults)
    shaped: dict[str, Any] = {}
    try:
        shaped = shaping.table(kind, raw, ())
        value = _adapter(kind).validate_json(json.dumps(shaped), strict=True, extra="forbid")
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            keys = _written(kind, detail["loc"])
            if keys not in shaping.told:
                faults.append(_fault(kind, dict(detail), keys, origin, raw))
                shaping.told.add(keys)
        value = _patched(kind, shaped, error)
    except AnlanError as error:
        faults.append(origin.fault(error.message, found=error.found, expected=error.expected))
        return Decoded()
    except RecursionError:
        faults.append(origin.fault("nested too deeply"))
        return Decoded()
    # Free tables keep TOML's own types (dates, for one), which JSON would have turned into text.
    kept = {name: raw[key_of(kind, name)] for name in shaping.free}
    whole = cast(T, replace(cast(Any, value), **kept)) if kept and value is not None else cast(T, value)
    if len(faults) > before:
        return Decoded(None, whole, frozenset(shaping.told))
    return Decoded(whole)


#: so many times a stand-in may bring another fault to light
_ROUNDS = 5


def _patched(kind: type[T], shaped: dict[str, Any], error: ValidationError) -> T | None:
    """The table with a stand-in wherever pydantic objects; None where none can be thought of."""
    for _ in range(_ROUNDS):
        for detail in error.errors(include_url=False):
            if not _patch(kind, shaped, detail["loc"]):
                return None
        try:
            return cast(T, _adapter(kind).validate_json(json.dumps(shaped), strict=True, extra="forbid"))
        except ValidationError as again:
            error = again
        except AnlanError:
            return None
    return None


def _patch(kind: type, shaped: dict[str, Any], loc: tuple[str | int, ...]) -> bool:
    hint: Any = kind
    holder: Any = shaped
    owner, field = kind, ""
    for place, part in enumerate(loc):
        hint, _ = unwrap(hint)
        if is_dataclass(hint) and isinstance(part, str):
            owner, field = cast(type, hint), part
            hint = hints(owner).get(part)
        else:
            hint = (get_args(hint) or (None,))[-1 if get_origin(hint) is dict else 0]
        if hint is None:
            return False
        if place < len(loc) - 1:
            try:
                holder = holder[part]
            except (KeyError, IndexError, TypeError):
                return False
    if not loc or (words := _stand_in(hint, owner, field)) is _NONE:
        return False
    try:
        holder[loc[-1]] = words
    except (IndexError, TypeError):
        return False
    return True


_NONE = object()
_STAND_INS: dict[Any, Any] = {
    str: "?",
    int: 1,
    float: 1.0,
    bool: False,
    timedelta: "PT1H",
    date: "2000-01-01",
    Text: {"en": "?", "zh": "?"},
    Validity: {"since": None, "until": None},
}


def _stand_in(hint: Any, owner: type, field: str) -> Any:
    """Something of that type, as JSON; the first of the words where only some have a meaning."""
    hint, optional = unwrap(hint)
    if optional:
        return None
    if (owner, field) in VOCABULARY and hint is str:
        return VOCABULARY[owner, field][0]
    if hint in _STAND_INS:
        return _STAND_INS[hint]
    if get_origin(hint) in (tuple, dict):
        return [] if get_origin(hint) is tuple else {}
    if is_dataclass(hint):
        inner = cast(type, hint)
        parts = {name: _stand_in(hints(inner)[name], inner, name) for name in required(inner)}
        return _NONE if _NONE in parts.values() else parts
    return _NONE


def describe(value: object) -> str:
    """A found value, short, as its writer would recognise it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return f"a table of {', '.join(map(str, list(value)[:6])) or 'nothing'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    try:
        return shorten(repr(value))
    except ValueError:  # an integer of more digits than Python prints
        return "an enormous integer"


class _Shaping:
    """One table on its way from TOML's types to JSON's; `free` names the fields left as they are,
    `told` the keys that have their fault already."""

    def __init__(self, origin: Origin, faults: list[Fault]) -> None:
        self.origin = origin
        self.faults = faults
        self.free: list[str] = []
        self.told: set[Keys] = set()

    def table(self, kind: type, raw: dict[str, Any], path: Keys) -> dict[str, Any]:
        known = keys_of(kind)
        dated = validity_keys(kind)
        allowed = [*known, *(dated or ())]
        shaped: dict[str, Any] = {}
        for key, value in raw.items():
            if key in known:
                shaped[known[key]] = self.value(hints(kind)[known[key]], value, (*path, key))
            elif key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                expected = f"{near[0]} perhaps" if near else ", ".join(allowed)
                self.fault("unknown key", (*path, key), shorten(repr(key), 60), expected)
        field = validity_field(kind)
        if field and dated and not raw.keys().isdisjoint(dated):
            shaped[field] = self.validity(raw, path, dated)
        return shaped

    def validity(self, raw: dict[str, Any], path: Keys, dated: tuple[str, str]) -> dict[str, str | None]:
        bounds: dict[str, str | None] = {"since": None, "until": None}
        for key, name in zip(dated, bounds, strict=True):
            value = raw.get(key)
            if isinstance(value, date) and not isinstance(value, datetime):
                bounds[name] = value.isoformat()
            elif key in raw:
                self.fault("not a date", (*path, key), describe(value), "a date without quotes: 2024-11-01")
        since, until = bounds["since"], bounds["until"]
        if since and until and until <= since:
            self.fault("ends before it starts", (*path, dated[1]), until, f"a date after {since}")
            bounds["until"] = None
        return bounds

    def value(self, hint: Any, raw: Any, path: Keys) -> Any:
        hint, _ = unwrap(hint)
        if hint is timedelta:
            return self.duration(raw, path)
        if hint is date and isinstance(raw, date) and not isinstance(raw, datetime):
            return raw.isoformat()
        if is_dataclass(hint):
            if isinstance(raw, dict):
                return self.table(cast(type, hint), raw, path)
            return self.plain(hint, raw, path)
        if get_origin(hint) is tuple and isinstance(raw, list):
            inner = get_args(hint)[0]
            return [self.value(inner, part, (*path, place)) for place, part in enumerate(raw)]
        if get_origin(hint) is dict and isinstance(raw, dict):
            inner = get_args(hint)[1]
            if inner is Any:
                self.finite(raw, path)
                self.free.append(str(path[-1]))
                return {}
            return {key: self.value(inner, part, (*path, key)) for key, part in raw.items()}
        if isinstance(raw, float) and not math.isfinite(raw):
            self.fault("not a finite number", path, str(raw), "a finite number")
            return 0.0
        return self.plain(hint, raw, path)

    def plain(self, hint: Any, raw: Any, path: Keys) -> Any:
        """What JSON keeps as it is; pydantic judges its type. The rest is wrong wherever it stands."""
        if isinstance(raw, str | bool | float) or (isinstance(raw, int) and -_LARGE <= raw < _LARGE):
            return raw
        self.fault("wrong type", path, describe(raw), type_words(hint))
        return None

    def duration(self, raw: Any, path: Keys) -> str:
        try:
            if not isinstance(raw, str):
                raise InvalidValue(
                    "", found=describe(raw), expected="ISO 8601 in quotes, such as P14D or PT2H"
                )
            if raw == "P1M" and path[-1] == "frequency":
                return f"PT{int(MONTH.total_seconds())}S"
            parse_duration(raw)
        except InvalidValue as error:
            self.fault("not a duration", path, error.found, error.expected)
        except OverflowError:
            self.fault("not a duration", path, raw, "at most 999999999 days")
        else:
            return raw
        return "PT0S"

    def finite(self, raw: Any, path: Keys) -> None:
        """Free tables may hold anything but numbers that are none."""
        if isinstance(raw, dict):
            for key, part in raw.items():
                self.finite(part, (*path, key))
        elif isinstance(raw, list):
            for place, part in enumerate(raw):
                self.finite(part, (*path, place))
        elif isinstance(raw, float) and not math.isfinite(raw):
            self.fault("not a finite number", path, str(raw), "a finite number")

    def fault(self, message: str, path: Keys, found: str = "", expected: str = "") -> None:
        self.told.add(path)
        self.faults.append(self.origin.fault(message, *path, found=found, expected=expected))


def _fault(kind: type, detail: dict[str, Any], keys: Keys, origin: Origin, raw: dict[str, Any]) -> Fault:
    """One finding of pydantic in the words and key names of the pack."""
    if detail["type"] in ("missing", "missing_argument"):
        return origin.fault("missing key", *keys, expected=expectation(kind, detail["loc"]))
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, AnlanError):
        return origin.fault(error.message, *keys, found=error.found, expected=error.expected)
    expected = _EXPECTED.get(detail["type"], str(detail["msg"]).removeprefix("Input should be "))
    return origin.fault("wrong type", *keys, found=describe(_at(raw, keys)), expected=expected)


def _at(raw: Any, keys: Keys) -> Any:
    for key in keys:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _written(kind: type, loc: tuple[str | int, ...]) -> Keys:
    """pydantic's path of fields as a path of TOML keys."""
    keys: Keys = ()
    hint: Any = kind
    for part in loc:
        hint, _ = unwrap(hint)
        if is_dataclass(hint) and isinstance(part, str) and part in hints(cast(type, hint)):
            field_hint = hints(cast(type, hint))[part]
            keys = (*keys, key_of(cast(type, hint), part))
            if field_hint is Validity:
                return keys
            hint = field_hint
        else:
            keys = (*keys, part)
            arguments = get_args(hint)
            hint = arguments[-1 if get_origin(hint) is dict else 0] if arguments else None
    return keys


def expectation(kind: type, loc: tuple[str | int, ...]) -> str:
    """What a missing key should hold, in words."""
    hint: Any = kind
    for part in loc:
        hint, _ = unwrap(hint)
        if is_dataclass(hint) and isinstance(part, str):
            hint = hints(cast(type, hint)).get(part)
        else:
            hint = (get_args(hint) or (None,))[-1 if get_origin(hint) is dict else 0]
    return type_words(hint)


def type_words(hint: Any) -> str:
    """A type in the words of the pack format."""
    hint, _ = unwrap(hint)
    simple = {
        str: "a string",
        int: "an integer",
        float: "a number",
        bool: "true or false",
        date: "a date",
        datetime: "an instant",
        timedelta: "an ISO 8601 duration, such as P14D or PT2H",
        Validity: "a date, such as 2024-11-01",
        Text: 'both languages, { en = "…", zh = "…" }',
        Any: "anything",
    }
    if hint in simple:
        return simple[hint]
    if get_origin(hint) is tuple:
        return f"a list, each {type_words(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return f"a table, each value {type_words(get_args(hint)[1])}"
    if is_dataclass(hint):
        kind = cast(type, hint)
        return "a table with " + ", ".join(
            key_of(kind, name) for name in hints(kind) if name in required(kind)
        )
    return "a value"
