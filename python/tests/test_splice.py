"""Words of real utterances, found and put together anew."""

import json
from pathlib import Path

import numpy as np
import pytest

from malgwi_train import splice
from malgwi_train.store import Store, StoreWriter
from malgwi_train.tokens import BLANK, TOKENS, encode


def sure(frames: list[int]) -> np.ndarray:
    """Log-probabilities that are sure of one token a frame."""
    values = np.full((len(frames), len(TOKENS)), -9.0)
    values[np.arange(len(frames)), frames] = -0.01
    return values


def test_alignment_follows_the_surest_path() -> None:
    a, b, c = encode("가 나")[:3]
    target = [a, b, b, c]
    # Equal neighbours need a blank between them; the second `b` is the surer one of its two frames.
    path = sure([BLANK, a, a, b, BLANK, b, b, BLANK, c])
    path[6, b] = -0.001
    found, mean = splice.align(path, target)
    assert found == [2, 3, 6, 8] or found == [1, 3, 6, 8]
    assert mean == pytest.approx(-0.01, abs=0.002)


def test_no_alignment_where_there_are_more_tokens_than_frames() -> None:
    assert splice.align(sure([BLANK, BLANK]), encode("가나다")) == ([], float("-inf"))


def test_long_alignments_keep_their_way_back() -> None:
    target = encode("가나다라 마바사아 " * 12)
    path = sure([token for one in target for token in (BLANK, one, BLANK)])
    found, _ = splice.align(path, target)
    assert found == [3 * n + 1 for n in range(len(target))]


def test_words_are_divided_where_it_is_quiet() -> None:
    target = encode("가 나")
    features = np.full((60, 80), 10.0)
    features[29] = 3
    # Letters are sure at frames 2, 4 | 6 (the space) | 9, 11: between features 19 and 39.
    assert splice.cuts(features, target, [2, 4, 6, 9, 11]) == [0, 29, 60]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Ten utterances of three words by two speakers; every frame says whose and which it is. Rooms are 100 louder."""
    stores = {name: StoreWriter(tmp_path / name) for name in ("real", "far")}
    lines = []
    for n in range(10):
        speaker = n % 2
        values = np.arange(90)[:, None] + 1000.0 * speaker + np.zeros((1, 80))
        for name, writer in stores.items():
            heard = values if name == "real" else values + 100
            writer.add(heard, id=f"u{n}", text=f"가{'나' * (n + 1)} 다 라마", split="train", corpus="c", speaker=f"s{speaker}")
        lines.append(json.dumps({"id": f"u{n}", "cuts": [0, 30, 50, 90]}))
    for writer in stores.values():
        writer.close()
    (tmp_path / splice.FILE).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_an_utterance_of_pieces_says_what_its_pieces_say(work: Path) -> None:
    real = Store(work / "real")
    splices = splice.Splices(work, real)
    rng = np.random.default_rng(1)
    for like in real.items:
        sample = splices.draw(like, rng)
        assert sample is not None
        features = sample.store.features(sample.item)
        assert len(features) == sample.item["frames"] >= 90
        assert sample.target == encode(sample.item["text"])
        # Words are said for 30, 20 and 40 frames; all of one speaker.
        lengths = [{"다": 20, "라마": 40}.get(word, 30) for word in sample.item["text"].split()]
        assert sum(lengths) == len(features)
        assert (features[:, 0] // 1000 == int(like["speaker"][1])).all()
    assert len({tuple(splices.draw(real.items[0], rng).target) for _ in range(20)}) > 10


def test_shares_of_utterances_and_of_rooms(work: Path) -> None:
    real = Store(work / "real")
    splices = splice.Splices(work, real, Store(work / "far"))
    from malgwi_train.data import samples

    chosen = samples(real, "train") * 30
    mixed = splices.mix(chosen, 0.5, np.random.default_rng(2), rooms=0.4)
    anew = [s for s in mixed if s.store is splices]
    assert len(mixed) == len(chosen)
    assert 110 < len(anew) < 190
    loud = sum(s.store.features(s.item)[0, 0] % 1000 >= 100 for s in anew)
    assert 0.25 < loud / len(anew) < 0.55
    assert splices.mix(chosen, 0.0, np.random.default_rng(2)) == chosen


def test_a_speaker_of_whom_little_is_known_stays_as_recorded(work: Path) -> None:
    lines = (work / splice.FILE).read_text().splitlines()
    (work / splice.FILE).write_text("\n".join(lines[:5]) + "\n")
    real = Store(work / "real")
    splices = splice.Splices(work, real)
    assert [splices.draw(item, np.random.default_rng(3)) for item in real.items] == [None] * 10


def test_without_divided_words_training_says_what_is_missing(work: Path) -> None:
    (work / splice.FILE).unlink()
    with pytest.raises(SystemExit, match="splice"):
        splice.Splices(work, Store(work / "real"))
