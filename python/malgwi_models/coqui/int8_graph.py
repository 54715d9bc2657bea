"""The acoustic model as an ONNX graph with int8 weights that computes what TensorFlow Lite's hybrid kernels compute.

Those kernels round every row of activations to 8 bits with a scale of its own before they multiply. That rounding is
part of what a quantised model says: with the weights multiplied out and activations in float32, probabilities differ
by up to 0.1. So it is repeated here, row by row; what remains is float32 rounding.

Activations are unsigned and weights signed, which processors with VNNI multiply fastest. Without VNNI onnxruntime's
kernel for this pair may saturate; `unsigned_weights` gives weights that every processor multiplies exactly.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from .acoustic import AcousticModel, Layer
from .builder import CONTRIB, Builder, finish
from .float_graph import lstm, reorder_gates

# i, f, o, j: the gates with a sigmoid side by side.
SIGMOIDS_FIRST = (0, 2, 3, 1)


class _Int8:
    """Dense layers over rows of activations, each row with a scale of its own."""

    def __init__(self, builder: Builder, unsigned_weights: bool):
        self.builder = builder
        self.unsigned = unsigned_weights

    def weights(self, name: str, layer: Layer) -> tuple[str, str, str]:
        """Weights [in, out], their scale, their zero point."""
        matrix, add = layer.weights.T, self.builder.constant
        if self.unsigned:
            matrix = (matrix.astype(np.int16) + 128).astype(np.uint8)
        zero = np.array(128 if self.unsigned else 0, matrix.dtype)
        scale = layer.scale if layer.scale.size > 1 else layer.scale.reshape(())
        return add(f"{name}.weight", matrix), add(f"{name}.scale", scale), add(f"weight_zero.{zero.dtype}", zero)

    def _quantized(self, name: str, layer: Layer, source: str) -> tuple[str, str, str]:
        """uint8 rows, float32 scale and zero point of each row."""
        b = self.builder
        zero, one, low, high = (b.constant(f"number.{v}", np.array(v, np.float32)) for v in (0, 1, 0, 255))
        if layer.asymmetric:
            top = b.add("Max", [b.add("ReduceMax", [source], f"{name}.most", axes=[-1]), zero], f"{name}.top")
            bottom = b.add("Min", [b.add("ReduceMin", [source], f"{name}.least", axes=[-1]), zero], f"{name}.bottom")
            span, levels = b.add("Sub", [top, bottom], f"{name}.span"), b.constant("number.255", np.array(255, np.float32))
        else:
            size = b.add("Abs", [source], f"{name}.size")
            span, levels = b.add("ReduceMax", [size], f"{name}.span", axes=[-1]), b.constant("number.127", np.array(127, np.float32))
        step = b.add("Div", [span, levels], f"{name}.step")
        scale = b.add("Where", [b.add("Equal", [span, zero], f"{name}.flat"), one, step], f"{name}.row_scale")
        if layer.asymmetric:
            center = b.add("Round", [b.add("Div", [b.add("Neg", [bottom], f"{name}.depth"), scale], f"{name}.offset")],
                           f"{name}.center")  # fmt: skip
        else:
            center = b.constant("number.128", np.array(128, np.float32))
        shifted = b.add("Add", [b.add("Div", [source, scale], f"{name}.scaled"), center], f"{name}.shifted")
        rounded = b.add("Clip", [b.add("Round", [shifted], f"{name}.rounded"), low, high], f"{name}.levels")
        rows = b.add("Cast", [rounded], f"{name}.rows", to=TensorProto.UINT8)
        return rows, scale, center

    def dense(self, name: str, layer: Layer, source: str) -> str:
        """The layer over rows [..., in]; float32 layers of a partly quantised model stay float32."""
        if not layer.is_quantized:
            return self.builder.dense(name, layer, source)
        b = self.builder
        rows, scale, center = self._quantized(name, layer, source)
        matrix, weight_scale, weight_zero = self.weights(name, layer)
        # The kernel takes one zero point for all rows: theirs are subtracted afterwards. (Nor may a Cast and a Mul follow
        # the product at once: onnxruntime would fuse them, taking the scales of the rows for scales of columns.)
        no_zero = b.constant("row_zero", np.array(0, np.uint8))
        sums = b.add("MatMulInteger", [rows, matrix, no_zero, weight_zero], f"{name}.sums")
        column = b.constant(f"{name}.columns", layer.weights.sum(axis=1, dtype=np.int32))
        share = b.add("Mul", [b.add("Cast", [center], f"{name}.zero", to=TensorProto.INT32), column], f"{name}.share")
        sums = b.add("Sub", [sums, share], f"{name}.centered")
        real = b.add("Cast", [sums], f"{name}.real", to=TensorProto.FLOAT)
        factor = b.add("Mul", [scale, weight_scale], f"{name}.factor")
        product = b.add("Mul", [real, factor], f"{name}.product")
        return b.add("Add", [product, b.constant(f"{name}.bias", layer.bias)], f"{name}.sum")

    def step(self, layer: Layer, source: str) -> str:
        """The LSTM's kernel over the one row [1, in]: onnxruntime's own dynamic quantisation is the asymmetric one."""
        if not layer.asymmetric:
            return self.dense("gates", layer, source)
        matrix, scale, zero = self.weights("gates", layer)
        bias = self.builder.constant("gates.bias", layer.bias)
        return self.builder.add("DynamicQuantizeMatMul", [source, matrix, scale, zero, bias], "gates.sum", domain=CONTRIB)


def _step(layer: Layer, cells: int, unsigned_weights: bool) -> onnx.GraphProto:
    """One step of the LSTM, the body of a Scan: hidden and cell [1, cells], x [1, in] -> next state, output [1, cells]."""
    b = Builder()
    kernel = Layer(reorder_gates(layer.weights, SIGMOIDS_FIRST),
                   reorder_gates(layer.scale, SIGMOIDS_FIRST) if layer.scale.size > 1 else layer.scale,
                   reorder_gates(layer.bias, SIGMOIDS_FIRST), layer.asymmetric)  # fmt: skip
    both = b.add("Concat", ["step.x", "step.hidden"], "both", axis=-1)
    gates = _Int8(b, unsigned_weights).step(kernel, both)
    parts = b.constant("parts", np.array([3 * cells, cells], np.int64))
    thirds = b.constant("thirds", np.array([cells] * 3, np.int64))
    b.add("Split", [gates, parts], "opening", "proposal", axis=-1)
    b.add("Split", [b.add("Sigmoid", ["opening"], "open"), thirds], "i", "f", "o", axis=-1)
    fresh = b.add("Mul", ["i", b.add("Tanh", ["proposal"], "j")], "fresh")
    b.add("Add", [b.add("Mul", ["f", "step.cell"], "kept"), fresh], "step.next_cell")
    b.add("Mul", ["o", b.add("Tanh", ["step.next_cell"], "shown")], "step.next_hidden")
    b.add("Identity", ["step.next_hidden"], "step.output")
    width = layer.weights.shape[1] - cells

    def rows(*names: str, size: int = cells) -> list:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name in names]

    inputs = rows("step.hidden", "step.cell") + rows("step.x", size=width)
    outputs = rows("step.next_hidden", "step.next_cell", "step.output")
    return helper.make_graph(b.nodes, "lstm-step", inputs, outputs, list(b.constants.values()))


def build(model: AcousticModel, unsigned_weights: bool = False) -> onnx.ModelProto:
    """Rebuild a quantised model for one stream at a time.

    Args:
        unsigned_weights: exact on processors without VNNI, at about half the speed on those that have it.
    """
    b = Builder()
    layers, source = _Int8(b, unsigned_weights), "windows"
    for name in ("layer_1", "layer_2", "layer_3"):
        source = b.clip(name, layers.dense(name, model.layers[name], source), model.clip)
    kernel = model.layers["lstm"]
    if kernel.is_quantized:
        # [1, steps, width] is scanned along its steps.
        body = _step(kernel, model.cells, unsigned_weights)
        b.add("Scan", ["hidden", "cell", source], "next_hidden", "next_cell", "lstm", body=body, num_scan_inputs=1,
              scan_input_axes=[1], scan_output_axes=[1])  # fmt: skip
        source = "lstm"
    else:
        source = lstm(b, kernel, source)
    source = b.clip("layer_5", layers.dense("layer_5", model.layers["layer_5"], source), model.clip)
    b.add("Softmax", [layers.dense("layer_6", model.layers["layer_6"], source)], "probs", axis=-1)
    return finish(b, model, 1)
