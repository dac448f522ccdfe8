"""Which hidden units' ReLUs let through: all that an explainer has to know of a pass forwards.

An engine that has made the pass hands them on as bits, layer by layer, each in whole bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Sides = NDArray[np.uint8]
"""uint8[n, `octets_of` the layers' units]"""


def octets_of(units: Sequence[int]) -> int:
    """Bytes of one text."""
    return sum(_in_octets(some) for some in units)


def pack(hidden: Array, units: Sequence[int], layer: int, sides: Sides) -> None:
    """Write one layer's.

    Args:
        hidden: float32[n, the layer's units or more], after its ReLU.
        units: Of each hidden layer.
        layer: Which it is.
        sides: Is filled where the layer's are.
    """
    begin = octets_of(units[:layer])
    bits = np.packbits(hidden[:, : units[layer]] > 0, axis=1)
    sides[:, begin : begin + bits.shape[1]] = bits


def unpack(sides: Sides, units: Sequence[int]) -> list[Array]:
    """float32[n, units] of each layer: 1 for a unit that lets through, 0 for one that does not."""
    layers = []
    begin = 0
    for some in units:
        bits = sides[:, begin : begin + _in_octets(some)]
        layers.append(np.unpackbits(bits, axis=1, count=some).astype(np.float32))
        begin += _in_octets(some)
    return layers


def _in_octets(units: int) -> int:
    return -(-units // 8)
