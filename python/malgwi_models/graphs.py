"""Graphs of a package: a PyTorch module with named inputs and outputs, and its export to ONNX."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .streams import Chunking

OPSET = 17


@dataclass
class Graph:
    """One ONNX graph of a package, as the manifest's `graphs.ROLE` describes it.

    `module` is in eval mode; its forward takes the tensors of `inputs` in that order and returns a tensor, or a tuple
    in the order of `outputs`. `inputs` are examples, long enough to trace with; `dynamic` names their varying axes and
    those of the outputs ({tensor: {axis: name}}). `states` are manifest entries {name, shape} (dims int, "batch",
    "frames" or "prefix"): the module takes NAME and returns next_NAME; of one with a "prefix" only what the token added,
    of length 1 along that axis, so that a step need not write out all that came before. `memory` names the encoder outputs that a
    decoder's step takes as they are. `chunking` is of an encoder that takes live streams.
    """

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: list[str]
    dynamic: dict[str, dict[int, str]]
    states: list[dict[str, Any]] = field(default_factory=list)
    memory: list[str] = field(default_factory=list)
    chunking: Chunking | None = None

    def run(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The module's outputs by name."""
        with torch.inference_mode():
            out = self.module(*(inputs[name] for name in self.inputs))
        return dict(zip(self.outputs, out if isinstance(out, tuple) else (out,), strict=True))

    def after(self, before: dict[str, Tensor], outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The states to go on with, after a step that took `before` and gave `outputs`."""
        shapes = {state["name"]: state["shape"] for state in self.states}
        return {
            name: torch.cat((before[name], outputs[f"next_{name}"]), shape.index("prefix")) if "prefix" in shape else outputs[f"next_{name}"]
            for name, shape in shapes.items()
        }


def encoder_graph(
    module: nn.Module, dimension: int, frames: int, outputs: tuple[str, ...] = ("log_probs",), batch: bool = False,
) -> Graph:
    """An encoder: `features` [1, T, dimension] and `lengths` [1] in, `outputs` [1, T', ...] and `output_lengths` out.

    The module's forward takes (features, lengths) and returns (*outputs, output_lengths). With `batch`, axis 0 varies
    too. `frames` is the length to trace with.
    """
    first = {0: "batch"} if batch else {}
    dynamic = {"features": {**first, 1: "frames"}, **{name: {**first, 1: "encoder_frames"} for name in outputs}}
    if batch:
        dynamic |= {"lengths": {0: "batch"}, "output_lengths": {0: "batch"}}
    generator = torch.Generator().manual_seed(1)
    example = {"features": torch.randn(1, frames, dimension, generator=generator), "lengths": torch.tensor([frames])}
    return Graph(module.eval(), example, [*outputs, "output_lengths"], dynamic)


def to_onnx(graph: Graph, path: Path) -> None:
    """Write the graph, float32, with dynamic axes."""
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but dynamo's fails on packed or recurrent encoders and freezes lengths.
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        torch.onnx.export(
            graph.module.eval(), tuple(graph.inputs.values()), buffer, dynamo=False, opset_version=OPSET,
            input_names=list(graph.inputs), output_names=graph.outputs, dynamic_axes=graph.dynamic,
        )
    path.write_bytes(buffer.getvalue())
