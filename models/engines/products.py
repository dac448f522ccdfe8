"""Matrix products in onnxruntime: in float32, and of bytes, four times as fast where CPUs can.

A session computes in the thread that calls it, and neither it nor its threads wait in a loop:
engines share out rows among threads themselves (`models.engines.crew`), and replicas the cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.engines.onnx_graphs import Node, Rows, serialised
from models.errors import EngineError

Array = NDArray[np.float32]

LARGEST_INT8: Final = 127
_LARGEST_7_BITS: Final = 63


class FloatLayers:
    """Dense layers with ReLU between, and one unit on top; for any number of threads.

    Args:
        kernels: float32[units, next units] of each layer, the last with one.
        biases: float32[next units] of each.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernels: Sequence[Array], biases: Sequence[Array]) -> None:
        nodes: list[Node] = []
        weights: dict[str, Array] = {}
        given = "rows"
        for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            weights |= {f"kernel_{number}": kernel, f"bias_{number}": bias}
            nodes.append(
                Node("Gemm", (given, f"kernel_{number}", f"bias_{number}"), f"sums_{number}")
            )
            given = f"sums_{number}"
            if number < len(kernels) - 1:
                nodes.append(Node("Relu", (given,), f"hidden_{number}"))
                given = f"hidden_{number}"
        self._session = session(
            serialised(
                nodes,
                weights,
                Rows("rows", "float32", len(kernels[0])),
                Rows(given, "float32", kernels[-1].shape[1]),
            )
        )

    def __call__(self, rows: Array) -> Array:
        """float32[n, units] -> float32[n]."""
        # A row by itself would be added up in another order than the same row in company.
        several = rows if len(rows) != 1 else np.repeat(rows, 2, axis=0)
        logits: Array = self._session.run(None, {"rows": several})[0][: len(rows), 0]
        return logits


class FloatProduct:
    """The product with a matrix of weights, in float32; for any number of threads.

    Args:
        kernel: float32[units, next units].

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernel: Array) -> None:
        self._session = session(
            serialised(
                [Node("MatMul", ("rows", "kernel"), "sums")],
                {"kernel": kernel},
                Rows("rows", "float32", len(kernel)),
                Rows("sums", "float32", kernel.shape[1]),
            )
        )

    def __call__(self, rows: Array) -> Array:
        """float32[n, units] -> float32[n, next units]."""
        given: Array = self._session.run(None, {"rows": rows})[0]
        return given


class ByteProduct:
    """The product of bytes without sign and of bytes with one, in int32, exact.

    Args:
        kernel: int8[units, next units].

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernel: NDArray[np.int8]) -> None:
        self._session = session(
            serialised(
                [Node("MatMulInteger", ("rows", "kernel"), "sums")],
                {"kernel": kernel},
                Rows("rows", "uint8", len(kernel)),
                Rows("sums", "int32", kernel.shape[1]),
            )
        )

    def __call__(self, rows: NDArray[np.uint8]) -> NDArray[np.int32]:
        """uint8[n, units] -> int32[n, next units]."""
        given: NDArray[np.int32] = self._session.run(None, {"rows": rows})[0]
        return given


def largest_weight() -> int:
    """The largest weight for which byte products are exact on this machine.

    Without the instructions for it (VNNI) x86 adds up two products in 16 bits, which 255 x 127 x 2
    does not fit in; then weights must do with 7 bits.
    """
    most = np.full((1, 64), 255, np.uint8)
    kernel = np.full((64, 16), LARGEST_INT8, np.int8)
    exact = int(ByteProduct(kernel)(most).min()) == 64 * 255 * LARGEST_INT8
    return LARGEST_INT8 if exact else _LARGEST_7_BITS


def session(graph: bytes) -> Any:
    """A session of onnxruntime on the CPU.

    Raises:
        EngineError: it cannot be imported, or cannot run the graph.
    """
    try:
        # A quarter of a second, only for those who compute.
        import onnxruntime  # type: ignore[import-untyped] # noqa: PLC0415
    except ImportError as error:
        raise EngineError(f"engines on the CPU need onnxruntime: {error}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EngineError(f"onnxruntime cannot run the dense layers: {error}") from error


def version() -> str:
    """Of onnxruntime."""
    import onnxruntime  # noqa: PLC0415 - as above

    return str(onnxruntime.__version__)
