"""Conformer (Gulati et al. 2020) with CTC, as KoSpeech has it: absolute sinusoids under Transformer-XL's shift."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..graphs import encoder_graph
from ..inert import CheckpointError, Node, TensorRef
from .extractor import Extractor
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import Makers, child, expect, number, output_classes, restore, shortest

MODEL = "kospeech.models.conformer"


class RelativeAttention(nn.Module):
    """Multi-head self-attention with relative positions (Dai et al. 2019).

    The scores are divided by the root of the model's width, not of a head's, and the shift treats each row as the
    paper does, though the positions are 0 to T-1: frames after the query see a neighbouring row's scores.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("positional_encoding", "layer_norm", "attention", "dropout"))
        inner = node.children["attention"]
        expect(inner, ("query_proj", "key_proj", "value_proj", "pos_proj", "out_proj", "dropout"), ("u_bias", "v_bias"))
        self.norm = restore(node.children["layer_norm"])
        self.query, self.key, self.value, self.position, self.output = (
            restore(inner.children[f"{name}_proj"]) for name in ("query", "key", "value", "pos", "out"))
        self.heads, self.size = number(inner, "num_heads"), number(inner, "d_head")
        self.scale = 1 / number(inner, "sqrt_dim")
        u, v = inner.get("u_bias"), inner.get("v_bias")
        if not all(isinstance(b, TensorRef) and b.shape == (self.heads, self.size) for b in (u, v)):
            raise CheckpointError(f"{inner} has biases that do not fit its {self.heads} heads of {self.size}")
        self.u, self.v = (nn.Parameter(b.tensor().float(), requires_grad=False) for b in (u, v))
        self.register_buffer("positions", position_table(node.children["positional_encoding"]))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D], same shape."""
        batch, length = x.shape[0], x.shape[1]
        x = self.norm(x)
        query = self.query(x).unflatten(2, (self.heads, self.size))
        key, value = (layer(x).unflatten(2, (self.heads, self.size)).transpose(1, 2) for layer in (self.key, self.value))
        position = self.position(self.positions[:, :length]).unflatten(2, (self.heads, self.size)).permute(0, 2, 3, 1)
        content = (query + self.u).transpose(1, 2) @ key.transpose(2, 3)
        relative = (query + self.v).transpose(1, 2) @ position
        # Shift: a zero in front of each row, rows of T cut from that, the first one dropped.
        padded = torch.cat([relative.new_zeros(batch, self.heads, length, 1), relative], -1)
        relative = padded.view(batch, self.heads, length + 1, length)[:, :, 1:]
        weights = ((content + relative) * self.scale).softmax(-1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))


def position_table(node: Node) -> Tensor:
    """The sinusoids [1, N, D] of a PositionalEncoding."""
    expect(node)
    table = node.get("pe")
    if not isinstance(table, TensorRef) or len(table.shape) != 3 or table.shape[0] != 1:
        raise CheckpointError(f"{node} has no table of positions")
    return table.tensor().float()


class Convolution(nn.Module):
    """The convolution module; its layers end channels first."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("sequential",))
        self.layers = restore(node.children["sequential"])

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D], same shape."""
        return self.layers(x).transpose(1, 2)


class Residual(nn.Module):
    """factor * module(x) + input factor * x; the factor of the feed-forward modules is a half."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("module",))
        self.module = restore(node.children["module"], MAKERS)
        self.factor, self.kept = number(node, "module_factor"), number(node, "input_factor")

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D], same shape."""
        return self.module(x) * self.factor + x * self.kept


def _block(node: Node) -> nn.Module:
    expect(node, ("sequential",))
    return restore(node.children["sequential"], MAKERS)


MAKERS: Makers = {
    "kospeech.models.modules.ResidualConnectionModule": Residual, f"{MODEL}.encoder.ConformerBlock": _block,
    f"{MODEL}.modules.MultiHeadedSelfAttentionModule": RelativeAttention, f"{MODEL}.modules.ConformerConvModule": Convolution,
}


class ConformerEncoder(nn.Module):
    """The whole model, for one utterance."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("encoder", "fc"))
        encoder = node.children["encoder"]
        expect(encoder, ("conv_subsample", "input_projection", "layers"))
        self.conv = Extractor(encoder.children["conv_subsample"])
        self.projection = restore(encoder.children["input_projection"])
        self.blocks = restore(encoder.children["layers"], MAKERS)
        self.output = restore(node.children["fc"])
        self._share_positions()

    def _share_positions(self) -> None:
        """Every layer has its own copy of the same table, 5000 rows: keep one."""
        first: RelativeAttention | None = None
        for layer in self.modules():
            if isinstance(layer, RelativeAttention):
                first = first or layer
                if torch.equal(layer.positions, first.positions):
                    layer.positions = first.positions
        if first is None:
            raise CheckpointError("the Conformer model has no blocks")
        self.most = first.positions.shape[1]

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """features [1, T, F], lengths [1] to log-probabilities [1, T', V] and lengths [1]."""
        x = self.projection(self.conv(features))
        for block in self.blocks:
            x = block(x)
        return self.output(x).log_softmax(-1), self.conv.lengths(lengths)


