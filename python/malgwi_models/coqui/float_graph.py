"""The acoustic model as a float32 ONNX graph, for any number of windows and of streams."""

import numpy as np
import onnx

from .acoustic import AcousticModel, Layer
from .builder import Builder, finish

# TensorFlow's order of gates in the LSTM kernel is i, j (the candidate), f, o; ONNX has i, o, f, c.
TO_ONNX_GATES = (0, 3, 2, 1)


def reorder_gates(matrix: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Blocks of rows [4 cells, ...] in another order."""
    return np.concatenate([np.split(matrix, 4)[gate] for gate in order])


def lstm(builder: Builder, layer: Layer, source: str) -> str:
    """LSTM over [batch, steps, width] with the graph's state inputs and outputs."""
    cells = layer.bias.size // 4
    kernel = reorder_gates(layer.float_weights(), TO_ONNX_GATES)
    width = kernel.shape[1] - cells
    bias = np.concatenate([reorder_gates(layer.bias, TO_ONNX_GATES), np.zeros(4 * cells, np.float32)])
    weights = [builder.constant("lstm.W", kernel[None, :, :width]), builder.constant("lstm.R", kernel[None, :, width:]),
               builder.constant("lstm.B", bias[None])]  # fmt: skip
    first, second = (builder.constant(f"axis.{i}", np.array([i], np.int64)) for i in (0, 1))
    x = builder.add("Transpose", [source], "lstm.x", perm=[1, 0, 2])
    state = [builder.add("Unsqueeze", [name, first], f"lstm.{name}") for name in ("hidden", "cell")]
    rows = builder.add("LSTM", [x, *weights, "", *state], "lstm.rows", "lstm.next_hidden", "lstm.next_cell", hidden_size=cells)
    for name in ("next_hidden", "next_cell"):
        builder.add("Squeeze", [f"lstm.{name}", first], name)
    builder.add("Squeeze", [rows, second], "lstm.steps")
    return builder.add("Transpose", ["lstm.steps"], "lstm", perm=[1, 0, 2])


def build(model: AcousticModel) -> onnx.ModelProto:
    """Rebuild the model; quantised weights are multiplied out."""
    builder, source = Builder(), "windows"
    for name in ("layer_1", "layer_2", "layer_3"):
        source = builder.clip(name, builder.dense(name, model.layers[name], source), model.clip)
    source = lstm(builder, model.layers["lstm"], source)
    source = builder.clip("layer_5", builder.dense("layer_5", model.layers["layer_5"], source), model.clip)
    builder.add("Softmax", [builder.dense("layer_6", model.layers["layer_6"], source)], "probs", axis=-1)
    return finish(builder, model, "batch")
