"""Bounded reading of FlatBuffers tables (https://flatbuffers.dev/internals/).

The reader of the `flatbuffers` package trusts its input: offsets may point backwards past the start of the buffer, and
a vector may claim any length. Model files come from anywhere, so every offset here is checked against the file before
it is followed, and a walk visits a fixed number of levels, which makes cycles harmless.
"""

import struct

import numpy as np

from .errors import Refused

# The graphs that Coqui exports have a few hundred tensors and operators; a file with more tables than this is no model.
MAX_TABLES = 20_000


class Table:
    """A table at a checked position of the buffer; fields are read by their index in the schema."""

    __slots__ = ("data", "position", "_vtable", "_fields", "_size")

    def __init__(self, data: bytes | memoryview, position: int):
        self.data = data
        self.position = position
        if not 4 <= position <= len(data) - 4:
            raise Refused("a table lies outside the file")
        (distance,) = struct.unpack_from("<i", data, position)
        self._vtable = position - distance
        if not 0 <= self._vtable <= len(data) - 4:
            raise Refused("a table's field list lies outside the file")
        bytes_of_vtable, self._size = struct.unpack_from("<HH", data, self._vtable)
        if bytes_of_vtable < 4 or self._vtable + bytes_of_vtable > len(data) or position + self._size > len(data):
            raise Refused("a table runs past the end of the file")
        self._fields = (bytes_of_vtable - 4) // 2

    def _place(self, field: int, width: int) -> int | None:
        if field >= self._fields:
            return None
        (offset,) = struct.unpack_from("<H", self.data, self._vtable + 4 + 2 * field)
        if offset == 0:
            return None
        if offset + width > self._size:
            raise Refused("a field lies outside its table")
        return self.position + offset

    def scalar(self, field: int, code: str, default=0):
        """A scalar of the given `struct` code, or its default when absent."""
        place = self._place(field, struct.calcsize("<" + code))
        return default if place is None else struct.unpack_from("<" + code, self.data, place)[0]

    def _target(self, field: int) -> int | None:
        place = self._place(field, 4)
        if place is None:
            return None
        (offset,) = struct.unpack_from("<I", self.data, place)
        if offset == 0 or place + offset > len(self.data) - 4:
            raise Refused("an offset points outside the file")
        return place + offset

    def table(self, field: int) -> "Table | None":
        """A sub-table, or None when absent."""
        target = self._target(field)
        return None if target is None else Table(self.data, target)

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        target = self._target(field)
        if target is None:
            return 0, 0
        (count,) = struct.unpack_from("<I", self.data, target)
        if count * width > len(self.data) - target - 4:
            raise Refused(f"a list of {count} elements does not fit the file")
        return target + 4, count

    def array(self, field: int, dtype: str) -> np.ndarray:
        """A vector of scalars, without copying; empty when absent."""
        start, count = self._vector(field, np.dtype(dtype).itemsize)
        return np.frombuffer(self.data, dtype, count, start) if count else np.zeros(0, dtype)

    def blob(self, field: int) -> memoryview:
        """A vector of bytes, without copying."""
        start, count = self._vector(field, 1)
        return memoryview(self.data)[start : start + count]

    def text(self, field: int) -> str:
        """A string; invalid UTF-8 is replaced, as names are only compared and shown."""
        return bytes(self.blob(field)[:4096]).decode("utf-8", "replace")

    def tables(self, field: int) -> list["Table"]:
        """A vector of tables."""
        start, count = self._vector(field, 4)
        if count > MAX_TABLES:
            raise Refused(f"{count} tables in one list, more than any speech model has")
        offsets = np.frombuffer(self.data, "<u4", count, start) if count else ()
        return [Table(self.data, start + 4 * i + int(offset)) for i, offset in enumerate(offsets)]


def root(data: bytes | memoryview) -> Table:
    """The root table of a buffer."""
    if len(data) < 8:
        raise Refused("the file is too short")
    return Table(data, struct.unpack_from("<I", data, 0)[0])
