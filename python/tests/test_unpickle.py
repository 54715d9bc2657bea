"""The restricted unpickler: what it recovers, and what it refuses without running anything."""

import builtins
import functools
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from malgwi_models.inert import Node
from malgwi_models.unpickle import CheckpointError, load, load_any


class Small(nn.Module):
    """A module with everything that `torch.save` writes: parameters, buffers, children, plain attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 4, bidirectional=True)
        self.norm = nn.BatchNorm1d(5)
        self.layers = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 2, bias=False)])
        self.register_buffer("scratch", torch.ones(2), persistent=False)
        self.sizes, self.device = (1, 2), torch.device("cpu")


@pytest.mark.parametrize("zipped", [True, False])
def test_recovers_tensors_and_attributes(tmp_path: Path, zipped: bool) -> None:
    model = nn.DataParallel(Small())
    torch.save(model, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    root = load(tmp_path / "m.pt")
    assert str(root) == "torch.nn.parallel.data_parallel.DataParallel"
    wanted, found = model.state_dict(), root.tensors()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    small = root.find("module")
    assert small is not None and small.cls == "Small"
    assert small.get("sizes") == (1, 2) and small.get("device") == "cpu"
    assert small.find("rnn").get("bidirectional") is True
    assert root.find("module.layers.1").get("in_features") == 3
    assert "module.layers.0.weight" in root.tensors() and "layers.0.weight" in small.tensors()


def test_views_share_their_storage_and_half_precision_becomes_float(tmp_path: Path) -> None:
    model = nn.Linear(4, 4)
    whole = torch.arange(16.0, dtype=torch.float16).reshape(4, 4)
    model.weight, model.bias = nn.Parameter(whole.t()), nn.Parameter(whole[1])
    torch.save(model, tmp_path / "m.pt")
    found = load(tmp_path / "m.pt").tensors()
    assert torch.equal(found["weight"], whole.t().float()) and torch.equal(found["bias"], whole[1].float())


class Calls:
    """Pickles as a call."""

    def __init__(self, callable_, *args) -> None:
        self.callable, self.args = callable_, args

    def __reduce__(self):
        return self.callable, self.args


class Sets:
    """Pickles as an object with a state, so that loading would call `__setstate__`."""

    def __init__(self, state) -> None:
        self.state = state

    def __getstate__(self):
        return self.state

    def __setstate__(self, state) -> None:
        raise AssertionError("the file's class was run")


def module_with(value) -> nn.Module:
    model = nn.Linear(2, 2)
    model.extra = value
    return model


HOSTILE = {
    "posix.system": lambda touch: Calls(os.system, touch),
    "builtins.eval": lambda touch: Calls(builtins.eval, f"__import__('os').system('{touch}')"),
    "builtins.exec": lambda touch: [{"deep": (Calls(builtins.exec, f"import os; os.system('{touch}')"),)}],
    "builtins.getattr": lambda touch: Calls(builtins.getattr, Calls(builtins.__import__, "os"), "system"),
    "torch.hub.load": lambda touch: Calls(torch.hub.load, "owner/repository", "model"),
    "torch.serialization.load": lambda touch: Calls(torch.load, "other.pt"),
    "posix.unlink": lambda touch: Sets(Calls(os.unlink, "x")),
    "subprocess.Popen": lambda touch: Calls(__import__("subprocess").Popen, ["touch", "x"]),
    "system": lambda touch: functools.partial(os.system, touch),
    "runpy._run_code": lambda touch: Calls(__import__("runpy")._run_code, "1", {}),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("zipped", [True, False])
def test_hostile_calls_are_named_and_not_made(tmp_path: Path, name: str, zipped: bool) -> None:
    model = module_with(HOSTILE[name](f"touch {tmp_path}/executed"))
    torch.save(model, tmp_path / "m.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError) as refused:
        load(tmp_path / "m.pt")
    assert name in str(refused.value)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_hostile_calls_in_every_protocol(tmp_path: Path, protocol: int) -> None:
    write(tmp_path / "m.pt", pickle.dumps(Calls(os.system, f"touch {tmp_path}/executed"), protocol))
    with pytest.raises(CheckpointError, match=r"posix\.system"):
        load(tmp_path / "m.pt")
    assert not (tmp_path / "executed").exists()


def test_setstate_is_not_called(tmp_path: Path) -> None:
    torch.save(module_with(Sets({"a": 1})), tmp_path / "m.pt")
    extra = load(tmp_path / "m.pt").get("extra")
    assert isinstance(extra, Node) and extra.cls == "Sets" and extra.attrs == {"a": 1}


def write(path: Path, data: bytes, storages: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
    return path


def pickled(shape: tuple, stride: tuple, offset: int = 0, numel: int = 4, key: str = "0") -> bytes:
    """A module with one tensor of the given description over one storage."""
    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", torch.FloatStorage, key, "cpu", numel) if value is marker else None
    marker, out = object(), io.BytesIO()
    from torch._utils import _rebuild_tensor_v2
    Pickler(out, 2).dump([Calls(_rebuild_tensor_v2, marker, offset, shape, stride, False, None)])
    return out.getvalue()


def test_tensors_must_lie_within_their_storage(tmp_path: Path) -> None:
    four = {"0": struct.pack("<4f", 1, 2, 3, 4)}
    assert load_any(write(tmp_path / "good.pt", pickled((2, 2), (2, 1)), four))[0].tensor().tolist() == [[1, 2], [3, 4]]
    absurd = [
        pickled((2, 3), (3, 1)), pickled((4,), (2,)), pickled((4,), (1,), 1), pickled((2**40,), (0,)), pickled((-1,), (1,)),
        pickled((2**40, 2**40), (1, 1)), pickled((2,), (1, 1)), pickled((4,), (-1,), 3), pickled(tuple([1] * 40), tuple([1] * 40)),
        pickled((4,), (1,), numel=2**43), pickled((4,), (1,), numel=5), pickled((4,), (1,), key="../../etc/passwd"),
    ]
    for number, data in enumerate(absurd):
        with pytest.raises(CheckpointError):
            load_any(write(tmp_path / f"{number}.pt", data, four))


def test_bombs_and_damage(tmp_path: Path) -> None:
    memo = b"\x80\x02]r\xff\xff\xff\x7f."  # LONG_BINPUT at 2**31-1: a real memo would ask for gigabytes
    assert load_any(write(tmp_path / "memo.pt", memo)) == []
    key = b"\x80\x02)" + b"2\x86" * 60 + b"}q\x00h\x00"
    deep = b"\x80\x02}" + b")" + b"2\x86" * 60 + b"K\x01s."  # a key of 2**60 leaves
    load_any(write(tmp_path / "deep.pt", deep))
    inflated = write(tmp_path / "zip.pt", b"\x80\x02]" + b"N0" * 10**6 + b".", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="compressed"):
        load_any(inflated)
    torch.save(Small(), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    torch.save(Small(), tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    legacy = (tmp_path / "legacy.pt").read_bytes()
    damaged = [b"", b"\x80", b"hello", whole[: len(whole) // 2], legacy[: len(legacy) // 2], legacy[:-8], key,
               b"\x80\x02c", b"\x80\x02(lp0\n.", b"PK\x03\x04" + b"x" * 100]
    for number, data in enumerate(damaged):
        (tmp_path / f"{number}.bin").write_bytes(data)
        with pytest.raises(CheckpointError):
            load(tmp_path / f"{number}.bin").tensors()


def test_a_cycle_of_modules_ends(tmp_path: Path) -> None:
    model = nn.Module()
    torch.nn.Module.__getattribute__(model, "_modules")["me"] = model
    torch.save(model, tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match="nested"):
        load(tmp_path / "m.pt").tensors()


def test_what_is_not_a_model_is_named(tmp_path: Path) -> None:
    torch.save(Small().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="state_dict"):
        load(tmp_path / "weights.pt")
    torch.save({"optimizer": {}, "trainset_list": [], "validset": None, "epoch": 3}, tmp_path / "trainer_states.pt")
    with pytest.raises(CheckpointError, match="training run"):
        load(tmp_path / "trainer_states.pt")
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / "script.pt")
    with pytest.raises(CheckpointError, match="TorchScript"):
        load(tmp_path / "script.pt")
    with pytest.raises(CheckpointError, match="could not be read"):
        load(tmp_path / "absent.pt")
