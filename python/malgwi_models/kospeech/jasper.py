"""Jasper (Li et al. 2019): one-dimensional convolutions in blocks, with dense residual connections, and CTC."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..graphs import encoder_graph
from ..inert import CheckpointError, Node
from .registry import Architecture, Built, Encoder, count_parameters
from .restore import child, convolved_lengths, expect, number, restore, shortest

MODEL = "kospeech.models.jasper"


class SubBlock(nn.Module):
    """Convolution, batch normalisation, residual (if any), activation."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("conv", "batch_norm", "activation", "dropout"))
        self.conv, self.norm, self.activation = (restore(node.children[n]) for n in ("conv", "batch_norm", "activation"))

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """[B, C, T] to [B, C', T']."""
        x = self.norm(self.conv(x))
        return self.activation(x if residual is None else x + residual)


class Block(nn.Module):
    """Sub-blocks; the residual enters the last one."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("layers",))
        self.layers = nn.ModuleList(SubBlock(part) for part in node.children["layers"].children.values())
        if len(self.layers) == 0:
            raise CheckpointError("a block of the Jasper model has no layers")

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """[B, C, T] to [B, C', T]."""
        for layer in list(self.layers)[:-1]:
            x = layer(x)
        return self.layers[-1](x, residual)


class Residual(nn.Module):
    """What all earlier outputs add to a block: 1x1 convolutions, normalised after each addition.

    The paper normalises each branch; KoSpeech normalises the running sum, so earlier branches are normalised again.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        pairs = list(node.children.values())
        for pair in pairs:
            expect(pair, ("0", "1"))
        self.convs = nn.ModuleList(restore(pair.children["0"]) for pair in pairs)
        self.norms = nn.ModuleList(restore(pair.children["1"]) for pair in pairs)

    def forward(self, outputs: list[Tensor]) -> Tensor:
        """Outputs [B, C_i, T] of all layers before, to [B, C, T]."""
        total = None
        for x, conv, norm in zip(outputs, self.convs, self.norms, strict=True):
            branch = conv(x)
            total = norm(branch if total is None else total + branch)
        if total is None:
            raise CheckpointError("a residual connection of the Jasper model is empty")
        return total


class JasperEncoder(nn.Module):
    """The whole model, for utterances of full length."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        expect(node, ("layers", "postprocess_layers", "residual_connections"))
        first, *blocks = node.children["layers"].children.values()
        self.first = SubBlock(first)
        self.blocks = nn.ModuleList(Block(block) for block in blocks)
        self.residuals = nn.ModuleList(Residual(part) for part in node.children["residual_connections"].children.values())
        self.last = nn.ModuleList(SubBlock(part) for part in node.children["postprocess_layers"].children.values())
        if len(self.residuals) != len(self.blocks) or not blocks or len(self.last) == 0:
            raise CheckpointError(f"the Jasper model has {len(blocks)} blocks and {len(self.residuals)} residual connections")

    def lengths(self, lengths: Tensor) -> Tensor:
        """Frames of the output for frames of the input."""
        parts = [self.first, *(layer for block in self.blocks for layer in block.layers), *self.last]
        return convolved_lengths([part.conv for part in parts], lengths, axis=0)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """features [B, T, F], lengths [B] to log-probabilities [B, T', V] and lengths [B]."""
        outputs = [self.first(features.transpose(1, 2))]
        for block, residual in zip(self.blocks, self.residuals, strict=True):
            outputs.append(block(outputs[-1], residual(outputs)))
        x = outputs[-1]
        for layer in self.last:
            # The logits too are normalised and rectified, unlike in the paper.
            x = layer(x)
        return x.transpose(1, 2).log_softmax(-1), self.lengths(lengths)


class Jasper(Architecture):
    """KoSpeech's Jasper, 5x3 and 10x5 (and what else has that structure)."""

    name, family, root = "kospeech-jasper", "ctc", f"{MODEL}.model.Jasper"
    classes = frozenset({
        f"{MODEL}.sublayers.JasperSubBlock", f"{MODEL}.sublayers.JasperBlock", "kospeech.models.convolution.MaskConv1d",
    })

    def describe(self, root: Node) -> dict[str, Any]:
        layers = list(child(root, "layers").children.values())
        if len(layers) < 2:
            raise CheckpointError("the Jasper model has no blocks")
        blocks, last = layers[1:], list(child(root, "postprocess_layers").children.values())
        first = child(layers[0], "conv")
        return {
            "blocks": f"{len(blocks)}x{len(child(blocks[0], 'layers').children)}",
            "channels": number(child(last[-2], "conv"), "out_channels") if len(last) > 1 else number(first, "out_channels"),
            "features": number(first, "in_channels"),
        }

    def build(self, root: Node) -> Built:
        facts = self.describe(root)
        model = JasperEncoder(root).eval()
        least = shortest(model.lengths)
        return Built(
            "ctc", {"encoder": encoder_graph(model, facts["features"], least + 60)}, Encoder(_stride(model), least, 100_000),
            model.last[-1].conv.out_channels, facts["features"], count_parameters(root), len(model.blocks), facts["channels"],
        )


def _stride(model: JasperEncoder) -> int:
    steps = torch.ones((), dtype=torch.int64)
    for layer in model.modules():
        if isinstance(layer, nn.Conv1d):
            steps = steps * layer.stride[0]
    return int(steps)
