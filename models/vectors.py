"""Vectors of numbers for compiled loops: 64 bytes at a time, kept in registers.

Numba's own vectorising gives up where a loop adds up rows of one table in an array, since it cannot
know that they do not overlap, and keeps what it adds up in memory. These functions give LLVM
vectors instead, which it lays out in whatever registers a processor has: one of AVX-512, two of
AVX2, four of SSE or NEON. They work in functions of `models.compiled` alone.

Indexes are of elements, are not checked, and never count from the end; arrays are contiguous and
have one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

# Of a vector: 16 numbers of 32 bits, 32 of 16. Of bytes 16 are taken, which widen to 16 numbers.
FLOATS: Final = 16
SHORTS: Final = 32

_LANES: Final = {types.float32: FLOATS, types.int32: FLOATS, types.int16: SHORTS}
_BYTE_LANES: Final = FLOATS
_INT32: Final = ir.IntType(32)

Emit = Callable[[Any, Any, Any, Any], Any]
_intrinsic: Callable[[Callable[..., tuple[Any, Emit]]], Callable[..., Any]] = intrinsic


class Vector(types.Type):  # type: ignore[misc] # numba comes without types
    """The type of a vector, to numba."""

    def __init__(self, dtype: Any, lanes: int) -> None:
        self.dtype = dtype
        self.lanes = lanes
        super().__init__(name=f"Vector({dtype}, {lanes})")


class _VectorModel(models.PrimitiveModel):  # type: ignore[misc] # likewise
    def __init__(self, manager: Any, vector: Vector) -> None:
        is_float = isinstance(vector.dtype, types.Float)
        element = ir.FloatType() if is_float else ir.IntType(vector.dtype.bitwidth)
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


register_model(Vector)(_VectorModel)


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


@_intrinsic
def peek(typing: Any, array: Any, index: Any) -> tuple[Any, Emit]:
    """One element, at an index that needs no check."""
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.load(_place(context, builder, signature.args[0], *given))

    return array.dtype(array, types.intp), emit


@_intrinsic
def load(typing: Any, array: Any, index: Any) -> tuple[Any, Emit]:
    """The elements from ``index``: 16 of float32, int32, int8 or uint8, 32 of int16."""
    del typing, index
    vector = Vector(array.dtype, _LANES.get(array.dtype, _BYTE_LANES))

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, signature.args[0], *given)
        pointer = context.get_value_type(vector).as_pointer()
        return builder.load(builder.bitcast(place, pointer), align=array.dtype.bitwidth // 8)

    return vector(array, types.intp), emit


@_intrinsic
def store(typing: Any, array: Any, index: Any, vector: Any) -> tuple[Any, Emit]:
    """Write a vector to the elements from ``index``."""
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = _place(context, builder, signature.args[0], given[0], given[1])
        pointer = context.get_value_type(vector).as_pointer()
        builder.store(given[2], builder.bitcast(place, pointer), align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), emit


@_intrinsic
def nought(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """Noughts, as many as in ``vector`` and of its kind."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del builder, signature, given
        return ir.Constant(context.get_value_type(vector), None)

    return vector(vector), emit


@_intrinsic
def spread(typing: Any, number: Any) -> tuple[Any, Emit]:
    """One float32 sixteen times."""
    del typing
    vector = Vector(types.float32, FLOATS)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        kind = context.get_value_type(vector)
        alone = builder.insert_element(
            ir.Constant(kind, ir.Undefined), given[0], ir.Constant(_INT32, 0)
        )
        mask = ir.Constant(ir.VectorType(_INT32, FLOATS), None)
        return builder.shuffle_vector(alone, ir.Constant(kind, ir.Undefined), mask)

    del number
    return vector(types.float32), emit


@_intrinsic
def add(typing: Any, one: Any, other: Any) -> tuple[Any, Emit]:
    """Sums, element by element; whole numbers wrap around."""
    del typing, other

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del context, signature
        is_float = isinstance(one.dtype, types.Float)
        return (builder.fadd if is_float else builder.add)(*given)

    return one(one, one), emit