class ConformerCTC(Architecture):
    """KoSpeech's Conformer without a decoder. With one (`decoder=rnnt`) it never ran, there or anywhere."""

    name, family, root = "kospeech-conformer-ctc", "ctc", f"{MODEL}.model.Conformer"
    classes = frozenset({
        *MAKERS, f"{MODEL}.encoder.ConformerEncoder", f"{MODEL}.modules.FeedForwardModule",
        "kospeech.models.convolution.Conv2dSubsampling", "kospeech.models.convolution.MaskCNN",
        "kospeech.models.convolution.PointwiseConv1d", "kospeech.models.convolution.DepthwiseConv1d",
        "kospeech.models.activation.GLU", "kospeech.models.activation.Swish", "kospeech.models.modules.Linear",
        "kospeech.models.modules.Transpose", "kospeech.models.attention.RelativeMultiHeadAttention",
        "kospeech.models.transformer.embeddings.PositionalEncoding", "kospeech.models.modules.LayerNorm",
    })

    def describe(self, root: Node) -> dict[str, Any]:
        if root.get("decoder") is not None:
            raise CheckpointError("a Conformer with an RNN-T decoder: KoSpeech's joint layer has half the inputs that it is "
                                  "given, so such a model never computed anything. Only Conformer with CTC is supported")
        blocks = list(child(child(root, "encoder"), "layers").children.values())
        if not blocks:
            raise CheckpointError("the Conformer model has no blocks")
        parts = child(blocks[0], "sequential").children
        if not {"0", "1", "2"} <= parts.keys():
            raise CheckpointError("the blocks of the Conformer model have not the structure that they should have")
        attention = child(child(parts["1"], "module"), "attention")
        depthwise = [node for _, node in parts["2"].modules() if node.cls == "DepthwiseConv1d"]
        return {
            "layers": len(blocks), "dimension": number(attention, "dim"), "heads": number(attention, "num_heads"),
            "kernel": number(child(depthwise[0], "conv"), "kernel_size")[0] if depthwise else 0,
            "half-step residual": number(parts["0"], "module_factor") == 0.5,
            "features": number(child(child(root, "encoder"), "conv_subsample"), "input_dim"),
        }

    def build(self, root: Node) -> Built:
        facts = self.describe(root)
        model = ConformerEncoder(root).eval()
        least = shortest(model.conv.lengths)
        # The longest utterance whose every output frame still has a row in the table of positions.
        frames = torch.arange(1, 100_001)
        most = int(frames[model.conv.lengths(frames) <= model.most][-1])
        return Built(
            "ctc", {"encoder": encoder_graph(model, model.conv.input_dim, 83)}, Encoder(model.conv.subsampling, least, most),
            output_classes(model.output), model.conv.input_dim, count_parameters(root), facts["layers"], facts["dimension"],
            facts["heads"],
        )
