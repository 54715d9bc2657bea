"""Augmentation of log-mel features: no audio is touched, so that two CPU cores keep up with training."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class AugmentConfig:
    """Strengths of the perturbations."""

    speed: float = 0.12
    warp: float = 0.08
    gain_db: float = 12.0
    noise_probability: float = 0.3
    noise_db: tuple[float, float] = (5.0, 30.0)
    frequency_masks: int = 2
    frequency_width: int = 18
    time_mask_every: int = 80
    time_width: int = 25

    def scaled(self, strength: float) -> "AugmentConfig":
        """Masks and noise so much as strong: a short run underfits, and learns faster from cleaner input."""
        return replace(
            self, noise_probability=self.noise_probability * strength,
            frequency_width=round(self.frequency_width * strength), time_width=round(self.time_width * strength),
        )


def perturb(x: np.ndarray, rng: np.random.Generator, config: AugmentConfig) -> np.ndarray:
    """Speed, vocal-tract warp, gain and noise, on raw log energies whose floor is 0."""
    frames, mels = x.shape
    # Speed and frequency scale are drawn apart: a child can speak slowly.
    time = np.arange(round(frames / rng.uniform(1 - config.speed, 1 + config.speed)))
    x = _interpolate(x, time * ((frames - 1) / max(1, len(time) - 1)))
    scale = rng.uniform(1 - config.warp, 1 + config.warp)
    x = _interpolate(x.T, np.clip(np.arange(mels) * scale + rng.uniform(-1, 1), 0, mels - 1)).T
    x = x + rng.uniform(-config.gain_db, config.gain_db) * (np.log(10) / 10)
    if rng.random() < config.noise_probability:
        x = _add_noise(x, rng, config)
    return np.maximum(x, 0).astype(np.float32)


def _interpolate(x: np.ndarray, position: np.ndarray) -> np.ndarray:
    below = np.minimum(position.astype(np.int64), len(x) - 1)
    above = np.minimum(below + 1, len(x) - 1)
    weight = (position - below).astype(np.float32)[:, None]
    return x[below] * (1 - weight) + x[above] * weight


def _add_noise(x: np.ndarray, rng: np.random.Generator, config: AugmentConfig) -> np.ndarray:
    """Add stationary noise of a random smooth spectrum in the power domain."""
    frames, mels = x.shape
    loud = np.percentile(x.mean(1), 80)
    knots = np.interp(np.arange(mels), np.linspace(0, mels - 1, 6), rng.normal(0, 1.2, 6))
    level = loud - rng.uniform(*config.noise_db) * (np.log(10) / 10)
    # The log of a mel energy of Gaussian noise varies by about 0.5 around its mean.
    noise = level + knots + rng.standard_normal((frames, mels), dtype=np.float32) * 0.5
    return np.logaddexp(x, noise)


def spec_augment(x: np.ndarray, rng: np.random.Generator, config: AugmentConfig) -> np.ndarray:
    """SpecAugment (Park et al. 2019) on normalised features: masked cells take the mean, which is 0."""
    frames, mels = x.shape
    for _ in range(config.frequency_masks):
        width = rng.integers(0, config.frequency_width + 1)
        start = rng.integers(0, mels - width + 1)
        x[:, start : start + width] = 0
    for _ in range(max(1, round(frames / config.time_mask_every))):
        width = min(rng.integers(0, config.time_width + 1), frames // 4)
        start = rng.integers(0, frames - width + 1)
        x[start : start + width] = 0
    return x
