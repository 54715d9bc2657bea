"""Does onnxruntime compute what PyTorch does? Every graph of a package, at several lengths, several steps deep.

Both round, each in its own order, and a deep network may amplify that: Jasper 10x5 with random weights is off by 5e-3
in PyTorch itself. So differences above the tolerance are judged against PyTorch in double precision.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .graphs import Graph
from .streams import Computes, nothing_before, stream

TOLERANCE = 1e-4
#: How much further from double precision than PyTorch's float32 a graph may be, and how far at all.
ROUNDING_FACTOR = 4.0
MOST_ROUNDING = 0.1
LENGTHS = (130, 203, 320, 517)
STEPS = 4
HYPOTHESES = 2
#: Encoder frames of a chunk, besides the graph's own: fewer than the convolutions look back at.
OTHER_CHUNK = 3


class InPrecision(Graph):
    """A graph in PyTorch that takes tensors of any floating-point type and computes in one."""

    def __init__(self, graph: Graph, dtype: torch.dtype) -> None:
        super().__init__(**{**vars(graph), "module": copy.deepcopy(graph.module).to(dtype)})
        self.dtype = dtype

    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The module's outputs by name."""
        return super().run({name: x.to(self.dtype) if x.is_floating_point() else x for name, x in inputs.items()})


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
        single = {name: inputs[name].float() if inputs[name].is_floating_point() else inputs[name] for name in self.inputs}
        values = self._session.run(self.outputs, {name: x.numpy() for name, x in single.items()})
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


def rounding(
    family: str, graphs: dict[str, Graph], exported: dict[str, Graph], paths: dict[str, Path], worst: Worst, classes: int,
) -> dict[str, float] | None:
    """Distances from double precision, of onnxruntime and of PyTorch's float32, where `worst` is above the tolerance.

    None when rounding does not explain the differences: onnxruntime is `ROUNDING_FACTOR` further away than PyTorch in
    some tensor, or anything is further away than `MOST_ROUNDING`.
    """
    lengths = sorted({frames for (_, _, frames), value in worst.found.items() if not value <= TOLERANCE})
    exact = {role: InPrecision(graph, torch.float64) for role, graph in graphs.items()}
    live = exported["encoder"]
    theirs = compare(family, exact, runners(paths), lengths, classes, live)
    own = compare(family, exact, {role: InPrecision(graph, torch.float32) for role, graph in exported.items()}, lengths, classes, live)
    for key, value in theirs.found.items():
        if not value <= min(MOST_ROUNDING, max(TOLERANCE, ROUNDING_FACTOR * own.found[key])):
            return None
    return {"onnxruntime": theirs.largest, "pytorch": own.largest}


def runners(paths: Mapping[str, Path]) -> dict[str, Computes]:
    """The ONNX files, ready to run."""
    return {role: Runner(path) for role, path in paths.items()}


def compare(
    family: str, graphs: Mapping[str, Graph], others: Mapping[str, Computes], lengths: list[int], classes: int,
    live: Graph | None = None,
) -> Worst:
    """Largest differences between the modules of `graphs` and what `others` compute in the same roles.

    With `live`, as which the other encoder was exported, that also has to give in chunks what `graphs` give for whole
    utterances, if it takes chunks at all.
    """
    worst, generator = Worst(), torch.Generator().manual_seed(5)
    utterances: list[Tensor] = []
    whole: list[Tensor] = []
    chunked = live is not None and live.chunking is not None
    for frames in lengths:
        dimension = graphs["encoder"].inputs["features"].shape[2]
        features = torch.randn(1, frames, dimension, generator=generator)
        inputs = {"features": features, "lengths": torch.tensor([frames])}
        wanted, found = graphs["encoder"].run(inputs), run_whole(others["encoder"], inputs, live)
        worst.compare("encoder", frames, wanted, found)
        if chunked:
            utterances.append(features[0])
            whole.append(wanted["log_probs"][0])
        tokens = torch.randint(0, classes, (STEPS, HYPOTHESES), generator=generator)
        if family == "attention":
            steps(worst, "decoder", graphs["decoder"], others["decoder"], tokens, frames, wanted)
        elif family == "transducer":
            output = steps(worst, "predictor", graphs["predictor"], others["predictor"], tokens, frames, {})["predictor_out"]
            pairs = {"encoder_frames": wanted["encoder_out"][0, : len(output)], "predictor_out": output}
            for rows in (pairs, {**pairs, "encoder_frames": pairs["encoder_frames"][:1]}):
                worst.compare("joiner", frames, graphs["joiner"].run(rows), others["joiner"].run(rows))
    if live is not None and chunked:
        in_chunks(worst, others["encoder"], live, utterances, whole)
    return worst


def run_whole(encoder: Computes, inputs: dict[str, Tensor], live: Graph | None) -> dict[str, Tensor]:
    """What an encoder gives for whole utterances, also one that takes streams."""
    beginning = nothing_before(live.states, len(inputs["lengths"])) if live is not None and live.chunking is not None else {}
    return encoder.run({**inputs, **beginning})


def in_chunks(worst: Worst, encoder: Computes, live: Graph, utterances: list[Tensor], whole: list[Tensor]) -> None:
    """Compare the streams of all utterances at once, each beginning one step after the one before, with `whole`."""
    chunking = live.chunking
    assert chunking is not None
    lengths = torch.tensor([len(features) for features in utterances])
    padded = torch.nn.utils.rnn.pad_sequence(utterances, batch_first=True)
    for chunk in {chunking.chunk, OTHER_CHUNK}:
        sizes = dataclasses.replace(chunking, chunk=chunk)
        found = stream(encoder, live.states, padded, lengths, sizes, list(range(len(utterances))))
        for frames, a, b in zip(lengths.tolist(), whole, found, strict=True):
            worst.compare("encoder in chunks", frames, {"log_probs": a}, {"log_probs": b})


def steps(
    worst: Worst, role: str, graph: Graph, runner: Computes, tokens: Tensor, frames: int, memory: dict[str, Tensor],
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


def agreement(
    paths: dict[str, Path], others: dict[str, Path], lengths: list[int], dimension: int, live: Graph,
) -> dict[str, Any] | None:
    """How often the best class of two encoders agrees on noise, and their largest difference; None without log_probs."""
    first, second = Runner(paths["encoder"]), Runner(others["encoder"])
    if "log_probs" not in first.outputs:
        return None
    generator, same, total, largest = torch.Generator().manual_seed(6), 0, 0, 0.0
    for frames in lengths:
        inputs = {"features": torch.randn(1, frames, dimension, generator=generator), "lengths": torch.tensor([frames])}
        a, b = (run_whole(runner, inputs, live)["log_probs"] for runner in (first, second))
        same += int((a.argmax(-1) == b.argmax(-1)).sum())
        total += a.shape[0] * a.shape[1]
        largest = max(largest, float((a - b).abs().max()))
    return {"frames": total, "sameBestClass": same / max(1, total), "largestDifference": largest}
