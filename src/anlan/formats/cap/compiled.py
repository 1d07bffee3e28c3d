"""When the compiled code is worth loading.

Loading it takes a second, and compiling it ten, once for each installation; a message takes a tenth of a
millisecond without it. So one message is read without it, and a service loads it after its first thousands.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

try:
    import resource
except ImportError:  # not on this system
    resource = None  # type: ignore[assignment]

#: messages and polygons that must have come by until it is loaded, and until it is compiled
_LOAD, _COMPILE = 3_000, 30_000

_state: dict[str, Any] = {"seen": 0, "next": _LOAD}


def kernels(more: int = 1) -> ModuleType | None:
    """`anlan.formats.cap.kernels`, once enough has come by, of which this is `more`; None before, and where
    it cannot be had (no room for its compiler, nowhere to keep what it compiled)."""
    found: ModuleType | None = _state.get("kernels")
    if found is not None:
        return found
    _state["seen"] += more
    return _load(_state["seen"] >= _COMPILE) if _state["seen"] >= _state["next"] else None


def prepare() -> bool:
    """Loads it now, compiled where it must be; False where it cannot be had."""
    return _state.get("kernels") is not None or _load(True) is not None


def without() -> None:
    """Does without it from now on, as a service does that has just begun."""
    _state.clear()
    _state.update(seen=0, next=_LOAD)


def _load(anew: bool) -> ModuleType | None:
    try:
        from anlan.formats.cap import kernels

        # where processor time is bounded it is that of one message, and nothing compiled can be kept
        if not kernels.kept() and not (anew and _unbounded()):
            _state["next"] = _COMPILE if not anew else float("inf")
            return None
        kernels.prepare()
    except Exception:
        _state["next"] = float("inf")
        return None
    _state["kernels"] = kernels
    return kernels


def _unbounded() -> bool:
    return resource is None or resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY


if __name__ == "__main__":
    # for whoever installs: compiled once, it is kept for every process after that
    raise SystemExit(0 if prepare() else 1)