@_intrinsic
def times(typing: Any, one: Any, other: Any) -> tuple[Any, Emit]:
    """Products of floats, element by element."""
    del typing, other

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del context, signature
        return builder.fmul(*given)

    return one(one, one), emit


@_intrinsic
def add_product(typing: Any, total: Any, one: Any, other: Any) -> tuple[Any, Emit]:
    """``total + one x other`` of floats, rounded once where a processor can."""
    del typing, one, other

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        kind = context.get_value_type(total)
        fused = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(kind, [kind] * 3),
            f"llvm.fmuladd.v{FLOATS}f32",
        )
        return builder.call(fused, [given[1], given[2], given[0]])

    return total(total, total, total), emit


@_intrinsic
def relu(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """The elements, 0 in the place of those below; what is no number stays none."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        zero = ir.Constant(context.get_value_type(vector), None)
        if isinstance(vector.dtype, types.Float):
            below = builder.fcmp_ordered("<", given[0], zero)
        else:
            below = builder.icmp_signed("<", given[0], zero)
        return builder.select(below, zero, given[0])

    return vector(vector), emit


@_intrinsic
def larger(typing: Any, one: Any, other: Any) -> tuple[Any, Emit]:
    """The larger of each two floats."""
    del typing, other

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del context, signature
        return builder.select(builder.fcmp_ordered(">", *given), *given)

    return one(one, one), emit


@_intrinsic
def largest(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """The largest of 16 floats."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        kind = context.get_value_type(vector)
        reduce = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.FloatType(), [kind]),
            f"llvm.vector.reduce.fmax.v{FLOATS}f32",
        )
        return builder.call(reduce, given)

    return vector.dtype(vector), emit


@_intrinsic
def total(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """The sum of 16 floats, in any order."""
    del typing

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        kind = context.get_value_type(vector)
        reduce = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.FloatType(), [ir.FloatType(), kind]),
            f"llvm.vector.reduce.fadd.v{FLOATS}f32",
        )
        zero = ir.Constant(ir.FloatType(), 0.0)
        return builder.call(reduce, [zero, given[0]], fastmath=("reassoc",))

    return vector.dtype(vector), emit


@_intrinsic
def as_floats(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """16 whole numbers as floats."""
    del typing
    floats = Vector(types.float32, FLOATS)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        return builder.sitofp(given[0], context.get_value_type(floats))

    return floats(vector), emit


@_intrinsic
def as_bytes(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """16 floats from 0 to 255 as bytes, each rounded to the nearest."""
    del typing
    octets = Vector(types.uint8, FLOATS)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        half = ir.Constant(context.get_value_type(vector), [0.5] * FLOATS)
        wholes = builder.fptosi(builder.fadd(given[0], half), ir.VectorType(_INT32, FLOATS))
        return builder.trunc(wholes, context.get_value_type(octets))

    return octets(vector), emit


@_intrinsic
def widened(typing: Any, vector: Any) -> tuple[Any, Emit]:
    """16 of int8 as int32."""
    del typing
    wholes = Vector(types.int32, FLOATS)

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        del signature
        return builder.sext(given[0], context.get_value_type(wholes))

    return wholes(vector), emit


def _half(first: int) -> Callable[..., tuple[Any, Emit]]:
    def half(typing: Any, vector: Any) -> tuple[Any, Emit]:
        del typing
        wholes = Vector(types.int32, FLOATS)

        def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            del signature
            chosen = ir.Constant(ir.VectorType(_INT32, FLOATS), list(range(first, first + FLOATS)))
            some = builder.shuffle_vector(
                given[0], ir.Constant(given[0].type, ir.Undefined), chosen
            )
            return builder.zext(some, context.get_value_type(wholes))

        return wholes(vector), emit

    return half


first_half: Callable[..., Any] = _intrinsic(_half(0))
"""The first 16 of 32 numbers of 16 bits without sign, as int32."""
second_half: Callable[..., Any] = _intrinsic(_half(FLOATS))
"""The last 16 of 32 numbers of 16 bits without sign, as int32."""
