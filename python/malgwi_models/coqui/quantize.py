"""Other precisions of a model than the file's."""

from dataclasses import replace

import numpy as np

from .acoustic import AcousticModel, Layer


def quantize(layer: Layer, per_row: bool = True) -> Layer:
    """Float weights as int8, symmetric, with a scale for each output or (as Coqui's export has it) one for all."""
    largest = np.abs(layer.weights).max(axis=1) if per_row else np.abs(layer.weights).max().reshape(1)
    scale = (np.maximum(largest, np.float32(1e-12)) / np.float32(127)).astype(np.float32)
    q = np.clip(np.rint(layer.weights / scale.reshape(-1, 1)), -127, 127).astype(np.int8)
    return Layer(q, scale, layer.bias, True)


def quantized(model: AcousticModel, per_row: bool = True) -> AcousticModel:
    """All layers with int8 weights and asymmetric activations."""
    layers = {name: layer if layer.is_quantized else quantize(layer, per_row) for name, layer in model.layers.items()}
    return replace(model, layers=layers)


def dequantized(model: AcousticModel) -> AcousticModel:
    """All layers with float32 weights."""
    return replace(model, layers={name: Layer(layer.float_weights(), None, layer.bias, False) for name, layer in model.layers.items()})
