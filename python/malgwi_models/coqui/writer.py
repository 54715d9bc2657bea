"""Writes a `.tflite` with the signature of Coqui's export from given weights: for tests and benchmarks.

The original engine loads what this writes: it looks tensors up by name, and runs the operators in file order.
"""

from dataclasses import dataclass
from pathlib import Path

import flatbuffers
import numpy as np
from flatbuffers import flexbuffers

from .acoustic import AcousticModel, Layer

FLOAT32, INT32, STRING, INT8 = 0, 2, 5, 9
CODES = {"ADD": 0, "CONCATENATION": 2, "FULLY_CONNECTED": 9, "LOGISTIC": 14, "MUL": 18, "RESHAPE": 22, "SOFTMAX": 25,
         "TANH": 28, "STRIDED_SLICE": 45, "SPLIT": 49, "MINIMUM": 57}  # fmt: skip
# Members of the schema's union of options.
OPTIONS = {"FULLY_CONNECTED": 8, "SOFTMAX": 9, "CONCATENATION": 10, "ADD": 11, "RESHAPE": 17, "MUL": 21,
           "STRIDED_SLICE": 32, "SPLIT": 35, "MINIMUM": 39}  # fmt: skip
CUSTOM = 32
TYPES = {np.dtype(np.float32): FLOAT32, np.dtype(np.int32): INT32, np.dtype(np.int8): INT8}
# Version of FULLY_CONNECTED from which options may ask for asymmetric activations.
HYBRID_VERSION = 9


def strings(*values: bytes) -> bytes:
    """A string tensor's buffer."""
    offsets = np.cumsum([8 + 4 * len(values), *(len(value) for value in values)]).astype("<i4")
    return np.int32(len(values)).astype("<i4").tobytes() + offsets.tobytes() + b"".join(values)


def exported_alphabet(labels: tuple[bytes, ...]) -> bytes:
    """`metadata_alphabet` of these labels; the reverse of `alphabet.from_export`."""
    pairs = (np.array([i, len(label)], "<u2").tobytes() + label for i, label in enumerate(labels))
    return np.uint16(len(labels)).astype("<u2").tobytes() + b"".join(pairs)


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    type: int
    data: bytes
    scale: np.ndarray | None


@dataclass(frozen=True)
class _Operator:
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: tuple[tuple[int, str, object], ...]
    custom: bytes


class _Graph:
    """Tensors and operators, in the order they are added."""

    def __init__(self):
        self.tensors: list[_Tensor] = []
        self.operators: list[_Operator] = []

    def tensor(self, name: str, shape: tuple[int, ...], kind: int = FLOAT32, data: bytes = b"", scale=None) -> int:
        self.tensors.append(_Tensor(name, shape, kind, data, scale))
        return len(self.tensors) - 1

    def constant(self, name: str, value: np.ndarray, scale=None) -> int:
        return self.tensor(name, value.shape, TYPES[value.dtype], np.ascontiguousarray(value).tobytes(), scale)

    def add(self, name: str, inputs: list[int], *outputs: tuple[str, tuple[int, ...]], options=(), custom=b"") -> list[int]:
        """Append an operator; every output is a new tensor (name, shape)."""
        made = [self.tensor(output, shape) for output, shape in outputs]
        self.operators.append(_Operator(name, tuple(inputs), tuple(made), tuple(options), custom))
        return made


def _flexible(**values) -> bytes:
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in sorted(values.items()):
            builder.Key(key)
            builder.Float(value, 4) if isinstance(value, float) else builder.Add(value)
    return bytes(builder.Finish())


def _features(graph: _Graph, model: AcousticModel, samples: int) -> int:
    rate, window, step = (model.metadata.sample_rate, *(model.metadata.sample_rate * ms // 1000 for ms in (
        model.metadata.window_ms, model.metadata.step_ms)))
    shape = graph.constant("samples_shape", np.array([window, 1], np.int32))
    column = graph.add("RESHAPE", [samples, shape], ("samples_column", (window, 1)))
    bins = 1 << (window - 1).bit_length() >> 1
    spectrum = graph.add("AudioSpectrogram", column, ("spectrum", (1, 1, bins + 1)),
                         custom=_flexible(magnitude_squared=True, stride=step, window_size=window))  # fmt: skip
    options = _flexible(dct_coefficient_count=model.coefficients, filterbank_channel_count=40,
                        lower_frequency_limit=20.0, upper_frequency_limit=rate / 2)  # fmt: skip
    rate_at = graph.constant("rate", np.array(rate, np.int32))
    cepstrum = graph.add("Mfcc", [spectrum[0], rate_at], ("cepstrum", (1, 1, model.coefficients)), custom=options)
    shape = graph.constant("mfccs_shape", np.array([-1, model.coefficients], np.int32))
    return graph.add("RESHAPE", [cepstrum[0], shape], ("mfccs", (1, model.coefficients)))[0]


