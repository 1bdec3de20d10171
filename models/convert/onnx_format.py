"""ONNX files read and written by protobuf alone, so that a gate needs no library of its own for a pack's conversion.

The messages are those of onnx.proto, as far as image models use them. Where a file holds more, what is not named here
is carried along as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

# TensorProto.DataType and AttributeProto.AttributeType.
_FLOAT = 1
_INT, _STRING, _INTS = 2, 3, 7

# A message: its fields as number, name and type; * for as many as there are, # the same where numbers lie packed,
# + for one of several choices.
_MESSAGES = {
    "Tensor": "1 dims int64*, 2 data_type int32, 4 float_data float#, 8 name string, 9 raw_data bytes",
    "Attribute": "1 name string, 3 i int64, 4 s bytes, 8 ints int64*, 20 type int32",
    "Node": "1 input string*, 2 output string*, 3 name string, 4 op_type string, 5 attribute Attribute*",
    "Dimension": "1 dim_value int64+, 2 dim_param string+",
    "Shape": "1 dim Dimension*",
    "TensorType": "1 elem_type int32, 2 shape Shape",
    "Type": "1 tensor_type TensorType",
    "ValueInfo": "1 name string, 2 type Type",
    "Graph": (
        "1 node Node*, 2 name string, 5 initializer Tensor*, 11 input ValueInfo*, 12 output ValueInfo*,"
        " 13 value_info ValueInfo*"
    ),
    "OperatorSet": "1 domain string, 2 version int64",
    "Model": "1 ir_version int64, 2 producer_name string, 7 graph Graph, 8 opset_import OperatorSet*",
}


def read(content: bytes) -> Any:
    """The Model message of a file. Raises ValueError when it is none."""
    model = _CLASSES["Model"]()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("it is no ONNX file") from error
    return model


def write(model: Any) -> bytes:
    """The file of a Model message, the same for the same model. Raises ValueError where ONNX Runtime refuses it."""
    content = bytes(model.SerializeToString(deterministic=True))
    open_session(content)
    return content


def open_session(content: bytes) -> Any:
    """ONNX Runtime's session of a model, on the CPU with one thread. Raises ValueError where it refuses it."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own errors have no base but Exception
        raise ValueError(f"ONNX Runtime refuses it: {error}") from error


def model_of(graph: Any, opset: int, ir_version: int) -> Any:
    """The Model message of a Graph message."""
    sets = [_CLASSES["OperatorSet"](domain="", version=opset)]
    return _CLASSES["Model"](ir_version=ir_version, producer_name="facegate", graph=graph, opset_import=sets)


def graph_of(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Sequence[Any]) -> Any:
    """The Graph message of Node, ValueInfo and Tensor messages."""
    return _CLASSES["Graph"](node=nodes, name="facegate", initializer=weights, input=inputs, output=outputs)


def value_of(name: str, shape: Sequence[int | str]) -> Any:
    """The ValueInfo message of float32 numbers; a name in the place of a number is a free dimension."""
    dimensions = [
        _CLASSES["Dimension"](**{"dim_param" if isinstance(size, str) else "dim_value": size}) for size in shape
    ]
    numbers = _CLASSES["TensorType"](elem_type=_FLOAT, shape=_CLASSES["Shape"](dim=dimensions))
    return _CLASSES["ValueInfo"](name=name, type=_CLASSES["Type"](tensor_type=numbers))


def weights_of(name: str, values: NDArray[np.float32]) -> Any:
    """The Tensor message of constant numbers of any shape."""
    raw = np.ascontiguousarray(values, "<f4").tobytes()
    return _CLASSES["Tensor"](name=name, dims=values.shape, data_type=_FLOAT, raw_data=raw)


def numbers_of(tensor: Any) -> NDArray[np.float32] | None:
    """The constant float32 numbers of a Tensor message; None where they are of another type."""
    if tensor.data_type != _FLOAT:
        return None
    flat = np.frombuffer(tensor.raw_data, "<f4") if tensor.raw_data else np.array(tensor.float_data, np.float32)
    return flat.reshape(tuple(tensor.dims))


def node_of(
    kind: str, inputs: Sequence[str], output: str, *, name: str = "", **attributes: int | str | Sequence[int]
) -> Any:
    """The Node message of an operator with one output, its attributes in the order of their names."""
    told = [_attribute(attribute, value) for attribute, value in sorted(attributes.items())]
    node = _CLASSES["Node"](input=inputs, output=[output], op_type=kind, attribute=told)
    if name:
        node.name = name
    return node


def _attribute(name: str, value: int | str | Sequence[int]) -> Any:
    if isinstance(value, int):
        return _CLASSES["Attribute"](name=name, type=_INT, i=value)
    if isinstance(value, str):
        return _CLASSES["Attribute"](name=name, type=_STRING, s=value.encode())
    return _CLASSES["Attribute"](name=name, type=_INTS, ints=value)


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="facegate/onnx.proto", package="facegate.onnx", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split(", "):
            _declare(message, *field.split(" "))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"facegate.onnx.{name}")) for name in _MESSAGES
    }


def _declare(message: Any, number: str, name: str, kind: str) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=int(number), label=kinds.LABEL_OPTIONAL)
    bare = kind.rstrip("*#+")
    if bare in _MESSAGES:
        field.type, field.type_name = kinds.TYPE_MESSAGE, f".facegate.onnx.{bare}"
    else:
        field.type = getattr(kinds, f"TYPE_{bare.upper()}")
    match kind.removeprefix(bare):
        case "*":
            field.label = kinds.LABEL_REPEATED
        case "#":
            field.label = kinds.LABEL_REPEATED
            field.options.packed = True
        case "+":
            if not message.oneof_decl:
                message.oneof_decl.add(name="choice")
            field.oneof_index = 0


_CLASSES = _classes()
