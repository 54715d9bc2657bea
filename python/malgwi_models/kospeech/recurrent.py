"""Recurrent layers of decoders, one step at a time, and their description."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..inert import CheckpointError, Node
from .restore import child, restore

NAMES = {"LSTM": "LSTM", "GRU": "GRU", "RNN_TANH": "RNN", "RNN_RELU": "RNN"}


def recurrent(node: Node, name: str = "rnn") -> nn.RNNBase:
    """The recurrent layers `name` of a module, batch first. Raises CheckpointError when it is something else."""
    rnn = restore(child(node, name))
    if not isinstance(rnn, nn.RNNBase):
        raise CheckpointError(f"{name} of {node} is not recurrent")
    return rnn


def width(rnn: nn.RNNBase) -> int:
    """Channels of the output."""
    return rnn.hidden_size * (2 if rnn.bidirectional else 1)


def describe(rnn: nn.RNNBase) -> str:
    """For people: `3 x LSTM 512, bidirectional`."""
    return f"{rnn.num_layers} x {NAMES[rnn.mode]} {rnn.hidden_size}" + (", bidirectional" if rnn.bidirectional else "")


def states(rnn: nn.RNNBase) -> list[dict[str, Any]]:
    """What a step hands to the next, in the manifest's words."""
    names = ("hidden", "cell") if rnn.mode == "LSTM" else ("hidden",)
    return [{"name": name, "shape": [rnn.num_layers, "batch", rnn.hidden_size]} for name in names]


def step(rnn: nn.RNNBase, x: Tensor, before: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One step of n hypotheses: `x` [n, channels] and the states to the output [n, hidden] and the next states."""
    output, after = rnn(x.unsqueeze(1), before if len(before) > 1 else before[0])
    return output.squeeze(1), after if isinstance(after, tuple) else (after,)
