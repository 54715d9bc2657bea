"""`tiny-conformer`: a test package of the recipe's own architecture, whole utterances and live streams in one graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from malgwi_train.export import to_onnx
from malgwi_train.model import MIN_FRAMES, SUBSAMPLING, ConformerCTC, ModelConfig, parameters
from malgwi_train.package import file_entry, streaming
from malgwi_train.streaming import Chunking, Step, shapes, stream
from torch.nn import functional

from .utterances import BLANK, CLASSES, EOS, FEATURES, TEXTS, TOKENS, inputs_of

NAME = "tiny-conformer"
CONFIG = ModelConfig(num_mels=FEATURES, stem=12, dimension=16, layers=2, heads=2, kernel=5, vocabulary=CLASSES)
CHUNKING = Chunking(chunk=4, lookahead=2, left=8)
UTTERANCES = {frames: text for frames, text in TEXTS.items() if frames >= MIN_FRAMES}
ROUNDS = 250


def learn() -> ConformerCTC:
    """A model that knows its utterances by heart, whole and in chunks."""
    torch.manual_seed(1)
    model = ConformerCTC(CONFIG)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for turn in range(ROUNDS):
        optimizer.zero_grad()
        for frames, text in UTTERANCES.items():
            ids = [TOKENS.index(one) for one in text]
            inputs = inputs_of(frames, 0.2)
            masks = (CHUNKING.chunk, CHUNKING.left // CHUNKING.chunk) if turn % 2 else ()
            logits, lengths, _ = model(inputs["features"], inputs["lengths"], *masks)
            path = logits.log_softmax(-1).transpose(0, 1)
            loss = functional.ctc_loss(path, torch.tensor([ids]), lengths.tolist(), [len(ids)], BLANK, "sum", zero_infinity=True)
            (loss / len(ids)).backward()
        optimizer.step()
    return model.eval()


@torch.inference_mode()
def expected(model: ConformerCTC) -> dict[str, Any]:
    """What a runtime must compute for each utterance: `ctc` of the whole utterance, `live` in chunks."""
    rows = []
    for frames in UTTERANCES:
        inputs = inputs_of(frames)
        logits, lengths, _ = model(inputs["features"], inputs["lengths"])
        live, _ = stream(Step(model), shapes(CONFIG), inputs["features"], inputs["lengths"], CHUNKING)
        entry: dict[str, Any] = {"frames": frames, "encoderFrames": int(lengths[0])}
        for key, values in (("ctc", logits.log_softmax(-1)[0]), ("live", live[0])):
            best = values.argmax(-1).tolist()
            ids = [one for n, one in enumerate(best) if one != BLANK and (n == 0 or one != best[n - 1])]
            entry[key] = {"ids": ids, "logProbs": [[round(float(v), 6) for v in row] for row in values]}
        rows.append(entry)
    return {"channels": FEATURES, "utterances": rows}


def manifest(front_end: dict[str, Any], model: ConformerCTC) -> dict[str, Any]:
    """The manifest, without the list of files."""
    fixed = {"kind": "fixed", "mean": [10.0] * FEATURES, "inverseStd": [0.5] * FEATURES}
    states = [{"name": name, "shape": shape} for name, shape in shapes(CONFIG).items()]
    return {
        "schema": 1, "name": NAME, "version": "1.0.0", "language": "ko", "description": "For tests. Streamable Conformer, CTC.",
        "family": "ctc",
        "architecture": {"name": NAME, "parameters": parameters(model), "layers": CONFIG.layers, "dimension": CONFIG.dimension},
        "frontEnd": {**front_end, "normalize": fixed},
        "tokens": {"file": "tokens.txt", "unit": "character", "blank": BLANK, "eos": EOS, "space": " "},
        "encoder": {"subsampling": SUBSAMPLING, "frameMs": 10 * SUBSAMPLING, "minFrames": MIN_FRAMES, "maxFrames": 3000,
                    "paddingSafe": True, "streaming": streaming(CHUNKING)},
        "graphs": {"encoder": {"file": "encoder.onnx", "precision": "float32", "states": states}},
        "decoder": {"method": "greedy"}, "files": {}, "license": {"weights": "CC0-1.0"}, "training": {"data": []}, "metrics": [],
    }


def write(folder: Path, front_end: dict[str, Any]) -> None:
    """Write the package and what is expected of it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = learn()
    (folder / "tokens.txt").write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
    to_onnx(model, folder / "encoder.onnx")
    document = manifest(front_end, model)
    document["files"] = {name: file_entry(folder / name) for name in ("tokens.txt", "encoder.onnx")}
    (folder / "manifest.json").write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    lines = json.dumps(expected(model), ensure_ascii=False, separators=(",", ":"))
    (folder / "expected.json").write_text(lines + "\n", encoding="utf-8")
