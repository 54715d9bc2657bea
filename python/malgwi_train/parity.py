"""Whether an exported graph computes what PyTorch computes: whole utterances, and live streams in chunks."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .evaluate import graph_step, of_graph
from .model import SUBSAMPLING, ConformerCTC
from .streaming import Caches, Chunking, Step, empty, stream

LENGTHS = (7, 130, 203, 517)
# Chunk and chunks of left context; and a stream with look-ahead, which no mask of the whole utterance describes.
MASKS = ((8, 16), (8, 2), (5, 7), (16, 4))
LOOKAHEAD = Chunking(8, 6, 40)


def utterances(model: ConformerCTC) -> tuple[Tensor, Tensor]:
    """Random features of `LENGTHS` frames, padded."""
    generator = torch.Generator().manual_seed(3)
    batch = torch.zeros(len(LENGTHS), max(LENGTHS), model.config.num_mels)
    for row, frames in zip(batch, LENGTHS, strict=True):
        row[:frames] = torch.randn(frames, model.config.num_mels, generator=generator)
    return batch, torch.tensor(LENGTHS)


@torch.inference_mode()
def of_utterances(model: ConformerCTC, path: Path) -> float:
    """Largest difference between the model's forward pass and the graph with empty caches, alone and padded in a batch."""
    infer = of_graph(path, 1)
    batch, frames = utterances(model)
    padded, lengths = infer(batch, frames)
    worst = 0.0
    for n, count in enumerate(LENGTHS):
        x = batch[n : n + 1, :count]
        logits, _, _ = model.eval()(x, frames[n : n + 1])
        wanted = logits.log_softmax(-1)[0].numpy()
        alone, _ = infer(x, frames[n : n + 1])
        if len(wanted) != lengths[n]:
            raise SystemExit(f"export: {count} frames give {lengths[n]} outputs instead of {len(wanted)}")
        worst = max(worst, float(np.abs(alone[0] - wanted).max()))
        worst = max(worst, float(np.abs(padded[n, : len(wanted)] - wanted).max()))
    return worst


@torch.inference_mode()
def of_chunks(model: ConformerCTC, path: Path) -> float:
    """Largest difference between the graph chunk by chunk and the chunk-masked forward pass, and other such checks."""
    step, caches = graph_step(path)
    batch, frames = utterances(model)
    worst = late_joiner(model, path)
    for chunk, left in MASKS:
        wanted, lengths, _ = model.eval()(batch, frames, chunk, left)
        found, _ = stream(step, caches, batch, frames, Chunking(chunk, 0, chunk * left))
        worst = max(worst, largest(found, wanted.log_softmax(-1), lengths))
    wanted, lengths = stream(Step(model), caches, batch, frames, LOOKAHEAD)
    found, _ = stream(step, caches, batch, frames, LOOKAHEAD)
    return max(worst, largest(found, wanted, lengths))


def late_joiner(model: ConformerCTC, path: Path) -> float:
    """Largest difference between a batch of two streams, of which one began earlier, and each of them alone."""
    step, caches = graph_step(path)
    size, (batch, _) = LOOKAHEAD, utterances(model)
    long = batch[-1:]
    state = (torch.zeros(1, dtype=torch.int64), empty(caches, 1, size.left))

    def advance(at: int, cached: Tensor, caches: Caches) -> tuple[Tensor, tuple[Tensor, Caches]]:
        starts = torch.as_tensor(at) if isinstance(at, int) else at
        windows = torch.cat([long[:, s * SUBSAMPLING :][:, : size.features] for s in starts.reshape(-1).tolist()])
        lengths = torch.full((len(windows),), size.features)
        log_probs, _, *following = step(windows, lengths, cached, torch.tensor(size.chunk), *caches)
        return log_probs, ((cached + size.chunk).clamp(max=size.left), Caches(*following))

    first, early = advance(0, *state)
    for n in (1, 2):
        _, early = advance(n * size.chunk, *early)
    alone, _ = advance(3 * size.chunk, *early)
    together, _ = advance(
        torch.tensor([3 * size.chunk, 0]), torch.cat([early[0], state[0]]),
        Caches(*(torch.cat(pair) for pair in zip(early[1], state[1], strict=True))),
    )
    return float((together - torch.cat([alone, first])).abs().max())


def largest(found: Tensor, wanted: Tensor, lengths: Tensor) -> float:
    """Largest difference within the rows' lengths."""
    return max(float((a[:n] - b[:n]).abs().max()) for a, b, n in zip(found, wanted, lengths.tolist(), strict=True))