def _dense(graph: _Graph, name: str, layer: Layer, source: int, rows: int, weights: list[int], activation: int = 0) -> int:
    asymmetric = (3, "bool", layer.asymmetric and layer.is_quantized)
    shape = (rows, len(layer.bias))
    return graph.add("FULLY_CONNECTED", [source, *weights], (name, shape), options=[(0, "int8", activation), asymmetric])[0]


def _lstm(graph: _Graph, model: AcousticModel, source: int, state: tuple[int, int]) -> tuple[int, int, int]:
    layer, cells = model.layers["lstm"], model.cells
    width = layer.weights.shape[1] - cells
    weights = _weights(graph, "lstm", layer)
    axis = graph.constant("split_axis", np.array(1, np.int32))
    ones = graph.constant("ones", np.ones(2, np.int32))
    one, hidden_steps = (1, cells), []
    cell, hidden = state
    for t in range(model.steps):
        begin, end = (graph.constant(f"{what}_{t}", np.array([at, 0], np.int32)) for what, at in (("begin", t), ("end", t + 1)))
        row = graph.add("STRIDED_SLICE", [source, begin, end, ones], (f"x_{t}", (1, width)), options=[(1, "int32", 2)])
        both = graph.add("CONCATENATION", [row[0], hidden], (f"xh_{t}", (1, width + cells)), options=[(0, "int32", 1)])
        gates = _dense(graph, f"gates_{t}", layer, both[0], 1, weights)
        i, j, f, o = graph.add("SPLIT", [axis, gates], *((f"{g}_{t}", one) for g in "ijfo"), options=[(0, "int32", 4)])
        opened = [graph.add("LOGISTIC", [gate], (f"open_{g}_{t}", one))[0] for g, gate in (("i", i), ("f", f), ("o", o))]
        candidate = graph.add("TANH", [j], (f"candidate_{t}", one))[0]
        fresh = graph.add("MUL", [opened[0], candidate], (f"fresh_{t}", one))[0]
        kept = graph.add("MUL", [opened[1], cell], (f"kept_{t}", one))[0]
        last = t == model.steps - 1
        cell = graph.add("ADD", [kept, fresh], ("new_state_c" if last else f"c_{t}", one))[0]
        shown = graph.add("TANH", [cell], (f"shown_{t}", one))[0]
        hidden = graph.add("MUL", [opened[2], shown], ("new_state_h" if last else f"h_{t}", one))[0]
        hidden_steps.append(hidden)
    rows = graph.add("CONCATENATION", hidden_steps, ("lstm_rows", (model.steps, cells)), options=[(0, "int32", 0)])
    return rows[0], cell, hidden


def _weights(graph: _Graph, name: str, layer: Layer) -> list[int]:
    return [graph.constant(f"{name}/weights", layer.weights, layer.scale), graph.constant(f"{name}/bias", layer.bias)]


def _acoustic(graph: _Graph, model: AcousticModel, windows: int, state: tuple[int, int]) -> tuple[int, int, int]:
    width = (2 * model.context + 1) * model.coefficients
    shape = graph.constant("rows_shape", np.array([-1, width], np.int32))
    source = graph.add("RESHAPE", [windows, shape], ("rows", (model.steps, width)))[0]
    bound = graph.constant("clip", np.array(model.clip, np.float32))

    def clipped(name: str, source: int) -> int:
        layer = model.layers[name]
        y = _dense(graph, f"{name}_relu", layer, source, model.steps, _weights(graph, name, layer), activation=1)
        return graph.add("MINIMUM", [y, bound], (name, (model.steps, len(layer.bias))))[0]

    for name in ("layer_1", "layer_2", "layer_3"):
        source = clipped(name, source)
    source, cell, hidden = _lstm(graph, model, source, state)
    source = clipped("layer_5", source)
    last = model.layers["layer_6"]
    scores = _dense(graph, "layer_6", last, source, model.steps, _weights(graph, "layer_6", last))
    probs = graph.add("SOFTMAX", [scores], ("logits", (model.steps, model.classes)), options=[(0, "float32", 1.0)])
    return probs[0], cell, hidden


def _constants(graph: _Graph, model: AcousticModel) -> list[int]:
    """The metadata, each through a RESHAPE: the engine runs the operator that makes it."""
    metadata, one = model.metadata, graph.constant("one", np.array([1], np.int32))
    numbers = {"version": metadata.version, "sample_rate": metadata.sample_rate, "feature_win_len": metadata.window_ms,
               "feature_win_step": metadata.step_ms, "beam_width": metadata.beam_width}  # fmt: skip
    made = []
    for name, number in numbers.items():
        source = graph.constant(f"{name}/const", np.array([number], np.int32))
        made.append(graph.tensor(f"metadata_{name}", (1,), INT32))
        graph.operators.append(_Operator("RESHAPE", (source, one), (made[-1],), (), b""))
    texts = {"alphabet": exported_alphabet(model.alphabet.labels)}
    if metadata.language is not None:
        texts["language"] = metadata.language.encode("utf-8")
    for name, text in texts.items():
        source = graph.tensor(f"{name}/const", (1,), STRING, strings(text))
        made.append(graph.tensor(f"metadata_{name}", (1,), STRING))
        graph.operators.append(_Operator("RESHAPE", (source, one), (made[-1],), (), b""))
    return made


