"""The package's manifest: everything a runtime needs to serve the graph, and where the weights come from."""

import hashlib
import json
import shutil
from collections import defaultdict
from pathlib import Path

from .features import FrontEnd
from .model import MIN_FRAMES, SUBSAMPLING, ConformerCTC, parameters
from .store import Store
from .streaming import OVERLAP, Chunking, shapes
from .text import NORMALIZER
from .tokens import BLANK, EOS

LANGUAGE_MODEL = "language-model.kenlm"
# Of the beam search: on dev no text changes between 10, its default, and 7, and it takes a quarter less time.
TOKEN_REACH = 7
SOURCES = {
    "pansori-tedxkr": ("Pansori-TEDxKR (TEDx talks in Korean)", "CC-BY-NC-ND-4.0"),
    "emotiontts-open-db": ("EmotionTTS Open DB (read sentences)", "CC-BY-NC-SA-4.0"),
    "deeply-korean-read-speech": ("Deeply Korean read speech corpus (public sample)", "CC-BY-NC-ND-4.0"),
    "ksponspeech": ("KsponSpeech (AI Hub; its speakers are not labelled, folders are counted)", "AI Hub terms of use"),
    "espeak-ng-text": (
        "espeak-ng speech of sentences from NSMC, Chatbot_data, 3i4K and ParaKQC",
        "text: CC0-1.0, MIT, CC-BY-SA-4.0, CC-BY-SA-4.0"),
    "espeak-ng-seats": ("espeak-ng speech of generated seat-desk sentences", "Apache-2.0"),
    "noise": ("generated silence and noise, with empty transcripts", "Apache-2.0"),
}


def file_entry(path: Path) -> dict:
    """Digest and size of a packaged file."""
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def data_entries(work: Path) -> list[dict]:
    """Hours and speakers of every training source."""
    hours: dict[str, float] = defaultdict(float)
    speakers: dict[str, set[str]] = defaultdict(set)
    for name in ("real", "synthetic"):
        if (work / name / "index.jsonl").exists():
            for item in Store(work / name).items:
                if item["split"] == "train":
                    hours[item["corpus"]] += item["seconds"] / 3600
                    speakers[item["corpus"]].add(item["speaker"])
    return [
        {"name": title, "hours": round(hours[corpus], 2), "license": licence,
         "speakers": 0 if corpus == "noise" else len(speakers[corpus])}
        for corpus, (title, licence) in SOURCES.items() if corpus in hours
    ]


def front_end(statistics: dict) -> dict:
    """The front end's parameters, in the manifest's words."""
    c = FrontEnd()
    return {
        "kind": "kaldi-fbank", "sampleRate": c.sample_rate, "numMels": c.num_mels,
        "windowMs": c.window * 1000 // c.sample_rate, "hopMs": c.hop * 1000 // c.sample_rate, "fftSize": c.fft_size,
        "window": c.window_type, "preemphasis": c.preemphasis, "removeDcOffset": True,
        "lowFrequency": int(c.low_frequency), "highFrequency": int(c.high_frequency), "power": True, "snipEdges": True,
        "dither": 0, "waveformScale": int(c.waveform_scale), "energyFloor": c.energy_floor, "trimSilence": False,
        "normalize": {"kind": "fixed", "mean": [round(v, 6) for v in statistics["mean"]],
                      "inverseStd": [round(v, 6) for v in statistics["inverseStd"]]},
        "reverse": False,
    }


def streaming(chunking: Chunking) -> dict:
    """How the graph is run live, in the manifest's words."""
    return {
        "chunkFrames": chunking.chunk, "lookaheadFrames": chunking.lookahead, "leftFrames": chunking.left,
        "overlapFrames": OVERLAP, "settleFrames": chunking.settle,
    }


def as_ratios(result: dict) -> dict:
    """The manifest says error rates as ratios (0-1), as the service's metrics do; the recipe's log says per cent."""
    ratio = result["edits"] / max(1, result["referenceCharacters"])
    subsets = {name: as_ratios(subset) for name, subset in result.get("bySubset", {}).items()}
    return {**result, "cerNoSpaces": round(ratio, 4), **({"bySubset": subsets} if subsets else {})}


