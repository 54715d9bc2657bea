"""Small packages of every decoding family, for the tests of the TypeScript runtimes.

`python -m malgwi_models.testing test/fixtures/packages` writes them anew. Beside each package lies `expected.json`:
what PyTorch computes with it for features that anybody can make from the formula in `features`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..graphs import Graph, encoder_graph, to_onnx
from ..kospeech.architectures import recognise
from ..kospeech.registry import Built, Encoder, unwrap
from ..unpickle import load
from . import standins
from .learn import learn
from .utterances import BLANK, CLASSES, EOS, FEATURES, SOS, TEXTS, TOKENS, advance, inputs_of, zeros

SHOWN = 4
#: Encoder frames of a chunk of a live stream, so that the utterances are of several.
LIVE_CHUNK = 6

FRONT_END = {
    "kind": "kaldi-fbank", "sampleRate": 16000, "numMels": FEATURES, "windowMs": 20, "hopMs": 10, "fftSize": 512,
    "window": "povey", "preemphasis": 0.97, "removeDcOffset": True, "lowFrequency": 20, "highFrequency": 8000, "power": True,
    "snipEdges": True, "dither": 0, "waveformScale": 32768, "energyFloor": 1.1920929e-7, "trimSilence": False,
    "normalize": {"kind": "utterance"}, "reverse": False,
}


class TinyCtc(nn.Module):
    """Strided convolution, unidirectional GRU, linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(FEATURES, 16, 5, stride=2, padding=2)
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.output = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        hidden, _ = self.rnn(torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2))
        return self.output(hidden).log_softmax(-1), (lengths + 1) // 2


