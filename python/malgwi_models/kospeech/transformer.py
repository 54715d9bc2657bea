"""Speech Transformer (Vaswani et al. 2017; Dong et al. 2018) as KoSpeech has it, norms first.

The decoder's step takes the keys and values of the tokens before as state, so a token costs no more than its own
attention. Keys and values over the encoder's output are computed once, by the encoder's graph.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..inert import CheckpointError, Node
from .attention import MultiHead
from .conformer import position_table
from .extractor import Extractor
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import child, expect, number, output_classes, restore, shortest
from .sequence import CLASSES, EncoderGraph, ctc_head, extractor_name, graphs, longest_output, search

#: A layer has two states and two tensors of memory, and a graph may have 64 of each.
MOST_LAYERS = 32
MOST_FRAMES = 100_000


def _feed_forward(node: Node) -> nn.Module:
    expect(node, ("feed_forward",))
    layers = restore(node.children["feed_forward"])
    if [type(layer).__name__ for layer in layers.children()] != ["Linear", "Identity", "ReLU", "Linear", "Identity"]:
        raise CheckpointError(f"{node} has layers that are not known")
    return layers


class EncoderLayer(nn.Module):
    """[1, T, dim], same shape."""

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node, ("attention_prenorm", "feed_forward_prenorm", "self_attention", "feed_forward"))
        self.attention_norm, self.forward_norm = (restore(node.children[f"{n}_prenorm"]) for n in ("attention", "feed_forward"))
        self.attention = MultiHead(node.children["self_attention"], dim)
        self.feed_forward = _feed_forward(node.children["feed_forward"])

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention.attend(self.attention_norm(x))
        return x + self.feed_forward(self.forward_norm(x))


class DecoderLayer(nn.Module):
    """One token of n hypotheses, given what came before."""

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        parts = ("self_attention", "encoder_attention", "feed_forward")
        expect(node, (*parts, *(f"{part}_prenorm" for part in parts)))
        self.self_norm, self.cross_norm, self.forward_norm = (restore(node.children[f"{part}_prenorm"]) for part in parts)
        self.attention, self.cross = (MultiHead(node.children[part], dim) for part in parts[:2])
        self.feed_forward = _feed_forward(node.children["feed_forward"])

    def forward(
        self, x: Tensor, memory: dict[str, Tensor], keys: Tensor, values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Output [n, dim], the token's key and value [n, heads, 1, dim / heads], cross attention weights [n, T'].

        `x` [n, dim], `memory` of the cross attention, `keys` and `values` [n, heads, prefix, dim / heads].
        """
        own = self.attention
        query, key, value = (own.split(layer(self.self_norm(x)).unsqueeze(1)) for layer in (own.query, own.key, own.value))
        keys, values = torch.cat((keys, key), 2), torch.cat((values, value), 2)
        x = x + (own.weights(query, keys.transpose(2, 3)) @ values).flatten(1)
        context, weights = self.cross(self.cross_norm(x), memory)
        x = x + context
        return x + self.feed_forward(self.forward_norm(x)), key, value, weights


