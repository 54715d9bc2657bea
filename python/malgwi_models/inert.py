"""What a foreign pickle turns into here: records that hold data and do nothing.

A pickle is a program: it names callables and applies them. These classes keep what it said (which class, which
attributes, which tensor over which storage) without ever looking a name up, so nothing of the file is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from .errors import CheckpointError

MAX_DEPTH = 100
MAX_MODULES = 100_000


@dataclass(frozen=True)
class Global:
    """A class or function that the file names. Only its name: it is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Call:
    """A call that the file asked for and that was not made."""

    callable: Global
    args: tuple
    state: Any = None


@dataclass
class Storage:
    """Bytes of one storage, read when a tensor is first wanted. `numel` counts elements of `dtype`."""

    key: str
    dtype: torch.dtype
    numel: int
    read: Callable[[], bytearray] | None = None
    _flat: torch.Tensor | None = None

    def flat(self) -> torch.Tensor:
        """The whole storage as a vector [numel]."""
        if self._flat is None:
            if self.read is None:
                raise CheckpointError(f"the file has no data for storage {self.key}")
            data = self.read()
            if len(data) < self.numel * self.dtype.itemsize:
                raise CheckpointError(f"storage {self.key} is shorter than the {self.numel} elements it should hold")
            self._flat = (torch.frombuffer(data, dtype=self.dtype, count=self.numel) if self.numel
                          else torch.empty(0, dtype=self.dtype))
        return self._flat


@dataclass(frozen=True)
class TensorRef:
    """A tensor as the file describes it; checked against its storage when made."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def dtype(self) -> torch.dtype:
        """Element type."""
        return self.storage.dtype

    def tensor(self) -> torch.Tensor:
        """A view of the storage, without a copy."""
        return self.storage.flat().as_strided(self.shape, self.stride, self.offset)


def tensor_ref(storage: Any, offset: Any, shape: Any, stride: Any) -> TensorRef:
    """Check that a view lies within its storage and names no element twice in excess of it."""
    whole = (offset, *shape, *stride) if isinstance(shape, tuple) and isinstance(stride, tuple) else (None,)
    if not isinstance(storage, Storage) or not all(type(n) is int and 0 <= n < 2**48 for n in whole):
        raise CheckpointError("the file describes a tensor whose storage, sizes or strides are not numbers in range")
    if len(shape) != len(stride) or len(shape) > 16:
        raise CheckpointError(f"the file describes a tensor of sizes {shape} with strides {stride}")
    elements, last = 1, offset
    for size, step in zip(shape, stride, strict=True):
        elements *= size
        last += (size - 1) * step
    if elements > 0 and (last >= storage.numel or elements > storage.numel):
        raise CheckpointError(
            f"the file describes a tensor of sizes {list(shape)} in a storage of only {storage.numel} elements")
    return TensorRef(storage, offset, shape, stride)


@dataclass
class Node:
    """An object of the file: its class by name, and its attributes."""

    module: str
    cls: str
    attrs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.module}.{self.cls}"

    def __repr__(self) -> str:
        return f"Node({self})"

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, wherever torch keeps it: plain, parameter, buffer or submodule."""
        if name in self.attrs:
            return self.attrs[name]
        for group in ("_parameters", "_buffers", "_modules"):
            members = self.attrs.get(group)
            if isinstance(members, dict) and name in members:
                return members[name]
        return default

    @property
    def children(self) -> dict[str, Node]:
        """Submodules by name, in the order they were made."""
        members = self.attrs.get("_modules")
        found = members.items() if isinstance(members, dict) else ()
        return {str(name): child for name, child in found if isinstance(child, Node)}

    def find(self, path: str) -> Node | None:
        """The submodule at a dotted path, or None."""
        node: Node | None = self
        for part in path.split(".") if path else ():
            node = node.children.get(part) if node else None
        return node

    def modules(self, prefix: str = "") -> Iterator[tuple[str, Node]]:
        """Every submodule with its dotted path, this one (path `prefix`) first. Bounded: a file may hold a cycle."""
        waiting, count = [(prefix, self, 0)], 0
        while waiting:
            path, node, depth = waiting.pop()
            count += 1
            if count > MAX_MODULES or depth > MAX_DEPTH:
                raise CheckpointError("the model's modules are nested too deeply")
            yield path, node
            waiting.extend((f"{path}.{name}" if path else name, child, depth + 1)
                           for name, child in reversed(node.children.items()))

    def classes(self) -> set[str]:
        """Full class names of this module and all below it."""
        return {str(node) for _, node in self.modules()}

    def tensor_refs(self, prefix: str = "") -> dict[str, TensorRef]:
        """Parameters and persistent buffers under the names that `state_dict()` would give them, unread."""
        refs: dict[str, TensorRef] = {}
        for path, node in self.modules(prefix):
            transient = node.attrs.get("_non_persistent_buffers_set") or ()
            for group in ("_parameters", "_buffers"):
                members = node.attrs.get(group)
                for name, value in members.items() if isinstance(members, dict) else ():
                    if isinstance(value, TensorRef) and name not in transient:
                        refs[f"{path}.{name}" if path else str(name)] = value
        return refs

    def tensors(self, prefix: str = "") -> dict[str, torch.Tensor]:
        """Like `state_dict(prefix)`: half-precision tensors become float32, everything else is a view of the file."""
        out = {}
        for name, ref in self.tensor_refs(prefix).items():
            tensor = ref.tensor()
            out[name] = tensor.float() if tensor.dtype.is_floating_point else tensor
        return out
