"""Files of the original engine, and small models made for a test."""

import gzip
from pathlib import Path

import numpy as np

from malgwi_models.coqui import acoustic, random_model, tflite, writer
from malgwi_models.coqui.alphabet import Alphabet

FIXTURES = Path(__file__).parents[2] / "test" / "fixtures" / "coqui"
F32, INT8 = (FIXTURES / "models" / f"ko_syl.{kind}.tflite" for kind in ("f32", "int8"))
UTTERANCES = ("ko00", "ko02", "ko07")
JAMO = (" ", *map(chr, range(0x1100, 0x1113)), *map(chr, range(0x1161, 0x1176)), *map(chr, range(0x11A8, 0x11C3)))
BYTES = Alphabet(tuple(bytes([i + 1]) for i in range(255)))


def alphabet(*labels: str) -> Alphabet:
    """An alphabet of these labels."""
    return Alphabet(tuple(label.encode() for label in labels))


def golden(name: str, width: int) -> np.ndarray:
    """A fixture's matrix [rows, width]."""
    return np.frombuffer(gzip.decompress((FIXTURES / "acoustic" / f"{name}.f32.gz").read_bytes()), "<f4").reshape(-1, width)


def windows(utterance: str) -> np.ndarray:
    """The 19-frame windows [T, 494] of an utterance's coefficients, zero frames around it."""
    frames = np.pad(golden(f"{utterance}.mfcc", 26), ((9, 9), (0, 0)))
    return np.stack([frames[i : i + 19].reshape(-1) for i in range(len(frames) - 18)])


def read(path: Path, given: Alphabet | None = None):
    """Model and interpreter of a file."""
    return acoustic.recognize(tflite.read(path), given)


def small(int8: bool = False, letters: Alphabet | None = None, cells: int = 12, seed: int = 1) -> acoustic.AcousticModel:
    """A random model."""
    return random_model.generate(cells, letters or alphabet(" ", "가", "나", "다"), int8, seed)


def written(folder: Path, model: acoustic.AcousticModel, name: str = "m.tflite") -> Path:
    """The model as a file."""
    writer.write(folder / name, model)
    return folder / name
