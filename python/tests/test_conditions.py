"""Rooms, noises, channels, and stores that are made in pieces."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from malgwi_train import acoustics, channel, conditions
from malgwi_train.acoustics import Room
from malgwi_train.data import by_id, samples, vary
from malgwi_train.store import Store, StoreWriter


def decay(response: np.ndarray) -> np.ndarray:
    """Schroeder's integral in dB."""
    energy = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    return 10 * np.log10(energy / energy[0] + 1e-12)


@pytest.mark.parametrize("rt60", [0.3, 0.6, 0.9])
def test_rooms_decay_as_asked(rt60: float) -> None:
    rng = np.random.default_rng(1)
    curve = decay(acoustics.impulse_response(Room((6, 5, 2.8), rt60, 2.0), rng)[40:])
    measured = 3 * (np.argmax(curve < -25) - np.argmax(curve < -5)) / acoustics.SAMPLE_RATE
    assert 0.65 * rt60 < measured < 1.25 * rt60


def test_distance_and_reverberation_time_set_the_direct_to_reverberant_ratio() -> None:
    rng = np.random.default_rng(2)
    for distance, rt60 in ((0.5, 0.4), (2.0, 0.4), (2.0, 0.8)):
        ratios = []
        for _ in range(8):
            response = acoustics.impulse_response(Room((6, 5, 2.8), rt60, distance), rng)
            assert response[0] == 1
            ratios.append(-10 * np.log10(np.square(response[1:], dtype=np.float64).sum()))
        # Sabine's theory: the two are equal at 0.057 sqrt(V / T).
        wanted = 20 * np.log10(0.057 * np.sqrt(6 * 5 * 2.8 / rt60) / distance)
        assert np.mean(ratios) == pytest.approx(wanted, abs=3)


def test_noise_is_added_at_its_ratio() -> None:
    rng = np.random.default_rng(3)
    speech = np.concatenate([np.zeros(8000), rng.standard_normal(16000), np.zeros(8000)]).astype(np.float32)
    assert acoustics.active_level(speech) == pytest.approx(1, abs=0.05)
    for make in acoustics.NOISES.values():
        noise = make(len(speech), rng)
        assert np.isfinite(noise).all()
        added = acoustics.add_noise(speech, noise, 10) - speech
        assert 20 * np.log10(np.sqrt(np.mean(added**2))) == pytest.approx(-10, abs=0.5)
    assert np.isfinite(acoustics.babble(5000, [speech, speech[::-1]], rng)).all()


@pytest.mark.parametrize("codec", [*channel.NARROW.values()])
def test_telephones_pass_their_band_only(codec: tuple) -> None:
    time = np.arange(24000) / 16000
    speech = sum(np.sin(2 * np.pi * f * time) for f in (100, 1000, 6000)).astype(np.float32) / 4
    heard = channel.telephone(speech, codec, -6)
    assert len(heard) == len(speech)
    power = np.abs(np.fft.rfft(heard[4000:20000])) ** 2
    level = 10 * np.log10(np.array([power[f - 5 : f + 6].sum() for f in (100, 1000, 6000)]))
    assert (level[1] - level[[0, 2]] > 20).all()


@pytest.mark.parametrize("codec", [*channel.WIDE.values()])
def test_codecs_keep_length_and_place(codec: tuple) -> None:
    rng = np.random.default_rng(4)
    speech = channel.band(rng.standard_normal(32000), 16000, 300, 2000) * np.hanning(32000).astype(np.float32) * 0.3
    heard = channel.through(speech, 16000, codec)
    assert len(heard) == len(speech)
    lag = np.fft.irfft(np.fft.rfft(heard) * np.conj(np.fft.rfft(speech))).argmax()
    assert min(lag, 32000 - lag) < 40


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working folder as prepare leaves it, and the corpus it was made of."""
    rng, lines = np.random.default_rng(5), []
    writer = StoreWriter(tmp_path / "real")
    for n in range(6):
        audio = (rng.standard_normal(8000 + 800 * n) * 0.1).astype(np.float32)
        soundfile.write(tmp_path / f"{n}.wav", audio, 16000)
        about = {"id": f"u{n}", "speaker": f"s{n % 3}", "corpus": "c", "split": "dev" if n % 3 == 0 else "train",
                 "license": "none", "text": "가나"}
        lines.append(json.dumps({**about, "audio": f"{n}.wav"}))
        writer.add(np.zeros((49 + 5 * n, 80)), **about, seconds=0.5)
    writer.close()
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def command(work: Path, seed: int = 5) -> None:
    conditions.run(SimpleNamespace(corpora=work, work=work, processes=1, seed=seed))


def test_variants_are_complete_and_resumable(work: Path) -> None:
    command(work)
    stores = {path.name: Store(path) for path in (work / "conditions").iterdir()}
    assert set(stores) == set(conditions.STORES)
    for name, store in stores.items():
        of = conditions.STORES[name][0]
        assert [i["id"] for i in store.items] == (["u0", "u3"] if of == "dev" else ["u1", "u2", "u4", "u5"])
        assert all(i["split"] == of and i["frames"] == 49 + 5 * int(i["id"][1]) for i in store.items)
    whole = (work / "conditions" / "far" / "features.f16").read_bytes()
    # Interrupted in the third utterance: half a line, half a matrix.
    folder = work / "conditions" / "far"
    lines = (folder / "index.jsonl").read_text().splitlines(keepends=True)
    (folder / "index.partial.jsonl").write_text("".join(lines[:2]) + lines[2][:30])
    (folder / "index.jsonl").unlink()
    os.truncate(folder / "features.f16", len(whole) // 2 + 77)
    untouched = (work / "conditions" / "line" / "features.f16").stat().st_mtime_ns
    command(work)
    assert (folder / "features.f16").read_bytes() == whole
    assert (folder / "index.jsonl").read_text() == "".join(lines)
    assert (work / "conditions" / "line" / "features.f16").stat().st_mtime_ns == untouched


def test_an_utterance_appears_in_one_form(work: Path) -> None:
    command(work)
    clean = samples(Store(work / "real"), "train")
    variants = by_id([Store(path) for path in conditions.folders(work, "train").values()])
    assert {k: len(v) for k, v in variants.items()} == {s.item["id"]: 2 for s in clean}
    rng, changed = np.random.default_rng(6), 0
    for _ in range(200):
        chosen = vary(clean, variants, 0.35, rng)
        assert [s.item["id"] for s in chosen] == [s.item["id"] for s in clean]
        changed += sum("condition" in s.item for s in chosen)
    assert changed / (200 * len(clean)) == pytest.approx(0.35, abs=0.06)
    assert vary(clean, variants, 0, rng) == clean


def test_a_song_has_level_and_no_two_are_the_same() -> None:
    found = [acoustics.song(16000, np.random.default_rng(n)) for n in range(6)]
    assert all(len(x) == 16000 and np.isfinite(x).all() for x in found)
    # Every one has chords or a melody, whatever else is silent.
    assert min(x.std() for x in found) > 0.02
    assert not np.allclose(found[0], found[1])
    assert (acoustics.song(16000, np.random.default_rng(1)) == found[1]).all()
