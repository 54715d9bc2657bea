"""Does onnxruntime compute what PyTorch does? Every graph of a package, at several lengths, several steps deep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graphs import Graph

TOLERANCE = 1e-4
LENGTHS = (130, 203, 320, 517)
STEPS = 4
HYPOTHESES = 2


class Runner:
    """An ONNX graph on one thread, with the calling convention of `Graph.run`."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [entry.name for entry in self._session.get_inputs()]
        self.outputs = [entry.name for entry in self._session.get_outputs()]

    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name; inputs that the graph does not have are left out."""
        values = self._session.run(self.outputs, {name: inputs[name].numpy() for name in self.inputs})
        return {name: torch.from_numpy(np.asarray(value)) for name, value in zip(self.outputs, values, strict=True)}


class Worst:
    """Collects differences, the largest of each tensor at each length."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, int], float] = {}

    def compare(self, role: str, frames: int, wanted: dict[str, Tensor], found: dict[str, Tensor]) -> None:
        """Log-probabilities absolutely, other tensors relative to the largest value of theirs, whole numbers exactly."""
        for name, a in wanted.items():
            b, key = found[name], (role, name, frames)
            if a.shape != b.shape or not bool(torch.isfinite(b.double()).all()):
                difference = float("inf")
            elif not a.is_floating_point():
                difference = 0.0 if torch.equal(a, b) else float("inf")
            else:
                scale = 1.0 if name == "log_probs" or a.numel() == 0 else max(1.0, float(a.abs().max()))
                difference = float((a - b).abs().max()) / scale if a.numel() else 0.0
            self.found[key] = max(self.found.get(key, 0.0), difference)

    @property
    def largest(self) -> float:
        """Over everything."""
        return max(self.found.values(), default=0.0)

    def rows(self) -> list[dict[str, Any]]:
        """For the report: {graph, tensor, frames, difference}."""
        return [{"graph": role, "tensor": name, "frames": frames, "difference": value}
                for (role, name, frames), value in self.found.items()]


def lengths_to_try(least: int, most: int) -> list[int]:
    """Four lengths in feature frames: the shortest that the model takes, and utterances of 1 to 5 s."""
    wanted = [least, *(n for n in LENGTHS if least < n <= most)]
    wanted += [least + n for n in LENGTHS if least + n <= most]
    return sorted(set(wanted[: max(4, 1)]))


def compare(family: str, graphs: dict[str, Graph], paths: dict[str, Path], lengths: list[int], classes: int) -> Worst:
    """Largest differences between the modules of `graphs` and the ONNX files of the same roles."""
    worst, generator = Worst(), torch.Generator().manual_seed(5)
    runners = {role: Runner(path) for role, path in paths.items()}
    for frames in lengths:
        dimension = graphs["encoder"].inputs["features"].shape[2]
        features = torch.randn(1, frames, dimension, generator=generator)
        inputs = {"features": features, "lengths": torch.tensor([frames])}
        wanted, found = graphs["encoder"].run(inputs), runners["encoder"].run(inputs)
        worst.compare("encoder", frames, wanted, found)
        tokens = torch.randint(0, classes, (STEPS, HYPOTHESES), generator=generator)
        if family == "attention":
            steps(worst, "decoder", graphs["decoder"], runners["decoder"], tokens, frames, wanted)
        elif family == "transducer":
            output = steps(worst, "predictor", graphs["predictor"], runners["predictor"], tokens, frames, {})["predictor_out"]
            pairs = {"encoder_frames": wanted["encoder_out"][0, : len(output)], "predictor_out": output}
            for rows in (pairs, {**pairs, "encoder_frames": pairs["encoder_frames"][:1]}):
                worst.compare("joiner", frames, graphs["joiner"].run(rows), runners["joiner"].run(rows))
    return worst


def steps(
    worst: Worst, role: str, graph: Graph, runner: Runner, tokens: Tensor, frames: int, memory: dict[str, Tensor],
) -> dict[str, Tensor]:
    """Run a step graph `len(tokens)` times, each side on states of its own; returns PyTorch's last outputs."""
    known = {"batch": tokens.shape[1], "prefix": 0, "frames": next(iter(memory.values())).shape[1] if memory else 0}
    kept = {name: memory[name] for name in graph.memory}
    if "encoder_out" in memory:
        known["frames"] = memory["encoder_out"].shape[1]
    zeros = {state["name"]: torch.zeros([known.get(d, d) for d in state["shape"]]) for state in graph.states}
    here, there = dict(zeros), dict(zeros)
    wanted: dict[str, Tensor] = {}
    for row in tokens:
        wanted = graph.run({"tokens": row, **kept, **here})
        found = runner.run({"tokens": row, **kept, **there})
        worst.compare(role, frames, wanted, found)
        here, there = graph.after(here, wanted), graph.after(there, found)
    return wanted


def agreement(paths: dict[str, Path], others: dict[str, Path], lengths: list[int], dimension: int) -> dict[str, Any] | None:
    """How often the best class of two encoders agrees on noise, and their largest difference; None without log_probs."""
    first, second = Runner(paths["encoder"]), Runner(others["encoder"])
    if "log_probs" not in first.outputs:
        return None
    generator, same, total, largest = torch.Generator().manual_seed(6), 0, 0, 0.0
    for frames in lengths:
        inputs = {"features": torch.randn(1, frames, dimension, generator=generator), "lengths": torch.tensor([frames])}
        a, b = (runner.run(inputs)["log_probs"] for runner in (first, second))
        same += int((a.argmax(-1) == b.argmax(-1)).sum())
        total += a.shape[0] * a.shape[1]
        largest = max(largest, float((a - b).abs().max()))
    return {"frames": total, "sameBestClass": same / max(1, total), "largestDifference": largest}
