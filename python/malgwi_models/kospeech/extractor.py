"""The convolutions that all spectrogram encoders of KoSpeech begin with."""

from __future__ import annotations

from torch import Tensor, nn

from ..inert import CheckpointError, Node
from .restore import child, convolved_lengths, expect, number, restore


class Extractor(nn.Module):
    """Two-dimensional convolutions over [frequency, time]: DeepSpeech2's, VGG's, or Conformer's subsampling."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        # `activation` is the very object that stands in the sequence, kept a second time.
        expect(node, {"conv", "activation"} & node.children.keys() | {"conv"})
        self.layers = restore(child(node, "conv"))
        self.input_dim = number(node, "input_dim")
        if not isinstance(self.layers, nn.Sequential) or not isinstance(self.input_dim, int):
            raise CheckpointError(f"{node} is not a sequence of layers")

    def lengths(self, lengths: Tensor) -> Tensor:
        """Frames of the output for frames of the input."""
        return convolved_lengths(self.layers, lengths, axis=1)

    @property
    def subsampling(self) -> int:
        """Feature frames for one frame of the output."""
        steps = 1
        for layer in self.layers:
            stride = getattr(layer, "stride", 1)
            steps *= stride[1] if isinstance(stride, tuple) else stride
        return steps

    def forward(self, features: Tensor) -> Tensor:
        """[B, T, F] to [B, T', channels * frequencies]."""
        x = self.layers(features.unsqueeze(1).transpose(2, 3))
        return x.permute(0, 3, 1, 2).flatten(2)
