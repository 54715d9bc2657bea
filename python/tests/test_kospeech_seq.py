"""LAS, Transformer and RNN-T of KoSpeech: exported graphs against KoSpeech's own outputs and against plain PyTorch."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from malgwi_models.graphs import to_onnx
from malgwi_models.inert import CheckpointError
from malgwi_models.kospeech.architectures import recognise
from malgwi_models.kospeech.registry import Built, unwrap
from malgwi_models.testing import standins
from malgwi_models.testing.packages import RECIPES
from malgwi_models.testing.utterances import BLANK, EOS, SOS, TEXTS, features
from malgwi_models.unpickle import load
from torch import Tensor, nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT.parent / "shared" / "fixtures" / "kospeech"
GOLDEN = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the outputs of the original engine are not at hand (../shared)")
CLASSES = 21
MELS = 24
Arrays = dict[str, np.ndarray]


class Exported:
    """The graphs of a model in onnxruntime, run by name."""

    def __init__(self, built: Built, folder: Path) -> None:
        self.built, self.sessions = built, {}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        for role, graph in built.graphs.items():
            to_onnx(graph, folder / f"{role}.onnx")
            self.sessions[role] = onnxruntime.InferenceSession(folder / f"{role}.onnx", options)
            assert [one.name for one in self.sessions[role].get_inputs()] == list(graph.inputs)

    def run(self, role: str, inputs: Arrays) -> Arrays:
        names = self.built.graphs[role].outputs
        return dict(zip(names, self.sessions[role].run(names, inputs), strict=True))

    def encode(self, x: np.ndarray) -> Arrays:
        return self.run("encoder", {"features": x, "lengths": np.array([x.shape[1]])})

    def zeros(self, role: str, frames: int, count: int) -> Arrays:
        named = {"batch": count, "frames": frames, "prefix": 0}
        return {state["name"]: np.zeros([named.get(size, size) for size in state["shape"]], np.float32)
                for state in self.built.graphs[role].states}

    def step(self, role: str, tokens: list[int], states: Arrays, given: Arrays) -> tuple[Arrays, Arrays]:
        out = self.run(role, {"tokens": np.array(tokens), **given, **states})
        return out, after(self.built.graphs[role].states, states, out)

    def memory(self, encoded: Arrays) -> Arrays:
        return {name: encoded[name] for name in self.built.graphs["decoder"].memory}


def after(declared: list[dict[str, Any]], states: Arrays, out: Arrays) -> Arrays:
    """The next states: what a step adds along "prefix" goes behind what was there."""
    shapes = {state["name"]: state["shape"] for state in declared}
    return {name: np.concatenate((states[name], out[f"next_{name}"]), shape.index("prefix")) if "prefix" in shape else out[f"next_{name}"]
            for name, shape in shapes.items()}


def imported(path: Path) -> Built:
    root = unwrap(load(path))
    architecture = recognise(root)
    assert architecture.describe(root)
    return architecture.build(root)


def exported(path: Path, folder: Path) -> Exported:
    return Exported(imported(path), folder)


def saved(model: nn.Module, folder: Path, seed: int = 1) -> Path:
    standins.save(standins.randomize(model, seed, 1.5), folder / "model.pt")
    return folder / "model.pt"


def best_paths(log_probs: np.ndarray) -> list[list[int]]:
    """Best paths of a CTC head, repeats and blanks left out: several where classes are equal within rounding."""
    ties = [np.flatnonzero(row > row.max() - 1e-5).tolist() for row in log_probs]
    blank = log_probs.shape[-1] - 1
    return [[one for one, before in zip(path, (None, *path), strict=False) if one not in (blank, before)]
            for path in itertools.product(*ties)]


@GOLDEN
@pytest.mark.parametrize("name", ["las_mha_vgg_joint", "transformer_joint"])
def test_attention_models_compute_what_kospeech_computes(name: str, tmp_path: Path) -> None:
    model, golden = exported(FIXTURES / name / "model.pt", tmp_path), np.load(FIXTURES / name / "golden.npz")
    for u in ("u0", "u1", "u2", "u3"):
        encoded = model.encode(golden[f"{u}_x"])
        assert np.abs(encoded["encoder_out"] - golden[f"{u}_enc"]).max() < 1e-4
        assert encoded["output_lengths"] == golden[f"{u}_enc"].shape[1]
        assert golden[f"{u}_enc_ctc_ids"].tolist() in best_paths(encoded["log_probs"][0])
        if f"{u}_enc_ctc_log_probs" in golden:
            assert np.abs(encoded["log_probs"] - golden[f"{u}_enc_ctc_log_probs"]).max() < 1e-4
        wanted, ids, token = golden[f"{u}_step_log_probs"], [], SOS
        assert len(wanted) == model.built.decoder["maxTokens"]
        states = model.zeros("decoder", encoded["encoder_out"].shape[1], 1)
        for row in wanted:
            out, states = model.step("decoder", [token], states, model.memory(encoded))
            assert np.abs(out["log_probs"][0] - row).max() < 1e-4
            token = int(out["log_probs"][0].argmax())
            ids.append(token)
        assert ids == golden[f"{u}_greedy_ids"].tolist()


@GOLDEN
def test_transducer_computes_what_kospeech_computes(tmp_path: Path) -> None:
    model = exported(FIXTURES / "rnnt_bi_lstm" / "model.pt", tmp_path)
    golden = np.load(FIXTURES / "rnnt_bi_lstm" / "golden.npz")
    blank = model.built.classes - 1

    def join(frame: np.ndarray, predicted: Arrays) -> np.ndarray:
        return model.run("joiner", {"encoder_frames": frame[None], "predictor_out": predicted["predictor_out"]})["log_probs"][0]

    for u in ("u0", "u1", "u2", "u3"):
        frames = model.encode(golden[f"{u}_x"])["encoder_out"][0]
        assert np.abs(frames - golden[f"{u}_enc"][0]).max() < 1e-4
        ids: list[int] = []
        predicted, states = model.step("predictor", [SOS], model.zeros("predictor", 0, 1), {})
        for frame in frames:
            for _ in range(model.built.decoder["maxTokensPerFrame"]):
                token = int(join(frame, predicted).argmax())
                if token == blank:
                    break
                ids.append(token)
                predicted, states = model.step("predictor", [token], states, {})
        assert ids == golden[f"{u}_greedy_ids_standard"].tolist()
    # KoSpeech's own loop feeds whatever comes back, blanks too: its log-probabilities are of that path.
    predicted, states = model.step("predictor", [SOS], model.zeros("predictor", 0, 1), {})
    for frame, row in zip(model.encode(golden["u0_x"])["encoder_out"][0], golden["u0_step_log_probs"], strict=True):
        log_probs = join(frame, predicted)
        assert np.abs(log_probs - row).max() < 1e-4
        predicted, states = model.step("predictor", [int(log_probs.argmax())], states, {})


# What follows computes the same models once more, from the checkpoint's modules and the papers, whole sequences at once.


def convolved(extractor: nn.Module, x: Tensor) -> Tensor:
    """[1, T, F] to [1, T', channels x frequency]; Swish is the one layer that the stand-ins do not compute."""
    image = x.unsqueeze(1).transpose(2, 3)
    for layer in extractor.conv.sequential:
        image = image * torch.sigmoid(image) if type(layer).__name__ == "Swish" else layer(image)
    return image.flatten(1, 2).transpose(1, 2)


def linear(wrapped: nn.Module, x: Tensor) -> Tensor:
    return wrapped.linear(x)


def head(fc: nn.Sequential, encoded: Tensor) -> Tensor:
    return functional.log_softmax(linear(fc[3], fc[0](encoded.transpose(1, 2)).transpose(1, 2)), -1)


def looked_up(mechanism: nn.Module, query: Tensor, encoded: Tensor, causal: bool = False) -> Tensor:
    """Context of every query [1, U, D] among [1, T, D], by multi-head attention."""
    q, k, v = (linear(getattr(mechanism, f"{name}_proj"), x) for name, x in (("query", query), ("key", encoded), ("value", encoded)))
    contexts = [functional.scaled_dot_product_attention(*parts, is_causal=causal)
                for parts in zip(*(one.split(mechanism.d_head, -1) for one in (q, k, v)), strict=True)]
    return torch.cat(contexts, -1)


def context(mechanism: nn.Module, query: Tensor, encoded: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """Context [1, 1, D] and weights [1, T] of one query by the mechanisms that have one at a time."""
    name = type(mechanism).__name__
    if name == "ScaledDotProductAttention":
        weights = (query @ encoded.transpose(1, 2) / mechanism.sqrt_dim).softmax(-1)[0]
        return weights[None] @ encoded, weights
    if name == "AdditiveAttention":
        sums = linear(mechanism.key_proj, encoded) + linear(mechanism.query_proj, query) + mechanism.bias
        weights = linear(mechanism.score_proj, sums.tanh())[..., 0].softmax(-1)
        return weights[None] @ encoded + query, weights
    place = mechanism.location_conv(before[None]).transpose(1, 2)
    sums = linear(mechanism.query_proj, query) + linear(mechanism.value_proj, encoded) + place + mechanism.bias
    scores = linear(mechanism.fc, sums.tanh())[..., 0]
    weights = scores.softmax(-1)
    if mechanism.smoothing:
        weights = scores.sigmoid() / scores.sigmoid().sum()
    return weights[None] @ encoded, weights


def las_whole(model: nn.Module, x: Tensor, tokens: list[int]) -> tuple[Tensor, Tensor | None, Tensor]:
    """Encoder output, CTC log-probabilities, and log-probabilities [U, V] of each next token."""
    encoder, decoder = model.encoder, model.decoder
    frames = convolved(encoder.conv, x)
    # As KoSpeech does it: time-major and packed, so that the layers' batch_first does not count.
    packed = nn.utils.rnn.pack_padded_sequence(frames.transpose(0, 1), torch.tensor([frames.shape[1]]))
    encoded = nn.utils.rnn.pad_packed_sequence(encoder.rnn(packed)[0])[0].transpose(0, 1)
    queries = decoder.rnn(decoder.embedding(torch.tensor([tokens])))[0]
    if type(decoder.attention).__name__ == "MultiHeadAttention":
        contexts = looked_up(decoder.attention, queries, encoded)
    else:
        weights, parts = torch.zeros(1, encoded.shape[1]), []
        for query in queries.split(1, 1):
            part, weights = context(decoder.attention, query, encoded, weights)
            parts.append(part)
        contexts = torch.cat(parts, 1)
    hidden = linear(decoder.fc[0], torch.cat((queries, contexts), 2)).tanh()
    return encoded, head(encoder.fc, encoded) if hasattr(encoder, "fc") else None, linear(decoder.fc[3], hidden).log_softmax(-1)[0]


def sinusoids(count: int, dim: int) -> Tensor:
    rows = [[(math.sin if i % 2 == 0 else math.cos)(p / 10000 ** ((i - i % 2) / dim)) for i in range(dim)] for p in range(count)]
    return torch.tensor(rows)


def normed_by(layer: nn.Module, x: Tensor) -> Tensor:
    """By torch's layer normalisation, or by KoSpeech's own one of before, which divides by the sample deviation."""
    if isinstance(layer, nn.LayerNorm):
        return layer(x)
    return layer.gamma * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + layer.eps) + layer.beta


def transformer_whole(model: nn.Module, x: Tensor, tokens: list[int]) -> tuple[Tensor, Tensor | None, Tensor]:
    """As `las_whole`."""
    def forward(layer: nn.Module, x: Tensor) -> Tensor:
        inner, outer = layer.feed_forward.feed_forward[0], layer.feed_forward.feed_forward[3]
        return x + linear(outer, linear(inner, normed_by(layer.feed_forward_prenorm, x)).relu())

    encoder, decoder = model.encoder, model.decoder
    norm = encoder.input_layer_norm if hasattr(encoder, "input_layer_norm") else encoder.input_norm
    encoded = normed_by(norm, linear(encoder.input_proj, convolved(encoder.conv, x)))
    encoded = encoded + sinusoids(encoded.shape[1], encoder.d_model)
    for layer in encoder.layers:
        normed = normed_by(layer.attention_prenorm, encoded)
        encoded = forward(layer, encoded + looked_up(layer.self_attention, normed, normed))
    y = decoder.embedding.embedding(torch.tensor([tokens])) * math.sqrt(decoder.d_model) + sinusoids(len(tokens), decoder.d_model)
    for layer in decoder.layers:
        normed = normed_by(layer.self_attention_prenorm, y)
        y = y + looked_up(layer.self_attention, normed, normed, causal=True)
        y = forward(layer, y + looked_up(layer.encoder_attention, normed_by(layer.encoder_attention_prenorm, y), encoded))
    log_probs = linear(decoder.fc[1], normed_by(decoder.fc[0], y)).log_softmax(-1)[0]
    return encoded, head(encoder.fc, encoded) if hasattr(encoder, "fc") else None, log_probs


LAS: dict[str, dict[str, Any]] = {
    "location-aware, LSTM, VGG, joint": {"mechanism": "location-aware", "joint": True},
    "location-aware with smoothing, GRU, DS2": {"mechanism": "location-aware", "smoothing": True, "cell": "gru", "kind": "ds2"},
    "additive, GRU, DS2, joint": {"mechanism": "additive", "cell": "gru", "kind": "ds2", "joint": True, "act": "relu"},
    "additive, RNN, VGG": {"mechanism": "additive", "cell": "rnn", "act": "leaky_relu"},
    "scaled-dot, RNN, DS2, joint": {"mechanism": "scaled-dot", "cell": "rnn", "kind": "ds2", "joint": True, "act": "gelu"},
    "scaled-dot, LSTM, VGG": {"mechanism": "scaled-dot", "act": "swish", "layers": (1, 3)},
    "multi-head, GRU, VGG, joint": {"mechanism": "multi-head", "cell": "gru", "joint": True, "act": "elu", "heads": 2},
    "multi-head, LSTM, DS2, one direction": {"mechanism": "multi-head", "kind": "ds2", "bidirectional": False, "layers": (3, 1)},
    "multi-head, LSTM, VGG, 257 channels": {"features": 257, "heads": 8},
}
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "VGG": {"layers": (3, 2)},
    "VGG, joint": {"joint": True, "dim": 24, "inner": 40, "heads": 3, "layers": (1, 3)},
    "DS2, joint": {"kind": "ds2", "joint": True, "heads": 8},
    "DS2": {"kind": "ds2", "heads": 1, "layers": (2, 1)},
    "VGG, joint, of February 2021": {"joint": True, "early": True},
}
CASES = [
    *(pytest.param(standins.las, las_whole, options, id=f"LAS, {name}") for name, options in LAS.items()),
    *(pytest.param(standins.transformer, transformer_whole, options, id=f"Transformer, {name}") for name, options in TRANSFORMERS.items()),
]


