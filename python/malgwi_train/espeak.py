"""Speech from espeak-ng (GPL-3.0, called as a program; its voices' output is not covered by its licence)."""

import io
import subprocess

import numpy as np
import soundfile

VARIANTS = ["", "+f1", "+f2", "+f3", "+f4", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+klatt", "+klatt2",
            "+klatt4", "+croak", "+Annie", "+Andy", "+Gene", "+Alex", "+steph", "+linda", "+belinda", "+Alicia", "+rob", "+max",
            "+grandpa", "+boris", "+aunty", "+ed", "+edward", "+john", "+kaukovalta", "+klatt5", "+klatt6", "+michel", "+miguel",
            "+paul", "+pedro", "+quincy", "+robert", "+sandro", "+steph2", "+steph3", "+travis", "+victor", "+adam",
            "+announcer", "+benjamin", "+caleb", "+Jacky", "+Mike", "+Henrique", "+Diogo", "+Marco", "+Storm", "+gustave",
            "+marcelo"]
# Voices kept for the synthetic development set. Those of `scripts/lib/seat-sentences.mjs` are in no list here, nor are
# their namesakes (iven2, anikaRobot ...).
HELD_OUT = ["+f5", "+m8", "+klatt3", "+Michael"]


def resample(samples: np.ndarray, source: int, target: int) -> np.ndarray:
    """Band-limited resampling of a whole utterance by cutting (or padding) its spectrum."""
    if source == target:
        return samples
    divisor = np.gcd(source, target)
    unit = source // divisor
    padded = np.pad(samples, (0, -len(samples) % unit))
    length = len(padded) * target // source
    spectrum = np.fft.rfft(padded)[: length // 2 + 1]
    if len(spectrum) < length // 2 + 1:
        spectrum = np.pad(spectrum, (0, length // 2 + 1 - len(spectrum)))
    return (np.fft.irfft(spectrum, length) * (length / len(padded))).astype(np.float32)


def speak(text: str, variant: str, rate: int, pitch: int, amplitude: int = 100) -> np.ndarray:
    """16 kHz samples of a text."""
    command = ["espeak-ng", "-v", f"ko{variant}", "-s", str(rate), "-p", str(pitch), "-a", str(amplitude), "--stdout", text]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    # Written to a pipe, the header's length is a placeholder: read the samples that are there.
    start = wav.index(b"data") + 8
    rate_found = int.from_bytes(wav[24:28], "little")
    body = wav[start:]
    samples, _ = soundfile.read(
        io.BytesIO(body[: len(body) // 2 * 2]), samplerate=rate_found, channels=1, format="RAW", subtype="PCM_16",
        dtype="float32",
    )
    return resample(samples, rate_found, 16000)
