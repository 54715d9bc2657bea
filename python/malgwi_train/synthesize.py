"""`synthesize`: espeak-ng speech of sampled sentences and of a seat-desk grammar, as features.

Half of the sentences are spelled by sound first (see `pronounce`), because espeak-ng leaves assimilation out; the
other half is left as it is, because that is how plain espeak-ng clips sound. Targets always keep the spelling.
"""

import argparse
import gzip
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from . import seats
from .espeak import HELD_OUT, VARIANTS, speak
from .features import FrontEnd, fbank
from .pronounce import pronounce
from .store import StoreWriter
from .text import is_spoken, normalize, syllables


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--text", type=Path, default=Path("../shared/text"), help="folder with NAME.txt.gz, one sentence a line")
    add("--work", type=Path, required=True, help="working folder for features")
    add("--hours", type=float, default=4.0, help="hours of speech to make")
    add("--seats", type=float, default=0.4, help="share of sentences from the seat grammar")
    add("--pronounce", type=float, default=0.5, help="share of sentences spelled by sound for the synthesiser")
    add("--dev-sentences", type=int, default=120, help="sentences of the synthetic development set (held-out voices)")
    add("--noise-minutes", type=float, default=8.0, help="minutes of silence and noise with an empty transcript")
    add("--threads", type=int, default=2)
    add("--seed", type=int, default=7)


def sentences(folder: Path, rng: random.Random, count: int) -> list[str]:
    """Normalised sentences of 4 to 40 syllables, the same number from every file."""
    result = []
    files = sorted(folder.glob("*.txt.gz"))
    for path in files:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            pool = [line.strip() for line in lines]
        rng.shuffle(pool)
        kept = 0
        for line in pool:
            text = normalize(line) if is_spoken(line) else ""
            if 4 <= syllables(text) <= 40:
                result.append(text)
                kept += 1
            if kept * len(files) >= count:
                break
    rng.shuffle(result)
    return result


def noises(minutes: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Digital silence, and noises of several colours and levels."""
    result = []
    while sum(map(len, result)) < minutes * 60 * 16000:
        length = int(rng.uniform(0.5, 8) * 16000)
        white = np.fft.rfft(rng.standard_normal(length))
        slope = rng.uniform(0, 2)
        noise = np.fft.irfft(white / np.maximum(1, np.arange(len(white))) ** (slope / 2), length)
        level = 0.0 if rng.random() < 0.2 else 10 ** rng.uniform(-4.5, -1.2)
        result.append((noise / np.abs(noise).max() * level).astype(np.float32))
    return result


def run(args: argparse.Namespace) -> None:
    """Write `synthetic/` under the working folder."""
    torch.set_num_threads(1)
    rng, began = random.Random(args.seed), time.time()
    folder = args.work / "synthetic"
    writer = StoreWriter(folder)
    general = sentences(args.text, rng, int(args.hours * 3600 / 2))
    print(f"synthesize: {len(general)} sentences sampled, {time.time() - began:.0f} s", flush=True)

    def job(split: str) -> dict:
        domain = rng.random() < args.seats
        text = seats.sentence(rng) if domain else general.pop()
        return {
            "text": normalize(text), "corpus": "espeak-ng-seats" if domain else "espeak-ng-text", "split": split,
            "voice": rng.choice(HELD_OUT if split == "dev" else VARIANTS), "by_sound": rng.random() < args.pronounce,
            "rate": rng.randint(110, 220), "pitch": rng.randint(20, 80),
            "lead": rng.uniform(0.02, 0.5), "tail": rng.uniform(0.05, 0.6),
        }

    def make(item: dict) -> tuple[dict, np.ndarray]:
        spoken = pronounce(item["text"]) if item["by_sound"] else item["text"]
        samples = speak(spoken, item["voice"], item["rate"], item["pitch"])
        pad = (int(item["lead"] * 16000), int(item["tail"] * 16000))
        return item, fbank(np.pad(samples, pad), FrontEnd())

    seconds, made = 0.0, 0
    with ThreadPoolExecutor(args.threads) as pool:
        while seconds < args.hours * 3600 and len(general) > 256:
            split = "dev" if made < args.dev_sentences else "train"
            size = min(256, args.dev_sentences - made) if split == "dev" else 256
            for item, features in pool.map(make, [job(split) for _ in range(size)]):
                length = len(features) / 100
                made += 1
                # A voice that fails gives next to nothing: such a target could not be learned.
                if length < 0.09 * syllables(item["text"]):
                    continue
                writer.add(features, text=item["text"], corpus=item["corpus"], split=split, id=f"espeak-{made:06d}",
                           speaker=f"espeak{item['voice']}", seconds=round(length, 3), license="none")
                seconds += length if split == "train" else 0
            print(f"synthesize {seconds / 3600:.2f}/{args.hours} h, {time.time() - began:.0f} s", flush=True)
    for n, samples in enumerate(noises(args.noise_minutes, np.random.default_rng(args.seed))):
        writer.add(fbank(samples), text="", corpus="noise", split="train", id=f"noise-{n:04d}", speaker="none",
                   seconds=round(len(samples) / 16000, 3), license="none")
    writer.close()
    print(f"synthesize done: {len(writer.items)} utterances", flush=True)
