"""Graphs of ONNX, as onnxruntime is given them: made in memory from weights, never read.

Only the fields that such graphs need are described here, by their numbers in ``onnx.proto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), so that serving needs no package but that
of protocol buffers, which onnxruntime brings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from numpy.typing import NDArray

# Of 2023: every onnxruntime that Fishweir runs with knows them.
_IR_VERSION: Final = 8
_OPERATORS_VERSION: Final = 17
_TYPES: Final = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6}

_Field = descriptor_pb2.FieldDescriptorProto
# By message: name, number, and type or the message that it holds; a * behind a name for many.
_FIELDS: Final[Mapping[str, Sequence[tuple[str, int, int | str]]]] = {
    "Node": (
        ("input*", 1, _Field.TYPE_STRING),
        ("output*", 2, _Field.TYPE_STRING),
        ("op_type", 4, _Field.TYPE_STRING),
    ),
    "Tensor": (
        ("dims*", 1, _Field.TYPE_INT64),
        ("data_type", 2, _Field.TYPE_INT32),
        ("name", 8, _Field.TYPE_STRING),
        ("raw_data", 9, _Field.TYPE_BYTES),
    ),
    "Dimension": (("dim_value", 1, _Field.TYPE_INT64), ("dim_param", 2, _Field.TYPE_STRING)),
    "Shape": (("dim*", 1, "Dimension"),),
    "TensorType": (("elem_type", 1, _Field.TYPE_INT32), ("shape", 2, "Shape")),
    "Type": (("tensor_type", 1, "TensorType"),),
    "Value": (("name", 1, _Field.TYPE_STRING), ("type", 2, "Type")),
    "Graph": (
        ("node*", 1, "Node"),
        ("name", 2, _Field.TYPE_STRING),
        ("initializer*", 5, "Tensor"),
        ("input*", 11, "Value"),
        ("output*", 12, "Value"),
    ),
    "Operators": (("domain", 1, _Field.TYPE_STRING), ("version", 2, _Field.TYPE_INT64)),
    "Model": (
        ("ir_version", 1, _Field.TYPE_INT64),
        ("graph", 7, "Graph"),
        ("opset_import*", 8, "Operators"),
    ),
}


class Node(NamedTuple):
    """One operator: its name in ONNX, what it reads, what it gives."""

    operator: str
    reads: tuple[str, ...]
    gives: str


class Rows(NamedTuple):
    """What goes in or comes out: any number of rows of so many numbers."""

    name: str
    dtype: str
    columns: int


def serialised(
    nodes: Sequence[Node],
    weights: Mapping[str, NDArray[Any]],
    takes: Sequence[Rows],
    gives: Sequence[Rows],
) -> bytes:
    """A graph as onnxruntime takes it.

    Args:
        nodes: In the order in which they run.
        weights: float32, int8 or uint8, by name.
        takes: The inputs.
        gives: The outputs.
    """
    model = _model_class()(ir_version=_IR_VERSION)
    model.opset_import.add(domain="", version=_OPERATORS_VERSION)
    graph = model.graph
    graph.name = "layers"
    for node in nodes:
        graph.node.add(op_type=node.operator, input=node.reads, output=(node.gives,))
    for name, weight in weights.items():
        tensor = graph.initializer.add(name=name, data_type=_TYPES[str(weight.dtype)])
        tensor.dims.extend(weight.shape)
        tensor.raw_data = weight.astype(weight.dtype.newbyteorder("<")).tobytes()
    for values, described in ((graph.input, takes), (graph.output, gives)):
        for rows in described:
            kind = values.add(name=rows.name).type.tensor_type
            kind.elem_type = _TYPES[rows.dtype]
            kind.shape.dim.add(dim_param="rows")
            kind.shape.dim.add(dim_value=rows.columns)
    serialised_model: bytes = model.SerializeToString()
    return serialised_model


def _model_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="graphs.proto", package="graphs", syntax="proto2"
    )
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            many = name.endswith("*")
            field = described.field.add(
                name=name.rstrip("*"),
                number=number,
                label=_Field.LABEL_REPEATED if many else _Field.LABEL_OPTIONAL,
            )
            if isinstance(kind, str):
                field.type, field.type_name = _Field.TYPE_MESSAGE, f".graphs.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("graphs.Model"))
