"""Dynamic int8 of a graph's weights (onnxruntime): matrix products and LSTMs, one scale per output channel."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx

OPERATIONS = ("MatMul", "Gemm", "LSTM")
#: Bytes of a tensor from which it is worth not being kept twice.
LARGE = 1024


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


def _separate(model: onnx.ModelProto) -> None:
    """Give every LSTM weights of its own: the quantiser transposes them in place, once for each LSTM.

    Where several share them, the exporter has them once and refers to them by `Identity`.
    """
    known = {tensor.name: tensor for tensor in model.graph.initializer}
    meant = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Identity" and node.input[0] in known}
    used: set[str] = set()
    for node in model.graph.node:
        if node.op_type != "LSTM":
            continue
        for index, name in enumerate(node.input):
            source = meant.get(name, name)
            if source not in known:
                continue
            if source in used:
                copy = model.graph.initializer.add()
                copy.CopyFrom(known[source])
                source = copy.name = f"{source}.{node.name}"
            node.input[index] = source
            used.add(source)
    read = {name for node in model.graph.node for name in node.input} | {output.name for output in model.graph.output}
    for node in [node for node in model.graph.node if node.output[0] in meant and node.output[0] not in read]:
        model.graph.node.remove(node)


def _unite(model: onnx.ModelProto) -> None:
    """Keep one of equal large tensors."""
    first: dict[tuple, str] = {}
    same: dict[str, str] = {}
    for tensor in list(model.graph.initializer):
        if len(tensor.raw_data) < LARGE:
            continue
        kept = first.setdefault((tensor.data_type, tuple(tensor.dims), tensor.raw_data), tensor.name)
        if kept != tensor.name:
            same[tensor.name] = kept
            model.graph.initializer.remove(tensor)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)


def to_int8(source: Path, target: Path) -> bool:
    """Write the graph with int8 weights. False, and nothing written, when it has no weights that can be quantised."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(source)
    _separate(model)
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
            quantize_dynamic(model, str(target), op_types_to_quantize=list(OPERATIONS), per_channel=True,
                             weight_type=QuantType.QInt8, nodes_to_exclude=sorted(kept))
        finally:
            logging.disable(before)
    quantised = onnx.load(target)
    _unite(quantised)
    onnx.save(quantised, target)
    return True
