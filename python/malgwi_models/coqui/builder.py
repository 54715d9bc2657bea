"""What the float and the int8 graph have in common: naming, the package's interface, dense layers in float32."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .acoustic import AcousticModel, Layer

OPSET = 17
CONTRIB = "com.microsoft"
# IR 8 is what opset 17 came with.
IR_VERSION = 8


class Builder:
    """Nodes and constants of one graph."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        """A constant; a name that is known already keeps its value."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, kind: str, inputs: list[str], *outputs: str, **attributes) -> str:
        """A node; returns its first output."""
        self.nodes.append(helper.make_node(kind, inputs, list(outputs), **attributes))
        return outputs[0]

    def dense(self, name: str, layer: Layer, source: str) -> str:
        """A float32 layer."""
        product = self.add("MatMul", [source, self.constant(f"{name}.weight", layer.float_weights().T)], f"{name}.product")
        return self.add("Add", [product, self.constant(f"{name}.bias", layer.bias)], f"{name}.sum")

    def clip(self, name: str, source: str, bound: float) -> str:
        """ReLU with an upper bound."""
        low, high = (self.constant(f"bound.{v:g}", np.array(v, np.float32)) for v in (0.0, bound))
        return self.add("Clip", [source, low, high], name)


def finish(builder: Builder, model: AcousticModel, batch: str | int) -> onnx.ModelProto:
    """The encoder graph of a package of family `coqui`, checked.

    Inputs `windows` [batch, steps, (2 context + 1) coefficients], `hidden` and `cell` [batch, cells]; outputs `probs`
    [batch, steps, classes], `next_hidden` and `next_cell`; all float32.
    """
    width = (2 * model.context + 1) * model.coefficients

    def values(**shapes: list) -> list:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    state = [batch, model.cells]
    inputs = values(windows=[batch, "steps", width], hidden=state, cell=state)
    outputs = values(probs=[batch, "steps", model.classes], next_hidden=state, next_cell=state)
    graph = helper.make_graph(builder.nodes, "coqui-acoustic", inputs, outputs, list(builder.constants.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="malgwi_models")
    onnx.checker.check_model(proto)
    return proto
