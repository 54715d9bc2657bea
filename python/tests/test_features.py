"""The filter bank against what KoSpeech's own front end computed."""

from pathlib import Path

import numpy as np
import pytest

from malgwi_train.features import FrontEnd, fbank

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "kospeech" / "features"
# The fixtures scale to +-1 and floor at float32's epsilon; the bundled model does neither.
SCALE, FLOOR = 1 / 32767, 1.1920929e-7


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs ../shared/fixtures/kospeech beside the repository")
@pytest.mark.parametrize("window", ["povey", "hamming"])
def test_equals_kospeech(window: str) -> None:
    paths = sorted(FIXTURES.glob("*.npz"))
    assert paths
    for path in paths:
        with np.load(path) as data:
            config = FrontEnd(window_type=window, waveform_scale=SCALE, energy_floor=FLOOR)
            computed = fbank(data["pcm"].astype(np.float32), config)
            assert computed.shape == data[f"fbank_{window}_raw"].shape
            assert np.abs(computed - data[f"fbank_{window}_raw"]).mean() < 1e-5


def test_digital_silence_is_zero() -> None:
    assert not fbank(np.zeros(16000)).any()


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (319, 0), (320, 1), (479, 1), (480, 2), (16000, 99)])
def test_no_frame_reaches_over_the_end(samples: int, frames: int) -> None:
    assert fbank(np.zeros(samples)).shape == (frames, 80)


def test_a_tone_peaks_in_its_own_band() -> None:
    seconds = np.arange(16000) / 16000
    peaks = [fbank(0.5 * np.sin(2 * np.pi * f * seconds)).mean(0).argmax() for f in (200, 1000, 4000)]
    assert peaks == sorted(set(peaks))
    assert 0 < peaks[0] < peaks[2] < 79
