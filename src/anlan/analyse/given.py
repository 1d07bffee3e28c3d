"""Parameters of a detector as they are written on a command line: `b=5`, `limit54=5,4`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anlan.assess.detect.registry import spec
from anlan.assess.detect.spec import Param
from anlan.model.errors import InvalidValue

_TRUE, _FALSE = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
_NONE = ("none", "na", "null", "")


def parameters(detector: str, words: Sequence[str]) -> dict[str, Any]:
    """The parameters in `words`, each `name=value`, as the detector's description types them.
    InvalidValue names what cannot be read, ValueError a name the detector does not have."""
    known = {p.name: p for p in spec(detector).params}
    given: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not sign:
            raise InvalidValue("no parameter", where="--param", found=repr(word), expected="NAME=VALUE")
        given[name] = _value(known[name], value.strip()) if name in known else value
    spec(detector).check(given)
    return given


def _value(param: Param, text: str) -> Any:
    kind = param.type.removesuffix("or none").strip()
    if param.type.endswith("or none") and text.lower() in _NONE:
        return None
    try:
        if kind == "bool":
            if text.lower() not in (*_TRUE, *_FALSE):
                raise ValueError(text)
            return text.lower() in _TRUE
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind.startswith("("):
            parts = [float(part) for part in text.strip("()[] ").split(",")]
            if len(parts) != kind.count(",") + 1:
                raise ValueError(text)
            return tuple(int(part) if "int" in kind else part for part in parts)
        if kind.startswith("list"):
            return [scalar(part.strip()) for part in text.strip("()[] ").split(",") if part.strip()]
        return text if kind == "str" else scalar(text)
    except ValueError:
        raise InvalidValue(
            param.meaning, where=f"--param {param.name}", found=repr(text), expected=param.type
        ) from None


def scalar(text: str) -> int | float | bool | str | None:
    """A whole number, a number, true or false, none, or the text itself."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    known: dict[str, bool | None] = {"true": True, "false": False, "none": None}
    return known.get(text.lower(), text) if text.lower() in known else text
