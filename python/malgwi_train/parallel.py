"""Gradients of a batch on several single-threaded workers.

Splitting every operation over the cores (OpenMP) waits at each one for the slowest core, which on a shared machine
costs more than half of the speed. Here the rows of a batch are split instead, workers take parts as they finish, and
the only wait is at the end of the step.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from .data import Batch

Loss = Callable[[Batch], Tensor]


def split(batch: Batch, parts: int) -> list[Batch]:
    """Parts of about equal rows, each cut to its own longest row."""
    rows = len(batch.lengths)
    parts = min(parts, rows)
    offsets = [0, *batch.target_lengths.cumsum(0).tolist()]
    result = []
    for n in range(parts):
        low, high = rows * n // parts, rows * (n + 1) // parts
        lengths = batch.lengths[low:high]
        result.append(Batch(
            batch.features[low:high, : int(lengths.max())], lengths,
            batch.targets[offsets[low] : offsets[high]], batch.target_lengths[low:high],
        ))
    return result


class Workers:
    """A pool of threads that each compute on one core."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(1)
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        self._lock = threading.Lock()

    def gradients(self, model: nn.Module, batch: Batch, loss: Loss, parts_each: int = 2) -> float:
        """Set `.grad` of every parameter to that of the summed loss, which is returned."""
        params = list(model.parameters())
        total: list[Tensor | None] = [None] * len(params)
        losses: list[float] = []

        def work(part: Batch) -> None:
            value = loss(part)
            found = torch.autograd.grad(value, params, allow_unused=True)
            with self._lock, torch.no_grad():
                losses.append(float(value.detach()))
                for n, g in enumerate(found):
                    if g is not None:
                        total[n] = g if total[n] is None else total[n].add_(g)  # type: ignore[union-attr]

        # A GPU takes the batch whole: it is parallel by itself.
        parts = [batch] if batch.features.is_cuda else split(batch, self.threads * parts_each)
        list(self.pool.map(work, parts))
        for p, g in zip(params, total, strict=True):
            p.grad = g
        return sum(losses)
