"""Opens what `torch.save` wrote of a whole model, without running anything of it and without the model's source.

`load(path)` gives the object as a `Node`: class by name, attributes, and tensors on demand. Both of PyTorch's formats
are read: zip archives (since 1.6) and the stream of pickles before it. Work and memory are bounded by the file's size.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import torch

from .inert import CheckpointError, Node, Storage, TensorRef
from .pickle_machine import Machine, storage_of

__all__ = ["CheckpointError", "Node", "TensorRef", "load", "load_any"]

MAX_BYTES = 16 * 2**30
MAX_PICKLE = 256 * 2**20
MAX_STORAGES = 200_000
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001


def load_any(path: Path) -> Any:
    """Whatever the file holds: a `Node` for an object, or a container of such.

    Raises CheckpointError for files that are damaged, too large, no PyTorch file, or name what no model needs.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise CheckpointError(f"{path.name} is not a file")
        if size > MAX_BYTES:
            raise CheckpointError(f"{path.name} has {size} bytes; at most {MAX_BYTES} are read")
        with path.open("rb") as stream:
            start = stream.read(4)
            stream.seek(0)
            if start.startswith(b"PK"):
                return _load_zip(path, size)
            if start[:1] == b"\x80":
                return _load_legacy(stream, size)
    except OSError as error:
        raise CheckpointError(f"{path.name} could not be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        raise CheckpointError(f"{path.name} is not a complete PyTorch file: {error}") from error
    raise CheckpointError(f"{path.name} is not a file of torch.save (neither a zip archive nor a stream of pickles)")


def load(path: Path) -> Node:
    """The model object in the file. Says what it found when that is something else, such as a bare state_dict."""
    name, value = Path(path).name, load_any(path)
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:60] for key in list(value)[:6])
        if value and all(isinstance(item, TensorRef) for item in value.values()):
            raise CheckpointError(
                f"{name} is a state_dict (tensors only: {keys}, ...). The model object is needed, because heads, "
                "activations and the like are not in the tensors. Load it into the model and torch.save(model, ...)")
        if {"optimizer", "trainset_list"} & value.keys() or "epoch" in value:
            raise CheckpointError(f"{name} holds the state of a training run ({keys}), not a model: use model.pt beside it")
        raise CheckpointError(f"{name} holds a dictionary ({keys}), not a model object")
    raise CheckpointError(f"{name} holds a {type(value).__name__}, not a model object")


def _load_zip(path: Path, size: int) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickles = [n for n in entries if PurePosixPath(n).name == "data.pkl" and n.count("/") <= 1]
        if len(pickles) != 1:
            raise CheckpointError(f"{path.name} is a zip archive, but not of torch.save (it has no data.pkl)")
        if any(PurePosixPath(n).name == "constants.pkl" for n in entries):
            raise CheckpointError(f"{path.name} is a TorchScript archive; the model as torch.save wrote it is needed")
        prefix = pickles[0].removesuffix("data.pkl")
        for entry in entries.values():
            # torch.save compresses nothing. What does not inflate cannot be a bomb.
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.flag_bits & 1:
                raise CheckpointError(f"{path.name} has a compressed or encrypted part, which torch.save does not write")
        if sum(entry.file_size for entry in entries.values()) > size:
            raise CheckpointError(f"{path.name} claims parts that are larger than the file")
        if entries[pickles[0]].file_size > MAX_PICKLE:
            raise CheckpointError(f"{path.name} has a description of {entries[pickles[0]].file_size} bytes: too long")
        order = entries.get(prefix + "byteorder")
        if order is not None and archive.read(order) != b"little":
            raise CheckpointError(f"{path.name} was written on a big-endian machine")
        storages: dict[str, Storage] = {}

        def make(key: str, dtype: torch.dtype, numel: int) -> Storage:
            entry = entries.get(f"{prefix}data/{key}")
            if entry is None:
                raise CheckpointError(f"{path.name} has no data for storage {key[:100]!r}")
            if entry.file_size < numel * dtype.itemsize:
                raise CheckpointError(f"storage {key[:100]!r} has {entry.file_size} bytes, not the {numel} elements claimed")
            if key not in storages:
                storages[key] = Storage(key, dtype, numel, lambda: _part(path, entry))
            elif storages[key].dtype != dtype or storages[key].numel != numel:
                raise CheckpointError(f"storage {key[:100]!r} is described in two ways")
            return storages[key]

        with archive.open(pickles[0]) as stream:
            return Machine(stream, lambda identity: storage_of(identity, make)).run()


def _part(path: Path, entry: zipfile.ZipInfo) -> bytearray:
    try:
        with zipfile.ZipFile(path) as archive:
            return bytearray(archive.read(entry))
    except (OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path.name}: the data of {entry.filename} is damaged: {error}") from error


def _nothing(_: Any) -> Any:
    raise CheckpointError("the file refers to a storage where none can be")


def _load_legacy(stream: BinaryIO, size: int) -> Any:
    """Pickles of a magic number, a version, the system, the object and the storages' keys, then the storages."""
    try:
        magic, version = Machine(stream, _nothing).run(), Machine(stream, _nothing).run()
    except CheckpointError as error:
        if "not run" in str(error) or "nothing of it was run" in str(error):
            raise
        raise CheckpointError("the file is a pickle, but not one of torch.save") from error
    if type(magic) is not int or magic != LEGACY_MAGIC or version != LEGACY_VERSION:
        raise CheckpointError("the file is a pickle, but not one of torch.save")
    system = Machine(stream, _nothing).run()
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise CheckpointError("the file was written on a big-endian machine")
    storages: dict[str, Storage] = {}

    def make(key: str, dtype: torch.dtype, numel: int) -> Storage:
        if numel * dtype.itemsize > size:
            raise CheckpointError(f"storage {key[:100]!r} claims {numel} elements, more than the file holds")
        storage = storages.setdefault(key, Storage(key, dtype, numel))
        if storage.dtype != dtype or storage.numel != numel or len(storages) > MAX_STORAGES:
            raise CheckpointError(f"storage {key[:100]!r} is described in two ways, or there are too many")
        return storage

    value = Machine(stream, lambda identity: storage_of(identity, make)).run()
    keys = Machine(stream, _nothing).run()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) != len(set(keys)):
        raise CheckpointError("the file's list of storages is damaged")
    for key in keys:
        storage = storages.get(key)
        header = stream.read(8)
        if storage is None or len(header) != 8 or struct.unpack("<q", header)[0] != storage.numel:
            raise CheckpointError(f"the data of storage {key[:100]!r} is missing or of another size than described")
        data = bytearray(stream.read(storage.numel * storage.dtype.itemsize))
        if len(data) != storage.numel * storage.dtype.itemsize:
            raise CheckpointError("the file ends early")
        storage.read = lambda data=data: data
    return value
