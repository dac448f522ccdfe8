"""How weights are stored: in float32, or narrower; they are computed with in float32 in any case.

``mixed`` stores large tables of small vectors in int8, a column at a time: ``vector = stored x
scale``, with the scales beside them in float32, and all else in float16.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Stored = Mapping[str, NDArray[Any]]
Layout = dict[str, tuple[str, tuple[int, ...]]]

FLOAT32, FLOAT16, MIXED = PRECISIONS = ("float32", "float16", "mixed")
LARGEST_INT8 = 127
_LARGEST_HALF = float(np.finfo(np.float16).max)
# Safetensors' names for them, with bytes and names in numpy.
_BYTES = {"F32": 4, "F16": 2, "I8": 1}
NUMPY_NAMES = {"F32": "float32", "F16": "float16", "I8": "int8"}


def scale_of(name: str) -> str:
    """The name of the tensor of a table's scales."""
    return f"{name}/scale"


def narrowed(tensors: Mapping[str, NDArray[np.float32]], tables: Collection[str]) -> Stored:
    """Weights as ``mixed`` stores them.

    Args:
        tensors: float32, by name.
        tables: Names of those to store in int8; they have two dimensions.
    """
    stored: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        if name in tables:
            step = np.abs(tensor).max(axis=0) / np.float32(LARGEST_INT8)
            # Of a subnormal step there are too few bits left, or none.
            scale = np.where(step >= np.finfo(np.float32).tiny, step, np.float32(1))
            stored[name] = np.rint(tensor / scale).astype(np.int8)
            stored[scale_of(name)] = scale
        else:
            stored[name] = np.clip(tensor, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
    return stored


def computed(stored: Stored) -> dict[str, NDArray[np.float32]]:
    """Weights as they are computed with, float32, by name."""
    scales = {scale_of(name) for name, tensor in stored.items() if tensor.dtype == np.int8}
    return {
        name: tensor.astype(np.float32)
        * (stored[scale_of(name)] if tensor.dtype == np.int8 else np.float32(1))
        for name, tensor in stored.items()
        if name not in scales
    }


def precision_of(stored: Stored) -> str | None:
    """Which of the precisions weights are stored in; None for none of them."""
    dtypes = {str(tensor.dtype) for tensor in stored.values()}
    if dtypes <= {FLOAT32}:
        return FLOAT32
    if dtypes == {FLOAT16}:
        return FLOAT16
    return MIXED if dtypes == {"int8", "float16", "float32"} else None


def layout(
    shapes: Mapping[str, tuple[int, ...]], precision: str, tables: Collection[str]
) -> Layout:
    """Safetensors' dtype and the shape of every tensor of a file.

    Args:
        shapes: Of the weights.
        precision: One of ``PRECISIONS``.
        tables: Names of those that ``mixed`` stores in int8.
    """
    if precision == FLOAT32:
        return {name: ("F32", shape) for name, shape in shapes.items()}
    told: Layout = {}
    for name, shape in shapes.items():
        if precision == MIXED and name in tables:
            told[name] = ("I8", shape)
            told[scale_of(name)] = ("F32", shape[1:])
        else:
            told[name] = ("F16", shape)
    return told


def bytes_of(told: Layout) -> int:
    """Length of all tensors of a file."""
    return sum(_BYTES[dtype] * int(np.prod(shape)) for dtype, shape in told.values())
