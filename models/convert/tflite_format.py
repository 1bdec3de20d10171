"""TFLite files read by flatbuffers alone, which ONNX Runtime brings: as much as the networks of this family hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from flatbuffers import number_types
from flatbuffers.table import Table
from numpy.typing import NDArray

# The numbers of fields, types and operators are those of TensorFlow's schema.fbs.
_FLOAT32 = 0
_IDENTIFIER = b"TFL3"


class Operator(IntEnum):
    """An operator, by its number."""

    ADD = 0
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    MUL = 18
    RELU = 19
    RESHAPE = 22
    SUB = 41
    ABS = 101


@dataclass(frozen=True, slots=True)
class Convolution:
    """How a convolution steps, each as (height, width); `same` pads so that the size stays, but for the strides."""

    same: bool
    strides: tuple[int, int]
    dilations: tuple[int, int]
    fused: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One operator of the graph with the numbers of the tensors it takes and gives; `convolution` of one alone."""

    operator: Operator
    inputs: tuple[int, ...]
    output: int
    convolution: Convolution | None


class Network:
    """A file's only graph. Reading raises ValueError where the file is not of this family, or damaged."""

    def __init__(self, content: bytes) -> None:
        if content[4:8] != _IDENTIFIER:
            raise ValueError("it is no TFLite file")
        self._model = Table(content, int.from_bytes(content[:4], "little"))
        graphs = _tables(self._model, 2)
        if len(graphs) != 1:
            raise ValueError("the TFLite model must have one graph")
        self._tensors = _tables(graphs[0], 0)
        self._buffers = _tables(self._model, 4)
        self._codes = [_operator(code) for code in _tables(self._model, 1)]
        inputs, outputs = _numbers(graphs[0], 1), _numbers(graphs[0], 2)
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError("the TFLite model must have one input and one output")
        self.input, self.output = inputs[0], outputs[0]
        self._graph = graphs[0]

    def steps(self) -> list[Step]:
        """The operators, in order. Raises ValueError for one outside the family."""
        return [self._step(operator) for operator in _tables(self._graph, 3)]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The sizes of a tensor, batch first, channels last."""
        return _numbers(self._tensors[tensor], 0)

    def constant(self, tensor: int) -> NDArray[np.float32]:
        """The float32 numbers of a weight, in its shape. Raises ValueError where it has none."""
        described = self._tensors[tensor]
        buffer = self._buffers[_scalar(described, 2, number_types.Uint32Flags)]
        data = _vector(buffer, 0, number_types.Uint8Flags)
        if _scalar(described, 1, number_types.Int8Flags) != _FLOAT32 or data is None:
            raise ValueError("a weight is not a float32 constant")
        return np.frombuffer(data.tobytes(), "<f4").reshape(self.shape(tensor))

    def _step(self, operator: Table) -> Step:
        kind = self._codes[_scalar(operator, 0, number_types.Uint32Flags)]
        if kind is None:
            raise ValueError("the TFLite model has an operator that this converter does not know")
        (output,) = _numbers(operator, 2)
        # A depthwise convolution's options hold a multiplier of channels before the others.
        options = {Operator.CONV_2D: 3, Operator.DEPTHWISE_CONV_2D: 4}
        convolution = _convolution(operator, options[kind]) if kind in options else None
        return Step(kind, _numbers(operator, 1), output, convolution)


def _operator(code: Table) -> Operator | None:
    # A number that needs more than seven bits is in a field of its own.
    number = max(_scalar(code, 0, number_types.Int8Flags), _scalar(code, 3, number_types.Int32Flags))
    return Operator(number) if number in set(Operator) else None


def _convolution(operator: Table, after_strides: int) -> Convolution:
    options = Table(operator.Bytes, 0)
    operator.Union(options, operator.Offset(_place(4)))
    whole, small = number_types.Int32Flags, number_types.Int8Flags
    return Convolution(
        same=_scalar(options, 0, small) == 0,
        strides=(_scalar(options, 2, whole), _scalar(options, 1, whole)),
        dilations=(_scalar(options, after_strides + 2, whole, 1), _scalar(options, after_strides + 1, whole, 1)),
        fused=_scalar(options, after_strides, small) != 0,
    )


def _place(field: int) -> int:
    """Where a table's index of fields says where that field is, bytes."""
    return 4 + 2 * field


def _scalar(table: Table, field: int, kind: Any, default: int = 0) -> int:
    offset = table.Offset(_place(field))
    return int(table.Get(kind, table.Pos + offset)) if offset else default


def _vector(table: Table, field: int, kind: Any) -> NDArray[Any] | None:
    offset = table.Offset(_place(field))
    return table.GetVectorAsNumpy(kind, offset) if offset else None


def _numbers(table: Table, field: int) -> tuple[int, ...]:
    found = _vector(table, field, number_types.Int32Flags)
    return () if found is None else tuple(int(number) for number in found)


def _tables(table: Table, field: int) -> list[Table]:
    offset = table.Offset(_place(field))
    if not offset:
        return []
    first = table.Vector(offset)
    return [Table(table.Bytes, table.Indirect(first + 4 * index)) for index in range(table.VectorLen(offset))]
