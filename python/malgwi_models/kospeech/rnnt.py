"""Recurrent transducer (Graves 2012) as KoSpeech has it: recurrent encoder, recurrent predictor, linear joint network.

The encoder does not subsample. The joint network is one linear layer over the concatenation of both, without bias or
activation: that is the sum of two products, which broadcasts by itself.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..graphs import Graph, encoder_graph
from ..inert import CheckpointError, Node
from . import recurrent
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import child, expect, output_classes, restore

MOST_FRAMES = 100_000
TRACED_FRAMES = 30


class TransducerEncoder(nn.Module):
    """(features [1, T, F], lengths [1]) to [1, T, dim] and the lengths."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("rnn", "out_proj"))
        self.rnn, self.output = recurrent.recurrent(node), restore(node.children["out_proj"])

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        # The sum makes the lengths an output of the graph's own.
        return self.output(self.rnn(features)[0]), lengths + 0


class Predictor(nn.Module):
    """(tokens [n], *states) to [n, dim] and the next states."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("embedding", "rnn", "out_proj"))
        self.embedding, self.rnn = restore(node.children["embedding"]), recurrent.recurrent(node)
        self.output = restore(node.children["out_proj"])
        if self.rnn.bidirectional or self.rnn.input_size != self.embedding.embedding_dim:
            raise CheckpointError(f"the predictor has {recurrent.describe(self.rnn)}, which does not fit its embeddings")

    def forward(self, tokens: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        output, after = recurrent.step(self.rnn, self.embedding(tokens), states)
        return self.output(output), *after


class Joiner(nn.Module):
    """(encoder_frames [n, dim], predictor_out [n, dim]) to log-probabilities [n, classes]; either n may be 1."""

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        layer = restore(node)
        if not isinstance(layer, nn.Linear) or layer.in_features != 2 * dim or layer.bias is not None:
            raise CheckpointError(f"the joint network is not one linear layer over twice {dim} channels")
        self.of_encoder, self.of_predictor = (
            nn.Parameter(half.detach().clone(), requires_grad=False) for half in layer.weight.t().chunk(2))

    def forward(self, encoder_frames: Tensor, predictor_out: Tensor) -> Tensor:
        return (encoder_frames @ self.of_encoder + predictor_out @ self.of_predictor).log_softmax(-1)


def _predictor_graph(predictor: Predictor) -> Graph:
    states = recurrent.states(predictor.rnn)
    inputs = {"tokens": torch.tensor([1, 2, 1])}
    dynamic = {"tokens": {0: "batch"}, "predictor_out": {0: "batch"}}
    for name in (state["name"] for state in states):
        inputs[name] = torch.rand(predictor.rnn.num_layers, 3, predictor.rnn.hidden_size)
        dynamic |= {name: {1: "batch"}, f"next_{name}": {1: "batch"}}
    outputs = ["predictor_out", *(f"next_{state['name']}" for state in states)]
    return Graph(predictor.eval(), inputs, outputs, dynamic, states)


def _joiner_graph(joiner: Joiner, dim: int) -> Graph:
    inputs = {"encoder_frames": torch.randn(3, dim), "predictor_out": torch.randn(3, dim)}
    # Axes of their own: either may be 1 where the other is not.
    dynamic = {"encoder_frames": {0: "frames"}, "predictor_out": {0: "batch"}, "log_probs": {0: "pairs"}}
    return Graph(joiner.eval(), inputs, ["log_probs"], dynamic)


class RnnTransducer(Architecture):
    """RNN-T with any recurrent cell, one encoder direction or two."""

    name, family, root = "kospeech-rnnt", "transducer", "kospeech.models.rnnt.model.RNNTransducer"
    classes = frozenset({
        "kospeech.models.modules.Linear", "kospeech.models.rnnt.decoder.DecoderRNNT", "kospeech.models.rnnt.encoder.EncoderRNNT",
    })

    def describe(self, root: Node) -> dict[str, Any]:
        return {
            "encoder": recurrent.describe(recurrent.recurrent(child(root, "encoder"))),
            "predictor": recurrent.describe(recurrent.recurrent(child(root, "decoder"))),
            "joint dimension": output_classes(restore(child(child(root, "encoder"), "out_proj"))),
        }

    def build(self, root: Node) -> Built:
        expect(root, ("encoder", "decoder", "fc"))
        encoder, predictor = TransducerEncoder(child(root, "encoder")), Predictor(child(root, "decoder"))
        dim = output_classes(encoder.output)
        joiner = Joiner(child(root, "fc"), dim)
        classes, rnn = joiner.of_encoder.shape[1], encoder.rnn
        if output_classes(predictor.output) != dim or predictor.embedding.num_embeddings != classes:
            raise CheckpointError("the predictor has other sizes than the encoder and the joint network")
        return Built(
            self.family,
            {"encoder": encoder_graph(encoder, rnn.input_size, TRACED_FRAMES, ("encoder_out",)),
             "predictor": _predictor_graph(predictor), "joiner": _joiner_graph(joiner, dim)},
            Encoder(1, 1, MOST_FRAMES), classes, rnn.input_size, count_parameters(root), rnn.num_layers, rnn.hidden_size,
            decoder={"method": "beam", "beamWidth": 4, "maxTokensPerFrame": 10},
        )
