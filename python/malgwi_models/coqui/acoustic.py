"""What a Coqui or DeepSpeech export holds: layers, sizes, metadata and alphabet, found in its graph.

Three dense layers (ReLU clipped at 20), an LSTM, a dense layer, a linear layer, softmax (Hannun et al. 2014, with the
LSTM that DeepSpeech 0.4 brought). The LSTM is unrolled over the 16 steps of a batch, so its weights come 16 times over.
"""

from dataclasses import dataclass

import numpy as np

from .alphabet import Alphabet, from_export
from .errors import Refused
from .interpret import Interpreter, dequantize
from .tflite import Graph, Operator, Tensor

LAYERS = ("layer_1", "layer_2", "layer_3", "lstm", "layer_5", "layer_6")
# Bounds on sizes, so that a hostile header cannot ask for all of the memory.
MAX_CELLS = 16_384
MAX_CLASSES = 65_536


@dataclass(frozen=True)
class Layer:
    """Weights [out, in], float32 or int8 with a scale for all or one for each output; bias [out], float32."""

    weights: np.ndarray
    scale: np.ndarray | None
    bias: np.ndarray
    asymmetric: bool

    @property
    def is_quantized(self) -> bool:
        """Whether the weights are int8."""
        return self.scale is not None

    def float_weights(self) -> np.ndarray:
        """The weights as float32 [out, in]."""
        if self.scale is None:
            return self.weights
        return (self.weights.astype(np.float32) * self.scale.reshape(-1, 1)).astype(np.float32)


@dataclass(frozen=True)
class Metadata:
    """What the export says of itself."""

    version: int
    sample_rate: int
    window_ms: int
    step_ms: int
    beam_width: int
    language: str | None


@dataclass(frozen=True)
class AcousticModel:
    """A model, ready to be rebuilt as another graph."""

    layers: dict[str, Layer]
    clip: float
    steps: int
    context: int
    coefficients: int
    metadata: Metadata
    alphabet: Alphabet

    @property
    def cells(self) -> int:
        """Cells of the LSTM."""
        return self.layers["lstm"].bias.size // 4

    @property
    def classes(self) -> int:
        """Labels and blank."""
        return self.layers["layer_6"].bias.size

    @property
    def is_quantized(self) -> bool:
        """Whether any layer has int8 weights."""
        return any(layer.is_quantized for layer in self.layers.values())

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers.values())


@dataclass(frozen=True)
class Ends:
    """Tensor indices of the graph's inputs and outputs."""

    windows: int
    cell: int
    hidden: int
    probs: int
    next_cell: int
    next_hidden: int


def find_ends(graph: Graph) -> Ends:
    """Find the acoustic graph's inputs and outputs by their names, as the original engine does."""
    names = {"windows": ("inputs", "input_node"), "cell": ("inputs", "previous_state_c"),
             "hidden": ("inputs", "previous_state_h"), "probs": ("outputs", "logits"),
             "next_cell": ("outputs", "new_state_c"), "next_hidden": ("outputs", "new_state_h")}  # fmt: skip
    found = {key: graph.find(name, among) for key, (among, name) in names.items()}
    missing = [names[key][1] for key, index in found.items() if index is None]
    if missing:
        raise Refused(f"no model of Coqui STT or DeepSpeech 0.9: the graph has no {', '.join(missing)}")
    return Ends(**found)


def _metadata(graph: Graph, constants: dict) -> tuple[Metadata, Alphabet | None]:
    def value(name: str):
        index = graph.find(f"metadata_{name}")
        found = None if index is None else constants.get(index)
        if found is None or len(found) != 1:
            return None
        return found[0] if isinstance(found, tuple) else int(found.reshape(-1)[0])

    numbers = {name: value(name) for name in ("version", "sample_rate", "feature_win_len", "feature_win_step", "beam_width")}
    missing = [f"metadata_{name}" for name, number in numbers.items() if not isinstance(number, int)]
    if missing:
        raise Refused(f"the model says nothing of {', '.join(missing)}: exports before DeepSpeech 0.9 are not supported")
    language, alphabet = value("language"), value("alphabet")
    metadata = Metadata(*numbers.values(), language.decode("utf-8", "replace") if isinstance(language, bytes) else None)
    return metadata, from_export(alphabet) if isinstance(alphabet, bytes) else None


