"""An ONNX image model whose input was frozen to one size, freed to take any."""

from __future__ import annotations

from models.convert.onnx_format import read, write


def free_input_size(model: bytes) -> bytes:
    """The same ONNX graph with free height and width (a multiple of its largest stride is the caller's duty).

    Shapes recorded for intermediate values are dropped, since they hold for the old size alone; the weights and
    nodes stay as they were. Raises ValueError when the graph has no single NCHW input or fixes a size inside.
    """
    whole = read(model)
    graph = whole.graph
    if len(graph.input) != 1 or len(graph.input[0].type.tensor_type.shape.dim) != 4:
        raise ValueError("the model must have one input of four dimensions")
    for axis, name in ((2, "height"), (3, "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    del graph.value_info[:]
    for output in graph.output:
        anchors = output.type.tensor_type.shape.dim[1]
        anchors.dim_param = f"{output.name}_anchors"
    return write(whole)
