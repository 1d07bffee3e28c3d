"""exp for kernels: no branch and no call, so that loops over it vectorise.

Cody, Waite (1980), "Software Manual for the Elementary Functions", chapter 6: x = k log 2 + r with
|r| <= log(2) / 2, the Taylor polynomial of degree 13 for exp(r), 2^k by setting the exponent bits.
The remainder is below 1e-17; results are within 2 units in the last place of the exact value.
"""

# the arguments of an intrinsic and of what builds it are numba's
# ruff: noqa: ARG001

from __future__ import annotations

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

_LOG2E = 1.4426950408889634
#: log 2 in two parts, the first with trailing zeros so that k times it is exact
_HIGH = 6.93147180369123816490e-01
_LOW = 1.90821492927058770002e-10
#: added to a number below 2^51 it leaves the nearest whole number in the last bits
_ROUND = 6755399441055744.0
_MOST = 708.0
_BITS = 52
_BIAS = 1023
_C = tuple(1.0 / f for f in (2.0, 6.0, 24.0, 120.0, 720.0, 5040.0, 40320.0, 362880.0, 3628800.0,
                             39916800.0, 479001600.0, 6227020800.0))  # fmt: skip
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12, _C13 = _C


@intrinsic
def _two_to(typing, rounded):  # type: ignore[no-untyped-def]
    """2^k, where `rounded` is k + _ROUND."""

    def build(context, builder, signature, values):  # type: ignore[no-untyped-def]
        whole = builder.bitcast(values[0], ir.IntType(64))
        biased = builder.add(whole, ir.Constant(ir.IntType(64), _BIAS))
        return builder.bitcast(builder.shl(biased, ir.Constant(ir.IntType(64), _BITS)), ir.DoubleType())

    return types.float64(types.float64), build


@njit(cache=True, nogil=True, fastmath={"contract"}, inline="never")
def exponential(x):  # type: ignore[no-untyped-def]
    """exp(x); arguments beyond -708 and 708 are taken for these (3e-308 and 3e307)."""
    x = min(max(x, -_MOST), _MOST)
    rounded = x * _LOG2E + _ROUND
    k = rounded - _ROUND
    r = (x - k * _HIGH) - k * _LOW
    r2 = r * r
    r4 = r2 * r2
    low = (1.0 + r) + r2 * (_C2 + r * _C3)
    middle = (_C4 + r * _C5) + r2 * (_C6 + r * _C7)
    high = (_C8 + r * _C9) + r2 * (_C10 + r * _C11) + r4 * (_C12 + r * _C13)
    return (low + r4 * (middle + r4 * high)) * _two_to(rounded)  # type: ignore[call-arg]
