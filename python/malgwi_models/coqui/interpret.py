"""Runs the operators of a TensorFlow Lite graph in numpy, one by one: the reference that a rebuilt graph is held against.

Only the operators that Coqui's and DeepSpeech's exports use are known. Quantised weights are computed as TensorFlow
Lite's hybrid kernels do: each row of activations is rounded to int8 with a scale of its own, symmetric, or asymmetric
where the operator's options say so, and the products are summed as integers.
"""

import math
from collections.abc import Callable

import numpy as np

from .errors import Refused
from .flatbuffer import Table
from .tflite import DTYPES, STRING, Graph, Operator, Tensor

# Elements of all results together. Weights stored as float16 or int8 become float32 first; all else is small.
MAX_ELEMENTS = 1 << 28
MAX_PARTS = 4096


def round_half_away(x: np.ndarray) -> np.ndarray:
    """Rounding of C's `round`, float32."""
    return np.copysign(np.floor(np.abs(x) + np.float32(0.5)), x)


def quantize_rows(x: np.ndarray, asymmetric: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows [n, k] as int8 values (in int32), with scale [n] and zero point [n] of each row."""
    if not asymmetric:
        largest = np.abs(x).max(axis=1).astype(np.float32)
        scale = np.where(largest == 0, np.float32(1), largest / np.float32(127)).astype(np.float32)
        inverse = np.where(largest == 0, np.float32(0), np.float32(127) / np.where(largest == 0, 1, largest))
        q = np.clip(round_half_away(x * inverse[:, None].astype(np.float32)), -127, 127)
        return q.astype(np.int32), scale, np.zeros(len(x), np.int32)
    low, high = np.minimum(0, x.min(axis=1)).astype(np.float64), np.maximum(0, x.max(axis=1)).astype(np.float64)
    empty = low == high
    scale = np.where(empty, 1.0, (high - low) / 255.0)
    from_low, from_high = -128.0 - low / scale, 127.0 - high / scale
    nearer_low = 128.0 + np.abs(low / scale) < 127.0 + np.abs(high / scale)
    zero = np.where(nearer_low, from_low, from_high)
    zero = np.where(empty, 0, np.clip(np.copysign(np.floor(np.abs(zero) + 0.5), zero), -128, 127)).astype(np.int32)
    scale32 = scale.astype(np.float32)
    inverse = (np.float32(1) / scale32).astype(np.float32)
    q = np.clip(round_half_away(zero[:, None].astype(np.float32) + x * inverse[:, None]), -128, 127)
    return np.where(empty[:, None], 0, q).astype(np.int32), scale32, zero


def hybrid_product(x: np.ndarray, weights: Tensor, asymmetric: bool) -> np.ndarray:
    """Product of float32 rows [n, k] and int8 weights [m, k], as the hybrid kernel has it: float32 [n, m]."""
    if np.any(weights.zero_point):
        raise Refused(f"weights {weights.name!r} are quantised around a point other than zero")
    if weights.scale.size not in (1, len(weights.constant)):
        raise Refused(f"weights {weights.name!r} have {weights.scale.size} scales")
    q, scale, zero = quantize_rows(x, asymmetric)
    centered = (q - zero[:, None]).astype(np.float32)
    # float32 holds every integer below 2^24: 512 products of an int8 and a difference of two are exact.
    sums = np.zeros((len(x), len(weights.constant)), np.int32)
    for first in range(0, x.shape[1], 512):
        columns = slice(first, first + 512)
        sums += (centered[:, columns] @ weights.constant[:, columns].astype(np.float32).T).astype(np.int32)
    return (sums.astype(np.float32) * (scale[:, None] * weights.scale[None, :]).astype(np.float32)).astype(np.float32)


def _activation(x: np.ndarray, kind: int) -> np.ndarray:
    if kind == 0:
        return x
    if kind == 1:
        return np.maximum(x, np.float32(0))
    if kind == 3:
        return np.clip(x, np.float32(0), np.float32(6))
    if kind == 4:
        return np.tanh(x)
    raise Refused(f"fused activation {kind} is not known")


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Logistic function, float32."""
    return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


def softmax(x: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """Softmax over the last axis, float32."""
    e = np.exp((x - x.max(axis=-1, keepdims=True)).astype(np.float64) * beta)
    return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)


def _option(options: Table | None, index: int, code: str, default=0):
    return default if options is None else options.scalar(index, code, default)


class Interpreter:
    """Values of a graph's tensors. Constants and what follows from constants alone are there from the start."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.elements, self.products, self.most_products = 0, 0, math.inf
        self.constants = {i: t.constant for i, t in enumerate(graph.tensors) if t.constant is not None}
        self.rest: list[Operator] = []
        for operator in graph.operators:
            inputs = [i for i in operator.inputs if i >= 0]
            if operator.name in FOLDABLE and inputs and all(i in self.constants for i in inputs):
                self._apply(operator, self.constants)
            else:
                self.rest.append(operator)

    def limit_products(self, most: float) -> None:
        """Refuse to multiply more pairs of numbers than this in one run: a file may name its weights over and over."""
        self.most_products = most

    def run(self, feeds: dict[int, np.ndarray], wanted: list[int]) -> list[np.ndarray]:
        """Values of the wanted tensors, computing nothing else.

        Args:
            feeds: float32 values of graph inputs, by tensor index.
        """
        needed, plan = set(wanted), []
        for operator in reversed(self.rest):
            if needed.intersection(operator.outputs):
                plan.append(operator)
                needed.update(i for i in operator.inputs if i >= 0)
        values = {**self.constants, **feeds}
        self.elements, self.products = 0, 0
        for operator in reversed(plan):
            self._apply(operator, values)
        if any(i not in values for i in wanted):
            raise Refused("an output of the graph is not computed by it")
        return [values[i] for i in wanted]

    def _apply(self, operator: Operator, values: dict) -> None:
        kernel = KERNELS.get(operator.name)
        if kernel is None:
            raise Refused(f"the graph has the operator {operator.name}, which no model of this kind has")
        if any(i >= 0 and i not in values for i in operator.inputs):
            raise Refused(f"operator {operator.name} is used before its inputs are computed")
        arguments = [values[i] if i >= 0 else None for i in operator.inputs]
        self._spend(operator, arguments)
        try:
            results = kernel(self.graph, operator, *arguments)
        except Refused:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
            raise Refused(f"operator {operator.name} does not fit its inputs: {error}") from error
        if len(results) < len(operator.outputs):
            raise Refused(f"operator {operator.name} has too many outputs")
        for index, value in zip(operator.outputs, results, strict=False):
            values[index] = value

    def _spend(self, operator: Operator, arguments: list) -> None:
        """Count what an operator will make before it makes it."""
        sizes = [a.size for a in arguments if isinstance(a, np.ndarray)]
        if len(arguments) > MAX_PARTS or len(operator.outputs) > MAX_PARTS:
            raise Refused(f"operator {operator.name} has {len(arguments)} inputs and {len(operator.outputs)} outputs")
        made = sum(sizes)
        if operator.name in BROADCASTING and len(sizes) == 2:
            try:
                made = math.prod(np.broadcast_shapes(arguments[0].shape, arguments[1].shape))
            except ValueError as error:
                raise Refused(f"operator {operator.name} does not fit its inputs: {error}") from error
        elif operator.name == "FULLY_CONNECTED" and len(sizes) >= 2 and arguments[1].ndim == 2 and arguments[1].size:
            rows = arguments[0].size // arguments[1].shape[1]
            made = rows * arguments[1].shape[0]
            self.products += rows * arguments[1].size
        self.elements += made
        if self.elements > MAX_ELEMENTS or self.products > self.most_products:
            raise Refused("the graph computes far more than a model of its size")


def _fully_connected(graph: Graph, operator: Operator, x, weights, bias=None):
    tensor = graph.tensors[operator.inputs[1]]
    rows = x.reshape(-1, weights.shape[1])
    if weights.dtype == np.int8:
        y = hybrid_product(rows, tensor, bool(_option(operator.options, 3, "?")))
    else:
        y = rows @ weights.T
    if bias is not None:
        y = y + bias
    return [_activation(y, _option(operator.options, 0, "b"))]


def _reshape(graph: Graph, operator: Operator, x, shape=None):
    if isinstance(x, tuple):
        return [x]
    return [x.reshape(graph.tensors[operator.outputs[0]].shape if shape is None else [int(n) for n in shape])]


def _strided_slice(graph: Graph, operator: Operator, x, begin, end, strides):
    masks = [_option(operator.options, i, "i") for i in range(5)]
    if masks[2] or masks[3]:
        raise Refused("a slice with ellipsis or new axes is not known")
    index = []
    for axis, (a, b, step) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True)):
        if masks[4] >> axis & 1:
            index.append(a)
        else:
            index.append(slice(None if masks[0] >> axis & 1 else a, None if masks[1] >> axis & 1 else b, step))
    return [x[tuple(index)]]


def _slice(graph: Graph, operator: Operator, x, begin, size):
    return [x[tuple(slice(a, None if n < 0 else a + n) for a, n in zip(begin.tolist(), size.tolist(), strict=True))]]


def _dequantize(graph: Graph, operator: Operator, x):
    tensor = graph.tensors[operator.inputs[0]]
    if x.dtype.kind == "f":
        return [x.astype(np.float32)]
    return [dequantize(tensor)]


def dequantize(tensor: Tensor) -> np.ndarray:
    """A quantised constant as float32, with one scale or one for each slice of its axis."""
    value, scale, zero = tensor.constant, tensor.scale, tensor.zero_point
    if scale.size not in (1, value.shape[tensor.axis] if 0 <= tensor.axis < value.ndim else -1):
        raise Refused(f"tensor {tensor.name!r} has {scale.size} scales for shape {list(value.shape)}")
    if zero.size not in (0, scale.size):
        raise Refused(f"tensor {tensor.name!r} has {zero.size} zero points for {scale.size} scales")
    along = [1] * value.ndim
    if scale.size > 1:
        along[tensor.axis] = -1
    zero = zero.astype(np.float32).reshape(along) if zero.size else np.float32(0)
    return ((value.astype(np.float32) - zero) * scale.reshape(along)).astype(np.float32)


def _split(graph: Graph, operator: Operator, axis, x):
    return np.split(x, len(operator.outputs), int(axis.reshape(-1)[0]))


def _unpack(graph: Graph, operator: Operator, x):
    axis = _option(operator.options, 1, "i")
    if x.shape[axis] != len(operator.outputs):
        raise Refused("operator UNPACK has another number of outputs than slices")
    return [np.take(x, i, axis) for i in range(x.shape[axis])]


def _split_v(graph: Graph, operator: Operator, x, sizes, axis):
    if sizes.size != len(operator.outputs):
        raise Refused("operator SPLIT_V has another number of outputs than sizes")
    return np.split(x, np.cumsum(sizes)[:-1], int(axis.reshape(-1)[0]))


def _cast(graph: Graph, operator: Operator, x):
    kind = graph.tensors[operator.outputs[0]].type
    return [x if kind == STRING else x.astype(DTYPES[kind])]


def _binary(function: Callable) -> Callable:
    def kernel(graph: Graph, operator: Operator, a, b):
        return [_activation(function(a, b), _option(operator.options, 0, "b"))]

    return kernel


def _unary(function: Callable) -> Callable:
    return lambda graph, operator, x, *_: [function(x)]


KERNELS: dict[str, Callable] = {
    "ADD": _binary(np.add),
    "SUB": _binary(np.subtract),
    "MUL": _binary(np.multiply),
    "MINIMUM": lambda graph, op, a, b: [np.minimum(a, b)],
    "MAXIMUM": lambda graph, op, a, b: [np.maximum(a, b)],
    "FULLY_CONNECTED": _fully_connected,
    "RESHAPE": _reshape,
    "SQUEEZE": lambda graph, operator, x: [x.reshape(graph.tensors[operator.outputs[0]].shape)],
    "EXPAND_DIMS": lambda graph, operator, x, axis: [np.expand_dims(x, int(axis.reshape(-1)[0]))],
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "PACK": lambda graph, op, *xs: [np.stack(xs, _option(op.options, 1, "i"))],
    "CONCATENATION": lambda graph, op, *xs: [np.concatenate(xs, _option(op.options, 0, "i"))],
    "TRANSPOSE": lambda graph, op, x, order: [np.transpose(x, order.tolist())],
    "DEQUANTIZE": _dequantize,
    "CAST": _cast,
    "RELU": _unary(lambda x: np.maximum(x, np.float32(0))),
    "LOGISTIC": _unary(sigmoid),
    "TANH": _unary(np.tanh),
    "SOFTMAX": lambda graph, op, x: [softmax(x, _option(op.options, 0, "f", 1.0))],
}
FOLDABLE = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "DEQUANTIZE", "CAST", "PACK"}
BROADCASTING = {"ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM"}
