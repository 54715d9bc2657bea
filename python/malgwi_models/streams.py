"""CTC encoders over live streams: how a graph takes an utterance chunk by chunk, as the service runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


class Computes(Protocol):
    """What can run a graph of a package."""

    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name; inputs of any floating-point type."""
        ...


@dataclass(frozen=True)
class Chunking:
    """The manifest's `encoder.streaming`: sizes in encoder frames, but for `overlap`, which counts feature frames."""

    #: Feature frames for one encoder frame.
    subsampling: int
    chunk: int
    lookahead: int
    left: int
    overlap: int = 0
    #: Encoder frames after which what the best text of a search has begun with holds.
    settle: int | None = None

    @property
    def window(self) -> int:
        """Feature frames of a full step."""
        return (self.chunk + self.lookahead) * self.subsampling + self.overlap

    def manifest(self) -> dict[str, Any]:
        """In the manifest's words."""
        return {
            "chunkFrames": self.chunk, "lookaheadFrames": self.lookahead, "leftFrames": self.left, "overlapFrames": self.overlap,
            **({} if self.settle is None else {"settleFrames": self.settle}),
        }


def nothing_before(states: list[dict[str, Any]], batch: int = 1, left: int = 0) -> dict[str, Tensor]:
    """What a graph takes beside features and lengths at the beginning of streams; with `left` of 0, whole utterances."""
    names = {"batch": batch, "left": left}
    zeros = {state["name"]: torch.zeros([names.get(n, n) for n in state["shape"]]) for state in states}
    return {"cached": torch.zeros(batch, dtype=torch.int64), "advance": torch.tensor(0), **zeros}


def stream(
    encoder: Computes, states: list[dict[str, Any]], features: Tensor, lengths: Tensor, sizes: Chunking,
    late: list[int] | None = None,
) -> list[Tensor]:
    """Log-probabilities [T', V] of each utterance of a padded batch [B, T, F], chunk by chunk, as live streams have them.

    `late` says by how many steps each stream begins after the first one: they share runs of the graph all the same.
    Windows are filled up with numbers that are no features, which the graph must not look at.
    """
    count, window, hop = len(features), sizes.window, sizes.chunk * sizes.subsampling
    late = late or [0] * count
    kept = [nothing_before(states, 1, sizes.left) for _ in range(count)]
    at, done = [0] * count, [False] * count
    parts: list[list[Tensor]] = [[] for _ in range(count)]
    step = 0
    while not all(done):
        rows = [n for n in range(count) if not done[n] and step >= late[n]]
        step += 1
        if not rows:
            continue
        there = [min(window, int(lengths[n]) - at[n]) for n in rows]
        # A stream whose last frame filled a window has nothing left.
        padded = torch.full((len(rows), max(1, *there), features.shape[2]), 7.0)
        for row, n in enumerate(rows):
            padded[row, : there[row]] = features[n, at[n] : at[n] + there[row]]
        before = {name: torch.cat([kept[n][name] for n in rows]) for name in kept[0] if name != "advance"}
        out = encoder.run({"features": padded, "lengths": torch.tensor(there), "advance": torch.tensor(sizes.chunk), **before})
        for row, n in enumerate(rows):
            if there[row] < window:
                parts[n].append(out["log_probs"][row, : int(out["output_lengths"][row])])
                done[n] = True
                continue
            parts[n].append(out["log_probs"][row, : sizes.chunk])
            kept[n] = {state["name"]: out[f"next_{state['name']}"][row : row + 1] for state in states} | {
                "cached": (kept[n]["cached"] + sizes.chunk).clamp(max=sizes.left), "advance": torch.tensor(0)}
            at[n] += hop
    return [torch.cat(rows) for rows in parts]
