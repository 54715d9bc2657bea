"""An interpreter of pickle's opcodes that can build records (`inert`) and nothing else.

`pickle.Unpickler` looks names up and calls them; even with a guarded `find_class` its BUILD calls `__setstate__`, and
its memo can be made to ask for gigabytes. Here the opcodes (parsed by the standard library's `pickletools.genops`)
act on plain containers and records. Names outside what a PyTorch model needs are refused, and named in the error.
"""

from __future__ import annotations

import _compat_pickle
import pickletools
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch

from .inert import Call, CheckpointError, Global, Node, Storage, tensor_ref

MAX_OPERATIONS = 20_000_000
MAX_TENSORS = 200_000
MAX_COPIED = 2**26

# From the standard library only these names may occur; they are data types, or have a stand-in below.
HARMLESS = {
    "argparse": {"Namespace"}, "collections": {"OrderedDict", "Counter", "defaultdict", "deque"},
    "datetime": {"datetime", "date", "timedelta"}, "decimal": {"Decimal"}, "functools": {"partial"},
    "pathlib": {"Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"}, "types": {"SimpleNamespace"},
    "_codecs": {"encode"}, "copyreg": {"_reconstructor", "__newobj__"},
}
BUILTINS = {"set", "frozenset", "list", "dict", "tuple", "object", "int", "float", "str", "bool", "bytes", "bytearray",
            "complex", "slice", "range", "NoneType"}
# Modules of other Python versions that are not in this one's `sys.stdlib_module_names`.
OLD_LIBRARY = {"commands", "popen2", "os2", "dl", "asyncore", "asynchat", "smtpd", "imp", "distutils", "pipes", "cgi"}
# Packages whose classes hold data only, and may therefore be constructed (as a record).
CONSTRUCTED = ("kospeech.", "torch.nn.modules.", "torch.nn.parallel.", "torch.optim.", "omegaconf.", "pathlib.",
               "datetime.", "decimal.", "functools.", "argparse.", "types.", "collections.")

DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}
Scalar = (str, int, float, bool, bytes, type(None))


class _Mark:
    """Where a group of stack items begins."""


class _DType:
    """numpy's description of an element type, as pickled."""

    def __init__(self, code: Any) -> None:
        self.code, self.order = code, "<"


def _named(module: Any, name: Any) -> Global:
    """A name of the file, or an error if it has no place in a model."""
    if not isinstance(module, str) or not isinstance(name, str) or len(module) + len(name) > 500:
        raise CheckpointError("the file names a class by something that is not a name")
    # Protocol 2, which torch writes, has Python 2's names of the standard library (`__builtin__.set`).
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
    found, root = Global(module, name), module.partition(".")[0]
    if root == "builtins":
        allowed = name in BUILTINS
    else:
        allowed = name in HARMLESS.get(module, ()) or not (root in sys.stdlib_module_names or root in OLD_LIBRARY)
    if not allowed:
        raise CheckpointError(f"the file refers to {found}, which has no place in a model; nothing of it was run")
    return found


def _dictionary(pairs: list) -> dict:
    out: dict = {}
    _fill(out, pairs)
    return out


def _fill(target: Any, flat: list) -> None:
    """SETITEMS. Keys must be scalars: hashing a nested tuple of shared tuples can take forever."""
    if not isinstance(target, dict):
        return  # items of a record (a subclass of dict): its class is unknown, so are its items
    if len(flat) % 2:
        raise CheckpointError("the pickle is damaged: a key without a value")
    for key, value in zip(flat[::2], flat[1::2], strict=True):
        if isinstance(key, Scalar):
            target[key] = value
        elif not (isinstance(key, tuple) and len(key) <= 8 and all(isinstance(k, Scalar) for k in key)):
            target[str(key) if isinstance(key, Global) else f"<{type(key).__name__} {id(key)}>"] = value
        else:
            target[key] = value


def _ordered(args: tuple) -> Any:
    """`OrderedDict()` or `OrderedDict([(key, value), ...])`, `dict(...)`, `Counter(...)`, `defaultdict(factory)`."""
    pairs = args[-1] if args else []
    if isinstance(pairs, dict):
        return dict(pairs)
    flat: list = []
    for pair in pairs if isinstance(pairs, (list, tuple)) else ():
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise CheckpointError("the pickle is damaged: a dictionary of something else than pairs")
        flat.extend(pair)
    return _dictionary(flat)


def _set(args: tuple) -> Any:
    items = args[0] if args else ()
    return {item for item in items if isinstance(item, Scalar)} if isinstance(items, (list, tuple, set)) else set()


