"""Coqui models: what is read from a .tflite, and that the rebuilt graphs compute what the original engine computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coqui_support import BYTES, F32, INT8, JAMO, UTTERANCES, alphabet, golden, read, small, windows, written

from malgwi_models.coqui import features, float_graph, int8_graph, parity, quantize, tflite
from malgwi_models.coqui.acoustic import Layer, Metadata
from malgwi_models.coqui.alphabet import from_text
from malgwi_models.coqui.errors import Refused
from malgwi_models.coqui.interpret import quantize_rows

OUTPUTS = ["probs", "next_hidden", "next_cell"]


def test_reads_sizes_metadata_and_alphabet() -> None:
    model, _ = read(F32)
    assert (model.cells, model.classes, model.steps, model.context, model.coefficients) == (96, 56, 16, 9, 26)
    assert model.metadata == Metadata(6, 16_000, 32, 20, 500, None)
    assert model.clip == 20 and not model.is_quantized and model.parameters == 155_000
    assert model.alphabet.unit == "syllable" and model.alphabet.texts[:3] == [" ", "가", "감"] and model.alphabet.language == "ko"
    quantized, _ = read(INT8)
    assert quantized.is_quantized and all(layer.asymmetric for layer in quantized.layers.values())
    assert quantized.alphabet == model.alphabet


@pytest.mark.parametrize("utterance", UTTERANCES)
def test_float_graph_equals_the_original_engine(utterance: str) -> None:
    model, _ = read(F32)
    run = parity.session(float_graph.build(model).SerializeToString())
    hidden = cell = np.zeros((1, 96), np.float32)
    x, probs = windows(utterance), golden(f"{utterance}.probs", 56)
    after = [golden(f"{utterance}.state_{which}", 96) for which in "hc"]
    for batch, start in enumerate(range(0, len(x), 16)):
        part = x[start : start + 16]
        padded = np.pad(part, ((0, 16 - len(part)), (0, 0)))
        p, hidden, cell = run.run(OUTPUTS, {"windows": padded[None], "hidden": hidden, "cell": cell})
        assert np.abs(p[0, : len(part)] - probs[start : start + 16]).max() < 4e-6
        assert np.abs(hidden - after[0][batch]).max() < 1e-5
        assert np.abs(cell - after[1][batch]).max() < 1e-4  # cells count up to 30 and more
    at_once = run.run(OUTPUTS, {"windows": x[None], "hidden": np.zeros((1, 96), np.float32), "cell": np.zeros((1, 96), np.float32)})
    assert np.abs(at_once[0][0] - probs).max() < 4e-6


def test_float_graph_takes_several_streams() -> None:
    model, _ = read(F32)
    run = parity.session(float_graph.build(model).SerializeToString())
    rng = np.random.default_rng(1)
    x = np.stack([windows(name)[:20] for name in UTTERANCES])
    state = {name: rng.standard_normal((3, 96)).astype(np.float32) for name in ("hidden", "cell")}
    together = run.run(OUTPUTS, {"windows": x, **state})
    for i in range(3):
        alone = run.run(OUTPUTS, {"windows": x[i : i + 1], **{name: value[i : i + 1] for name, value in state.items()}})
        assert all(np.abs(a[i] - b[0]).max() < 1e-5 for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("utterance", UTTERANCES)
def test_int8_graph_keeps_the_rounding_of_the_hybrid_kernels(utterance: str, unsigned: bool) -> None:
    model, interpreter = read(INT8)
    x = windows(utterance)
    wanted, _, _ = parity.reference(model, interpreter, x, *(np.zeros((1, 96), np.float32) for _ in range(2)))
    state = {name: np.zeros((1, 96), np.float32) for name in ("hidden", "cell")}
    graph = int8_graph.build(model, unsigned).SerializeToString()
    assert len(graph) < 180_000  # the weights stay int8
    probs = parity.session(graph).run(["probs"], {"windows": x[None], **state})[0][0]
    gap = np.abs(probs - wanted)
    assert gap.mean() < 1e-5 and gap.max() < 0.02
    # Multiplied out the same weights say something else: that is what the rounding is repeated for.
    floats = parity.session(float_graph.build(quantize.dequantized(model)).SerializeToString())
    assert np.abs(floats.run(["probs"], {"windows": x[None], **state})[0][0] - wanted).mean() > 10 * gap.mean()


def test_rows_are_rounded_as_the_kernels_round_them() -> None:
    rows = np.array([[0, 1, 3, 4], [-1, 0, 0.5, 1], [0, 0, 0, 0]], np.float32)
    q, scale, zero = quantize_rows(rows, asymmetric=True)
    assert q[0].tolist() == [-128, -64, 63, 127] and zero.tolist() == [-128, -1, 0] and scale[2] == 1
    q, scale, zero = quantize_rows(rows, asymmetric=False)
    assert q[0].tolist() == [0, 32, 95, 127] and q[1].tolist() == [-127, 0, 64, 127] and not zero.any()
    assert np.allclose(scale, [4 / 127, 1 / 127, 1])


def test_models_of_every_kind_survive_writing_and_reading(tmp_path: Path) -> None:
    letters = {"grapheme": alphabet(*JAMO), "byte": BYTES, "character": alphabet(" ", "a", "b", "#"), "syllable": alphabet(" ", "갂")}
    for unit, labels in letters.items():
        for int8 in (False, True):
            model = small(int8, labels)
            found, interpreter = read(written(tmp_path, model))
            assert found.alphabet == labels and found.alphabet.unit == unit
            for name, layer in model.layers.items():
                assert np.array_equal(found.layers[name].weights, layer.weights)
                assert np.array_equal(found.layers[name].bias, layer.bias)
            graph = (int8_graph if int8 else float_graph).build(found).SerializeToString()
            parity.require(parity.compare(found, interpreter, graph), int8)


@pytest.mark.parametrize(("asymmetric", "per_row"), [(False, False), (False, True), (True, True)])
def test_symmetric_activations_and_a_scale_for_each_row(tmp_path: Path, asymmetric: bool, per_row: bool) -> None:
    model = quantize.quantized(small(cells=24), per_row)
    model = replace(model, layers={k: replace(layer, asymmetric=asymmetric) for k, layer in model.layers.items()})
    found, interpreter = read(written(tmp_path, model))
    assert {layer.asymmetric for layer in found.layers.values()} == {asymmetric}
    assert found.layers["lstm"].scale.size == (96 if per_row else 1)
    for unsigned in (False, True):
        differences = parity.compare(found, interpreter, int8_graph.build(found, unsigned).SerializeToString())
        assert max(d.largest for d in differences) < 0.05
        parity.require(differences, True)


def test_a_model_with_some_float_layers(tmp_path: Path) -> None:
    model, plain = small(True), small(False)
    model = replace(model, layers={**model.layers, **{name: plain.layers[name] for name in ("layer_1", "lstm", "layer_6")}})
    found, interpreter = read(written(tmp_path, model))
    assert [layer.is_quantized for layer in found.layers.values()] == [False, True, True, False, True, False]
    parity.require(parity.compare(found, interpreter, int8_graph.build(found).SerializeToString()), True)


def test_another_bound_of_the_activations_and_other_batches(tmp_path: Path) -> None:
    model = replace(small(), clip=3.5, steps=5)
    found, interpreter = read(written(tmp_path, model))
    assert found.clip == 3.5 and found.steps == 5
    parity.require(parity.compare(found, interpreter, float_graph.build(found).SerializeToString()), False)


def test_wild_weights_are_no_reason_to_refuse(tmp_path: Path) -> None:
    """Weights so large that rounding errors grow from step to step: the first step still proves the graph."""
    for int8 in (False, True):
        model = small(cells=48)
        wild = {name: replace(layer, weights=layer.weights * np.float32(40)) for name, layer in model.layers.items()}
        model = replace(model, layers=wild)
        found, interpreter = read(written(tmp_path, quantize.quantized(model, per_row=False) if int8 else model))
        graph = (int8_graph if int8 else float_graph).build(found).SerializeToString()
        parity.require(parity.compare(found, interpreter, graph), int8)


def test_language_and_absent_bias(tmp_path: Path) -> None:
    model = small()
    zeros = {name: replace(layer, bias=np.zeros_like(layer.bias)) for name, layer in model.layers.items()}
    model = replace(model, layers=zeros, metadata=replace(model.metadata, language="ko-KR"))
    found, _ = read(written(tmp_path, model))
    assert found.metadata.language == "ko-KR" and not found.layers["lstm"].bias.any()


def test_front_end_comes_from_the_model(tmp_path: Path) -> None:
    model, _ = read(F32)
    assert features.front_end(model, tflite.read(F32)) == {
        "kind": "coqui-mfcc", "sampleRate": 16_000, "windowSamples": 512, "stepSamples": 320, "numMels": 40,
        "numCoefficients": 26, "contextFrames": 9,
    }  # fmt: skip
    for metadata, why in (
        (replace(model.metadata, sample_rate=8_000), "8000 Hz"), (replace(model.metadata, window_ms=0), "0 ms"),
        (replace(model.metadata, window_ms=25), "window_size 512"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            features.front_end(replace(model, metadata=metadata), tflite.read(F32))
    graph = tflite.read(written(tmp_path, small()))
    assert features.front_end(small(), graph)["windowSamples"] == 512


def test_alphabet_files() -> None:
    text = "# comment\n \na\r\n\\#\n\n가\rㄱ"
    assert from_text(text.encode()).texts == [" ", "a", "#", "가", "ㄱ"]
    for bad, why in ((b"", "empty"), (b"a\na\n", "the same"), (b"\xff\n", "UTF-8"), (b"a\tb\n", "control")):
        with pytest.raises(Refused, match=why):
            from_text(bad)
