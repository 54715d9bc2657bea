"""DeepSpeech2 in one direction, a chunk of an utterance at a time: the same results as for the whole utterance at once.

What a step must know of what came before is the features under the left halves of its first convolution windows, and
the state of each recurrent layer. What it must know of what follows are the features under the right halves: the
look-ahead. A whole utterance is one chunk with nothing before it, so one graph serves both. Rows of a batch may be of
any length and at any place of their streams: what a convolution would see beyond the beginning or the end of an
utterance is zero in every layer, as KoSpeech's `MaskCNN` has it in padded batches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..graphs import Graph
from ..streams import Chunking

#: New encoder frames of a step, unless someone says otherwise.
CHUNK = 16
SETTLE_MS = 480
HOP_MS = 10


class Convolutions(nn.Module):
    """Convolutions over [frequency, time], with the features before a chunk in place of padding."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers
        #: Frames that each layer sees before and after the middle of its window; and how many make one encoder frame.
        self.before, self.strides = [0], [1]
        for layer in reversed([layer for layer in layers if isinstance(layer, nn.Conv2d)]):
            self.before.insert(0, self.before[0] * layer.stride[1] + layer.padding[1])
            self.strides.insert(0, self.strides[0] * layer.stride[1])

    @staticmethod
    def fits(layers: nn.Sequential) -> bool:
        """Whether every window lies symmetrically around its frame, so that padding is all that differs at the edges."""
        return isinstance(layers[0], nn.Conv2d) and all(
            layer.kernel_size[1] == 2 * layer.padding[1] + 1 and layer.dilation[1] == 1
            for layer in layers if isinstance(layer, nn.Conv2d))

    @property
    def context(self) -> int:
        """Feature frames before a chunk that its first output sees, and as many behind the last one's."""
        return self.before[0]

    def forward(self, features: Tensor, lengths: Tensor, cached: Tensor) -> tuple[Tensor, Tensor]:
        """features [B, context + T, F], of which `lengths` [B] count behind the context, to [B, T', C] and lengths.

        `cached` [B] says how many encoder frames of each utterance lie before the chunk, at most.
        """
        x, level = features.unsqueeze(1).transpose(2, 3), 0
        for layer in self.layers:
            if not isinstance(layer, nn.Conv2d):
                x = layer(x)
                continue
            frequency, time = layer.padding
            position = torch.arange(x.shape[3], device=x.device) - self.before[level]
            valid = (position >= -self.strides[level] * cached[:, None]) & (position < lengths[:, None])
            x = functional.pad(x.masked_fill(~valid[:, None, None, :], 0), (0, time))
            x = functional.conv2d(x, layer.weight, layer.bias, layer.stride, (frequency, 0), layer.dilation, layer.groups)
            lengths = torch.div(lengths - 1, layer.stride[1], rounding_mode="floor") + 1
            level += 1
        return x.permute(0, 3, 1, 2).flatten(2), lengths


class Step(nn.Module):
    """The graph: one chunk of each of many streams. `model` is a `DeepSpeech2Encoder` whose layers go one way."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.convolutions = Convolutions(model.conv.layers)
        self.layers, self.output = model.layers, model.output
        self.has_cells = any(isinstance(layer.rnn, nn.LSTM) for layer in self.layers)

    def forward(
        self, features: Tensor, lengths: Tensor, cached: Tensor, advance: Tensor, context: Tensor, hidden: Tensor,
        cell: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Log-probabilities [B, T', V], their lengths, and the states `advance` encoder frames later.

        `features` is [B, T, F], from the first frame of the chunk on; `context` [B, frames, F] what came before;
        `hidden` and `cell` [B, layers, units]. Next states of a row whose chunk is shorter than the longest are of no use.
        """
        joined = torch.cat((context, features), 1)
        x, lengths = self.convolutions(joined, lengths, cached)
        after: list[tuple[Tensor, ...]] = []
        for index, layer in enumerate(self.layers):
            before = [state[:, index : index + 1].transpose(0, 1) for state in (hidden, cell) if state is not None]
            x, now = self.recur(layer, x, advance, before)
            after.append(now)
        states = [torch.cat(of_layers, 1) for of_layers in zip(*after, strict=True)]
        start = self.convolutions.strides[0] * advance
        return self.output(x).log_softmax(-1), lengths, joined[:, start : start + self.convolutions.context], *states

    def recur(self, layer: nn.Module, x: Tensor, advance: Tensor, before: list[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One layer over all frames, and its state behind the first `advance` of them, [B, 1, units] each."""
        x, rnn = layer.normalise(x), layer.rnn
        if not self.has_cells:
            # The state is the output.
            output = rnn(x, before[0])[0]
            return output, (output[:, :advance][:, -1:],)
        # No output has the cells, so the frames behind `advance` are a run of their own: never without a frame, and one of
        # zeros stands behind the last.
        first = torch.clamp(advance, min=1)
        early, states = rnn(x[:, :first], (before[0], before[1]))
        late = rnn(functional.pad(x[:, first:], (0, 0, 0, 1)), states)[0]
        return torch.cat((early, late[:, :-1]), 1), tuple(state.transpose(0, 1) for state in states)


def live_graph(model: nn.Module) -> Graph | None:
    """The graph that takes streams and whole utterances; None for a model that needs all of an utterance."""
    rnns = [layer.rnn for layer in model.layers]
    kinds = {(type(rnn), rnn.hidden_size) for rnn in rnns}
    if any(rnn.bidirectional or rnn.num_layers != 1 for rnn in rnns) or len(kinds) > 1 or not Convolutions.fits(model.conv.layers):
        return None
    step = Step(model).eval()
    around, units, stride = step.convolutions.context, rnns[0].hidden_size, step.convolutions.strides[0]
    states: list[dict[str, Any]] = [
        {"name": "context", "shape": ["batch", around, model.conv.input_dim]},
        *({"name": name, "shape": ["batch", len(rnns), units]} for name in ("hidden", "cell")[: 2 if step.has_cells else 1]),
    ]
    # A chunk's last output sees `around` frames behind its own first one.
    chunking = Chunking(stride, CHUNK, -(-(around + 1 - stride) // stride), -(-around // stride), 0, SETTLE_MS // (HOP_MS * stride))
    generator = torch.Generator().manual_seed(1)
    frames = chunking.window
    example = {
        "features": torch.randn(2, frames, model.conv.input_dim, generator=generator), "lengths": torch.tensor([frames, frames - 7]),
        "cached": torch.tensor([chunking.left, 0]), "advance": torch.tensor(CHUNK),
        **{state["name"]: torch.zeros([2 if n == "batch" else n for n in state["shape"]]) for state in states},
    }
    batched = {0: "batch"}
    following = [f"next_{state['name']}" for state in states]
    dynamic = {
        **{name: batched for name in ("lengths", "cached", "output_lengths", *following, *(state["name"] for state in states))},
        "features": {0: "batch", 1: "frames"}, "log_probs": {0: "batch", 1: "encoder_frames"},
    }
    return Graph(step, example, ["log_probs", "output_lengths", *following], dynamic, states, chunking=chunking)