def _layer(graph: Graph, constants: dict, operator: Operator) -> Layer:
    index, bias_index = operator.inputs[1], operator.inputs[2] if len(operator.inputs) > 2 else -1
    tensor: Tensor = graph.tensors[index]
    weights = constants[index]
    if not isinstance(weights, np.ndarray) or weights.ndim != 2:
        raise Refused(f"weights {tensor.name!r} are no matrix")
    # Exporters fold a bias of zeros away.
    bias = constants[bias_index] if bias_index >= 0 else np.zeros(len(weights), np.float32)
    scale = None
    if weights.dtype == np.int8:
        dequantize(tensor)  # checks the number of scales
        if np.any(tensor.zero_point) or (tensor.scale.size > 1 and tensor.axis != 0):
            raise Refused(f"weights {tensor.name!r} are quantised in a way that the hybrid kernels do not know")
        scale = tensor.scale
    elif weights.dtype != np.float32:
        raise Refused(f"weights {tensor.name!r} are of a type that is not supported")
    if not isinstance(bias, np.ndarray) or bias.dtype != np.float32 or bias.shape != (len(weights),):
        raise Refused(f"the bias of {tensor.name!r} does not fit its weights")
    for what in (weights, bias) if scale is None else (bias, scale):
        if not np.isfinite(what).all():
            raise Refused(f"weights {tensor.name!r} hold values that are not finite")
    return Layer(weights, scale, bias, bool(operator.options is not None and operator.options.scalar(3, "?", False)))


def recognize(graph: Graph, alphabet: Alphabet | None = None) -> tuple[AcousticModel, Interpreter]:
    """Find layers, metadata and alphabet in an export.

    Args:
        alphabet: for a model that holds none; must be the model's own otherwise.

    Raises:
        Refused: when the graph is not one of Coqui STT or DeepSpeech 0.9.
    """
    ends = find_ends(graph)
    interpreter = Interpreter(graph)
    constants = interpreter.constants
    metadata, own = _metadata(graph, constants)
    if alphabet is not None and own is not None and alphabet != own:
        raise Refused(f"the alphabet file ({len(alphabet.labels)} labels) is not the one that the model was exported with "
                      f"({len(own.labels)} labels): leave --alphabet away")  # fmt: skip
    alphabet = alphabet or own
    if alphabet is None:
        raise Refused("the model holds no alphabet: name the file that it was trained with (--alphabet alphabet.txt)")

    layers: dict[int, Layer] = {}
    for operator in interpreter.rest:
        if operator.name != "FULLY_CONNECTED":
            continue
        if len(operator.inputs) < 2 or operator.inputs[1] not in constants:
            raise Refused("a dense layer of the graph has no constant weights")
        if operator.inputs[1] not in layers:
            layers[operator.inputs[1]] = _layer(graph, constants, operator)
            if len(layers) > len(LAYERS):
                break
    if len(layers) != len(LAYERS):
        raise Refused(f"the graph has {len(layers)} dense layers; a Coqui or DeepSpeech model has {len(LAYERS)}, one the LSTM's")
    named = dict(zip(LAYERS, layers.values(), strict=True))

    window = graph.tensors[ends.windows].shape
    if len(window) != 4 or window[0] != 1 or window[2] % 2 == 0 or not 1 <= window[1] <= 1024:
        raise Refused(f"windows of shape {list(window)} are not those of a streaming export ([1, 16, 19, 26])")
    width = window[2] * window[3]
    sizes = {name: layer.weights.shape for name, layer in named.items()}
    cells = graph.tensors[ends.cell].shape[-1:] + (0,)
    expected = [width] + [sizes[name][0] for name in LAYERS[:3]]
    lstm = (4 * cells[0], sizes["layer_3"][0] + cells[0])
    if any(sizes[name][1] != n for name, n in zip(LAYERS, expected[:3], strict=False)) or sizes["lstm"] != lstm \
            or sizes["layer_5"][1] != cells[0] or sizes["layer_6"][1] != sizes["layer_5"][0]:
        shapes = ", ".join(f"{name} {list(shape)}" for name, shape in sizes.items())
        raise Refused(f"the layers do not follow from one another: {shapes}")
    classes = sizes["layer_6"][0]
    if not 0 < cells[0] <= MAX_CELLS or classes > MAX_CLASSES:
        raise Refused(f"{cells[0]} cells and {classes} classes are outside of what is supported")
    if len(alphabet.labels) + 1 != classes:
        raise Refused(f"the alphabet has {len(alphabet.labels)} labels, the model {classes} classes (labels and blank)")
    model = AcousticModel(named, _clip(graph, interpreter), window[1], window[2] // 2, window[3], metadata, alphabet)
    return model, interpreter


def _clip(graph: Graph, interpreter: Interpreter) -> float:
    """The bound of the clipped ReLU, one for all layers."""
    bounds = {
        float(interpreter.constants[i].reshape(-1)[0])
        for operator in interpreter.rest if operator.name == "MINIMUM"
        for i in operator.inputs
        if isinstance(interpreter.constants.get(i), np.ndarray) and interpreter.constants[i].size == 1
    }
    if len(bounds) != 1:
        raise Refused(f"the layers' activations are clipped at {sorted(bounds) or 'no bound'}, not at one bound")
    return bounds.pop()
