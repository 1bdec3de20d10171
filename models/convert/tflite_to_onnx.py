"""The MobileFaceNet TFLite graph as ONNX: free batch, NCHW inside, real PReLU nodes.

A TFLite file from this family holds float32 CONV_2D, DEPTHWISE_CONV_2D, ADD, SUB, MUL, ABS, RELU and RESHAPE alone,
and spells PReLU as relu(x) + alpha * (x - |x|). The reader walks the operators in order, keeps every value as an
ONNX name in NCHW, and folds the five operators of a PReLU into one node (slope = 2 alpha, as x - |x| = 2 min(x, 0)).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.convert.onnx_format import graph_of, model_of, node_of, value_of, weights_of, write
from models.convert.tflite_format import Network, Operator, Step

_OPSET = 17
_IR_VERSION = 8


def tflite_to_onnx(model: bytes) -> bytes:
    """ONNX bytes for a TFLite model of the family above; input (N, 3, H, W), output (N, D).

    Raises ValueError on an operator, type or shape outside the family, and for a damaged file.
    """
    try:
        return _Conversion(Network(model)).run()
    except (IndexError, struct.error) as error:
        raise ValueError("the TFLite file is damaged") from error


class _Conversion:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        # Of a PReLU being folded: the value it stands on, by the name of each partial result.
        self._negative_part: dict[int, int] = {}
        self._slopes: dict[int, tuple[int, NDArray[np.float32]]] = {}
        self._positive_part: dict[int, int] = {}

    def run(self) -> bytes:
        network = self._network
        for step in network.steps():
            self._convert(step)
        _, height, width, channels = network.shape(network.input)
        given = value_of(_name(network.input), ["batch", channels, height, width])
        found = value_of(_name(network.output), ["batch", network.shape(network.output)[-1]])
        return write(model_of(graph_of(self._nodes, [given], [found], self._weights), _OPSET, _IR_VERSION))

    def _convert(self, step: Step) -> None:
        inputs, output = step.inputs, step.output
        match step.operator:
            case Operator.CONV_2D | Operator.DEPTHWISE_CONV_2D:
                self._convolution(step)
            case Operator.RELU:
                self._positive_part[output] = inputs[0]
            case Operator.ABS:
                self._negative_part[output] = inputs[0]
            case Operator.SUB if self._negative_part.get(inputs[1]) == inputs[0]:
                self._negative_part[output] = inputs[0]
            case Operator.MUL if inputs[1] in self._negative_part:
                self._slopes[output] = (self._negative_part[inputs[1]], self._network.constant(inputs[0]))
            case Operator.ADD if inputs[0] in self._positive_part and inputs[1] in self._slopes:
                self._prelu(inputs[0], inputs[1], output)
            case Operator.ADD:
                self._node("Add", [_name(tensor) for tensor in inputs], output)
            case Operator.RESHAPE:
                self._node("Flatten", [_name(inputs[0])], output, axis=1)
            case operator:
                raise ValueError(f"the TFLite operator {operator.name} stands where this converter knows none")

    def _prelu(self, positive: int, negative: int, output: int) -> None:
        base, alpha = self._slopes[negative]
        if self._positive_part[positive] != base:
            raise ValueError("the two halves of a PReLU stand on different values")
        slope = self._weight(f"slope_{output}", (2 * alpha).reshape(-1, 1, 1))
        self._node("PRelu", [_name(base), slope], output)

    def _convolution(self, step: Step) -> None:
        depthwise = step.operator is Operator.DEPTHWISE_CONV_2D
        options = step.convolution
        if options is None or options.fused:
            raise ValueError("a fused activation is not one this converter knows")
        # TFLite: OHWI, depthwise 1HWC. ONNX: OIHW, depthwise C1HW.
        kernel = self._network.constant(step.inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        weights = [
            self._weight(f"kernel_{step.output}", kernel),
            self._weight(f"bias_{step.output}", self._network.constant(step.inputs[2])),
        ]
        self._node(
            "Conv",
            [_name(step.inputs[0]), *weights],
            step.output,
            kernel_shape=kernel.shape[2:],
            strides=options.strides,
            dilations=options.dilations,
            # TensorFlow's SAME puts the odd pixel at the end, as ONNX's SAME_UPPER does.
            auto_pad="SAME_UPPER" if options.same else "VALID",
            group=kernel.shape[0] if depthwise else 1,
        )

    def _weight(self, name: str, values: NDArray[np.float32]) -> str:
        self._weights.append(weights_of(name, values))
        return name

    def _node(self, kind: str, inputs: list[str], output: int, **attributes: Any) -> None:
        self._nodes.append(node_of(kind, inputs, _name(output), name=f"{kind}_{output}", **attributes))


def _name(tensor: int) -> str:
    return f"value_{tensor}"