def _encode(args: tuple) -> Any:
    """How protocol 2 writes bytes: `_codecs.encode(text, "latin1")`."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise CheckpointError("the file asks for _codecs.encode with arguments other than text and latin1")
    return args[0].encode("latin-1", "replace")


def _numpy_scalar(args: tuple) -> Any:
    kind, data = (*args, None, None)[:2]
    if not isinstance(kind, _DType) or not isinstance(data, bytes) or kind.code not in (
            "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        return None
    dtype = np.dtype(("" if kind.order == "|" else kind.order) + kind.code)
    if len(data) != dtype.itemsize:
        raise CheckpointError("the file holds a number of the wrong size")
    return np.frombuffer(data, dtype)[0].item()


def _tensor(args: tuple) -> Any:
    if len(args) < 4:
        raise CheckpointError("the file describes a tensor without storage, sizes or strides")
    return tensor_ref(*args[:4])


def _first(args: tuple) -> Any:
    return args[0] if args else None


def _object(args: tuple) -> Any:
    """`copyreg._reconstructor(cls, object, None)` and `copyreg.__newobj__(cls)`."""
    if not args or not isinstance(args[0], Global):
        raise CheckpointError("the file constructs an object of something that is not a class")
    return Node(args[0].module, args[0].name)


STAND_INS: dict[str, Callable[[tuple], Any]] = {
    "torch._utils._rebuild_tensor": _tensor, "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _first, "torch._utils._rebuild_parameter_with_state": _first,
    "torch.nn.parameter.Parameter": _first, "torch.Size": lambda args: tuple(args[0]) if args else (),
    "torch.device": lambda args: ":".join(str(a) for a in args if isinstance(a, (str, int))), "collections.OrderedDict": _ordered,
    "collections.Counter": _ordered, "collections.defaultdict": lambda args: _ordered(args[1:]),
    "builtins.dict": _ordered, "builtins.set": _set, "builtins.frozenset": _set,
    "_codecs.encode": _encode, "numpy.dtype": lambda args: _DType(_first(args)),
    "numpy.core.multiarray.scalar": _numpy_scalar, "numpy._core.multiarray.scalar": _numpy_scalar,
    "copyreg._reconstructor": _object, "copyreg.__newobj__": _object,
}


def storage_dtype(kind: Any) -> torch.dtype:
    """Element type of a storage class such as `torch.FloatStorage` or `torch.cuda.HalfStorage`."""
    if not isinstance(kind, Global) or kind.module not in ("torch", "torch.cuda", "torch.storage") or kind.name not in DTYPES:
        raise CheckpointError(f"the file has tensors of an unsupported type{f': {kind}' if isinstance(kind, Global) else ''}")
    return DTYPES[kind.name]


class Machine:
    """Runs one pickle of `stream` and leaves the stream right behind it.

    `persistent` is given the identity of a storage, as torch wrote it, and returns a `Storage` (or a class).
    """

    def __init__(self, stream: BinaryIO, persistent: Callable[[Any], Any]) -> None:
        self._stream, self._persistent = stream, persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._tensors = self._copied = 0

    def run(self) -> Any:
        """The object that the pickle describes, as containers and records."""
        count = 0
        try:
            for operation, argument, _ in pickletools.genops(self._stream):
                count += 1
                if count > MAX_OPERATIONS:
                    raise CheckpointError("the pickle is too long for a model")
                self._step(operation.name, argument)
            return self._pop()
        except CheckpointError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, UnicodeError, OverflowError, RecursionError) as error:
            raise CheckpointError(f"the pickle is damaged: {error}") from error

    def _pop(self) -> Any:
        value = self._stack.pop()
        if isinstance(value, _Mark):
            raise CheckpointError("the pickle is damaged: a value is missing")
        return value

    def _group(self) -> list:
        """Everything above the last mark."""
        items: list = []
        while not isinstance(top := self._stack.pop(), _Mark):
            items.append(top)
        items.reverse()
        return items

    def _spend(self, values: tuple) -> None:
        """Bound the work of copying containers: an operation is short, what it copies need not be."""
        self._copied += sum(len(value) for value in values if isinstance(value, (str, bytes, list, tuple, dict, set)))
        if self._copied > MAX_COPIED:
            raise CheckpointError("the pickle would copy more than any model needs")

    def _step(self, name: str, argument: Any) -> None:
        handler = getattr(self, f"_do_{name.lower()}", None)
        if handler is not None:
            handler(argument)
        elif name in LITERALS:
            self._stack.append(argument)
        elif name in CONSTANTS:
            self._stack.append(CONSTANTS[name]())
        elif name in PUTS:
            self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]
        elif name in GETS:
            self._stack.append(self._memo[argument])
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise CheckpointError(f"the pickle uses {name}, which models do not")

    def _do_mark(self, _: Any) -> None:
        self._stack.append(_Mark())

    def _do_pop(self, _: Any) -> None:
        self._stack.pop()

    def _do_pop_mark(self, _: Any) -> None:
        self._group()

    def _do_dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _do_tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._group()))

    def _do_tuple1(self, _: Any) -> None:
        self._stack[-1:] = [(self._stack[-1],)]

    def _do_tuple2(self, _: Any) -> None:
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def _do_tuple3(self, _: Any) -> None:
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def _do_list(self, _: Any) -> None:
        self._stack.append(self._group())

    def _do_dict(self, _: Any) -> None:
        self._stack.append(_dictionary(self._group()))

    def _do_frozenset(self, _: Any) -> None:
        self._stack.append(_set((self._group(),)))

    def _do_append(self, _: Any) -> None:
        self._extend([self._pop()])

    def _do_appends(self, _: Any) -> None:
        self._extend(self._group())

    def _extend(self, items: list) -> None:
        # Items of a record (a subclass of list) are dropped: nothing is known of its class.
        if isinstance(target := self._stack[-1], list):
            target.extend(items)

    def _do_additems(self, _: Any) -> None:
        items = self._group()
        if isinstance(target := self._stack[-1], set):
            target.update(_set((items,)))

    def _do_setitem(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        _fill(self._stack[-1], [key, value])

    def _do_setitems(self, _: Any) -> None:
        items = self._group()
        _fill(self._stack[-1], items)

    def _do_global(self, argument: str) -> None:
        # genops gives the two lines with a blank between; neither may hold one in a real name.
        module, _, name = argument.partition(" ")
        self._stack.append(_named(module, name))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._stack.append(_named(module, name))

    def _do_inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._call(_named(module, name), tuple(self._group()))

    def _do_obj(self, _: Any) -> None:
        callable_, *args = self._group()
        self._call(callable_, tuple(args))

    def _do_reduce(self, _: Any) -> None:
        args, callable_ = self._pop(), self._pop()
        self._call(callable_, args)

    def _do_newobj(self, _: Any) -> None:
        self._pop()  # arguments of __new__, which is not called
        self._new(self._pop())

    def _do_newobj_ex(self, _: Any) -> None:
        self._pop()
        self._pop()
        self._new(self._pop())

    def _new(self, cls: Any) -> None:
        if not isinstance(cls, Global):
            raise CheckpointError("the file constructs an object of something that is not a class")
        self._stack.append({} if str(cls) == "collections.OrderedDict" else Node(cls.module, cls.name))

    def _call(self, callable_: Any, args: Any) -> None:
        """REDUCE, INST and OBJ: a stand-in of ours, a record, or a refusal. Never the named callable."""
        if not isinstance(callable_, Global) or not isinstance(args, tuple):
            raise CheckpointError("the file calls something that is not a named function")
        self._spend(args)
        full = str(callable_)
        if full in STAND_INS:
            self._tensors += STAND_INS[full] is _tensor
            if self._tensors > MAX_TENSORS:
                raise CheckpointError(f"the file describes more than {MAX_TENSORS} tensors")
            self._stack.append(STAND_INS[full](args))
        elif full.startswith(CONSTRUCTED):
            self._stack.append(Call(callable_, args))
        else:
            raise CheckpointError(f"the file would call {full}; models do not need that, and it was not run")

    def _do_build(self, _: Any) -> None:
        state, target = self._pop(), self._stack[-1]
        if isinstance(target, _DType):
            target.order = state[1] if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|") else "<"
        elif isinstance(target, Call):
            target.state = state
        elif isinstance(target, Node):
            parts = state if isinstance(state, tuple) else (state,)
            self._spend(parts)
            for part in parts:
                if isinstance(part, dict):
                    target.attrs.update({key: value for key, value in part.items() if isinstance(key, str)})
        # The state of anything else (attributes of an OrderedDict, hooks of a tensor) is of no use here.

    def _do_binpersid(self, _: Any) -> None:
        self._stack.append(self._persistent(self._pop()))

    def _do_persid(self, _: Any) -> None:
        raise CheckpointError("the pickle refers to storages by text, which PyTorch does not")


LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "FLOAT", "BINFLOAT",
}
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_LIST": list, "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple, "EMPTY_SET": set,
}
PUTS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
GETS = {"GET", "BINGET", "LONG_BINGET"}


def storage_of(identity: Any, make: Callable[[str, torch.dtype, int], Storage]) -> Any:
    """Read torch's persistent identity: `("storage", class, key, device, numel[, view])` or `("module", class, ...)`."""
    if isinstance(identity, tuple) and len(identity) >= 2 and identity[0] == "module" and isinstance(identity[1], Global):
        return identity[1]  # the legacy format keeps a class's source text beside it, which is of no use
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise CheckpointError("the file refers to something that is not a tensor's storage")
    _, kind, key, _, numel, *view = identity
    if not isinstance(key, str) or type(numel) is not int or not 0 <= numel < 2**44:
        raise CheckpointError("the file describes a storage without a name or size")
    if any(part is not None for part in view):
        raise CheckpointError("the file shares storages in a way that only very old PyTorch did")
    return make(key, storage_dtype(kind), numel)
