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
                [Rows("rows", "float32", len(kernels[0]))],
                [Rows(given, "float32", kernels[-1].shape[1])],
            )
        )

    def __call__(self, rows: Array) -> Array:
        """float32[n, units] -> float32[n]."""
        # A row by itself would be added up in another order than the same row in company.
        several = rows if len(rows) != 1 else np.repeat(rows, 2, axis=0)
        logits: Array = self._session.run(None, {"rows": several})[0][: len(rows), 0]
        return logits


class FloatSides:
    """Which ReLUs of such layers let through; for any number of threads.

    Args:
        kernels: As in `FloatLayers`.
        biases: As in `FloatLayers`.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernels: Sequence[Array], biases: Sequence[Array]) -> None:
        nodes: list[Node] = []
        weights: dict[str, Array] = {}
        gives: list[Rows] = []
        given = "rows"
        for number, (kernel, bias) in enumerate(zip(kernels[:-1], biases[:-1], strict=True)):
            weights |= {f"kernel_{number}": kernel, f"bias_{number}": bias}
            nodes += [
                Node("Gemm", (given, f"kernel_{number}", f"bias_{number}"), f"sums_{number}"),
                Node("Relu", (f"sums_{number}",), f"hidden_{number}"),
                Node("Sign", (f"hidden_{number}",), f"side_{number}"),
            ]
            gives.append(Rows(f"side_{number}", "float32", len(bias)))
            given = f"hidden_{number}"
        takes = [Rows("rows", "float32", len(kernels[0]))]
        self._session = session(serialised(nodes, weights, takes, gives)) if nodes else None

    def __call__(self, rows: Array) -> list[Array]:
        """float32[n, units] -> float32[n, units] of each hidden layer, 1 or 0 a unit."""
        if self._session is None:
            return []
        sides: list[Array] = self._session.run(None, {"rows": rows})
        return sides


class FloatGradient:
    """The gradient of such layers' logit with respect to their input; for any number of threads.

    Between the kinks of the ReLUs the layers are linear, so that for each row
    ``logit = gradient . row + remainder``, exactly but for rounding; the remainder is what the
    biases give.

    Args:
        kernels: As in `FloatLayers`.
        biases: As in `FloatLayers`.

    Raises:
        EngineError: onnxruntime cannot run here.
    """

    def __init__(self, kernels: Sequence[Array], biases: Sequence[Array]) -> None:
        self._top, self._top_bias = kernels[-1][:, 0], np.float32(biases[-1][0])
        nodes: list[Node] = []
        weights: dict[str, Array] = {"flow": kernels[-1].T}
        takes: list[Rows] = []
        gives: list[Rows] = []
        given = "flow"
        for number in reversed(range(len(kernels) - 1)):
            weights |= {
                f"back_{number}": kernels[number].T,
                f"column_{number}": biases[number][:, None],
            }
            nodes += [
                Node("Mul", (f"side_{number}", given), f"flow_{number}"),
                Node("MatMul", (f"flow_{number}", f"column_{number}"), f"of_bias_{number}"),
                Node("MatMul", (f"flow_{number}", f"back_{number}"), f"gradient_{number}"),
            ]
            takes.append(Rows(f"side_{number}", "float32", len(biases[number])))
            gives.append(Rows(f"of_bias_{number}", "float32", 1))
            given = f"gradient_{number}"
        gives.insert(0, Rows(given, "float32", len(kernels[0])))
        self._session = session(serialised(nodes, weights, takes, gives)) if nodes else None

    def __call__(self, sides: Sequence[Array], count: int) -> tuple[Array, Array]:
        """The gradient where the ReLUs stand so.

        Args:
            sides: From `FloatSides`, of n rows.
            count: n.

        Returns:
            Gradient float32[n, units] and remainder float32[n].
        """
        remainder = np.full(count, self._top_bias)
        if self._session is None:
            return np.tile(self._top, (count, 1)), remainder
        given = {f"side_{number}": side for number, side in enumerate(sides)}
        gradient, *of_biases = self._session.run(None, given)
        for some in of_biases:
            remainder += some[:, 0]
        return gradient, remainder


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
                [Rows("rows", "float32", len(kernel))],
                [Rows("sums", "float32", kernel.shape[1])],
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
                [Rows("rows", "uint8", len(kernel))],
                [Rows("sums", "int32", kernel.shape[1])],
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
