"""Listen, Attend and Spell (Chan et al. 2016) as KoSpeech has it: convolutions, recurrent encoder, attention decoder.

A step of the decoder: embedding, recurrent layers, attention over the encoder's output with the recurrent output as
the query, then two linear layers over both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..inert import CheckpointError, Node
from . import recurrent
from .attention import MECHANISMS, LocationAware, MultiHead
from .extractor import Extractor
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import child, expect, output_classes, restore, shortest
from .sequence import CLASSES, MOST_FRAMES, EncoderGraph, ctc_head, extractor_name, graphs, longest_output, search


class Listener(nn.Module):
    """The encoder: features [1, T, F] to [1, T', dim]."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, {"conv", "rnn", "fc"} & node.children.keys() | {"conv", "rnn"})
        self.conv, self.rnn = Extractor(child(node, "conv")), recurrent.recurrent(node)

    def forward(self, features: Tensor) -> Tensor:
        return self.rnn(self.conv(features))[0]


class Speller(nn.Module):
    """The decoder: one token of n hypotheses."""

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node, ("embedding", "input_dropout", "rnn", "attention", "fc"))
        self.embedding, self.rnn = restore(child(node, "embedding")), recurrent.recurrent(node)
        fc, attention = child(node, "fc"), child(node, "attention")
        if [layer.cls for layer in fc.children.values()] != ["Linear", "Tanh", "View", "Linear"]:
            raise CheckpointError(f"{node} has output layers that are not known")
        self.hidden, self.output = restore(fc.children["0"]), restore(fc.children["3"])
        if self.rnn.bidirectional or self.rnn.hidden_size != dim or self.embedding.embedding_dim != self.rnn.input_size:
            raise CheckpointError(f"the decoder has {recurrent.describe(self.rnn)}, which does not fit the encoder's {dim} channels")
        if str(attention) not in MECHANISMS:
            raise CheckpointError(f"the attention {attention} is not known")
        self.attention = MECHANISMS[str(attention)][1](attention, dim)
        self.located = isinstance(self.attention, LocationAware)
        self.memory_axes = self.attention.memory_axes
        self.states = recurrent.states(self.rnn)
        if self.located:
            self.states.append({"name": "alignment", "shape": ["batch", "frames"]})

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """What the attention needs of the encoder's output."""
        return self.attention.memory(encoded)

    def forward(
        self, tokens: Tensor, memory: dict[str, Tensor], states: dict[str, Tensor],
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Log-probabilities [n, classes], the next states, and attention weights [n, T'] for `tokens` [n]."""
        own = [state["name"] for state in recurrent.states(self.rnn)]
        query, after = recurrent.step(self.rnn, self.embedding(tokens), tuple(states[name] for name in own))
        located = (states["alignment"],) if self.located else ()
        context, weights = self.attention(query, memory, *located)
        logits = self.output(torch.tanh(self.hidden(torch.cat((query, context), -1))))
        following = dict(zip(own, after, strict=True))
        if self.located:
            # A tensor of its own: the exporter joins outputs that are the same tensor.
            following["alignment"] = weights + 0.0
        return logits.log_softmax(-1), following, weights


class ListenAttendSpell(Architecture):
    """LAS with either extractor, any recurrent cell and any of the four attentions, with and without a CTC head."""

    name, family, root = "kospeech-las", "attention", "kospeech.models.las.model.ListenAttendSpell"
    classes = CLASSES | MECHANISMS.keys() | {
        "kospeech.models.las.decoder.DecoderRNN", "kospeech.models.las.encoder.EncoderRNN", "kospeech.models.modules.View",
    }

    def describe(self, root: Node) -> dict[str, Any]:
        encoder, decoder = child(root, "encoder"), child(root, "decoder")
        attention = child(decoder, "attention")
        heads = f", {attention.get('num_heads')} heads" if attention.cls == "MultiHeadAttention" else ""
        return {
            "extractor": extractor_name(child(encoder, "conv")),
            "encoder": recurrent.describe(recurrent.recurrent(encoder)),
            "decoder": recurrent.describe(recurrent.recurrent(decoder)),
            "attention": MECHANISMS.get(str(attention), (str(attention),))[0] + heads,
            "joint CTC": "fc" in encoder.children,
            "longest output": longest_output(decoder),
        }

    def build(self, root: Node) -> Built:
        expect(root, ("encoder", "decoder"))
        encoder, decoder = child(root, "encoder"), child(root, "decoder")
        listener = Listener(encoder)
        dim = recurrent.width(listener.rnn)
        speller, head = Speller(decoder, dim), ctc_head(encoder, dim)
        return Built(
            self.family, graphs(EncoderGraph(listener, speller, head), listener.conv.input_dim),
            Encoder(listener.conv.subsampling, shortest(listener.conv.lengths), MOST_FRAMES),
            output_classes(speller.output), listener.conv.input_dim, count_parameters(root),
            listener.rnn.num_layers, listener.rnn.hidden_size,
            speller.attention.heads if isinstance(speller.attention, MultiHead) else None,
            ctc_blank=head is not None, decoder=search(head is not None, longest_output(decoder)),
        )
