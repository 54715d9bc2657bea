"""`conditions`: the real utterances as rooms, noise, telephones and codecs make them, stored beside the clean ones.

For training every utterance gets one variant `far` (reverberation, noise, or both) and one `line` (telephone or codec).
The development set gets a set of its own for every condition, to be measured apart: noise is the same at every ratio.
"""

import argparse
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from . import acoustics, channel, corpora, pool
from .features import fbank
from .store import Store, StoreWriter

SNRS = (20, 10, 5, 0)
Variant = Callable[[np.ndarray, np.random.Generator, "Voices"], np.ndarray]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--corpora", type=Path, default=Path("../shared/corpora"), help="folder that prepare read")
    add("--work", type=Path, required=True, help="working folder that prepare filled")
    add("--processes", type=int, default=2)
    add("--seed", type=int, default=5)


class Voices:
    """Training speech by others than the speaker, for babble."""

    def __init__(self, folder: Path, training: list[dict], speaker: str) -> None:
        self.folder, self.training, self.speaker = folder, training, speaker

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Up to seven utterances; none where there is nobody else."""
        chosen: list[dict] = []
        wanted = int(rng.integers(3, 8))
        # Bounded: the training set may have one speaker only.
        for _ in range(4 * wanted if self.training else 0):
            other = self.training[rng.integers(len(self.training))]
            if other["speaker"] != self.speaker and len(chosen) < wanted:
                chosen.append(other)
        return [corpora.load(self.folder, entry) for entry in chosen]


def noise(length: int, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """Babble in a third of the cases, else one of the generated noises."""
    if rng.random() < 1 / 3 and (others := voices.draw(rng)):
        return acoustics.babble(length, others, rng)
    return acoustics.NOISES[rng.choice(list(acoustics.NOISES))](length, rng)


def far(samples: np.ndarray, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """A room, noise at 0 to 20 dB, or both."""
    in_room = rng.random() < 0.65
    if in_room:
        room = acoustics.draw_room(rng, (0.2, 0.9), (0.4, 4.0))
        samples = acoustics.reverberate(samples, acoustics.impulse_response(room, rng))
    if not in_room or rng.random() < 0.6:
        samples = acoustics.add_noise(samples, noise(len(samples), rng, voices), rng.uniform(0, 20))
    return channel.to_peak(samples, rng.uniform(-24, -1))


def line(samples: np.ndarray, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """A telephone line in two thirds of the cases, else a wideband codec; sometimes noise or clipping before it."""
    if rng.random() < 0.3:
        samples = acoustics.add_noise(samples, noise(len(samples), rng, voices), rng.uniform(8, 25))
    peak = rng.uniform(0, 12) if rng.random() < 0.15 else rng.uniform(-24, -1)
    if rng.random() < 0.65:
        kinds, odds = list(channel.NARROW.values()), (0.35, 0.35, 0.15, 0.15)
        return channel.telephone(samples, kinds[rng.choice(len(kinds), p=odds)], peak)
    kinds = list(channel.WIDE.values())
    return channel.through(channel.to_peak(samples, peak), 16000, kinds[rng.integers(len(kinds))])


def dev_far(samples: np.ndarray, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """One to four metres away in a room of 0.3 to 0.8 s, with a little noise."""
    room = acoustics.draw_room(rng, (0.3, 0.8), (1.0, 4.0))
    samples = acoustics.reverberate(samples, acoustics.impulse_response(room, rng))
    return channel.to_peak(acoustics.add_noise(samples, acoustics.coloured(len(samples), rng), 25), -12)


def dev_telephone(samples: np.ndarray, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """G.711."""
    return channel.telephone(samples, channel.G711[rng.choice(list(channel.G711))], -6)


def dev_codec(samples: np.ndarray, rng: np.random.Generator, voices: Voices) -> np.ndarray:
    """Low bit rates: Opus, MP3, and GSM on a telephone line."""
    if rng.random() < 0.25:
        return channel.telephone(samples, channel.NARROW["gsm"], -6)
    kinds = [channel.WIDE[name] for name in ("opus-8k", "opus-12k", "mp3-low")]
    return channel.through(channel.to_peak(samples, -6), 16000, kinds[rng.integers(len(kinds))])


def dev_noise(samples: np.ndarray, rng: np.random.Generator, voices: Voices, snr_db: float) -> np.ndarray:
    """Noise of all kinds at one ratio; the generator is the same for all, and so is the noise."""
    return channel.to_peak(acoustics.add_noise(samples, noise(len(samples), rng, voices), snr_db), -6)


# Store: split it is made of, the seed's name, and how.
STORES: dict[str, tuple[str, str, Variant]] = {
    "far": ("train", "far", far),
    "line": ("train", "line", line),
    "dev-far": ("dev", "dev-far", dev_far),
    "dev-telephone": ("dev", "dev-telephone", dev_telephone),
    "dev-codec": ("dev", "dev-codec", dev_codec),
    **{f"dev-noise-{snr}": ("dev", "dev-noise", partial(dev_noise, snr_db=snr)) for snr in SNRS},
}


def make(store: str, entry: dict, folder: Path, training: list[dict], seed: int) -> np.ndarray:
    """Features of an utterance's variant: the same whenever and wherever it is made."""
    _, name, variant = STORES[store]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), zlib.crc32(entry["id"].encode())])
    samples = corpora.load(folder, entry)
    return fbank(channel.quantize(variant(samples, rng, Voices(folder, training, entry["speaker"]))))


