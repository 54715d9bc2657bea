"""Batches: real and synthetic utterances mixed by hours, bucketed by length, padded to the longest of a batch."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from .augment import AugmentConfig, perturb, spec_augment
from .model import MIN_FRAMES
from .store import Store
from .tokens import encode


@dataclass(frozen=True)
class Sample:
    """An utterance in a store."""

    store: Store
    item: dict
    target: list[int]


@dataclass
class Batch:
    """Padded features and concatenated targets."""

    features: torch.Tensor
    lengths: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        return Batch(*(t.to(device) for t in (self.features, self.lengths, self.targets, self.target_lengths)))


def samples(store: Store, split: str) -> list[Sample]:
    """All utterances of a split, with token targets."""
    return [Sample(store, item, encode(item["text"])) for item in store.items if item["split"] == split]


def mix(
    real: list[Sample], synthetic: list[Sample], share: float, keep: dict[str, float], rng: np.random.Generator
) -> list[Sample]:
    """One epoch: every real utterance once, and synthetic ones drawn afresh up to `share` of the frames.

    `keep` thins corpora that say the same sentences over and over: that share of them is drawn in each epoch.
    """
    chosen = [s for s in real if rng.random() < keep.get(s.item["corpus"], 1.0)]
    if synthetic and share > 0:
        wanted = sum(s.item["frames"] for s in chosen) * share / (1 - share)
        for index in rng.permutation(len(synthetic)):
            if wanted <= 0:
                break
            chosen.append(synthetic[index])
            wanted -= synthetic[index].item["frames"]
    return chosen


def by_id(stores: list[Store]) -> dict[str, list[Sample]]:
    """Variants of every utterance, one a store, by its id."""
    found: dict[str, list[Sample]] = {}
    for store in stores:
        for sample in samples(store, "train"):
            found.setdefault(sample.item["id"], []).append(sample)
    return found


def vary(
    chosen: list[Sample], variants: dict[str, list[Sample]], share: float, rng: np.random.Generator
) -> list[Sample]:
    """The same utterances, about `share` of them in one of their variants instead."""
    result = []
    for sample in chosen:
        others = variants.get(sample.item.get("id"))
        result.append(others[rng.integers(len(others))] if others and rng.random() < share else sample)
    return result


def bucket(chosen: list[Sample], frames: int, rng: np.random.Generator) -> list[list[Sample]]:
    """Batches of at most `frames` padded frames, similar lengths together, in random order."""
    # Jitter in the sort key gives other neighbours every epoch.
    order = sorted(chosen, key=lambda s: s.item["frames"] * rng.uniform(0.93, 1.07))
    batches: list[list[Sample]] = []
    current: list[Sample] = []
    longest = 0
    for sample in order:
        longest = max(longest, sample.item["frames"])
        if current and longest * (len(current) + 1) > frames:
            batches.append(current)
            current, longest = [], sample.item["frames"]
        current.append(sample)
    if current:
        batches.append(current)
    rng.shuffle(batches)  # type: ignore[arg-type]
    return batches


class Collator:
    """Turns samples into a batch, augmented or not."""

    def __init__(self, mean: np.ndarray, inverse_std: np.ndarray, augment: AugmentConfig | None = None) -> None:
        self.mean = mean.astype(np.float32)
        self.inverse_std = inverse_std.astype(np.float32)
        self.augment = augment

    def __call__(self, group: list[Sample], rng: np.random.Generator | None = None) -> Batch:
        rows = []
        for sample in group:
            x = sample.store.features(sample.item)
            if self.augment and rng:
                x = perturb(x, rng, self.augment)
            x = (x - self.mean) * self.inverse_std
            rows.append(spec_augment(x, rng, self.augment) if self.augment and rng else x)
        # Rounded up, so that memory is reused across batches of similar size.
        longest = max(MIN_FRAMES, -(-max(len(x) for x in rows) // 16) * 16)
        features = np.zeros((len(rows), longest, len(self.mean)), np.float32)
        for row, x in zip(features, rows, strict=True):
            row[: len(x)] = x
        return Batch(
            torch.from_numpy(features),
            torch.tensor([max(len(x), MIN_FRAMES) for x in rows]),
            torch.tensor([i for s in group for i in s.target], dtype=torch.long),
            torch.tensor([len(s.target) for s in group]),
        )


def prefetch(batches: list[list[Sample]], collate: Collator, seed: int) -> Iterator[Batch]:
    """Collate on one thread ahead of the training step."""
    ready: queue.Queue[Batch | Exception | None] = queue.Queue(4)

    def work() -> None:
        try:
            rng = np.random.default_rng(seed)
            for group in batches:
                ready.put(collate(group, rng))
            ready.put(None)
        except Exception as error:  # handed to the consumer, which raises it
            ready.put(error)

    threading.Thread(target=work, daemon=True).start()
    while (batch := ready.get()) is not None:
        if isinstance(batch, Exception):
            raise batch
        yield batch
