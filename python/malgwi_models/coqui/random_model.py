"""Writes a `.tflite` of random weights: `python -m malgwi_models.coqui.random_model --out random.tflite`.

For benchmarks: as large as a released model, and with output as lively as a trained one's, so that decoding costs what
it costs in use. Weights are drawn at random and then scaled layer by layer until noise comes out of each layer with the
spread wanted there (Mishkin and Matas 2016, "All you need is a good init"); the LSTM's recurrent weights are small
enough that rounding errors die out.
"""

import argparse
from pathlib import Path

import numpy as np

from .acoustic import LAYERS, AcousticModel, Layer, Metadata
from .alphabet import Alphabet, from_text
from .interpret import sigmoid
from .parity import random_windows
from .quantize import quantized
from .writer import write

CLIP = 20.0
CALIBRATION_STEPS = 96
# Standard deviations over time: of a layer's sums, of the LSTM's, of the scores of a class.
DENSE, GATES, SCORES = 1.0, 1.5, 7.0
RECURRENT_GAIN = 0.3
# Advantage of the blank over the other classes.
BLANK = 11.0


def _scaled(weights: np.ndarray, rows: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights and bias for which `rows` give sums of mean 0 and the given spread; and those sums."""
    sums = rows @ weights.T
    factor = np.float32(spread / max(float(sums.std(axis=0).mean()), 1e-6))
    weights = weights * factor
    bias = -sums.mean(axis=0) * factor
    return weights, bias.astype(np.float32), sums * factor + bias


def _lstm(weights: np.ndarray, bias: np.ndarray, rows: np.ndarray) -> np.ndarray:
    cells = len(bias) // 4
    hidden = cell = np.zeros(cells, np.float32)
    outputs = []
    for row in rows:
        i, j, f, o = np.split(weights @ np.concatenate([row, hidden]) + bias, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(j)
        hidden = sigmoid(o) * np.tanh(cell)
        outputs.append(hidden)
    return np.stack(outputs)


def generate(cells: int, alphabet: Alphabet, int8: bool, seed: int, steps: int = 16) -> AcousticModel:
    """A model with random weights."""
    rng, classes = np.random.default_rng(seed), len(alphabet.labels) + 1

    def normal(outputs: int, inputs: int) -> np.ndarray:
        return rng.standard_normal((outputs, inputs), np.float32) / np.float32(inputs**0.5)

    layers: dict[str, Layer] = {}
    metadata = Metadata(6, 16_000, 32, 20, 500, None)
    model = AcousticModel(layers, CLIP, steps, 9, 26, metadata, alphabet)
    rows = random_windows(model, CALIBRATION_STEPS, rng)
    for name in LAYERS:
        spread = {"lstm": GATES, "layer_6": SCORES}.get(name, DENSE)
        outputs = {"lstm": 4 * cells, "layer_6": classes}.get(name, cells)
        weights, bias, sums = _scaled(normal(outputs, rows.shape[1]), rows, spread)
        if name == "lstm":
            weights = np.concatenate([weights, normal(outputs, cells) * np.float32(RECURRENT_GAIN)], axis=1)
            rows = _lstm(weights, bias, rows)
        else:
            rows = np.clip(sums, 0, CLIP)
        layers[name] = Layer(weights, None, bias, False)
    layers["layer_6"].bias[-1] += BLANK
    return quantized(model, per_row=False) if int8 else model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="random_model", description="Write a .tflite of random weights.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=2048)
    parser.add_argument("--alphabet", type=Path, help="alphabet.txt; by default the space and the letters a to z")
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    text = args.alphabet.read_bytes() if args.alphabet else b" \n" + b"\n".join(bytes([c]) for c in range(97, 123))
    write(args.out, generate(args.cells, from_text(text), args.int8, args.seed))


if __name__ == "__main__":
    main()
