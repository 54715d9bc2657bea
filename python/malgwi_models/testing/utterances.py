"""The utterances that the test packages know, and how a graph is run step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..graphs import Graph

FEATURES = 16
#: As in KoSpeech: control symbols, space, syllables; the blank follows.
TOKENS = ["<pad>", "<sos>", "<eos>", " ", *"가나다라마바사아자차카타파하거너더러머버서어", "."]
BLANK = len(TOKENS)
CLASSES = BLANK + 1
SOS, EOS = 1, 2
#: Text of the utterance of so many frames, which each model has learnt by heart: the outputs of random weights are of
#: one kind for any input, and a search over them meets neither an end nor a choice.
TEXTS = {4: "가", 37: "나라 마", 90: "바다 사자 가마"}
ROUNDS = 150


def features(frames: int) -> np.ndarray:
    """[frames, FEATURES] float32: sin(0.05 t (1 + f mod 5) + 0.7 f) + 0.5 cos(0.013 t f), t and f from 0."""
    t, f = np.arange(frames)[:, None], np.arange(FEATURES)[None, :]
    return (np.sin(0.05 * t * (1 + f % 5) + 0.7 * f) + 0.5 * np.cos(0.013 * t * f)).astype(np.float32)


def inputs_of(frames: int, noise: float = 0.0) -> dict[str, Tensor]:
    """What the encoder takes for the utterance of so many frames."""
    clean = torch.from_numpy(features(frames))[None]
    return {"features": clean + noise * torch.randn(clean.shape), "lengths": torch.tensor([frames])}


def zeros(states: list[dict[str, Any]], frames: int, count: int = 1) -> dict[str, Tensor]:
    """The states before the first token, for `count` hypotheses."""
    named = {"batch": count, "frames": frames, "prefix": 0}
    return {state["name"]: torch.zeros([named.get(d, d) for d in state["shape"]]) for state in states}


def advance(graph: Graph, inputs: dict[str, Tensor], states: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One run of a graph with states: its outputs, and the states to go on with."""
    out = graph.run({**inputs, **states})
    return out, graph.after(states, out)
