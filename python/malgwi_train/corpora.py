"""Speech corpora as they come: what their folders hold, and the samples of an utterance."""

import json
from pathlib import Path

import numpy as np
import soundfile

from . import ksponspeech

SAMPLE_RATE = 16000


def entries(folder: Path) -> list[dict]:
    """
    Utterances of a folder: id, audio, text, speaker, corpus, split (train, dev, test), license.

    A folder says them in `manifest.jsonl`, or it is KsponSpeech's, or it holds both.
    """
    found: list[dict] = []
    manifest = folder / "manifest.jsonl"
    if manifest.exists():
        with open(manifest, encoding="utf-8") as lines:
            found += (json.loads(line) for line in lines)
    if ksponspeech.is_here(folder):
        found += ksponspeech.entries(folder)
    if not found:
        raise SystemExit(f"{folder}: neither manifest.jsonl nor KsponSpeech_01 to KsponSpeech_05")
    return found


def load(folder: Path, entry: dict) -> np.ndarray:
    """Samples of an utterance, 16 kHz mono, -1..1."""
    path = folder / entry["audio"]
    if path.suffix == ".pcm":
        # The evaluation sets have files with a stray last byte.
        data = path.read_bytes()
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise ValueError(f"{entry['audio']}: expected {SAMPLE_RATE} Hz mono")
    return samples