@pytest.mark.parametrize(("make", "whole", "options"), CASES)
def test_steps_equal_the_whole_sequence(make: Callable, whole: Callable, options: dict[str, Any], tmp_path: Path) -> None:
    """Three hypotheses at once, each step against the computation of their whole prefixes; at three lengths."""
    options = {"features": MELS, "channels": 4 if options.get("kind") == "ds2" else (3, 5), **options}
    module = make(CLASSES, **options)
    model = exported(saved(module, tmp_path), tmp_path)
    assert (model.built.family, model.built.classes, model.built.input_dim) == ("attention", CLASSES, options["features"])
    assert ("ctcWeight" in model.built.decoder) is model.built.ctc_blank is options.get("joint", False)
    paths = torch.randint(0, CLASSES, (3, 7), generator=torch.Generator().manual_seed(2)).tolist()
    for frames in (model.built.encoder.min_frames, 41, 130):
        x = torch.randn(1, frames, options["features"], generator=torch.Generator().manual_seed(frames))
        encoded = model.encode(x.numpy())
        with torch.no_grad():
            wanted = [whole(module, x, path) for path in paths]
        assert np.abs(encoded["encoder_out"] - wanted[0][0].numpy()).max() < 1e-5
        assert encoded["output_lengths"].tolist() == [wanted[0][0].shape[1]]
        assert ("log_probs" in encoded) is (wanted[0][1] is not None)
        if wanted[0][1] is not None:
            assert np.abs(encoded["log_probs"] - wanted[0][1].numpy()).max() < 2e-5
        states = model.zeros("decoder", wanted[0][0].shape[1], 3)
        for position in range(7):
            out, states = model.step("decoder", [path[position] for path in paths], states, model.memory(encoded))
            assert np.abs(out["log_probs"] - np.stack([one[2][position].numpy() for one in wanted])).max() < 2e-5
            assert out["attention"].shape == (3, wanted[0][0].shape[1])
            assert np.allclose(out["attention"].sum(1), 1, atol=1e-5)


