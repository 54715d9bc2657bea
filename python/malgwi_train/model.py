"""Streamable Conformer-CTC.

The block is the macaron Conformer of Gulati et al. 2020 as KoSpeech builds it, made streamable after Zhang et al. 2020
("Unified streaming and non-streaming two-pass", U2): causal convolutions and random chunk masks in training, so that
one set of weights serves whole utterances and chunks. Departures, each for a reason:

- LayerNorm in the convolution module (batch statistics would tie rows of a batch together and do not stream);
- rotary positions (Su et al. 2021): they depend on distances only, so cached keys can be rotated from the start of the
  cache and nothing grows with the length of a stream;
- an intermediate CTC loss at the middle layer (Lee and Watanabe 2021), used in training only.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .tokens import TOKENS

# Two unpadded convolutions of width 3 and stride 2: 4x subsampling, receptive field of 7 frames.
SUBSAMPLING = 4
MIN_FRAMES = 7


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network."""

    num_mels: int = 80
    stem: int = 256
    dimension: int = 160
    layers: int = 9
    heads: int = 4
    expansion: int = 4
    kernel: int = 15
    vocabulary: int = len(TOKENS)

    def to_dict(self) -> dict:
        """Plain values, as stored in checkpoints."""
        return asdict(self)


def output_lengths(lengths: Tensor) -> Tensor:
    """Encoder frames of inputs with so many feature frames."""
    return ((lengths - 1) // 2 - 1) // 2


# Cosines and sines of the queries' positions, and of the keys'.
Rotary = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


def rotary_table(frames: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the given positions for heads of `size` channels; `rotate` subtracts by the signs of sines."""
    rates = torch.exp(torch.arange(0, size, 2, device=frames.device) * (-math.log(10000.0) / size))
    angles = frames.float()[:, None] * rates[None, :]
    cosines, sines = angles.cos(), angles.sin()
    return torch.cat([cosines, cosines], 1), torch.cat([-sines, sines], 1)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Apply rotary positions to `[B, H, F, size]`."""
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat([second, first], -1) * sines


class FeedForward(nn.Module):
    """Half-step feed-forward module."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.dimension)
        self.up = nn.Linear(config.dimension, config.dimension * config.expansion)
        self.down = nn.Linear(config.dimension * config.expansion, config.dimension)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.up(self.norm(x))))


class Attention(nn.Module):
    """Multi-head self-attention with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.size = config.dimension // config.heads
        self.norm = nn.LayerNorm(config.dimension)
        self.qkv = nn.Linear(config.dimension, 3 * config.dimension)
        self.out = nn.Linear(config.dimension, config.dimension)

    def forward(
        self, x: Tensor, rotary: Rotary, mask: Tensor, past: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Output, and all keys and values before rotation, `[B, 2 H, P + F, size]`.

        `past` has those of the `P` frames before; `rotary` is that of the `F` queries and of the `P + F` keys, and `mask`
        is `[B, 1, F, P + F]`.
        """
        width = self.heads * self.size
        # Sizes are those of the mask, which all blocks share: a traced graph then works them out only once.
        batch = mask.shape[0]
        qkv = self.qkv(self.norm(x)).view(batch, -1, 3 * self.heads, self.size).transpose(1, 2)
        of_queries, of_keys = ([t.to(qkv.dtype) for t in tables] for tables in rotary)
        q, kv = qkv.split([self.heads, 2 * self.heads], 1)
        if past is not None:
            kv = torch.cat([past, kv], 2)
        k, v = kv.split(self.heads, 1)
        # Written out: at a few hundred frames this is faster on a CPU than the fused kernel, above all backwards.
        scores = rotate(q, *of_queries) @ (rotate(k, *of_keys) * self.size**-0.5).transpose(-2, -1) + mask.to(q.dtype)
        mixed = scores.softmax(-1, dtype=q.dtype) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, -1, width)), kv


class Convolution(nn.Module):
    """Gated causal depthwise convolution module."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.dimension
        self.context = config.kernel - 1
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv1d(width, width, config.kernel, groups=width)
        self.inner = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Output, and what the depthwise convolution saw, `[B, D, context + F]`.

        `past` has the `context` frames before, of which there are none (zeros) at the start.
        """
        x = F.glu(self.gate(self.norm(x)), -1).transpose(1, 2)
        seen = F.pad(x, (self.context, 0)) if past is None else torch.cat([past, x], 2)
        x = self.depthwise(seen).transpose(1, 2)
        return self.out(F.silu(self.inner(x))), seen


# Of one block: keys and values before rotation [B, 2 H, P, size], input of the depthwise convolution [B, D, context].
Past = tuple[Tensor, Tensor]


class Block(nn.Module):
    """Macaron block: half feed-forward, attention, convolution, half feed-forward."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.first = FeedForward(config)
        self.attention = Attention(config)
        self.convolution = Convolution(config)
        self.second = FeedForward(config)
        self.norm = nn.LayerNorm(config.dimension)

    def forward(self, x: Tensor, rotary: Rotary, mask: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Output, and what the block saw: keys and values, and the input of its depthwise convolution."""
        kept, context = past or (None, None)
        x = x + 0.5 * self.first(x)
        attended, kv = self.attention(x, rotary, mask, kept)
        x = x + attended
        convolved, seen = self.convolution(x, context)
        x = x + convolved
        return self.norm(x + 0.5 * self.second(x)), (kv, seen)


def attention_mask(lengths: Tensor, frames: int, chunk: int = 0, left_chunks: int = -1) -> Tensor:
    """Additive mask `[B, 1, F, F]`: padding, and with `chunk` only frames up to the end of a frame's own chunk.

    `left_chunks` bounds the chunks seen before one's own; negative means all of them.
    """
    position = torch.arange(frames, device=lengths.device)
    allowed = (position[None, :] < lengths[:, None])[:, None, None, :]
    if chunk:
        own = position // chunk
        distance = own[:, None] - own[None, :]
        near = distance >= 0
        if left_chunks >= 0:
            near = near & (distance <= left_chunks)
        # A padded row may see no key at all; it sees itself instead, or softmax would give NaN.
        allowed = allowed & near | torch.eye(frames, dtype=torch.bool, device=lengths.device)
    else:
        allowed = allowed.expand(-1, 1, frames, frames)
    return torch.zeros(allowed.shape, device=lengths.device).masked_fill(~allowed, -1e4)


class ConformerCTC(nn.Module):
    """Encoder and CTC output layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.stem1 = nn.Conv1d(config.num_mels, config.stem, 3, stride=2)
        self.stem2 = nn.Conv1d(config.stem, config.stem, 3, stride=2)
        self.project = nn.Linear(config.stem, config.dimension)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.output = nn.Linear(config.dimension, config.vocabulary)
        self.middle = nn.Linear(config.dimension, config.vocabulary)
        for block in self.blocks:
            # Small residual branches at the start keep a deep stack trainable without a long warm-up.
            for layer in (block.first.down, block.second.down, block.attention.out, block.convolution.out):
                layer.weight.data.mul_(1 / math.sqrt(config.layers))

    def subsample(self, features: Tensor) -> Tensor:
        """Stem: `[B, T, mels]` -> `[B, F, dimension]`."""
        x = F.silu(self.stem1(features.transpose(1, 2)))
        return self.project(F.silu(self.stem2(x)).transpose(1, 2))

    def forward(
        self, features: Tensor, lengths: Tensor, chunk: int = 0, left_chunks: int = -1, middle: bool = False
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Logits `[B, F, V]`, their lengths, and the logits of the middle layer if asked for."""
        x = self.subsample(features)
        frames = x.shape[1]
        lengths = output_lengths(lengths)
        mask = attention_mask(lengths, frames, chunk, left_chunks)
        rotary = rotary_table(torch.arange(frames, device=x.device), self.config.dimension // self.config.heads)
        halfway = None
        for n, block in enumerate(self.blocks):
            x, _ = block(x, (rotary, rotary), mask)
            if middle and n + 1 == len(self.blocks) // 2:
                halfway = self.middle(x)
        return self.output(x), lengths, halfway


def parameters(model: nn.Module) -> int:
    """Parameters that are served (the middle output layer is not)."""
    return sum(p.numel() for name, p in model.named_parameters() if not name.startswith("middle."))
