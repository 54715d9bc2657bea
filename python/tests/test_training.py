"""Augmentation, batching, metrics and schedule."""

from pathlib import Path

import numpy as np
import pytest
import torch

from malgwi_train.augment import AugmentConfig, perturb, spec_augment
from malgwi_train.data import Collator, bucket, mix, prefetch, samples
from malgwi_train.metrics import Tally, edit_distance
from malgwi_train.optimizer import learning_rate, orthogonalize
from malgwi_train.store import Store, StoreWriter


@pytest.fixture
def store(tmp_path: Path) -> Store:
    rng = np.random.default_rng(0)
    writer = StoreWriter(tmp_path)
    for n in range(40):
        features = rng.uniform(0, 20, (int(rng.integers(60, 400)), 80))
        writer.add(features, id=str(n), text="가나 다", split="dev" if n < 4 else "train", corpus="ab"[n % 2])
    writer.close()
    return Store(tmp_path)


def test_store_gives_back_what_was_written(store: Store) -> None:
    assert len(store.items) == 40
    assert all(store.features(item).shape == (item["frames"], 80) for item in store.items)


def test_batches_hold_every_utterance_once_and_keep_to_the_limit(store: Store) -> None:
    chosen = samples(store, "train")
    assert len(chosen) == 36
    batches = bucket(chosen, 1200, np.random.default_rng(1))
    assert sorted(s.item["id"] for b in batches for s in b) == sorted(s.item["id"] for s in chosen)
    assert all(len(b) * max(s.item["frames"] for s in b) <= 1200 for b in batches)


def test_mix_draws_the_asked_share(store: Store) -> None:
    chosen = samples(store, "train")
    rng = np.random.default_rng(2)
    assert len(mix(chosen, [], 0.35, {}, rng)) == len(chosen)
    assert {s.item["corpus"] for s in mix(chosen, [], 0, {"a": 0.0}, rng)} == {"b"}
    assert len(mix(chosen[:18], chosen[18:], 0.3, {}, rng)) > 18


def test_prefetch_is_reproducible(store: Store) -> None:
    collate = Collator(np.full(80, 10.0), np.full(80, 0.2), AugmentConfig())
    batches = bucket(samples(store, "train"), 2000, np.random.default_rng(1))
    first, second = ([b.features for b in prefetch(batches, collate, 5)] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_augmentation_keeps_the_floor_and_the_input() -> None:
    rng, x = np.random.default_rng(3), np.zeros((200, 80), np.float32) + 5
    for _ in range(20):
        y = perturb(x, rng, AugmentConfig())
        assert y.min() >= 0
        assert abs(len(y) - 200) <= 30
    assert (x == 5).all()
    assert spec_augment(np.ones((7, 80), np.float32), rng, AugmentConfig()).shape == (7, 80)


def test_edit_distance_and_rate() -> None:
    assert [edit_distance(*p) for p in [("", ""), ("가", ""), ("가나다", "가다"), ("가나", "나가")]] == [0, 1, 1, 2]
    tally = Tally()
    tally.add("가 나 다 라", "가나 다바")
    assert (tally.edits, tally.characters, tally.rate) == (1, 4, 25.0)


def test_schedule() -> None:
    assert learning_rate(1.0, 0, 10, 0.0, 0.01) == pytest.approx(0.1)
    assert learning_rate(1.0, 100, 10, 0.5, 0.0) == pytest.approx(0.5)
    assert learning_rate(1.0, 100, 10, 1.5, 0.01) == pytest.approx(0.01)


def test_orthogonalize() -> None:
    for shape in ((2, 16, 64), (2, 64, 16)):
        values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
        assert values.min() > 0.3
        assert values.max() < 1.5