def serialize(model: AcousticModel) -> bytes:
    """The model as the bytes of a `.tflite` file."""
    graph = _Graph()
    window = model.metadata.sample_rate * model.metadata.window_ms // 1000
    inputs = [
        graph.tensor("input_node", (1, model.steps, 2 * model.context + 1, model.coefficients)),
        graph.tensor("previous_state_c", (1, model.cells)), graph.tensor("previous_state_h", (1, model.cells)),
        graph.tensor("input_samples", (window,)),
    ]  # fmt: skip
    mfccs = _features(graph, model, inputs[3])
    probs, cell, hidden = _acoustic(graph, model, inputs[0], (inputs[1], inputs[2]))
    return _Serializer().model(graph, inputs, [probs, cell, hidden, mfccs, *_constants(graph, model)])


def write(path: Path, model: AcousticModel) -> None:
    """Write the model."""
    path.write_bytes(serialize(model))


class _Serializer:
    """FlatBuffers are written from the leaves up."""

    def __init__(self):
        self.builder = flatbuffers.Builder(1 << 20)

    def _vector(self, data: bytes, width: int, alignment: int) -> int:
        builder, count = self.builder, len(data) // width
        builder.StartVector(width, count, alignment)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        return builder.EndVector()

    def _numbers(self, values, dtype: str) -> int:
        array = np.asarray(values, dtype)
        return self._vector(array.tobytes(), array.itemsize, max(array.itemsize, 4))

    def _offsets(self, offsets: list[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def _table(self, *fields: tuple[int, str, object]) -> int:
        """A table of (field number, kind, value)."""
        builder = self.builder
        builder.StartObject(max((field for field, _, _ in fields), default=-1) + 1)
        for field, kind, value in fields:
            if kind == "offset":
                builder.PrependUOffsetTRelativeSlot(field, value, 0)
            else:
                getattr(builder, f"Prepend{kind.capitalize()}Slot")(field, value, 0)
        return builder.EndObject()

    def model(self, graph: _Graph, inputs: list[int], outputs: list[int]) -> bytes:
        """The whole file."""
        builder = self.builder
        buffers = [self._table()] + [
            self._table((0, "offset", self._vector(tensor.data, 1, 16))) if tensor.data else self._table() for tensor in graph.tensors
        ]
        tensors = [self._tensor(tensor, i + 1) for i, tensor in enumerate(graph.tensors)]
        names = list(dict.fromkeys(operator.name for operator in graph.operators))
        operators = [self._operator(operator, names.index(operator.name)) for operator in graph.operators]
        main = self._table((0, "offset", self._offsets(tensors)), (1, "offset", self._numbers(inputs, "<i4")),
                           (2, "offset", self._numbers(outputs, "<i4")), (3, "offset", self._offsets(operators)),
                           (4, "offset", builder.CreateString("main")))  # fmt: skip
        quantized = any(tensor.type == INT8 for tensor in graph.tensors)
        codes = [self._code(name, HYBRID_VERSION if quantized and name == "FULLY_CONNECTED" else 1) for name in names]
        root = self._table((0, "uint32", 3), (1, "offset", self._offsets(codes)), (2, "offset", self._offsets([main])),
                           (3, "offset", builder.CreateString("malgwi_models")), (4, "offset", self._offsets(buffers)))  # fmt: skip
        builder.Finish(root, b"TFL3")
        return bytes(builder.Output())

    def _code(self, name: str, version: int) -> int:
        if name in CODES:
            return self._table((0, "int8", CODES[name]), (2, "int32", version), (3, "int32", CODES[name]))
        custom = self.builder.CreateString(name)
        return self._table((0, "int8", CUSTOM), (1, "offset", custom), (2, "int32", version), (3, "int32", CUSTOM))

    def _tensor(self, tensor: _Tensor, buffer: int) -> int:
        fields = [(0, "offset", self._numbers(tensor.shape, "<i4")), (1, "int8", tensor.type), (2, "uint32", buffer),
                  (3, "offset", self.builder.CreateString(tensor.name))]  # fmt: skip
        if tensor.scale is not None:
            zeros = self._numbers(np.zeros(tensor.scale.size), "<i8")
            scales = self._numbers(tensor.scale, "<f4")
            fields.append((4, "offset", self._table((2, "offset", scales), (3, "offset", zeros), (6, "int32", 0))))
        return self._table(*fields)

    def _operator(self, operator: _Operator, code: int) -> int:
        fields = [(0, "uint32", code), (1, "offset", self._numbers(operator.inputs, "<i4")),
                  (2, "offset", self._numbers(operator.outputs, "<i4"))]  # fmt: skip
        if operator.name in OPTIONS:
            fields += [(3, "uint8", OPTIONS[operator.name]), (4, "offset", self._table(*operator.options))]
        if operator.custom:
            fields.append((5, "offset", self._vector(operator.custom, 1, 4)))
        return self._table(*fields)
