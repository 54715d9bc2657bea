"""`prepare`: corpora -> normalised transcripts and precomputed features."""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from . import corpora, pool
from .features import FrontEnd, fbank
from .store import Store, StoreWriter
from .text import normalize, syllables


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--corpora", type=Path, default=Path("../shared/corpora"), help="folder with manifest.jsonl, or KsponSpeech's")
    add("--work", type=Path, required=True, help="working folder for features and checkpoints")
    add("--min-rate", type=float, default=1.5, help="drop slower utterances (syllables per second)")
    add("--max-rate", type=float, default=10.0, help="drop faster utterances (syllables per second)")
    add("--max-seconds", type=float, default=20.0, help="drop longer training utterances")
    add("--limit", type=int, default=0, help="only this many utterances of each split (for trials)")
    add("--processes", type=int, default=2)


def limited(entries: list[dict], limit: int) -> list[dict]:
    """The first utterances of each split."""
    seen: dict[str, int] = {}
    kept = []
    for entry in entries:
        seen[entry["split"]] = seen.get(entry["split"], 0) + 1
        if not limit or seen[entry["split"]] <= limit:
            kept.append(entry)
    return kept


def _work(task: tuple[Path, dict]) -> tuple[np.ndarray, float]:
    samples = corpora.load(*task)
    return fbank(samples, FrontEnd()), len(samples) / corpora.SAMPLE_RATE


def statistics(store: Store) -> dict:
    """Mean and inverse deviation of each mel bin over the training part."""
    total, squares, count = np.zeros(80), np.zeros(80), 0
    for item in store.items:
        if item["split"] == "train":
            features = store.features(item)
            total += features.sum(0)
            squares += np.square(features, dtype=np.float64).sum(0)
            count += len(features)
    mean = total / max(1, count)
    deviation = np.sqrt(np.maximum(squares / max(1, count) - mean**2, 1e-6))
    return {"mean": mean.tolist(), "inverseStd": (1 / deviation).tolist(), "frames": count}


def keep(args: argparse.Namespace, entry: dict, text: str, seconds: float) -> bool:
    """Rates outside what people speak at are misaligned cuts; held-out sets keep everything, to stay comparable."""
    speed = syllables(text) / seconds if seconds else 0
    return entry["split"] != "train" or args.min_rate <= speed <= args.max_rate and seconds <= args.max_seconds


def run(args: argparse.Namespace) -> None:
    """Write `real/` under the working folder, and the statistics of its training part; goes on where it was stopped."""
    folder, began = args.work / "real", time.time()
    if not (folder / "index.jsonl").exists():
        entries = limited(corpora.entries(args.corpora), args.limit)
        writer = StoreWriter(folder, resume=True)
        if writer.items:
            last = writer.items[-1]["id"]
            entries = entries[1 + next(n for n, entry in enumerate(entries) if entry["id"] == last) :]
        with pool.Processes(args.processes) as processes:
            found = processes.ordered(_work, [(args.corpora, entry) for entry in entries])
            for n, (entry, (features, seconds)) in enumerate(zip(entries, found, strict=True), 1):
                text = normalize(entry["text"])
                if keep(args, entry, text, seconds):
                    kept = {key: entry[key] for key in ("id", "speaker", "corpus", "split", "license")}
                    writer.add(features, text=text, seconds=round(seconds, 3), **kept)
                if n % 500 == 0:
                    print(f"prepare {n}/{len(entries)} utterances, {time.time() - began:.0f} s", flush=True)
        writer.close()
    store = Store(folder)
    (args.work / "statistics.json").write_text(json.dumps(statistics(store)))
    hours = sum(item["seconds"] for item in store.items if item["split"] == "train") / 3600
    print(f"prepare done: {len(store.items)} utterances kept, {hours:.2f} h of training speech")

