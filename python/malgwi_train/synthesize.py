"""`synthesize`: espeak-ng speech of sampled sentences and of a seat-desk grammar, as features.

Half of the sentences are spelled by sound first (see `pronounce`), because espeak-ng leaves assimilation out; the
other half is left as it is, because that is how plain espeak-ng clips sound. Targets always keep the spelling.

Of the training part some utterances are heard in rooms, in noise or through telephones; the development sentences come
twice, clean and in noise.
"""

import argparse
import gzip
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from . import acoustics, channel, conditions, seats
from .espeak import HELD_OUT, VARIANTS, speak
from .features import fbank
from .pronounce import pronounce
from .store import StoreWriter
from .text import is_spoken, normalize, syllables

NOISY_DB = 10
NOISY_SPLIT = f"dev-noise-{NOISY_DB}"
# Of utterances that are not clean: noise by itself is the commonest around a seat desk.
CONDITIONS = ["far", "line", "noise", "noise", "noise"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--text", type=Path, default=Path("../shared/text"), help="folder with NAME.txt.gz, one sentence a line")
    add("--work", type=Path, required=True, help="working folder for features")
    add("--name", default="synthetic", help="folder for them, under the working folder")
    add("--hours", type=float, default=4.0, help="hours of speech to make")
    add("--seats", type=float, default=0.4, help="share of sentences from the seat grammar")
    add("--pronounce", type=float, default=0.5, help="share of sentences spelled by sound for the synthesiser")
    add("--conditions", type=float, default=0.35, help="share of training utterances in a room, in noise or on a line")
    add("--dev-sentences", type=int, default=120, help="sentences of the synthetic development set (held-out voices)")
    add("--noise-minutes", type=float, default=16.0, help="minutes of silence, noise and tones with an empty transcript")
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
    """Digital silence, noises of several colours and levels, machines, clicks and music of a sort."""
    result = []
    while sum(map(len, result)) < minutes * 60 * 16000:
        length = int(rng.uniform(0.5, 8) * 16000)
        noise = acoustics.NOISES[rng.choice(list(acoustics.NOISES))](length, rng)
        level = 0.0 if rng.random() < 0.1 else 10 ** rng.uniform(-4.5, -0.6)
        result.append(channel.quantize(noise / np.abs(noise).max() * level))
    return result


class Script:
    """Draws what is said, by whom and how."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.rng = random.Random(args.seed)
        # Apart, so that sentences and voices do not depend on how many are heard in noise.
        self.conditions = random.Random(args.seed + 1)
        self.general = sentences(args.text, self.rng, int(args.hours * 3600 / 2))
        self.crowd = self.general[:1000]

    def draw(self, split: str) -> dict:
        """One utterance."""
        args, rng = self.args, self.rng
        domain = rng.random() < args.seats
        text = seats.sentence(rng) if domain else self.general.pop()
        return {
            "text": normalize(text), "corpus": "espeak-ng-seats" if domain else "espeak-ng-text", "split": split,
            "voice": rng.choice(HELD_OUT if split == "dev" else VARIANTS), "by_sound": rng.random() < args.pronounce,
            "rate": rng.randint(110, 220), "pitch": rng.randint(20, 80),
            "lead": rng.uniform(0.02, 0.5), "tail": rng.uniform(0.05, 0.6),
            "condition": self.conditions.choice(CONDITIONS) if self.conditions.random() < args.conditions else "",
            "seed": self.conditions.getrandbits(32), "crowd": self.crowd,
        }


class Crowd(conditions.Voices):
    """Babble of other synthetic voices."""

    def __init__(self, sentences: list[str], voice: str) -> None:
        super().__init__(Path(), [], "")
        self.sentences, self.voice = sentences, voice

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Three to twelve utterances by others."""
        others = [voice for voice in VARIANTS if voice != self.voice]
        return [speak(self.sentences[rng.integers(len(self.sentences))], others[rng.integers(len(others))],
                      int(rng.integers(110, 220)), int(rng.integers(20, 80))) for _ in range(rng.integers(3, 13))]


def noisy(samples: np.ndarray, rng: np.random.Generator, voices: conditions.Voices) -> np.ndarray:
    """Noise at 0 to 20 dB and no room."""
    mixed = acoustics.add_noise(samples, conditions.noise(len(samples), rng, voices), rng.uniform(0, 20))
    return channel.to_peak(mixed, rng.uniform(-24, -1))


HEARD = {"far": conditions.far, "line": conditions.line, "noise": noisy}


def make(item: dict) -> dict[str, np.ndarray]:
    """Features of an utterance by split: one of the training part is clean or not, one of the development set both."""
    spoken = pronounce(item["text"]) if item["by_sound"] else item["text"]
    samples = speak(spoken, item["voice"], item["rate"], item["pitch"])
    samples = np.pad(samples, (int(item["lead"] * 16000), int(item["tail"] * 16000)))
    rng = np.random.default_rng(item["seed"])
    crowd = Crowd(item["crowd"], item["voice"])
    if item["split"] == "dev":
        noisy = conditions.dev_noise(samples, rng, crowd, NOISY_DB)
        return {"dev": fbank(samples), NOISY_SPLIT: fbank(channel.quantize(noisy))}
    if item["condition"]:
        samples = channel.quantize(HEARD[item["condition"]](samples, rng, crowd))
    return {"train": fbank(samples)}


def run(args: argparse.Namespace) -> None:
    """Write the store `--name` under the working folder."""
    torch.set_num_threads(1)
    began = time.time()
    script = Script(args)
    writer = StoreWriter(args.work / args.name)
    print(f"synthesize: {len(script.general)} sentences sampled, {time.time() - began:.0f} s", flush=True)
    seconds, made = 0.0, 0
    with ThreadPoolExecutor(args.threads) as pool:
        while seconds < args.hours * 3600 and len(script.general) > 256:
            split = "dev" if made < args.dev_sentences else "train"
            size = min(256, args.dev_sentences - made) if split == "dev" else 256
            items = [script.draw(split) for _ in range(size)]
            for item, variants in zip(items, pool.map(make, items), strict=True):
                made += 1
                for name, features in variants.items():
                    length = len(features) / 100
                    # A voice that fails gives next to nothing: such a target could not be learned.
                    if length < 0.09 * syllables(item["text"]):
                        continue
                    writer.add(features, text=item["text"], corpus=item["corpus"], split=name, id=f"espeak-{made:06d}",
                               speaker=f"espeak{item['voice']}", seconds=round(length, 3), license="none",
                               condition=item["condition"] if name == "train" else name)
                    seconds += length if name == "train" else 0
            print(f"synthesize {seconds / 3600:.2f}/{args.hours} h, {time.time() - began:.0f} s", flush=True)
    for n, samples in enumerate(noises(args.noise_minutes, np.random.default_rng(args.seed))):
        writer.add(fbank(samples), text="", corpus="noise", split="train", id=f"noise-{n:04d}", speaker="none",
                   seconds=round(len(samples) / 16000, 3), license="none")
    writer.close()
    print(f"synthesize done: {len(writer.items)} utterances", flush=True)
