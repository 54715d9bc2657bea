"""KoSpeech's front ends in the manifest's words (docs/reference/features.md has the computations)."""

from __future__ import annotations

from typing import Any

from ..inert import CheckpointError

FEATURES = ("fbank", "mel", "mfcc", "spectrogram")
#: KoSpeech divides int16 samples by 32767; the service's samples are int16 / 32768.
WAVEFORM_SCALE = 32768 / 32767
#: float32's epsilon: torchaudio's floor for logarithms.
ENERGY_FLOOR = 1.1920929e-7
MFCC_MELS = 128
#: KoSpeech's silence trimming keeps what is within so many decibels of the loudest.
TRIM_DB = 30
#: What a live stream knows of an utterance at first, as if it had heard 25 frames of it: means over the segments that voice
#: activity detection finds in the development speakers of three corpora of Korean speech, of 80 channels at KoSpeech's scale.
PRIOR = {"mean": -5.5, "deviation": 3.2, "frames": 25}
PRIOR_MELS = 80
#: Bins of a spectrogram by method: an FFT as long as the window of 20 ms, or Kaldi's next power of two.
SPECTROGRAM_BINS = {161: "torch", 257: "kaldi"}


def default_feature(dimension: int) -> str:
    """What KoSpeech's own configurations give that number of features."""
    if dimension in SPECTROGRAM_BINS:
        return "spectrogram"
    if dimension == 80:
        return "fbank"
    if dimension == 40:
        return "mfcc"
    raise CheckpointError(f"the model takes {dimension} features a frame, which is no default of KoSpeech's: say which they are "
                          f"with --feature ({', '.join(FEATURES)})")


def front_end(
    feature: str, dimension: int, window: str = "povey", trim: bool = True, reverse: bool = False, decibels: str = "power",
    normalize: bool = True,
) -> dict[str, Any]:
    """The manifest's `frontEnd`. Raises CheckpointError when the feature cannot have that many values."""
    common = {
        "sampleRate": 16000, "windowMs": 20, "hopMs": 10, "waveformScale": WAVEFORM_SCALE, "trimSilence": trim,
        "normalize": {"kind": "utterance" if normalize else "none"}, "reverse": reverse,
    }
    least, most = {"fbank": (8, 256), "mel": (8, 256), "mfcc": (2, MFCC_MELS), "spectrogram": (161, 257)}[feature]
    if not least <= dimension <= most or (feature == "spectrogram" and dimension not in SPECTROGRAM_BINS):
        which = "161 or 257" if feature == "spectrogram" else f"{least} to {most}"
        raise CheckpointError(f"the model takes {dimension} features a frame; {feature} gives {which}")
    if feature == "fbank":
        return {
            "kind": "kaldi-fbank", "numMels": dimension, "fftSize": 512, "window": window, "preemphasis": 0.97,
            "removeDcOffset": True, "lowFrequency": 20, "highFrequency": 8000, "power": True, "snipEdges": True, "dither": 0,
            "energyFloor": ENERGY_FLOOR, **common,
        }
    if feature == "mel":
        return {"kind": "librosa-mel", "numMels": dimension, "decibels": decibels, **common}
    if feature == "mfcc":
        return {"kind": "librosa-mfcc", "numCoefficients": dimension, "numMels": MFCC_MELS, **common}
    return {"kind": "spectrogram", "method": SPECTROGRAM_BINS[dimension], **common}


def live_front_end(ends: dict[str, Any]) -> dict[str, Any] | None:
    """What a live stream does in place of what needs the whole utterance, as the manifest's `encoder.streaming.frontEnd`.

    Empty where nothing needs it: the stream's features are exactly those of files. None where there is no such way. Silence
    is not trimmed live, but it does not count for the running statistics where it would be trimmed.
    """
    if ends["kind"] != "kaldi-fbank" or ends["reverse"]:
        return None
    live: dict[str, Any] = {"trimSilence": False} if ends["trimSilence"] else {}
    if ends["normalize"]["kind"] == "utterance":
        live["normalize"] = {
            "kind": "running", **({"withinDb": TRIM_DB} if ends["trimSilence"] else {}),
            **({"prior": PRIOR} if ends["numMels"] == PRIOR_MELS else {})}
    return live
