"""Damaged and hostile .tflite and scorer files: always a clear refusal, soon, and never half a package."""

import random
import struct
import time
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from coqui_support import FIXTURES, INT8, JAMO, alphabet, read, small, written

from malgwi_models.coqui import acoustic, float_graph, int8_graph, parity, scorer, sources, tflite, writer
from malgwi_models.coqui.errors import Refused

SECONDS = 5


def whole(data: bytes) -> None:
    """All that an import does with a model's bytes."""
    model, interpreter = acoustic.recognize(tflite.parse(data))
    graph = (int8_graph if model.is_quantized else float_graph).build(model).SerializeToString()
    parity.require(parity.compare(model, interpreter, graph), model.is_quantized)


def refused_or_fine(data: bytes) -> bool:
    """True when the bytes were taken; anything but a refusal, or a long time, fails the test."""
    start = time.perf_counter()
    try:
        whole(data)
        return True
    except Refused as error:
        assert str(error)
        return False
    finally:
        assert time.perf_counter() - start < SECONDS


@pytest.mark.parametrize("kind", ["written", "exported"])
def test_truncated_anywhere(kind: str) -> None:
    data = writer.serialize(small()) if kind == "written" else INT8.read_bytes()
    for part in range(50):
        with pytest.raises(Refused):
            tflite.parse(data[: len(data) * part // 50])


def test_flipped_offsets_and_bytes() -> None:
    whole_file, rng, taken = writer.serialize(small(cells=8)), random.Random(20), 0
    for _ in range(120):
        data = bytearray(whole_file)
        for _ in range(rng.choice((1, 1, 3, 10))):
            at = rng.randrange(0, len(data) - 4) & ~3
            value = rng.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, rng.getrandbits(32), len(data) - at, -at & 0xFFFFFFFF))
            struct.pack_into("<I", data, at, value)
        taken += refused_or_fine(bytes(data))
    assert taken < 100  # most of these files are refused; a few bytes matter to nothing


def test_flipped_structure_of_a_real_export() -> None:
    """The tables lie at the end of an export, the weights before them: only the tables are damaged."""
    whole_file, rng = INT8.read_bytes(), random.Random(21)
    for _ in range(30):
        data = bytearray(whole_file)
        start = rng.choice((0, len(data) - 40_000))
        at = start + rng.randrange(0, 400 if start == 0 else 39_990)
        data[at] ^= 1 << rng.randrange(8)
        refused_or_fine(bytes(data))


def test_lists_longer_than_the_file() -> None:
    builder = flatbuffers.Builder()
    builder.StartVector(4, 4, 4)
    builder.head -= 16
    vector = builder.EndVector()
    at = builder.Offset() - 4
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, vector, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    data = bytearray(builder.Output())
    at = data.rindex(struct.pack("<I", 4) + bytes(16))
    for count in (5, 1 << 20, 0xFFFFFFFF):
        struct.pack_into("<I", data, at, count)
        with pytest.raises(Refused, match="list|table|offset"):
            tflite.parse(bytes(data))


def test_a_graph_that_only_costs_time() -> None:
    """The same weights, named by more operators than a model has."""
    graph = tflite.parse(writer.serialize(small(cells=16)))
    dense = next(i for i, operator in enumerate(graph.operators) if operator.name == "FULLY_CONNECTED")
    more = [graph.operators[dense]] * 2000
    graph = replace(graph, operators=[*graph.operators[: dense + 1], *more, *graph.operators[dense + 1 :]])
    model, interpreter = acoustic.recognize(graph)
    with pytest.raises(Refused, match="far more"):
        parity.compare(model, interpreter, float_graph.build(model).SerializeToString())


def test_a_broadcast_that_would_fill_the_memory() -> None:
    graph = tflite.parse(writer.serialize(small()))
    tall, flat = (tflite.Tensor("x", shape, 0, np.zeros(shape, np.float32), np.zeros(0, "<f4"), np.zeros(0, "<i8"))
                  for shape in ((100_000, 1), (1, 100_000)))  # fmt: skip
    tensors = [*graph.tensors, tall, flat]
    n = len(graph.tensors)
    softmax = graph.operators[next(i for i, operator in enumerate(graph.operators) if operator.name == "SOFTMAX")]
    multiply = tflite.Operator("MUL", (n, n + 1), softmax.inputs, None, b"")
    operators = [*graph.operators, multiply, softmax]
    model, interpreter = acoustic.recognize(replace(graph, tensors=tensors, operators=operators))
    with pytest.raises(Refused, match="far more"):
        parity.compare(model, interpreter, float_graph.build(model).SerializeToString())


