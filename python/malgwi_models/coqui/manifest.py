"""The manifest of an imported model, and what is told of it."""

import argparse
from typing import Any

from .acoustic import AcousticModel
from .scorer import Scorer

MAX_BEAM = 4096
MAX_FRAMES = 100_000


def encoder_file(precision: str) -> str:
    """Name of the graph's file."""
    return "encoder.onnx" if precision == "float32" else f"encoder.{precision}.onnx"


def facts(model: AcousticModel, front_end: dict[str, Any], scorer: Scorer | None, precision: str) -> dict[str, Any]:
    """What was found, for the report."""
    metadata, alphabet = model.metadata, model.alphabet
    named = {"syllable": "Hangul syllables", "grapheme": "conjoining jamo", "byte": "bytes", "character": "characters"}
    found = {
        "weights": "int8 (dynamic range)" if model.is_quantized else "float32",
        "package": precision, "parameters": model.parameters, "cells": model.cells, "classes": model.classes,
        "alphabet": f"{len(alphabet.labels)} labels ({named[alphabet.unit]}) and the blank",
        "language": metadata.language or "not said", "graph version": metadata.version,
        "audio": f"{metadata.sample_rate} Hz, {front_end['numCoefficients']} coefficients, windows of {metadata.window_ms} ms "
                 f"every {metadata.step_ms} ms, {model.context} frames of context",
        "beam width": metadata.beam_width,
    }  # fmt: skip
    if scorer:
        found["scorer"] = (f"order {scorer.order}, {scorer.layout}, {sum(scorer.ngrams):,} n-grams, "
                           f"{'code points' if scorer.code_points else 'words'}, alpha {scorer.alpha:.4g}, beta {scorer.beta:.4g}, "
                           f"dictionary of {scorer.states:,} states")
    return found


def manifest(
    model: AcousticModel, name: str, description: str, precision: str, front_end: dict[str, Any], args: argparse.Namespace
) -> dict[str, Any]:
    """The manifest without files, licence and language model."""
    metadata, alphabet = model.metadata, model.alphabet
    tokens = {"file": "tokens.txt", "unit": alphabet.unit, "blank": len(alphabet.labels), "space": alphabet.space}
    if alphabet.unit == "grapheme":
        tokens["compose"] = "nfc"
    state = ["batch", model.cells]
    return {
        "schema": 1, "name": name, "version": args.model_version,
        "language": args.language or metadata.language or alphabet.language,
        "description": description,
        "family": "coqui",
        "architecture": {"name": "coqui-stt", "parameters": model.parameters, "layers": len(model.layers),
                         "dimension": model.cells, "units": alphabet.unit},
        "frontEnd": front_end, "tokens": tokens,
        "encoder": {"subsampling": 1, "frameMs": metadata.step_ms, "minFrames": 1, "maxFrames": MAX_FRAMES, "paddingSafe": False},
        "graphs": {"encoder": {"file": encoder_file(precision), "precision": precision,
                               "states": [{"name": "hidden", "shape": state}, {"name": "cell", "shape": state}]}},
        "decoder": {"method": "coqui", "beamWidth": min(max(args.beam_width or metadata.beam_width, 1), MAX_BEAM)},
        "segmentation": args.segmentation,
        "training": {"data": []}, "metrics": [],
    }  # fmt: skip
