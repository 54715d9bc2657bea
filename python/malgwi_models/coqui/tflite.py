"""TensorFlow Lite model files: tensors, constants and operators of the one subgraph (schema version 3).

Field numbers are those of TensorFlow's `tensorflow/lite/schema/schema.fbs`.
"""

import struct
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from .errors import Refused
from .flatbuffer import Table, root

# FlatBuffers address with 32-bit offsets, signed in places.
MAX_BYTES = 2**31 - 1
# What one tensor or operator may list, and how much text a model may hold: many tables may point at the same list, so
# each bound is a bound on the work of reading the file.
MAX_AXES, MAX_ENDS, MAX_TEXTS, MAX_TEXT_BYTES = 8, 4096, 64, 1 << 20
DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "<u1", 4: "<i8", 6: "?", 7: "<i2", 9: "<i1"}
STRING = 5
CUSTOM = 32
OPERATORS = {
    0: "ADD", 2: "CONCATENATION", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 18: "MUL", 19: "RELU",
    22: "RESHAPE", 25: "SOFTMAX", 28: "TANH", 34: "PAD", 39: "TRANSPOSE", 41: "SUB", 43: "SQUEEZE",
    45: "STRIDED_SLICE", 49: "SPLIT", 53: "CAST", 55: "MAXIMUM", 57: "MINIMUM", 65: "SLICE", 70: "EXPAND_DIMS",
    83: "PACK", 88: "UNPACK", 102: "SPLIT_V",
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor as declared; `scale` is empty for one that is not quantised."""

    name: str
    shape: tuple[int, ...]
    type: int
    constant: np.ndarray | tuple[bytes, ...] | None
    scale: np.ndarray = field(repr=False)
    zero_point: np.ndarray = field(repr=False)
    axis: int = 0


@dataclass(frozen=True)
class Operator:
    """One operator: indices of tensors in and out (-1: an optional input left out), and its options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    custom: bytes


@dataclass(frozen=True)
class Graph:
    """The main subgraph."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def find(self, name: str, among: str = "outputs") -> int | None:
        """Index of the graph input or output with this name (exporters may append `:0`)."""
        for index in getattr(self, among):
            if self.tensors[index].name.removesuffix(":0") == name:
                return index
        return None


def _strings(data: memoryview) -> tuple[bytes, ...]:
    """A string buffer: i32 count, i32 offsets[count + 1] from its start, bytes."""
    if not 8 <= len(data) <= MAX_TEXT_BYTES:
        raise Refused(f"a text constant has {len(data)} bytes")
    (count,) = struct.unpack_from("<i", data, 0)
    if not 0 <= count <= 1024 or 8 + 4 * count > len(data):
        raise Refused("a text constant holds no valid strings")
    offsets = struct.unpack_from(f"<{count + 1}i", data, 4)
    if any(not 8 + 4 * count <= a <= b <= len(data) for a, b in zip(offsets, offsets[1:], strict=False)):
        raise Refused("a text constant's strings lie outside it")
    return tuple(bytes(data[a:b]) for a, b in zip(offsets, offsets[1:], strict=False))


def _indices(table: Table, field: int, most: int = MAX_ENDS) -> tuple[int, ...]:
    values = table.array(field, "<i4")
    if values.size > most:
        raise Refused(f"a list of {values.size} numbers is longer than any of its kind")
    return tuple(values.tolist())


def _constant(shape: tuple[int, ...], kind: int, data: memoryview, name: str):
    if len(data) == 0:
        return None
    if kind == STRING:
        return _strings(data)
    if kind not in DTYPES:
        raise Refused(f"constant {name!r} has an unknown type ({kind})")
    dtype = np.dtype(DTYPES[kind])
    if prod(shape) * dtype.itemsize != len(data):
        raise Refused(f"constant {name!r} of shape {list(shape)} has {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape)


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    name = table.text(3)
    shape = _indices(table, 0, MAX_AXES)
    kind = table.scalar(1, "b")
    buffer = table.scalar(2, "I")
    if any(n < 0 for n in shape):
        raise Refused(f"tensor {name!r} has an invalid shape")
    if buffer >= len(buffers):
        raise Refused(f"tensor {name!r} refers to a buffer that is not there")
    if buffers[buffer].scalar(1, "Q") > 1:
        raise Refused("weights outside the flatbuffer are not supported")
    quantization = table.table(4)
    scale, zero_point, axis = np.zeros(0, "<f4"), np.zeros(0, "<i8"), 0
    if quantization is not None:
        scale, zero_point = quantization.array(2, "<f4"), quantization.array(3, "<i8")
        axis = quantization.scalar(6, "i")
    constant = _constant(shape, kind, buffers[buffer].blob(0), name)
    return Tensor(name, shape, kind, constant, scale, zero_point, axis)


def _operator(table: Table, codes: list[str], tensors: int) -> Operator:
    index = table.scalar(0, "I")
    if index >= len(codes):
        raise Refused("an operator refers to an operator code that is not there")
    inputs, outputs = _indices(table, 1), _indices(table, 2)
    if any(not -1 <= i < tensors for i in inputs) or any(not 0 <= i < tensors for i in outputs):
        raise Refused(f"operator {codes[index]} refers to a tensor that is not there")
    return Operator(codes[index], inputs, outputs, table.table(4), bytes(table.blob(5)[:4096]))


def _code(table: Table) -> str:
    # Before schema 3a the code was an 8-bit field; it stays filled for the operators that fit.
    code = max(table.scalar(0, "b"), table.scalar(3, "i"))
    return table.text(1) if code == CUSTOM else OPERATORS.get(code, f"operator {code}")


def parse(data: bytes | memoryview) -> Graph:
    """Read the first subgraph.

    Raises:
        Refused: when the bytes are no TensorFlow Lite model, or a damaged one.
    """
    if bytes(data[4:8]) != b"TFL3":
        raise Refused("not a TensorFlow Lite model (no TFL3 mark)")
    model = root(data)
    if model.scalar(0, "I") != 3:
        raise Refused(f"TensorFlow Lite schema {model.scalar(0, 'I')} is not supported, only 3")
    subgraphs = model.tables(2)
    if not subgraphs:
        raise Refused("the model has no graph")
    main = subgraphs[0]
    codes, buffers = [_code(table) for table in model.tables(1)], model.tables(4)
    tensors, texts = [], 0
    for table in main.tables(0):
        tensors.append(_tensor(table, buffers))
        texts += tensors[-1].type == STRING and tensors[-1].constant is not None
        if texts > MAX_TEXTS:
            raise Refused("the graph has more text constants than any model")
    ends = [_indices(main, which) for which in (1, 2)]
    if any(not 0 <= i < len(tensors) for end in ends for i in end):
        raise Refused("the graph's inputs or outputs are not there")
    operators = [_operator(table, codes, len(tensors)) for table in main.tables(3)]
    return Graph(tensors, operators, ends[0], ends[1])


def read(path: Path) -> Graph:
    """Read a model file; see `parse`."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Refused(f"{size} bytes are more than a flatbuffer can have")
    return parse(path.read_bytes())
