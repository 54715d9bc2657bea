"""Kaldi-compatible log-mel filter bank, as KoSpeech's training front end computes it.

Every constant here is written into the package manifest, because the served front end must reproduce it exactly.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch


@dataclass(frozen=True)
class FrontEnd:
    """Parameters of the filter bank; the defaults are those of the bundled model."""

    sample_rate: int = 16000
    num_mels: int = 80
    window: int = 320
    hop: int = 160
    fft_size: int = 512
    window_type: str = "povey"
    preemphasis: float = 0.97
    low_frequency: float = 20.0
    high_frequency: float = 8000.0
    # Samples are scaled to the int16 range, so that a floor of 1 is reached by digital silence only.
    waveform_scale: float = 32768.0
    energy_floor: float = 1.0


def _mel(frequency: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(frequency) / 700.0)


@lru_cache(maxsize=8)
def _constants(config: FrontEnd) -> tuple[torch.Tensor, torch.Tensor]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(config.window) / (config.window - 1))
    window = {
        "povey": hann**0.85,
        "hann": hann,
        "hamming": 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(config.window) / (config.window - 1)),
    }[config.window_type]
    # Kaldi's triangles are linear in mel and leave the Nyquist bin out.
    bins = _mel(np.arange(config.fft_size // 2) * config.sample_rate / config.fft_size)[None, :]
    edges = np.linspace(_mel(config.low_frequency), _mel(config.high_frequency), config.num_mels + 2)
    left, centre, right = (edges[i : i + config.num_mels, None] for i in range(3))
    weights = np.maximum(0, np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)))
    weights = np.pad(weights, ((0, 0), (0, 1)))
    return torch.from_numpy(window).float(), torch.from_numpy(weights.T.copy()).float()


def fbank(samples: np.ndarray, config: FrontEnd = FrontEnd()) -> np.ndarray:
    """Log-mel energies `[frames, num_mels]` of samples in -1..1; no frame reaches over an edge (snip_edges)."""
    if len(samples) < config.window:
        return np.zeros((0, config.num_mels), np.float32)
    window, mel = _constants(config)
    signal = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32)) * config.waveform_scale
    frames = signal.unfold(0, config.window, config.hop)
    frames = frames - frames.mean(1, keepdim=True)
    previous = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    frames = (frames - config.preemphasis * previous) * window
    power = torch.fft.rfft(frames, config.fft_size).abs().square()
    return (power @ mel).clamp_min(config.energy_floor).log().numpy()
