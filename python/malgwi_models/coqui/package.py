"""Writes the package of an imported model: graph, tokens, scorer and manifest."""

import hashlib
import json
from pathlib import Path

import onnx

from .acoustic import AcousticModel
from .errors import Refused

SAMPLE_RATE = 16_000
MEL_CHANNELS = 40
MAX_BEAM = 4096


def front_end(model: AcousticModel) -> dict:
    """The front end in the manifest's words.

    Raises:
        Refused: when the model was trained on audio of another sample rate, or on frames no runtime here makes.
    """
    metadata = model.metadata
    if metadata.sample_rate != SAMPLE_RATE:
        raise Refused(f"the model was trained on audio of {metadata.sample_rate} Hz; the service works at {SAMPLE_RATE} Hz: "
                      "train or fine-tune it with --audio_sample_rate 16000 and export it again")
    window, step = (SAMPLE_RATE * ms // 1000 for ms in (metadata.window_ms, metadata.step_ms))
    if not (64 <= window <= 4096 and 16 <= step <= window):
        raise Refused(f"windows of {metadata.window_ms} ms every {metadata.step_ms} ms are not supported")
    return {
        "kind": "coqui-mfcc", "sampleRate": SAMPLE_RATE, "windowSamples": window, "stepSamples": step,
        "numMels": MEL_CHANNELS, "numCoefficients": model.coefficients, "contextFrames": model.context,
    }


def manifest(model: AcousticModel, name: str, description: str, precision: str, segmentation: str = "none",
             language: str | None = None, version: str = "1.0.0", licence: str = "") -> dict:
    """The manifest without its list of files."""
    metadata, alphabet = model.metadata, model.alphabet
    tokens = {"file": "tokens.txt", "unit": alphabet.unit, "blank": len(alphabet.labels), "space": alphabet.space}
    if alphabet.unit == "grapheme":
        tokens["compose"] = "nfc"
    state = [model.cells]
    return {
        "schema": 1, "name": name, "version": version,
        "language": language or metadata.language or alphabet.language,
        "description": description,
        "family": "coqui",
        "architecture": {"name": "coqui-stt", "parameters": model.parameters, "layers": len(model.layers),
                         "dimension": model.cells, "units": alphabet.unit},
        "frontEnd": front_end(model),
        "tokens": tokens,
        "encoder": {"subsampling": 1, "frameMs": metadata.step_ms, "minFrames": 1, "maxFrames": 100_000, "paddingSafe": False},
        "graphs": {"encoder": {"file": f"encoder{'.int8' if precision == 'int8' else ''}.onnx", "precision": precision,
                               "states": [{"name": "hidden", "shape": ["batch", *state]},
                                          {"name": "cell", "shape": ["batch", *state]}]}},
        "decoder": {"method": "coqui", "beamWidth": min(max(metadata.beam_width, 1), MAX_BEAM)},
        "segmentation": segmentation,
        "files": {},
        "license": {"weights": licence or "not stated in the model file: ask whoever published it"},
        "training": {"data": []},
        "metrics": [],
    }  # fmt: skip


def write(folder: Path, manifest: dict, graph: onnx.ModelProto, model: AcousticModel, scorer: Path | None = None) -> None:
    """Write the package's files into an empty folder."""
    files = {
        manifest["graphs"]["encoder"]["file"]: graph.SerializeToString(),
        "tokens.txt": "".join(f"{token}\n" for token in model.alphabet.texts).encode("utf-8"),
    }
    if scorer is not None:
        files[manifest["languageModel"]["file"]] = scorer.read_bytes()
    for name, data in files.items():
        (folder / name).write_bytes(data)
        manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
