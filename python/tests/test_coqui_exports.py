"""Exports put the same network in different words: DeepSpeech 0.9 came from another converter than Coqui 1.4.

Each test rewrites the operators of a graph into others that say the same; the model found must not change.
"""

from dataclasses import replace

import numpy as np
from coqui_support import small

from malgwi_models.coqui import acoustic, float_graph, int8_graph, parity, tflite, writer
from malgwi_models.coqui.tflite import Graph, Operator, Tensor

NONE = np.zeros(0, "<f4")


class Rewriter:
    """Tensors and operators of a graph, to be changed."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.tensors = list(graph.tensors)
        self.operators: list[Operator] = []

    def tensor(self, shape: tuple[int, ...], constant: np.ndarray | None = None, kind: int = 0) -> int:
        """A new tensor; its index."""
        self.tensors.append(Tensor(f"new_{len(self.tensors)}", shape, kind, constant, NONE, NONE.astype("<i8")))
        return len(self.tensors) - 1

    def add(self, name: str, inputs: list[int], outputs: list[int]) -> None:
        """A new operator without options."""
        self.operators.append(Operator(name, tuple(inputs), tuple(outputs), None, b""))

    def done(self) -> Graph:
        """The changed graph."""
        return replace(self.graph, tensors=self.tensors, operators=self.operators)


def check(graph: Graph, wanted: acoustic.AcousticModel) -> None:
    """The graph is recognised, holds the wanted weights, and computes what they say."""
    model, interpreter = acoustic.recognize(graph)
    for name, layer in wanted.layers.items():
        assert np.allclose(model.layers[name].float_weights(), layer.float_weights(), atol=1e-3)
        assert np.allclose(model.layers[name].bias, layer.bias)
    assert model.metadata == wanted.metadata and model.alphabet == wanted.alphabet and model.clip == wanted.clip
    onnx = (int8_graph if model.is_quantized else float_graph).build(model).SerializeToString()
    parity.require(parity.compare(model, interpreter, onnx), model.is_quantized)


def parsed(model: acoustic.AcousticModel) -> Graph:
    """The graph of the model's file."""
    return tflite.parse(writer.serialize(model))


def test_activations_of_their_own() -> None:
    model = small()
    new = Rewriter(parsed(model))
    for operator in new.graph.operators:
        if operator.name == "FULLY_CONNECTED" and operator.options.scalar(0, "b") == 1:
            (out,) = operator.outputs
            sums = new.tensor(new.tensors[out].shape)
            new.add("FULLY_CONNECTED", list(operator.inputs), [sums])
            new.add("RELU", [sums], [out])
        else:
            new.operators.append(operator)
    assert sum(operator.name == "RELU" for operator in new.operators) == 4
    check(new.done(), model)


def test_rows_unpacked_and_packed() -> None:
    for int8 in (False, True):
        model = small(int8)
        new = Rewriter(parsed(model))
        slices = [operator for operator in new.graph.operators if operator.name == "STRIDED_SLICE"]
        for operator in new.graph.operators:
            if operator is slices[0]:
                width = new.tensors[operator.inputs[0]].shape[1]
                wide = new.tensor((16, 1, width))
                new.add("RESHAPE", [operator.inputs[0]], [wide])
                turned = new.tensor((1, 16, width))
                new.add("TRANSPOSE", [wide, new.tensor((3,), np.array([1, 0, 2], np.int32), 2)], [turned])
                back = new.tensor((16, 1, width))
                new.add("TRANSPOSE", [turned, new.tensor((3,), np.array([1, 0, 2], np.int32), 2)], [back])
                new.add("UNPACK", [back], [other.outputs[0] for other in slices])
            elif operator.name == "CONCATENATION" and len(operator.inputs) == 16:
                packed = new.tensor((16, 1, model.cells))
                new.add("PACK", list(operator.inputs), [packed])
                new.add("SQUEEZE", [packed], list(operator.outputs))
            elif operator.name != "STRIDED_SLICE":
                new.operators.append(operator)
        check(new.done(), model)


def test_half_precision_weights() -> None:
    model = small()
    new = Rewriter(parsed(model))
    wide: dict[int, int] = {}
    for operator in new.graph.operators:
        if operator.name == "FULLY_CONNECTED":
            index = operator.inputs[1]
            if index not in wide:
                value = new.tensors[index].constant.astype("<f2")
                wide[index] = new.tensor(value.shape)
                new.add("DEQUANTIZE", [new.tensor(value.shape, value, 1)], [wide[index]])
            new.operators.append(replace(operator, inputs=(operator.inputs[0], wide[index], operator.inputs[2])))
        else:
            new.operators.append(operator)
    rounded = {name: replace(layer, weights=layer.weights.astype("<f2").astype(np.float32)) for name, layer in model.layers.items()}
    check(new.done(), replace(model, layers=rounded))


def test_zero_biases_folded_away() -> None:
    model = small()
    zeros = {name: replace(layer, bias=np.zeros_like(layer.bias)) for name, layer in model.layers.items()}
    model = replace(model, layers=zeros)
    for absent in ((), (-1,)):
        new = Rewriter(parsed(model))
        for operator in new.graph.operators:
            inputs = operator.inputs[:2] + absent if operator.name == "FULLY_CONNECTED" else operator.inputs
            new.operators.append(replace(operator, inputs=inputs))
        check(new.done(), model)


def test_metadata_that_are_constants() -> None:
    model = small()
    graph = parsed(replace(model, metadata=replace(model.metadata, language="ko")))
    tensors = list(graph.tensors)
    for operator in graph.operators:
        (out,) = operator.outputs[:1]
        if tensors[out].name.startswith("metadata_"):
            tensors[out] = replace(tensors[out], constant=tensors[operator.inputs[0]].constant)
    operators = [operator for operator in graph.operators if not tensors[operator.outputs[0]].name.startswith("metadata_")]
    check(replace(graph, tensors=tensors, operators=operators), replace(model, metadata=replace(model.metadata, language="ko")))


def test_an_export_without_its_features() -> None:
    """Coqui can export features apart (`merged_featurizer_graph` off)."""
    model = small()
    graph = parsed(model)
    operators = [operator for operator in graph.operators if operator.name not in ("AudioSpectrogram", "Mfcc")]
    check(replace(graph, operators=operators), model)