def test_location_aware_attention_depends_on_where_it_looked_before(tmp_path: Path) -> None:
    model = exported(saved(standins.las(CLASSES, MELS, mechanism="location-aware", channels=(3, 5)), tmp_path), tmp_path)
    encoded = model.encode(np.random.default_rng(1).standard_normal((1, 80, MELS), np.float32))
    states = model.zeros("decoder", 20, 2)
    states["alignment"][1, 15] = 1
    out, following = model.step("decoder", [5, 5], states, model.memory(encoded))
    assert np.abs(out["attention"][0] - out["attention"][1]).max() > 1e-3
    assert np.array_equal(following["alignment"], out["attention"])


def test_transformer_step_takes_the_prefix_as_state(tmp_path: Path) -> None:
    """One position is computed and given out, whatever came before."""
    model = exported(saved(standins.transformer(CLASSES, MELS, channels=(3, 5)), tmp_path), tmp_path)
    encoded = model.encode(np.random.default_rng(1).standard_normal((1, 40, MELS), np.float32))
    _, states = model.step("decoder", [1], model.zeros("decoder", 10, 1), model.memory(encoded))
    for count in (1, 2, 3):
        assert all(value.shape[2] == count for value in states.values())
        out, states = model.step("decoder", [4], states, model.memory(encoded))
        assert all(out[f"next_{name}"].shape[2] == 1 for name in states)


