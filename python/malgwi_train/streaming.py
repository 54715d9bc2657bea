"""The encoder as it is served: a chunk of an utterance at a time, with caches of what came before.

The same step takes a whole utterance as one chunk with nothing before it, so one graph serves both. Keys are cached
before rotation: rotary positions (Su et al. 2021) only say distances, so they count from the start of the cache and
nothing grows with the length of a stream. A chunk may bring frames of look-ahead: they are computed on again with the
next chunk, and the caches keep what the frames before them saw.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .model import MIN_FRAMES, SUBSAMPLING, ConformerCTC, ModelConfig, output_lengths, rotary_table

# Feature frames under the first encoder frame of a chunk and also under the last one before it.
OVERLAP = MIN_FRAMES - SUBSAMPLING


@dataclass(frozen=True)
class Chunking:
    """Sizes of a live stream, in encoder frames."""

    # New frames of a step.
    chunk: int = 8
    # Further frames that a step sees and the next one computes again.
    lookahead: int = 8
    # Cached frames before the chunk.
    left: int = 64
    # Frames after which what the best text has begun with holds, in the service's search.
    settle: int = 12

    @property
    def features(self) -> int:
        """Feature frames of a full step."""
        return (self.chunk + self.lookahead) * SUBSAMPLING + OVERLAP


class Caches(NamedTuple):
    """What a step takes and gives; all zeros at the start. Layers share an axis with what else they have many of."""

    # Keys and values before rotation, [B, layers * 2 * heads, left, size].
    attention: Tensor
    # Input of the depthwise convolutions, [B, layers * dimension, kernel - 1].
    convolution: Tensor


# Of each cache, in the words of the manifest: lengths, and `batch` and `left` where they vary.
Shapes = dict[str, list[int | str]]


def shapes(config: ModelConfig) -> Shapes:
    """Shapes of the caches of a model."""
    size = config.dimension // config.heads
    return {
        "attention": ["batch", config.layers * 2 * config.heads, "left", size],
        "convolution": ["batch", config.layers * config.dimension, config.kernel - 1],
    }


def empty(sizes: Shapes, batch: int, left: int) -> Caches:
    """Caches of streams that have not begun."""
    names = {"batch": batch, "left": left}
    return Caches(**{name: torch.zeros([names.get(n, n) for n in shape]) for name, shape in sizes.items()})


class Step(nn.Module):
    """What the graph holds: one chunk of each of many streams, without the training-only parts."""

    def __init__(self, model: ConformerCTC) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, features: Tensor, lengths: Tensor, cached: Tensor, advance: Tensor, attention: Tensor, convolution: Tensor
    ) -> tuple[Tensor, ...]:
        """Log-probabilities `[B, F, V]`, their lengths, and the caches `advance` frames later.

        `features` is `[B, T, mels]`, from the first frame under the chunk's first output on; `cached` says how many of
        the cached frames of each row count, and they are the last ones. Next caches of a row whose chunk is shorter
        than the longest are of no use: it is that row's last.
        """
        x = self.model.subsample(features)
        lengths = output_lengths(lengths)
        left = attention.shape[2]
        position = torch.arange(left + x.shape[1], device=x.device)
        allowed = (position >= (left - cached)[:, None]) & (position < (left + lengths)[:, None])
        mask = torch.zeros(allowed.shape, device=x.device).masked_fill(~allowed, -1e4)[:, None, None, :]
        blocks = self.model.blocks
        cosines, sines = rotary_table(position, attention.shape[3])
        rotary = ((cosines[left:], sines[left:]), (cosines, sines))
        pasts = zip(attention.chunk(len(blocks), 1), convolution.chunk(len(blocks), 1), strict=True)
        seen = []
        for block, past in zip(blocks, pasts, strict=True):
            x, now = block(x, rotary, mask, past)
            seen.append(now)
        keys_values, contexts = (torch.cat(of_layers, 1) for of_layers in zip(*seen, strict=True))
        return (
            self.model.output(x).log_softmax(-1), lengths,
            keys_values[:, :, advance : advance + left],
            contexts[:, :, advance : advance + convolution.shape[2]],
        )


def stream(
    step: Callable[..., Sequence[Tensor]], sizes: Shapes, features: Tensor, lengths: Tensor, chunking: Chunking
) -> tuple[Tensor, Tensor]:
    """Log-probabilities and lengths of a padded batch `[B, T, mels]`, chunk by chunk, as a live stream has them.

    `step` is a `Step` or its graph, `sizes` are the shapes of its caches.
    """
    batch = len(features)
    outputs = output_lengths(lengths)
    caches, cached = empty(sizes, batch, chunking.left), torch.zeros(batch, dtype=torch.int64)
    result = torch.zeros(batch, 0, 0)
    # Outputs still to come of each row.
    remaining = outputs.clone()
    for start in range(0, int(outputs.max()), chunking.chunk):
        window = features[:, start * SUBSAMPLING : start * SUBSAMPLING + chunking.features]
        # Rows that have ended go on with padding, which nobody reads.
        there = (lengths - start * SUBSAMPLING).clamp(MIN_FRAMES, window.shape[1])
        log_probs, _, *following = step(window, there, cached, torch.tensor(chunking.chunk), *caches)
        caches, cached = Caches(*following), (cached + chunking.chunk).clamp(max=chunking.left)
        if start == 0:
            result = torch.zeros(batch, int(outputs.max()), log_probs.shape[2])
        # A row's last window is not full: all of its frames are results.
        given = torch.where(remaining >= chunking.chunk + chunking.lookahead, chunking.chunk, remaining)
        for row, count in enumerate(given.tolist()):
            result[row, start : start + count] = log_probs[row, :count]
        remaining -= given
        if not remaining.any():
            break
    return result, outputs
