"""How a function is compiled that only compiled functions call."""

from __future__ import annotations

from typing import Any

from numba import njit

# without what Python and C would need to call it, which takes a third of the time of compiling
_OPTIONS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}
inner: Any = njit(**_OPTIONS)
