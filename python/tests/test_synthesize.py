"""Synthetic speech: what is drawn, and in what it is heard."""

import gzip
import random
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from malgwi_train import seats, synthesize
from malgwi_train.evaluate import development_sets
from malgwi_train.store import Store, StoreWriter


def arguments(tmp_path: Path, share: float) -> SimpleNamespace:
    """A few utterances from a few hundred sentences."""
    (tmp_path / "text").mkdir(exist_ok=True)
    rng = random.Random(1)
    with gzip.open(tmp_path / "text" / "a.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(seats.sentence(rng) for _ in range(700)))
    return SimpleNamespace(text=tmp_path / "text", work=tmp_path, hours=0.15, seats=0.4, pronounce=0.5, conditions=share,
                           dev_sentences=6, noise_minutes=0.3, threads=2, seed=7)


def test_what_is_said_does_not_depend_on_what_it_is_heard_in(tmp_path: Path) -> None:
    drawn = []
    for share in (0.0, 0.5):
        script = synthesize.Script(arguments(tmp_path, share))
        drawn.append([script.draw("train") for _ in range(60)])
    heard = [sum(item["condition"] != "" for item in items) for items in drawn]
    assert heard[0] == 0
    assert 15 < heard[1] < 45
    said = [[{k: v for k, v in item.items() if k not in ("condition", "seed")} for item in items] for items in drawn]
    assert said[0] == said[1]


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng, which makes the speech, is not installed")
def test_development_sentences_come_clean_and_in_noise(tmp_path: Path) -> None:
    item = synthesize.Script(arguments(tmp_path, 0.5)).draw("dev")
    clean, noisy = synthesize.make(item).values()
    assert clean.shape == noisy.shape
    # The pauses are no longer silent.
    assert np.percentile(noisy, 5) > np.percentile(clean, 5) + 1
    assert [np.array_equal(a, b) for a, b in zip(synthesize.make(item).values(), (clean, noisy), strict=True)] == [True] * 2


def test_both_are_sets_of_evaluate(tmp_path: Path) -> None:
    for name, splits in (("real", ["train", "dev"]), ("synthetic", ["train", "dev", "dev-noise-10"])):
        writer = StoreWriter(tmp_path / name)
        for split in splits:
            writer.add(np.zeros((9, 80)), id=split, text="가", split=split, corpus="c")
        writer.close()
    assert {name: len(found) for name, found in development_sets(tmp_path).items()} == {
        "dev": 1, "synthetic-dev": 1, "synthetic-dev-noise-10": 1}


def test_a_store_made_anew_leaves_readers_of_the_old_one_alone(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "s")
    writer.add(np.full((9, 80), 3.0), id="a")
    writer.close()
    old = Store(tmp_path / "s")
    writer = StoreWriter(tmp_path / "s")
    assert not (tmp_path / "s" / "index.jsonl").exists()
    writer.add(np.full((4, 80), 5.0), id="b")
    writer.close()
    assert (old.features(old.items[0]) == 3).all()
    assert [item["id"] for item in Store(tmp_path / "s").items] == ["b"]


def test_noises_are_of_all_levels_and_kinds() -> None:
    found = synthesize.noises(6.0, np.random.default_rng(1))
    assert sum(map(len, found)) >= 360 * 16000
    peaks = np.array([np.abs(noise).max() for noise in found])
    assert (peaks == 0).any()
    assert peaks.max() > 0.05
    assert all(np.isfinite(noise).all() for noise in found)
