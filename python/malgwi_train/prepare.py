"""`prepare`: corpora -> normalised transcripts and precomputed features."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from . import corpora
from .features import FrontEnd, fbank
from .store import StoreWriter
from .text import normalize, syllables


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"), help="folder with manifest.jsonl")
    parser.add_argument("--work", type=Path, required=True, help="working folder for features and checkpoints")
    parser.add_argument("--min-rate", type=float, default=1.5, help="drop slower utterances (syllables per second)")
    parser.add_argument("--max-rate", type=float, default=10.0, help="drop faster utterances (syllables per second)")
    parser.add_argument("--max-seconds", type=float, default=20.0, help="drop longer training utterances")
    parser.add_argument("--limit", type=int, default=0, help="stop after this many utterances (for trials)")


def run(args: argparse.Namespace) -> None:
    """Write `real/` under the working folder, and the statistics of its training part."""
    torch.set_num_threads(1)
    entries = corpora.entries(args.corpora)
    writer, config, began = StoreWriter(args.work / "real"), FrontEnd(), time.time()
    total, squares, count, dropped = np.zeros(80), np.zeros(80), 0, 0
    for n, entry in enumerate(entries[: args.limit or None]):
        samples = corpora.load(args.corpora, entry)
        text = normalize(entry["text"])
        seconds = len(samples) / config.sample_rate
        speed = syllables(text) / seconds
        # Rates outside what people speak at are misaligned cuts; dev keeps everything, to stay comparable.
        if entry["split"] == "train" and not (args.min_rate <= speed <= args.max_rate and seconds <= args.max_seconds):
            dropped += 1
            continue
        features = fbank(samples, config)
        if entry["split"] == "train":
            total += features.sum(0)
            squares += np.square(features, dtype=np.float64).sum(0)
            count += len(features)
        kept = {key: entry[key] for key in ("id", "speaker", "corpus", "split", "license")}
        writer.add(features, text=text, seconds=round(seconds, 3), **kept)
        if n % 500 == 0:
            print(f"prepare {n}/{len(entries)} utterances, {time.time() - began:.0f} s", flush=True)
    writer.close()
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-6))
    statistics = {"mean": mean.tolist(), "inverseStd": (1 / deviation).tolist(), "frames": count, "dropped": dropped}
    (args.work / "statistics.json").write_text(json.dumps(statistics))
    hours = sum(i["seconds"] for i in writer.items if i["split"] == "train") / 3600
    print(f"prepare done: {len(writer.items)} utterances kept, {dropped} dropped, {hours:.2f} h of training speech")
