"""Dynamic int8 of a graph's weights (onnxruntime): matrix products and LSTMs, one scale per output channel."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx

OPERATIONS = ("MatMul", "Gemm", "LSTM")


def output_products(model: onnx.ModelProto) -> list[str]:
    """Names of the products right before a log-softmax: a hundredth of the weights, and they decide near ties."""
    makers = {name: node for node in model.graph.node for name in node.output}
    found = []
    for node in model.graph.node:
        if node.op_type == "LogSoftmax":
            before = makers.get(node.input[0])
            while before is not None and before.op_type in ("Add", "Transpose", "Reshape", "Squeeze", "Unsqueeze"):
                before = next((makers[name] for name in before.input if name in makers), None)
            if before is not None and before.op_type in ("MatMul", "Gemm"):
                found.append(before.name)
    return found


def to_int8(source: Path, target: Path) -> bool:
    """Write the graph with int8 weights. False, and nothing written, when it has no weights that can be quantised."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(source)
    weights = {tensor.name for tensor in model.graph.initializer}
    kept = set(output_products(model))
    fitting = [node for node in model.graph.node if node.op_type in OPERATIONS and node.name not in kept
               and any(name in weights for name in node.input)]
    if not fitting:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It advises, on the root logger, to optimise the graph first: the runtime does that when it loads the graph.
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            quantize_dynamic(str(source), str(target), op_types_to_quantize=list(OPERATIONS), per_channel=True,
                             weight_type=QuantType.QInt8, nodes_to_exclude=sorted(kept))
        finally:
            logging.disable(before)
    return True
