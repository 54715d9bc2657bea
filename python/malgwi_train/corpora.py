"""Speech corpora as they come: what their folders hold, and the samples of an utterance."""

import json
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16000


def entries(folder: Path) -> list[dict]:
    """Utterances of a folder with `manifest.jsonl`: id, audio, text, speaker, corpus, split, license."""
    with open(folder / "manifest.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load(folder: Path, entry: dict) -> np.ndarray:
    """Samples of an utterance, 16 kHz mono, -1..1."""
    samples, rate = soundfile.read(folder / entry["audio"], dtype="float32")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise ValueError(f"{entry['audio']}: expected {SAMPLE_RATE} Hz mono")
    return samples