def write_manifest(
    folder: Path, version: str, model: ConformerCTC, state: dict, metrics: list[tuple[str, str, dict]], work: Path,
    cost: str, chunking: Chunking,
) -> None:
    """Write `manifest.json` for the files already in the folder; `metrics` are set, decoding and result."""
    progress = state.get("progress", {})
    config = model.config
    spent = cost or (
        f"{progress.get('elapsed', 0) / 60:.0f} minutes on 2 CPU cores, {progress.get('step', 0)} steps, "
        f"{progress.get('seconds', 0) / 3600:.0f} h of (augmented) speech processed"
    )
    manifest = {
        "schema": 1, "name": "malgwi-ko", "version": version, "language": "ko",
        "description": "Small Korean Conformer-CTC with conjoining-jamo units, trained from scratch for seat desks.",
        "family": "ctc",
        "architecture": {
            "name": "kospeech-conformer-ctc", "parameters": parameters(model), "layers": config.layers,
            "dimension": config.dimension, "heads": config.heads, "units": "grapheme"},
        "frontEnd": front_end(state["statistics"]),
        "tokens": {"file": "tokens.txt", "unit": "grapheme", "blank": BLANK, "eos": EOS, "space": "|", "compose": "nfc"},
        "encoder": {"subsampling": SUBSAMPLING, "frameMs": 10 * SUBSAMPLING, "minFrames": MIN_FRAMES, "maxFrames": 3000,
                    "paddingSafe": True, "streaming": streaming(chunking)},
        "graphs": {"encoder": {
            "file": "encoder.int8.onnx", "precision": "int8",
            "states": [{"name": name, "shape": shape} for name, shape in shapes(config).items()]}},
        "decoder": {"method": "greedy"},
        "files": {name: file_entry(folder / name) for name in ("encoder.int8.onnx", "tokens.txt")},
        "license": {
            "code": "Apache-2.0",
            "weights": "CC-BY-NC-SA-4.0 (trained on non-commercial corpora; see README.md)",
            "notes": "Non-commercial use only: two of the corpora are CC BY-NC-ND 4.0, one CC BY-NC-SA 4.0. "
                     "No audio or transcript of them is part of this package."},
        "training": {"data": data_entries(work), "cost": spent, "recipe": "python/README.md"},
        "metrics": [{"set": name, "normalizer": NORMALIZER, "decoding": decoding, **as_ratios(result)}
                    for name, decoding, result in metrics],
    }
    write_json(folder, manifest)


def write_json(folder: Path, manifest: dict) -> None:
    """Write a manifest; short number lists on one line each keep the file reviewable."""
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    for key in ("mean", "inverseStd"):
        values = manifest["frontEnd"]["normalize"].get(key, [])
        text = text.replace(_indented(key, values), f'"{key}": {json.dumps(values)}')
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def attach(folder: Path, file: Path, alpha: float, beta: float, beam_width: int) -> None:
    """
    Put a language model that `lm` wrote into a package, and have it decode with a beam search and these weights.

    What the model was built from is read from the `.json` beside it.
    """
    about = json.loads(file.with_name(file.name + ".json").read_text(encoding="utf-8"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    target = folder / LANGUAGE_MODEL
    shutil.copyfile(file, target)
    manifest["languageModel"] = {
        "file": target.name, "format": about["format"], "unit": about["unit"], "alpha": alpha, "beta": beta,
        "license": about["license"], "sources": [f"{s['name']}, {s['license']}" for s in about["sources"]],
    }
    manifest["decoder"] = {**manifest["decoder"], "method": "beam", "beamWidth": beam_width, "tokenReach": TOKEN_REACH}
    manifest["files"][target.name] = file_entry(target)
    write_json(folder, manifest)


def _indented(key: str, values: list[float]) -> str:
    inner = ",\n".join(f"        {v}" for v in values)
    return f'"{key}": [\n{inner}\n      ]'
