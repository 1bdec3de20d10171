"""The MobileFaceNet TFLite graph as ONNX: free batch, NCHW inside, real PReLU nodes.

A TFLite file from this family holds float32 CONV_2D, DEPTHWISE_CONV_2D, ADD, SUB, MUL, ABS, RELU and RESHAPE alone,
and spells PReLU as relu(x) + alpha * (x - |x|). The reader walks the operators in order, keeps every value as an
ONNX name in NCHW, and folds the five operators of a PReLU into one node (slope = 2 alpha, as x - |x| = 2 min(x, 0)).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_OPSET = 17


def tflite_to_onnx(model: bytes) -> bytes:
    """ONNX bytes for a TFLite model of the family above; input (N, 3, H, W), output (N, D).

    Raises ValueError on an operator, type or shape outside the family.
    """
    return _Conversion(model).run()


class _Conversion:
    def __init__(self, model: bytes) -> None:
        import tflite

        self._tflite = tflite
        self._model = tflite.Model.GetRootAs(model, 0)
        if self._model.SubgraphsLength() != 1:
            raise ValueError("the TFLite model must have one graph")
        self._graph = self._model.Subgraphs(0)
        self._builtin = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        # Of a PReLU being folded: the value it stands on, by the name of each partial result.
        self._negative_part: dict[int, int] = {}
        self._slopes: dict[int, tuple[int, NDArray[np.float32]]] = {}
        self._positive_part: dict[int, int] = {}

    def run(self) -> bytes:
        from onnx import TensorProto, checker, helper

        graph = self._graph
        if graph.InputsLength() != 1 or graph.OutputsLength() != 1:
            raise ValueError("the TFLite model must have one input and one output")
        for index in range(graph.OperatorsLength()):
            self._convert(graph.Operators(index))
        _, height, width, channels = graph.Tensors(graph.Inputs(0)).ShapeAsNumpy()
        dimension = int(graph.Tensors(graph.Outputs(0)).ShapeAsNumpy()[-1])
        shape = ["batch", int(channels), int(height), int(width)]
        onnx_graph = helper.make_graph(
            self._nodes,
            "facegate",
            [helper.make_tensor_value_info(_name(graph.Inputs(0)), TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(_name(graph.Outputs(0)), TensorProto.FLOAT, ["batch", dimension])],
            self._weights,
        )
        model = helper.make_model(
            onnx_graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=8,
            producer_name="facegate",
        )
        checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _convert(self, operator: Any) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        kind = self._builtin[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(tensor) for tensor in operator.InputsAsNumpy()]
        output = int(operator.OutputsAsNumpy()[0])
        match kind:
            case "CONV_2D" | "DEPTHWISE_CONV_2D":
                self._convolution(kind, operator, inputs, output)
            case "RELU":
                self._positive_part[output] = inputs[0]
            case "ABS":
                self._negative_part[output] = inputs[0]
            case "SUB" if self._negative_part.get(inputs[1]) == inputs[0]:
                self._negative_part[output] = inputs[0]
            case "MUL" if inputs[1] in self._negative_part:
                self._slopes[output] = (self._negative_part[inputs[1]], self._constant(inputs[0]))
            case "ADD" if inputs[0] in self._positive_part and inputs[1] in self._slopes:
                self._prelu(inputs[0], inputs[1], output)
            case "ADD":
                self._node("Add", [_name(tensor) for tensor in inputs], output)
            case "RESHAPE":
                self._node("Flatten", [_name(inputs[0])], output, axis=1)
            case _:
                raise ValueError(f"the TFLite operator {kind} is not one this converter knows")

    def _prelu(self, positive: int, negative: int, output: int) -> None:
        base, alpha = self._slopes[negative]
        if self._positive_part[positive] != base:
            raise ValueError("the two halves of a PReLU stand on different values")
        slope = self._weight(f"slope_{output}", (2 * alpha).reshape(-1, 1, 1))
        self._node("PRelu", [_name(base), slope], output)

    def _convolution(self, kind: str, operator: Any, inputs: list[int], output: int) -> None:
        tflite = self._tflite
        depthwise = kind == "DEPTHWISE_CONV_2D"
        options = tflite.DepthwiseConv2DOptions() if depthwise else tflite.Conv2DOptions()
        table = operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
            raise ValueError("a fused activation is not one this converter knows")
        # TFLite: OHWI, depthwise 1HWC. ONNX: OIHW, depthwise C1HW.
        kernel = self._constant(inputs[1]).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
        weights = [
            self._weight(f"kernel_{output}", kernel),
            self._weight(f"bias_{output}", self._constant(inputs[2])),
        ]
        self._node(
            "Conv",
            [_name(inputs[0]), *weights],
            output,
            kernel_shape=list(kernel.shape[2:]),
            strides=[options.StrideH(), options.StrideW()],
            dilations=[options.DilationHFactor(), options.DilationWFactor()],
            # TensorFlow's SAME puts the odd pixel at the end, as ONNX's SAME_UPPER does.
            auto_pad="SAME_UPPER" if options.Padding() == tflite.Padding.SAME else "VALID",
            group=kernel.shape[0] if depthwise else 1,
        )

    def _constant(self, tensor: int) -> NDArray[np.float32]:
        described = self._graph.Tensors(tensor)
        data = self._model.Buffers(described.Buffer()).DataAsNumpy()
        if described.Type() != self._tflite.TensorType.FLOAT32 or isinstance(data, int):
            raise ValueError("a weight is not a float32 constant")
        return np.frombuffer(data.tobytes(), "<f4").reshape(described.ShapeAsNumpy())

    def _weight(self, name: str, values: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: int, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [_name(output)], name=f"{kind}_{output}", **attributes))


def _name(tensor: int) -> str:
    return f"value_{tensor}"
