"""An embedder's ONNX graph that takes one picture at a time, freed to take many and to be folded."""

from __future__ import annotations

import numpy as np

from models.convert.onnx_format import open_session, read, write


def free_batch(model: bytes) -> bytes:
    """The same ONNX network with its weights constant and a free first dimension; input (N, ...), output (N, D).

    Files of ONNX's first years list every weight among the inputs, where a caller could replace it: ONNX Runtime then
    folds no batch normalisation into the convolution before it. Raises ValueError when the graph has not one input
    beside its weights, or fixes the batch inside.
    """
    whole = read(model)
    graph = whole.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in weights]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ValueError("the model must have one input and one output")
    del graph.input[:]
    graph.input.extend(inputs)
    for entry in (graph.input[0], graph.output[0]):
        entry.type.tensor_type.shape.dim[0].dim_param = "batch"
    del graph.value_info[:]
    content = write(whole)
    _refuse_one_batch(content)
    return content


def _refuse_one_batch(content: bytes) -> None:
    session = open_session(content)
    (entry,) = session.get_inputs()
    try:
        session.run(None, {entry.name: np.zeros((2, *entry.shape[1:]), np.float32)})
    except Exception as error:  # its own errors have no base but Exception
        raise ValueError("the model fixes its batch inside") from error
