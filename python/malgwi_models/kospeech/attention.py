"""Attention between a decoder's query and the encoder's output, for one utterance and several hypotheses at once.

Each mechanism is split in two: `memory` holds what depends on the encoder's output alone and is computed once for an
utterance; `forward` is the rest, once for each token. Nothing is masked, as KoSpeech masks nothing here either: the
graphs take one utterance at a time. `memory_axes` names the tensors of the memory, and which axis is the frames'.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..inert import CheckpointError, Node, TensorRef
from .restore import child, expect, number, restore


def _vector(node: Node, name: str) -> nn.Parameter:
    value = node.get(name)
    if not isinstance(value, TensorRef) or len(value.shape) != 1:
        raise CheckpointError(f"{node} has no vector {name}")
    return nn.Parameter(value.tensor().float(), requires_grad=False)


class MultiHead(nn.Module):
    """Scaled dot-product attention with several heads (Vaswani et al. 2017), without a projection of the output."""

    memory_axes = {"keys": 3, "values": 2}

    def __init__(self, node: Node, dim: int) -> None:
        """`node` is a MultiHeadAttention over `dim` channels."""
        super().__init__()
        expect(node, ("query_proj", "key_proj", "value_proj", "scaled_dot_attn"))
        self.query, self.key, self.value = (restore(child(node, f"{name}_proj")) for name in ("query", "key", "value"))
        self.heads = number(node, "num_heads")
        if type(self.heads) is not int or self.heads < 1 or dim % self.heads:
            raise CheckpointError(f"{self.heads} attention heads do not divide {dim} channels")
        if any(getattr(layer, "out_features", 0) != dim or layer.in_features != dim for layer in (self.query, self.key, self.value)):
            raise CheckpointError(f"{node} has projections of other sizes than {dim}")

    def split(self, x: Tensor) -> Tensor:
        """[n, length, dim] to [n, heads, length, dim / heads]."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    @staticmethod
    def weights(query: Tensor, keys: Tensor) -> Tensor:
        """Where `query` [..., q, d] looks among `keys` [..., d, k]: [..., q, k], each row of sum 1."""
        return (query @ keys / math.sqrt(query.shape[-1])).softmax(-1)

    def attend(self, x: Tensor) -> Tensor:
        """Every position of `x` [n, length, dim] looks at all of them: same shape."""
        query, keys, values = (self.split(layer(x)) for layer in (self.query, self.key, self.value))
        return (self.weights(query, keys.transpose(2, 3)) @ values).transpose(1, 2).flatten(2)

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """`keys` [1, heads, dim / heads, T] and `values` [1, heads, T, dim / heads] of [1, T, dim]."""
        return {"keys": self.split(self.key(encoded)).transpose(2, 3), "values": self.split(self.value(encoded))}

    def forward(self, query: Tensor, memory: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Context [n, dim] and weights [n, T], averaged over the heads, for `query` [n, dim]."""
        # Hypotheses take the place of positions: one product for each head, whatever their number.
        by_head = self.query(query).unflatten(-1, (self.heads, -1)).transpose(0, 1)
        weights = self.weights(by_head, memory["keys"].squeeze(0))
        return (weights @ memory["values"].squeeze(0)).transpose(0, 1).flatten(1), weights.mean(0)


class ScaledDot(nn.Module):
    """Product of the query with the encoder's output itself: no weights of its own."""

    memory_axes = {"encoder_out": 1, "keys": 2}

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node)
        self.scale = 1 / math.sqrt(dim)

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """`keys` [1, dim, T] and `encoder_out` [1, T, dim]."""
        return {"encoder_out": encoded, "keys": encoded.transpose(1, 2)}

    def forward(self, query: Tensor, memory: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Context [n, dim] and weights [n, T] for `query` [n, dim]."""
        weights = (query @ memory["keys"].squeeze(0) * self.scale).softmax(-1)
        return weights @ memory["encoder_out"].squeeze(0), weights


class Additive(nn.Module):
    """Bahdanau et al. 2015; here the query is added to the context."""

    memory_axes = {"encoder_out": 1, "keys": 1}

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node, ("query_proj", "key_proj", "score_proj"), ("bias",))
        self.query, self.key, self.score = (restore(child(node, f"{name}_proj")) for name in ("query", "key", "score"))
        self.bias = _vector(node, "bias")

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """`keys` and `encoder_out`, [1, T, dim] both."""
        return {"encoder_out": encoded, "keys": self.key(encoded) + self.bias}

    def forward(self, query: Tensor, memory: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Context [n, dim] and weights [n, T] for `query` [n, dim]."""
        hidden = torch.tanh(memory["keys"] + self.query(query).unsqueeze(1))
        weights = self.score(hidden).squeeze(-1).softmax(-1)
        return weights @ memory["encoder_out"].squeeze(0) + query, weights


class LocationAware(nn.Module):
    """Chorowski et al. 2015: the weights of the step before, convolved over time, are part of the score.

    With `smoothing` the scores go through a sigmoid and are divided by their sum, in place of the softmax.
    """

    memory_axes = {"encoder_out": 1, "keys": 1}

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node, ("location_conv", "query_proj", "value_proj", "fc"), ("bias",))
        self.location, self.query, self.value, self.score = (
            restore(child(node, name)) for name in ("location_conv", "query_proj", "value_proj", "fc"))
        self.bias = _vector(node, "bias")
        self.smoothing = node.get("smoothing") is True

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """`keys` [1, T, attention channels] and `encoder_out` [1, T, dim]."""
        return {"encoder_out": encoded, "keys": self.value(encoded) + self.bias}

    def forward(self, query: Tensor, memory: dict[str, Tensor], alignment: Tensor) -> tuple[Tensor, Tensor]:
        """As the others; `alignment` [n, T] holds the weights of the step before, zeros at first."""
        location = self.location(alignment.unsqueeze(1)).transpose(1, 2)
        scores = self.score(torch.tanh(memory["keys"] + self.query(query).unsqueeze(1) + location)).squeeze(-1)
        if not self.smoothing:
            weights = scores.softmax(-1)
        else:
            smooth = torch.sigmoid(scores)
            weights = smooth / smooth.sum(-1, keepdim=True)
        return weights @ memory["encoder_out"].squeeze(0), weights


MECHANISMS: dict[str, tuple[str, type[nn.Module]]] = {
    "kospeech.models.attention.MultiHeadAttention": ("multi-head", MultiHead),
    "kospeech.models.attention.LocationAwareAttention": ("location-aware", LocationAware),
    "kospeech.models.attention.AdditiveAttention": ("additive", Additive),
    "kospeech.models.attention.ScaledDotProductAttention": ("scaled-dot", ScaledDot),
}