_shared: tuple[Path, list[dict], int] = (Path(), [], 0)


def _prepare(folder: Path, training: list[dict], seed: int) -> None:
    global _shared  # noqa: PLW0603 - once a process, instead of with every task
    _shared = (folder, training, seed)


def _work(task: tuple[str, dict]) -> np.ndarray:
    folder, training, seed = _shared
    return make(*task, folder, training, seed)


def folders(work: Path, split: str) -> dict[str, Path]:
    """Finished condition stores of a split, by name."""
    root = work / "conditions"
    return {name: root / name for name, (of, _, _) in STORES.items()
            if of == split and (root / name / "index.jsonl").exists()}


def run(args: argparse.Namespace) -> None:
    """Write `conditions/NAME/` under the working folder; stores that are complete are left alone."""
    by_id = {entry["id"]: entry for entry in corpora.entries(args.corpora)}
    items = Store(args.work / "real").items
    training = [{k: by_id[item["id"]][k] for k in ("audio", "speaker")} for item in items if item["split"] == "train"]
    with pool.Processes(args.processes, _prepare, (args.corpora, training, args.seed)) as processes:
        for name, (split, _, _) in STORES.items():
            chosen = [item for item in items if item["split"] == split]
            if chosen and not (args.work / "conditions" / name / "index.jsonl").exists():
                write(name, args.work / "conditions" / name, chosen, by_id, processes)


def write(name: str, folder: Path, chosen: list[dict], by_id: dict[str, dict], processes: pool.Processes) -> None:
    """One store, or the rest of it."""
    writer, began = StoreWriter(folder, resume=True), time.time()
    rest = chosen[len(writer.items) :]
    found = processes.ordered(_work, [(name, by_id[item["id"]]) for item in rest])
    for n, (item, features) in enumerate(zip(rest, found, strict=True), len(chosen) - len(rest)):
        kept = {k: v for k, v in item.items() if k not in ("start", "frames")}
        writer.add(features, **{**kept, "condition": name})
        if n % 200 == 0:
            print(f"conditions {name} {n}/{len(chosen)} utterances, {time.time() - began:.0f} s", flush=True)
    writer.close()
    print(f"conditions {name} done: {len(chosen)} utterances, {time.time() - began:.0f} s", flush=True)
