"""The acoustic model as a float32 ONNX graph, for any number of windows."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .acoustic import AcousticModel, Layer

OPSET = 17
# TensorFlow's order of gates in the LSTM kernel is i, j (the candidate), f, o; ONNX has i, o, f, c.
TO_ONNX_GATES = (0, 3, 2, 1)


def reorder_gates(matrix: np.ndarray, cells: int) -> np.ndarray:
    """Blocks of rows [4 cells, ...] from TensorFlow's order of gates to ONNX's."""
    return np.concatenate([matrix[g * cells : (g + 1) * cells] for g in TO_ONNX_GATES])


def interface(model: AcousticModel) -> tuple[list, list]:
    """Inputs and outputs of the package's encoder graph (family `coqui`)."""
    width = (2 * model.context + 1) * model.coefficients

    def value(name: str, shape: list):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state = ["batch", model.cells]
    return (
        [value("windows", ["batch", "steps", width]), value("hidden", state), value("cell", state)],
        [value("probs", ["batch", "steps", model.classes]), value("next_hidden", state), value("next_cell", state)],
    )


def finish(nodes: list, weights: list, model: AcousticModel, domains: list | None = None) -> onnx.ModelProto:
    """Put a checked model together. IR 8 is what opset 17 came with."""
    inputs, outputs = interface(model)
    graph = helper.make_graph(nodes, "coqui-acoustic", inputs, outputs, weights)
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in domains or [])]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="malgwi_models")
    onnx.checker.check_model(proto)
    return proto


def build(model: AcousticModel) -> onnx.ModelProto:
    """Rebuild the model; quantised weights are multiplied out."""
    nodes, weights = [], []

    def constant(name: str, array: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def dense(name: str, layer: Layer, source: str, clipped: bool) -> str:
        matrix = constant(f"{name}.weight", layer.float_weights().T)
        nodes.append(helper.make_node("MatMul", [source, matrix], [f"{name}.product"]))
        nodes.append(helper.make_node("Add", [f"{name}.product", constant(f"{name}.bias", layer.bias)], [f"{name}.sum"]))
        if not clipped:
            return f"{name}.sum"
        nodes.append(helper.make_node("Clip", [f"{name}.sum", "zero", "clip"], [name]))
        return name

    constant("zero", np.zeros((), np.float32))
    constant("clip", np.full((), model.clip, np.float32))
    source = "windows"
    for name in ("layer_1", "layer_2", "layer_3"):
        source = dense(name, model.layers[name], source, True)

    lstm, cells = model.layers["lstm"], model.cells
    kernel = reorder_gates(lstm.float_weights(), cells)
    inputs = kernel.shape[1] - cells
    constant("lstm.W", kernel[None, :, :inputs])
    constant("lstm.R", kernel[None, :, inputs:])
    constant("lstm.B", np.concatenate([reorder_gates(lstm.bias, cells), np.zeros(4 * cells, np.float32)])[None])
    constant("first", np.zeros(1, np.int64))
    constant("second", np.ones(1, np.int64))
    nodes += [
        helper.make_node("Transpose", [source], ["lstm.x"], perm=[1, 0, 2]),
        helper.make_node("Unsqueeze", ["hidden", "first"], ["lstm.h"]),
        helper.make_node("Unsqueeze", ["cell", "first"], ["lstm.c"]),
        helper.make_node("LSTM", ["lstm.x", "lstm.W", "lstm.R", "lstm.B", "", "lstm.h", "lstm.c"],
                         ["lstm.y", "lstm.next_h", "lstm.next_c"], hidden_size=cells),
        helper.make_node("Squeeze", ["lstm.next_h", "first"], ["next_hidden"]),
        helper.make_node("Squeeze", ["lstm.next_c", "first"], ["next_cell"]),
        helper.make_node("Squeeze", ["lstm.y", "second"], ["lstm.steps"]),
        helper.make_node("Transpose", ["lstm.steps"], ["lstm"], perm=[1, 0, 2]),
    ]  # fmt: skip
    source = dense("layer_5", model.layers["layer_5"], "lstm", True)
    source = dense("layer_6", model.layers["layer_6"], source, False)
    nodes.append(helper.make_node("Softmax", [source], ["probs"], axis=-1))
    return finish(nodes, weights, model)