def changed(model: acoustic.AcousticModel, name: str, **fields: np.ndarray) -> dict:
    """Fields of a model with one layer changed."""
    return {"layers": {**model.layers, name: replace(model.layers[name], **fields)}}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: {"alphabet": alphabet(" ", "가")}, "labels"),
        (lambda m: changed(m, "layer_2", bias=np.full(12, np.nan, np.float32)), "not finite"),
        (lambda m: changed(m, "layer_6", weights=np.full((5, 12), 3e38, np.float32)), "no numbers"),
        (lambda m: changed(m, "layer_2", weights=np.zeros((12, 11), np.float32)), "follow"),
    ],
)
def test_models_that_make_no_sense(change, why: str) -> None:
    model = small()
    with pytest.raises(Refused, match=why):
        whole(writer.serialize(replace(model, **change(model))))


def test_a_graph_with_something_else_in_it() -> None:
    """Weights of the right shapes under other operators: an added constant is a forget bias, for instance."""
    data = writer.serialize(small())
    whole(data)
    graph = tflite.parse(data)
    for name, other in (("TANH", "LOGISTIC"), ("MINIMUM", "MAXIMUM"), ("SOFTMAX", "LOGISTIC")):
        operators = [replace(operator, name=other if operator.name == name else operator.name) for operator in graph.operators]
        with pytest.raises(Refused, match="differs|bound|no numbers"):
            model, interpreter = acoustic.recognize(replace(graph, operators=operators))
            parity.require(parity.compare(model, interpreter, float_graph.build(model).SerializeToString()), False)
    half = next(i for i, tensor in enumerate(graph.tensors) if tensor.name == "lstm/bias")
    biased = graph.tensors[half].constant.copy()
    biased[2 * 12 : 3 * 12] += 1  # a forget bias, but in a tensor of its own
    tensors = [*graph.tensors, replace(graph.tensors[half], constant=biased)]
    gates = [o for o in graph.operators if o.name == "FULLY_CONNECTED" and o.inputs[2] == half]
    other = {id(o): replace(o, inputs=(*o.inputs[:2], len(graph.tensors))) for o in gates[1:]}
    for changed_operators in ({id(gates[0]): replace(gates[0], inputs=(*gates[0].inputs[:2], len(graph.tensors)))}, other):
        operators = [changed_operators.get(id(operator), operator) for operator in graph.operators]
        model, interpreter = acoustic.recognize(replace(graph, tensors=tensors, operators=operators))
        model = replace(model, layers=small().layers)
        with pytest.raises(Refused, match="differs"):
            parity.require(parity.compare(model, interpreter, float_graph.build(model).SerializeToString()), False)
    operators = [replace(operator, name="BATCH_MATMUL" if operator.name == "SPLIT" else operator.name) for operator in graph.operators]
    with pytest.raises(Refused, match="BATCH_MATMUL"):
        model, interpreter = acoustic.recognize(replace(graph, operators=operators))
        parity.compare(model, interpreter, float_graph.build(model).SerializeToString())


def frozen_graph() -> bytes:
    """The beginning of a GraphDef: one node named as the exports name their input."""
    return b"\x0a\x1b\x0a\x0ainput_node\x12\x0bPlaceholder" + bytes(64)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("output_graph.pbmm", bytes(64), r"memory-mapped.*export_tflite"),
        ("output_graph.pb", frozen_graph(), r"frozen TensorFlow graph.*coqui_stt_training.export"),
        ("renamed.tflite", frozen_graph(), "frozen TensorFlow graph"),
        ("best_dev-123.index", b"\0" * 32, "TensorFlow checkpoint"),
        ("best_dev-123.data-00000-of-00001", b"\0" * 32, "TensorFlow checkpoint"),
        ("checkpoint", b'model_checkpoint_path: "best_dev-123"', "TensorFlow checkpoint"),
        ("kenlm.scorer", b"mmap lm http://kheafield.com/code format version 5\n\0", "--scorer"),
        ("empty.tflite", b"", "is empty"),
        ("model.zip", b"PK\x03\x04" + bytes(64), "not a TensorFlow Lite model"),
    ],
)
def test_other_kinds_of_model_are_told_apart(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Refused, match=f"(?s){why}"):
        sources.refuse_others(tmp_path / name)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no file"):
        sources.refuse_others(tmp_path / "nothing.tflite")
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(Refused, match="(?s)folder of TensorFlow checkpoints.*coqui_stt_training"):
        sources.refuse_others(tmp_path)


