"""What speech passes through on its way: telephone bands, codecs, gains and clipping.

Codecs are those of libsndfile, so no other program is needed: G.711 A-law and mu-law, GSM 06.10, Opus, MP3.
"""

import io

import numpy as np
import soundfile

from .espeak import resample

# Format and subtype of libsndfile, and what it calls compression: 1 is the least bit rate.
G711 = {"a-law": ("WAV", "ALAW", None), "mu-law": ("WAV", "ULAW", None)}
NARROW = {**G711, "gsm": ("WAV", "GSM610", None), "opus-8k": ("OGG", "OPUS", 0.99)}
WIDE = {"opus-8k": ("OGG", "OPUS", 0.99), "opus-12k": ("OGG", "OPUS", 0.975), "opus-24k": ("OGG", "OPUS", 0.93),
        "mp3-low": ("MP3", "MPEG_LAYER_III", 0.95)}


def through(samples: np.ndarray, rate: int, codec: tuple[str, str, float | None]) -> np.ndarray:
    """Samples encoded and decoded again, as many as there were."""
    container, subtype, compression = codec
    file = io.BytesIO()
    options = {} if compression is None else {"compression_level": compression}
    soundfile.write(file, np.clip(samples, -1, 1), rate, format=container, subtype=subtype, **options)
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.pad(decoded, (0, max(0, len(samples) - len(decoded))))[: len(samples)]


def band(samples: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    """A band with soft edges of a fifth of each limit."""
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    rise = np.clip((frequency - 0.8 * low) / (0.2 * low), 0, 1)
    fall = np.clip((1.1 * high - frequency) / (0.1 * high), 0, 1)
    shape = 0.25 * (1 - np.cos(np.pi * rise)) * (1 - np.cos(np.pi * fall))
    return np.fft.irfft(np.fft.rfft(samples) * shape, len(samples)).astype(np.float32)


def to_peak(samples: np.ndarray, peak_db: float) -> np.ndarray:
    """Scaled to a peak in dB of full scale (above 0: to be clipped)."""
    peak = float(np.abs(samples).max(initial=0))
    return samples * np.float32(10 ** (peak_db / 20) / peak) if peak > 1e-6 else samples


def telephone(samples: np.ndarray, codec: tuple[str, str, float | None], peak_db: float) -> np.ndarray:
    """16 kHz samples as heard at the end of a line of 8 kHz, 300 to 3400 Hz."""
    narrow = to_peak(band(resample(samples, 16000, 8000), 8000, 300, 3400), peak_db)
    wide = resample(through(narrow, 8000, codec), 8000, 16000)
    return np.pad(wide, (0, max(0, len(samples) - len(wide))))[: len(samples)]


def quantize(samples: np.ndarray) -> np.ndarray:
    """As 16-bit samples hold it, clipping included."""
    return (np.clip(np.round(samples * 32768), -32768, 32767) / 32768).astype(np.float32)