class TransformerEncoder(nn.Module):
    """Features [1, T, F] to [1, T', dim]."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        # The name it had while KoSpeech's Transformer could still be trained; the last version cannot.
        norm = "input_layer_norm" if "input_layer_norm" in node.children else "input_norm"
        parts = {"conv", "input_proj", norm, "input_dropout", "positional_encoding", "layers"}
        expect(node, parts | ({"fc"} & node.children.keys()))
        self.conv = Extractor(node.children["conv"])
        self.projection, self.norm = restore(node.children["input_proj"]), restore(node.children[norm])
        self.dim = output_classes(self.projection)
        self.register_buffer("positions", position_table(node.children["positional_encoding"]))
        self.layers = nn.ModuleList(EncoderLayer(layer, self.dim) for layer in node.children["layers"].children.values())
        if len(self.layers) == 0:
            raise CheckpointError("the Transformer's encoder has no layers")

    def forward(self, features: Tensor) -> Tensor:
        x = self.norm(self.projection(self.conv(features)))
        x = x + self.positions[:, : x.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x


class TransformerDecoder(nn.Module):
    """One token of n hypotheses."""

    def __init__(self, node: Node, dim: int) -> None:
        super().__init__()
        expect(node, ("embedding", "positional_encoding", "input_dropout", "layers", "fc"))
        expect(node.children["embedding"], ("embedding",))
        self.embedding, self.output = restore(child(node.children["embedding"], "embedding")), restore(node.children["fc"])
        self.scale = math.sqrt(dim)
        self.register_buffer("positions", position_table(node.children["positional_encoding"]))
        self.layers = nn.ModuleList(DecoderLayer(layer, dim) for layer in node.children["layers"].children.values())
        if not 0 < len(self.layers) <= MOST_LAYERS:
            raise CheckpointError(f"the Transformer's decoder has {len(self.layers)} layers; 1 to {MOST_LAYERS} are supported")
        numbered = list(enumerate(self.layers))
        self.memory_axes = {
            f"cross_{name}_{index}": axis for index, layer in numbered for name, axis in layer.cross.memory_axes.items()}
        self.states = [
            {"name": f"self_{name}_{index}", "shape": ["batch", layer.attention.heads, "prefix", dim // layer.attention.heads]}
            for index, layer in numbered for name in ("keys", "values")]

    def memory(self, encoded: Tensor) -> dict[str, Tensor]:
        """Keys and values of every layer's cross attention."""
        return {f"cross_{name}_{index}": tensor for index, layer in enumerate(self.layers)
                for name, tensor in layer.cross.memory(encoded).items()}

    def forward(
        self, tokens: Tensor, memory: dict[str, Tensor], states: dict[str, Tensor],
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Log-probabilities [n, classes], what the tokens add to the states, and cross attention weights [n, T'], averaged over layers."""
        position = states["self_keys_0"].shape[2]
        x = self.embedding(tokens) * self.scale + self.positions[0, position]
        following, looked = {}, []
        for index, layer in enumerate(self.layers):
            cross = {name: memory[f"cross_{name}_{index}"] for name in layer.cross.memory_axes}
            x, key, value, weights = layer(x, cross, states[f"self_keys_{index}"], states[f"self_values_{index}"])
            following |= {f"self_keys_{index}": key, f"self_values_{index}": value}
            looked.append(weights)
        return self.output(x).log_softmax(-1), following, torch.stack(looked).mean(0)


class SpeechTransformer(Architecture):
    """The Transformer with either extractor, with and without a CTC head."""

    name, family, root = "kospeech-transformer", "attention", "kospeech.models.transformer.model.SpeechTransformer"
    classes = CLASSES | {
        "kospeech.models.modules.LayerNorm",
        *(f"kospeech.models.transformer.decoder.{name}" for name in ("TransformerDecoder", "TransformerDecoderLayer")),
        *(f"kospeech.models.transformer.embeddings.{name}" for name in ("Embedding", "PositionalEncoding")),
        *(f"kospeech.models.transformer.encoder.{name}" for name in ("TransformerEncoder", "TransformerEncoderLayer")),
        "kospeech.models.transformer.sublayers.PositionwiseFeedForward",
    }

    def describe(self, root: Node) -> dict[str, Any]:
        encoder, decoder = child(root, "encoder"), child(root, "decoder")
        layers = list(child(encoder, "layers").children.values())
        if not layers:
            raise CheckpointError("the Transformer's encoder has no layers")
        inner = child(layers[0], "feed_forward").find("feed_forward.0.linear")
        return {
            "extractor": extractor_name(child(encoder, "conv")),
            "encoder layers": len(layers),
            "decoder layers": len(child(decoder, "layers").children),
            "dimension": number(encoder, "d_model"),
            "feed-forward": number(inner, "out_features") if inner else 0,
            "heads": number(child(layers[0], "self_attention"), "num_heads"),
            "joint CTC": "fc" in encoder.children,
            "longest output": longest_output(decoder, 1),
        }

    def build(self, root: Node) -> Built:
        expect(root, ("encoder", "decoder"))
        # KoSpeech counts the start token.
        tokens = longest_output(child(root, "decoder"), 1)
        encoder = TransformerEncoder(child(root, "encoder"))
        decoder, head = TransformerDecoder(child(root, "decoder"), encoder.dim), ctc_head(child(root, "encoder"), encoder.dim)
        frames = torch.arange(1, MOST_FRAMES + 1)
        most = int(frames[encoder.conv.lengths(frames) <= encoder.positions.shape[1]][-1])
        return Built(
            self.family, graphs(EncoderGraph(encoder, decoder, head), encoder.conv.input_dim),
            Encoder(encoder.conv.subsampling, shortest(encoder.conv.lengths), most),
            output_classes(decoder.output), encoder.conv.input_dim, count_parameters(root),
            len(encoder.layers), encoder.dim, encoder.layers[0].attention.heads,
            ctc_blank=head is not None, decoder=search(head is not None, min(tokens, decoder.positions.shape[1])),
        )