def _checkpoint(model: nn.Module, seed: int) -> Built:
    """The model as the importer has it: saved, opened again, recognised and built."""
    standins.randomize(model, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        standins.save(model, path)
        root = unwrap(load(path))
        return recognise(root).build(root)


def _las() -> Built:
    return _checkpoint(standins.las(CLASSES, FEATURES, 8, (1, 2), "lstm", "location-aware", joint=True, channels=(3, 6)), 1)


def _las_mha() -> Built:
    return _checkpoint(standins.las(CLASSES, FEATURES, 6, (2, 2), "gru", "multi-head", heads=3, kind="ds2", channels=4), 1)


def _transformer() -> Built:
    return _checkpoint(standins.transformer(CLASSES, FEATURES, 12, 20, (2, 2), 3, joint=True, channels=(3, 6), count=150), 1)


def _rnnt() -> Built:
    return _checkpoint(standins.rnnt(CLASSES, FEATURES, (8, 12), 10), 1)


def _ds2() -> Built:
    built = _checkpoint(standins.deepspeech2(CLASSES, FEATURES, 12, channels=4), 1)
    chunking = dataclasses.replace(built.live.chunking, chunk=LIVE_CHUNK, settle=None)
    return dataclasses.replace(built, live=dataclasses.replace(built.live, chunking=chunking))


def _ctc() -> Built:
    module = standins.randomize(TinyCtc(), 1)
    size = sum(value.numel() for value in module.parameters())
    return Built("ctc", {"encoder": encoder_graph(module, FEATURES, 20)}, Encoder(2, 1, 3000), CLASSES, FEATURES, size, 1, 16)


@dataclass(frozen=True)
class Recipe:
    """One package: how it is made and how its greedy search goes."""

    make: Callable[[], Built]
    architecture: str
    description: str


RECIPES = {
    "tiny-ctc": Recipe(_ctc, "tiny-ctc", "Convolution, unidirectional GRU, CTC"),
    "tiny-ds2": Recipe(_ds2, "kospeech-deepspeech2", "DeepSpeech2 in one direction, GRU, CTC"),
    "tiny-las": Recipe(_las, "kospeech-las", "LAS, VGG, LSTM, location-aware attention, joint CTC"),
    "tiny-las-mha": Recipe(_las_mha, "kospeech-las", "LAS, DS2, GRU, multi-head attention, without CTC"),
    "tiny-transformer": Recipe(_transformer, "kospeech-transformer", "Transformer, VGG, joint CTC"),
    "tiny-rnnt": Recipe(_rnnt, "kospeech-rnnt", "RNN-T, bidirectional LSTM"),
}


def best_path(log_probs: Tensor) -> list[int]:
    """CTC: most likely class of each frame, repeats and blanks left out."""
    ids = log_probs.argmax(-1).tolist()
    return [one for index, one in enumerate(ids) if one != BLANK and (index == 0 or one != ids[index - 1])]


def _rounded(values: Tensor) -> Any:
    return [_rounded(row) for row in values] if values.dim() > 1 else [round(float(value), 6) for value in values]


def _attention(built: Built, encoded: dict[str, Tensor]) -> dict[str, Any]:
    graph = built.graphs["decoder"]
    states = zeros(graph.states, encoded["encoder_out"].shape[1])
    memory = {name: encoded[name] for name in graph.memory}
    ids, shown, looked, score, token = [], [], [], 0.0, SOS
    for _ in range(built.decoder["maxTokens"]):
        out, states = advance(graph, {"tokens": torch.tensor([token]), **memory}, states)
        if len(shown) < SHOWN:
            shown.append(_rounded(out["log_probs"][0]))
            looked.append(_rounded(out["attention"][0]))
        token = int(out["log_probs"][0].argmax())
        score += float(out["log_probs"][0, token])
        if token == EOS:
            break
        ids.append(token)
    return {"ids": ids, "ended": token == EOS, "score": round(score, 4), "stepLogProbs": shown, "attention": looked}


def _transducer(built: Built, encoded: dict[str, Tensor]) -> dict[str, Any]:
    predictor, joiner = built.graphs["predictor"], built.graphs["joiner"]
    frames = encoded["encoder_out"][0]
    out, states = advance(predictor, {"tokens": torch.tensor([SOS])}, zeros(predictor.states, len(frames)))
    ids, at, shown, score = [], [], [], 0.0
    for index, frame in enumerate(frames):
        for _ in range(built.decoder["maxTokensPerFrame"]):
            log_probs = joiner.run({"encoder_frames": frame[None], "predictor_out": out["predictor_out"]})["log_probs"][0]
            if len(shown) < SHOWN:
                shown.append({"frame": index, "tokens": len(ids), "logProbs": _rounded(log_probs)})
            token = int(log_probs.argmax())
            score += float(log_probs[token])
            if token == BLANK:
                break
            ids.append(token)
            at.append(index)
            out, states = advance(predictor, {"tokens": torch.tensor([token])}, states)
    return {"ids": ids, "tokenFrames": at, "score": round(score, 4), "joinLogProbs": shown}


def expected(built: Built) -> dict[str, Any]:
    """What a runtime must compute for each utterance of TEXTS."""
    utterances = []
    for frames in TEXTS:
        if frames < built.encoder.min_frames:
            continue
        encoded = built.graphs["encoder"].run(inputs_of(frames))
        entry: dict[str, Any] = {"frames": frames, "encoderFrames": int(encoded["output_lengths"][0])}
        if "encoder_out" in encoded:
            entry["encoderOut"] = {"first": _rounded(encoded["encoder_out"][0, 0]), "last": _rounded(encoded["encoder_out"][0, -1])}
        if "log_probs" in encoded:
            entry["ctc"] = {"ids": best_path(encoded["log_probs"][0]), "logProbs": _rounded(encoded["log_probs"][0, : None if built.live else SHOWN])}
        if built.family == "attention":
            entry |= _attention(built, encoded)
        elif built.family == "transducer":
            entry |= _transducer(built, encoded)
        utterances.append(entry)
    return {
        "features": "sin(0.05 t (1 + f mod 5) + 0.7 f) + 0.5 cos(0.013 t f), frame t and channel f from 0, float32",
        "channels": FEATURES, "utterances": utterances,
    }


def _with_blank(built: Built) -> bool:
    return built.family != "attention" or "log_probs" in built.graphs["encoder"].outputs


def exported(built: Built) -> dict[str, Graph]:
    """The graphs of the package, of models that can stream the one that does."""
    return {**built.graphs, **({"encoder": built.live} if built.live else {})}


def manifest(name: str, recipe: Recipe, built: Built) -> dict[str, Any]:
    """The manifest, without the list of files."""
    graphs = {}
    for role, graph in exported(built).items():
        graphs[role] = {"file": f"{role}.onnx", "precision": "float32"}
        graphs[role] |= {"states": graph.states} if graph.states else {}
        graphs[role] |= {"memory": graph.memory} if graph.memory else {}
    tokens = {"file": "tokens.txt", "unit": "character", **({"blank": BLANK} if _with_blank(built) else {}), "eos": EOS, "space": " "}
    if built.family != "ctc":
        tokens["sos"] = SOS
    most = min(built.encoder.max_frames, 3000)
    return {
        "schema": 1, "name": name, "version": "1.0.0", "language": "ko", "description": f"For tests. {recipe.description}.",
        "family": built.family,
        "architecture": {"name": recipe.architecture, "parameters": built.parameters, "layers": built.layers, "dimension": built.dimension},
        "frontEnd": FRONT_END, "tokens": tokens,
        "encoder": {"subsampling": built.encoder.subsampling, "frameMs": 10 * built.encoder.subsampling,
                    "minFrames": built.encoder.min_frames, "maxFrames": most,
                    "paddingSafe": built.encoder.padding_safe or built.live is not None,
                    **({"streaming": {**built.live.chunking.manifest(), "frontEnd": {"normalize": {"kind": "running"}}}} if built.live else {})},
        "graphs": graphs, "decoder": built.decoder, "files": {}, "license": {"weights": "CC0-1.0"},
        "training": {"data": []}, "metrics": [],
    }


def write(folder: Path, name: str) -> None:
    """Write one package and what is expected of it."""
    recipe = RECIPES[name]
    built = learn(recipe.make())
    folder.mkdir(parents=True, exist_ok=True)
    # Without a CTC head the class of the blank is there all the same; it needs a text that never shows.
    extra = [] if _with_blank(built) else ["<blank>"]
    (folder / "tokens.txt").write_text("".join(f"{token}\n" for token in [*TOKENS, *extra]), encoding="utf-8")
    for role, graph in exported(built).items():
        to_onnx(graph, folder / f"{role}.onnx")
    document = manifest(name, recipe, built)
    for file in ("tokens.txt", *(graph["file"] for graph in document["graphs"].values())):
        data = (folder / file).read_bytes()
        document["files"][file] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    lines = json.dumps(expected(built), ensure_ascii=False, separators=(",", ":"))
    (folder / "expected.json").write_text(lines + "\n", encoding="utf-8")
