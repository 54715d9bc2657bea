"""The front end that an export was made with: what its metadata and its feature operators say."""

from typing import Any

from flatbuffers import flexbuffers

from .acoustic import AcousticModel
from .errors import Refused
from .tflite import Graph

SAMPLE_RATE = 16_000
MEL_CHANNELS = 40
LOWEST_HZ = 20


def _options(data: bytes, *names: str) -> dict[str, float]:
    """Numbers of a custom operator's options (a FlexBuffers map); only the names asked for are followed."""
    try:
        fields = flexbuffers.GetRoot(bytearray(data)).AsMap
        found = {}
        for name in names:
            value = fields[name]
            found[name] = value.AsFloat if value.IsFloat else value.AsInt
        return found
    except Exception as error:  # the reader raises whatever its unchecked offsets lead to
        raise Refused("the options of the feature operators cannot be read") from error


def front_end(model: AcousticModel, graph: Graph) -> dict[str, Any]:
    """The front end in the manifest's words.

    Raises:
        Refused: when the model was trained on another sample rate, or on features that no runtime here computes.
    """
    metadata = model.metadata
    if metadata.sample_rate != SAMPLE_RATE:
        raise Refused(f"the model was trained on audio of {metadata.sample_rate} Hz; the service works at {SAMPLE_RATE} Hz: "
                      "train or fine-tune it with --audio_sample_rate 16000 and export it again")  # fmt: skip
    window, step = (SAMPLE_RATE * ms // 1000 for ms in (metadata.window_ms, metadata.step_ms))
    if not (64 <= window <= 4096 and 16 <= step <= window):
        raise Refused(f"windows of {metadata.window_ms} ms every {metadata.step_ms} ms are not supported")
    for operator in graph.operators:
        if operator.name == "AudioSpectrogram":
            found = _options(operator.custom, "window_size", "stride", "magnitude_squared")
            wanted = {"window_size": window, "stride": step, "magnitude_squared": 1}
        elif operator.name == "Mfcc":
            found = _options(operator.custom, "dct_coefficient_count", "filterbank_channel_count", "lower_frequency_limit",
                             "upper_frequency_limit")  # fmt: skip
            wanted = {"dct_coefficient_count": model.coefficients, "filterbank_channel_count": MEL_CHANNELS,
                      "lower_frequency_limit": LOWEST_HZ, "upper_frequency_limit": SAMPLE_RATE / 2}  # fmt: skip
        else:
            continue
        if other := [f"{key} {found[key]:g} (not {wanted[key]:g})" for key in wanted if found[key] != wanted[key]]:
            raise Refused(f"the model's features are not those of Coqui STT: {', '.join(other)}")
    return {
        "kind": "coqui-mfcc", "sampleRate": SAMPLE_RATE, "windowSamples": window, "stepSamples": step,
        "numMels": MEL_CHANNELS, "numCoefficients": model.coefficients, "contextFrames": model.context,
    }  # fmt: skip
