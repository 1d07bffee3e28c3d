"""Eight neighbouring numbers written by one instruction where the processor has one."""

# the arguments of an intrinsic and of what builds it are numba's
# ruff: noqa: ARG001

from __future__ import annotations

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_VECTOR = ir.VectorType(ir.DoubleType(), 8)


@intrinsic
def store_multiples(typing, out, at, value, factors):  # type: ignore[no-untyped-def]
    """out[at + i] = value * factors[i] for i = 0 ... 7. `out` one-dimensional and contiguous, `at`
    unsigned with room for eight: neither is checked. `factors` a tuple of eight numbers."""

    def build(context, builder, signature, values):  # type: ignore[no-untyped-def]
        array = context.make_array(out)(context, builder, values[0])
        index = builder.zext(values[1], ir.IntType(64)) if at.bitwidth < 64 else values[1]
        several, splat = ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_VECTOR, ir.Undefined)
        for i, factor in enumerate(cgutils.unpack_tuple(builder, values[3])):  # type: ignore[no-untyped-call]
            lane = ir.Constant(ir.IntType(32), i)
            several = builder.insert_element(several, factor, lane)
            splat = builder.insert_element(splat, values[2], lane)
        target = builder.bitcast(builder.gep(array.data, [index]), _VECTOR.as_pointer())
        builder.store(builder.fmul(splat, several), target, align=8)
        return context.get_dummy_value()

    eight = types.UniTuple(types.float64, 8)  # type: ignore[no-untyped-call]
    return types.void(out, at, types.float64, eight), build
