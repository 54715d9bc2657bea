"""Writes a `.tflite` of random weights: `python -m malgwi_models.coqui.random_model --out random.tflite`.

For benchmarks: as large as a released model, and with the blank as likely as it is in one, so that decoding costs
what it costs in use. Weights shrink their input a little, so rounding errors do not grow from step to step.
"""

import argparse
from pathlib import Path

import numpy as np

from .acoustic import LAYERS, AcousticModel, Layer, Metadata
from .alphabet import Alphabet, from_text
from .quantize import quantized
from .writer import write

CLIP = 20.0


def generate(cells: int, alphabet: Alphabet, int8: bool, seed: int, steps: int = 16) -> AcousticModel:
    """A model with normally distributed weights."""
    rng, classes = np.random.default_rng(seed), len(alphabet.labels) + 1
    shapes = [(cells, 494), (cells, cells), (cells, cells), (4 * cells, 2 * cells), (cells, cells), (classes, cells)]
    layers = {}
    for name, (rows, columns) in zip(LAYERS, shapes, strict=True):
        # MFCCs are two orders of magnitude larger than what follows.
        gain = {"layer_1": 0.05, "lstm": 1.0, "layer_6": 60.0}.get(name, 1.4)
        weights = (rng.standard_normal((rows, columns), np.float32) * np.float32(gain / columns**0.5)).astype(np.float32)
        layers[name] = Layer(weights, None, (rng.standard_normal(rows) * 0.1).astype(np.float32), False)
    layers["layer_6"].bias[-1] += 12
    model = AcousticModel(layers, CLIP, steps, 9, 26, Metadata(6, 16_000, 32, 20, 500, None), alphabet)
    return quantized(model, per_row=False) if int8 else model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
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