@pytest.mark.parametrize("options", [
    {"cell": "gru", "bidirectional": False}, {"cell": "rnn", "layers": (1, 2)}, {"cell": "lstm", "layers": (3, 2), "features": 161},
], ids=["GRU, one direction", "RNN", "LSTM, 161 channels"])
def test_transducer_equals_the_whole_lattice(options: dict[str, Any], tmp_path: Path) -> None:
    options = {"features": MELS, **options}
    module = standins.rnnt(CLASSES, **options)
    model = exported(saved(module, tmp_path), tmp_path)
    assert (model.built.family, model.built.classes, model.built.ctc_blank) == ("transducer", CLASSES, True)
    x = torch.randn(1, 33, options["features"], generator=torch.Generator().manual_seed(1))
    paths = torch.randint(0, CLASSES, (2, 6), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        frames = linear(module.encoder.out_proj, module.encoder.rnn(x)[0])[0]
        rows = linear(module.decoder.out_proj, module.decoder.rnn(module.decoder.embedding(paths))[0])
        pairs = torch.cat((frames[None, :, None].expand(2, -1, 6, -1), rows[:, None].expand(-1, 33, -1, -1)), -1)
        lattice = linear(module.fc, pairs).log_softmax(-1).numpy()
    encoded = model.encode(x.numpy())
    assert np.abs(encoded["encoder_out"][0] - frames.numpy()).max() < 1e-5 and encoded["output_lengths"].tolist() == [33]
    states = model.zeros("predictor", 33, 2)
    for position in range(6):
        predicted, states = model.step("predictor", paths[:, position].tolist(), states, {})
        for which in range(2):
            row = predicted["predictor_out"][which : which + 1]
            joined = model.run("joiner", {"encoder_frames": encoded["encoder_out"][0], "predictor_out": row})["log_probs"]
            assert np.abs(joined - lattice[which, :, position]).max() < 1e-5
        one = model.run("joiner", {"encoder_frames": encoded["encoder_out"][0, 7:8], "predictor_out": predicted["predictor_out"]})
        assert np.abs(one["log_probs"] - lattice[:, 7, position]).max() < 1e-5


def _half_head(model: nn.Module) -> None:
    model.encoder.fc = standins.ctc_head(8, CLASSES)


def _heads(model: nn.Module) -> None:
    model.decoder.attention.num_heads = 3


def _other_attention(model: nn.Module) -> None:
    model.decoder.attention = standins.stand_in("attention.DotProductAttention")


def _post_net(model: nn.Module) -> None:
    model.decoder.post_net = nn.Linear(2, 2)


def _dilated(model: nn.Module) -> None:
    model.encoder.conv.conv.sequential[0] = nn.Conv2d(1, 7, 3, padding=1, bias=False)


def _layers(model: nn.Module) -> None:
    model.decoder.rnn = nn.LSTM(16, 8, batch_first=True)


@pytest.mark.parametrize(("change", "message"), [
    (_half_head, "CTC head takes 8 channels, but the encoder gives 16"), (_heads, "3 attention heads do not divide 16"),
    (_other_attention, "kospeech.models.attention.DotProductAttention"), (_post_net, "post_net"),
    (_dilated, "do not fit together"), (_layers, "does not fit the encoder's 16 channels"),
], ids=["head", "heads", "attention", "addition", "convolution", "sizes"])
def test_refuses_what_it_does_not_know(change: Callable[[nn.Module], None], message: str, tmp_path: Path) -> None:
    model = standins.las(CLASSES, MELS, channels=(3, 5))
    change(model)
    standins.save(model, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=message):
        imported(tmp_path / "model.pt")


def test_refuses_a_conformer_with_a_transducer_by_name(tmp_path: Path) -> None:
    decoder = standins.rnnt(CLASSES).decoder
    model = standins.stand_in("conformer.model.Conformer", {"encoder": standins.stand_in("conformer.encoder.ConformerEncoder"),
                              "decoder": decoder, "fc": standins.linear(10, CLASSES, False)})
    standins.save(model, tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"onformer.*(RNN-T|DecoderRNNT)"):
        imported(tmp_path / "model.pt")


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ("tiny-ctc", "tiny-ds2")])
def test_committed_packages_compute_what_they_say(name: str) -> None:
    """The packages that the TypeScript tests run, by onnxruntime and the greedy search of their `expected.json`."""
    folder = ROOT / "test" / "fixtures" / "packages" / name
    if not folder.is_dir():
        pytest.skip("the test packages are not at hand (../test/fixtures)")
    manifest, expected = (json.loads((folder / file).read_text("utf-8")) for file in ("manifest.json", "expected.json"))
    sessions = {role: onnxruntime.InferenceSession(folder / graph["file"]) for role, graph in manifest["graphs"].items()}

    def run(role: str, inputs: Arrays) -> Arrays:
        return dict(zip([one.name for one in sessions[role].get_outputs()], sessions[role].run(None, inputs), strict=True))

    texts = {}
    for wanted in expected["utterances"]:
        encoded = run("encoder", {"features": features(wanted["frames"])[None], "lengths": np.array([wanted["frames"]])})
        assert np.allclose(encoded["encoder_out"][0, -1], wanted["encoderOut"]["last"], atol=1e-4)
        if manifest["family"] == "transducer":
            continue
        step = manifest["graphs"]["decoder"]
        named = {"batch": 1, "frames": encoded["encoder_out"].shape[1], "prefix": 0}
        states = {state["name"]: np.zeros([named.get(size, size) for size in state["shape"]], np.float32) for state in step["states"]}
        ids, token = [], SOS
        while token != EOS and len(ids) < manifest["decoder"]["maxTokens"]:
            out = run("decoder", {"tokens": np.array([token]), **{name: encoded[name] for name in step["memory"]}, **states})
            if len(ids) < len(wanted["stepLogProbs"]):
                assert np.allclose(out["log_probs"][0], wanted["stepLogProbs"][len(ids)], atol=1e-4)
            states, token = after(step["states"], states, out), int(out["log_probs"][0].argmax())
            ids.append(token)
        assert ids == [*wanted["ids"], EOS] and BLANK not in ids
        texts[wanted["frames"]] = ids
    assert manifest["family"] == "transducer" or texts.keys() == TEXTS.keys()
