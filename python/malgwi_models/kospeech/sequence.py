"""What models with an attention decoder have in common, whatever encodes and decodes: graphs, CTC head, manifest."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..graphs import Graph, encoder_graph
from ..inert import CheckpointError, Node
from .restore import number, restore

TRACED_FRAMES = 61
MOST_FRAMES = 100_000
MOST_TOKENS = 5000
#: Share of CTC that KoSpeech trains joint models with.
CTC_WEIGHT = 0.3

#: Classes of KoSpeech that occur in LAS and Transformer alike.
CLASSES = frozenset({
    "kospeech.models.activation.Swish",
    "kospeech.models.attention.MultiHeadAttention",
    "kospeech.models.attention.ScaledDotProductAttention",
    "kospeech.models.convolution.DeepSpeech2Extractor",
    "kospeech.models.convolution.MaskCNN",
    "kospeech.models.convolution.VGGExtractor",
    "kospeech.models.modules.Linear",
    "kospeech.models.modules.Transpose",
})
EXTRACTORS = {"VGGExtractor": "vgg", "DeepSpeech2Extractor": "ds2"}


def extractor_name(node: Node) -> str:
    """What KoSpeech's configuration calls the convolutions."""
    return EXTRACTORS.get(node.cls, node.cls)


def ctc_head(encoder: Node, dim: int) -> nn.Sequential | None:
    """The CTC head of a joint model (Kim et al. 2017): [1, dim, T] to logits [1, T, classes]. None for other models."""
    node = encoder.children.get("fc")
    if node is None:
        return None
    head = restore(node)
    kinds = [type(layer).__name__ for layer in head] if isinstance(head, nn.Sequential) else []
    if kinds != ["BatchNorm1d", "Transpose", "Identity", "Linear"]:
        raise CheckpointError(f"{encoder} has a CTC head of other layers than known")
    if not head[0].num_features == head[3].in_features == dim:
        # KoSpeech makes the head for two directions even when the encoder has one; that raised an error there as well.
        raise CheckpointError(f"the CTC head takes {head[3].in_features} channels, but the encoder gives {dim}")
    return head


def longest_output(decoder: Node, counted: int = 0) -> int:
    """Tokens that KoSpeech decodes at most. `counted` is what it counts besides them."""
    length = number(decoder, "max_length", 400)
    if type(length) is not int or not 1 <= length - counted <= MOST_TOKENS:
        raise CheckpointError(f"{decoder} has the max_length {length}")
    return length - counted


class EncoderGraph(nn.Module):
    """(features, lengths) to `encoder_out`, the decoder's memory, `log_probs` of a joint model, and `output_lengths`.

    `encoder` takes features and has `conv`; `memory` makes tensors by name from what it gives.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Sequential | None) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def tensors(self, features: Tensor) -> dict[str, Tensor]:
        """All outputs but the lengths, by name, in order."""
        encoded = self.encoder(features)
        out = {"encoder_out": encoded, **self.decoder.memory(encoded)}
        return out if self.head is None else {**out, "log_probs": self.head(encoded.transpose(1, 2)).log_softmax(-1)}

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        return *self.tensors(features).values(), self.encoder.conv.lengths(lengths)


class StepGraph(nn.Module):
    """(tokens, *memory, *states) to `log_probs`, the next states, and `attention`.

    `decoder` takes the tokens, the memory and the states, both by name, and gives log-probabilities, the next states by
    name, and attention weights.
    """

    def __init__(self, decoder: nn.Module, memory: list[str], states: list[str]) -> None:
        super().__init__()
        self.decoder, self.memory, self.states = decoder, memory, states

    def forward(self, tokens: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        memory = dict(zip(self.memory, rest, strict=False))
        states = dict(zip(self.states, rest[len(memory):], strict=True))
        log_probs, after, weights = self.decoder(tokens, memory, states)
        return log_probs, *(after[name] for name in self.states), weights


def graphs(encoder: EncoderGraph, dimension: int) -> dict[str, Graph]:
    """Both graphs. The decoder says what it needs: `memory_axes`, {name: axis of the frames}, and `states`."""
    decoder = encoder.decoder
    axes = {name: {axis: "encoder_frames"} for name, axis in decoder.memory_axes.items()}
    try:
        with torch.no_grad():
            encoded = encoder.eval().tensors(torch.randn(1, TRACED_FRAMES, dimension))
    except RuntimeError as error:
        raise CheckpointError(f"the encoder's layers do not fit together: {str(error)[:300]}") from error
    first = encoder_graph(encoder, dimension, TRACED_FRAMES, tuple(encoded))
    first.dynamic |= axes
    inputs = {"tokens": torch.tensor([1, 2, 1]), **{name: encoded[name] for name in axes}}
    dynamic = {"tokens": {0: "batch"}, "log_probs": {0: "batch"}, "attention": {0: "batch", 1: "encoder_frames"}, **axes}
    sizes = {"batch": 3, "frames": encoded["encoder_out"].shape[1], "prefix": 5}
    for state in decoder.states:
        name, shape = state["name"], state["shape"]
        inputs[name] = torch.rand([sizes.get(size, size) for size in shape])
        varying = {axis: size for axis, size in enumerate(shape) if size in sizes}
        named = {"frames": "encoder_frames"}
        dynamic[name] = {axis: named.get(size, size) for axis, size in varying.items()}
        # Of the prefix a step gives what its token added: 1, which does not vary.
        dynamic[f"next_{name}"] = {axis: named.get(size, size) for axis, size in varying.items() if size != "prefix"}
    names = [state["name"] for state in decoder.states]
    outputs = ["log_probs", *(f"next_{name}" for name in names), "attention"]
    second = Graph(StepGraph(decoder, list(axes), names).eval(), inputs, outputs, dynamic, decoder.states, list(axes))
    return {"encoder": first, "decoder": second}


def search(joint: bool, max_tokens: int) -> dict[str, Any]:
    """The manifest's `decoder`."""
    decoder = {"method": "beam", "beamWidth": 5, "maxTokens": max_tokens}
    return {**decoder, "ctcWeight": CTC_WEIGHT} if joint else decoder
