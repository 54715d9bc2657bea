"""The graphs of a package: written, compared with PyTorch, quantised if wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..graphs import Graph, to_onnx
from ..inert import CheckpointError
from ..parity import TOLERANCE, agreement, compare, lengths_to_try, rounding, runners
from ..quantize import to_int8
from .registry import Built


def export(built: Built, folder: Path, most: int, int8: bool, streams: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write `ROLE.onnx` (or `ROLE.int8.onnx`) for every graph; with `streams` the encoder is the one that takes chunks.

    Returns the manifest's `graphs` and the report's `parity` (and `int8`). Raises CheckpointError when onnxruntime
    computes something else than PyTorch, beyond what rounding in either explains.
    """
    graphs = {**built.graphs, **({"encoder": built.live} if streams and built.live is not None else {})}
    live = graphs["encoder"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        paths = {role: folder / f"{role}.onnx" for role in graphs}
        for role, graph in graphs.items():
            to_onnx(graph, paths[role])
        lengths = lengths_to_try(built.encoder.min_frames, most)
        worst = compare(built.family, built.graphs, runners(paths), lengths, built.classes, live)
        exceeds = not worst.largest <= TOLERANCE
        rounded = rounding(built.family, built.graphs, graphs, paths, worst, built.classes) if exceeds else None
    finally:
        torch.set_num_threads(threads)
    if exceeds and rounded is None:
        role, name, frames = max(worst.found, key=lambda key: worst.found[key])
        raise CheckpointError(f"onnxruntime and PyTorch differ by {worst.largest:.1e} in {name} of the {role} at {frames} frames "
                              f"(at most {TOLERANCE:.0e} is accepted, or what rounding explains): the package was not written")
    checks: dict[str, Any] = {
        "parity": {"tolerance": TOLERANCE, "largest": worst.largest, "lengths": lengths, "differences": worst.rows(),
                   **({"rounding": rounded} if rounded else {})}}
    precision = dict.fromkeys(paths, "float32")
    if int8:
        small = {role: folder / f"{role}.int8.onnx" for role in paths}
        changed = {role for role in paths if to_int8(paths[role], small[role])}
        final = {role: small[role] if role in changed else paths[role] for role in paths}
        checks["int8"] = {"unchanged": sorted(paths.keys() - changed),
                          "largest": compare(built.family, built.graphs, runners(final), lengths, built.classes, live).largest,
                          "agreement": agreement(paths, final, lengths, built.input_dim, live) if "encoder" in changed else None}
        for role in changed:
            paths[role].unlink()
            precision[role] = "int8"
        paths = final
    return {role: _entry(graph, paths[role].name, precision[role]) for role, graph in graphs.items()}, checks


def _entry(graph: Graph, file: str, precision: str) -> dict[str, Any]:
    return {"file": file, "precision": precision, **({"states": graph.states} if graph.states else {}),
            **({"memory": graph.memory} if graph.memory else {})}