@pytest.mark.parametrize("layout", ["probing", "trie", "qtrie", "atrie", "qatrie"])
def test_scorers_are_read_in_every_layout(layout: str) -> None:
    found = scorer.check(FIXTURES / "scorers" / f"ko_syl.{layout}.scorer", read(INT8)[0].alphabet)
    assert found.order == 4 and not found.code_points and (found.alpha, found.beta) == (0.9, 1.2)
    assert (found.states, found.arcs, sum(found.ngrams)) == (35, 58, 160)


def test_damaged_scorers(tmp_path: Path) -> None:
    labels, rng = read(INT8)[0].alphabet, random.Random(22)
    for layout in ("probing", "qatrie"):
        data = (FIXTURES / "scorers" / f"ko_syl.{layout}.scorer").read_bytes()
        for part in range(50):
            (tmp_path / "s").write_bytes(data[: len(data) * part // 50])
            with pytest.raises(Refused):
                scorer.check(tmp_path / "s", labels)
        for _ in range(300):
            damaged = bytearray(data)
            at = rng.randrange(0, len(data) - 4)
            struct.pack_into("<I", damaged, at, rng.choice((0, 0xFFFFFFFF, 0x7FFFFFFF, rng.getrandbits(32))))
            (tmp_path / "s").write_bytes(damaged)
            start = time.perf_counter()
            try:
                scorer.check(tmp_path / "s", labels)
            except Refused as error:
                assert str(error)
            assert time.perf_counter() - start < SECONDS


def test_absurd_sizes_of_a_scorer(tmp_path: Path) -> None:
    labels, data = read(INT8)[0].alphabet, (FIXTURES / "scorers" / "ko_syl.trie.scorer").read_bytes()
    trailer = data.index(b"EIRT")
    sizes = trailer + 25 + 25 + 24
    for at, why in ((0x6C, "n-grams"), (sizes, "states"), (sizes + 8, "arcs")):
        for value in (1 << 62, 1 << 40):
            damaged = bytearray(data)
            struct.pack_into("<q", damaged, at, value)
            (tmp_path / "s").write_bytes(damaged)
            with pytest.raises(Refused, match=why):
                scorer.check(tmp_path / "s", labels)


def test_scorers_of_another_alphabet_are_refused(tmp_path: Path) -> None:
    path = FIXTURES / "scorers" / "ko_syl.trie.scorer"
    with pytest.raises(Refused, match="only 4 labels"):
        scorer.check(path, alphabet(" ", "가", "나", "다"))
    # Enough labels, but the dictionary spelled with them is no Korean that its language model knows.
    with pytest.raises(Refused, match="another alphabet"):
        scorer.check(path, alphabet(*JAMO))
    with pytest.raises(Refused, match="no space"):
        scorer.check(path, alphabet(*JAMO[1:]))
    code_points = bytearray(path.read_bytes())
    code_points[code_points.index(b"EIRT") + 8] = 1
    (tmp_path / "bytes.scorer").write_bytes(code_points)
    with pytest.raises(Refused, match="code points"):
        scorer.check(tmp_path / "bytes.scorer", read(INT8)[0].alphabet)
    (tmp_path / "plain.bin").write_bytes((FIXTURES / "scorers" / "ko_cpns.trie.bin").read_bytes())
    with pytest.raises(Refused, match="without a dictionary"):
        scorer.check(tmp_path / "plain.bin", read(INT8)[0].alphabet)


def test_written_files_are_models(tmp_path: Path) -> None:
    """What the tests above damage would be taken if it were not damaged."""
    whole(written(tmp_path, small()).read_bytes())
    whole(INT8.read_bytes())
