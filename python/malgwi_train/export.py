"""`export`: checkpoint -> model package (`encoder.int8.onnx`, `tokens.txt`, `manifest.json`), checked before it is kept.

The float32 graph is compared with PyTorch, the int8 graph with the float32 graph on dev; either check failing stops
the command before the package is touched.
"""

import argparse
import json
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from . import checkpoint
from .data import Collator
from .evaluate import development_sets, normalization, of_graph, report, score
from .model import MIN_FRAMES, ConformerCTC
from .package import attach, write_manifest
from .tokens import TOKENS

LENGTHS = (7, 130, 203, 517)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder that prepare and synthesize filled")
    add("--checkpoint", type=Path, required=True, help="checkpoint to export (its averaged weights)")
    add("--out", type=Path, default=Path("models/malgwi-ko"), help="package folder")
    add("--version", default="0.1.0", help="version of the package")
    add("--cost", default="", help="what the training took, for the manifest; default: from the checkpoint")
    add("--weights", type=Path, help="also write float16 weights here, for `train --init`")
    add("--max-loss", type=float, default=0.5, help="largest CER points that int8 may cost on dev")
    add("--threads", type=int, default=2)
    decoding_arguments(parser)


def decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of a package that is decoded with a language model."""
    add = parser.add_argument
    add("--lm", type=Path, help="language model that `lm` wrote, for a beam search")
    add("--alpha", type=float, default=0.6, help="its weight")
    add("--beta", type=float, default=0.5, help="bonus for each of its units")
    add("--beam", type=int, default=32, help="beam width")


class Served(nn.Module):
    """What the graph holds: log-probabilities and their lengths, without the training-only parts."""

    def __init__(self, model: ConformerCTC) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        logits, out, _ = self.model(features, lengths)
        return logits.log_softmax(-1), out


def to_onnx(model: ConformerCTC, path: Path) -> None:
    """Float32 graph with dynamic batch and length."""
    example = (torch.randn(2, 203, model.config.num_mels), torch.tensor([203, 130]))
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the only one that keeps every architecture's lengths dynamic.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Served(model.eval()), example, str(path), dynamo=False, opset_version=17,
            input_names=["features", "lengths"], output_names=["log_probs", "output_lengths"],
            dynamic_axes={"features": {0: "batch", 1: "frames"}, "lengths": {0: "batch"},
                          "log_probs": {0: "batch", 1: "outputs"}, "output_lengths": {0: "batch"}},
        )


def to_int8(source: Path, target: Path) -> None:
    """Dynamic int8 of all matrix products with constant weights, one scale per output channel."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # The output layer is a hundredth of the weights and decides near ties: it stays in float.
    quantize_dynamic(
        str(source), str(target), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True,
        weight_type=QuantType.QInt8, nodes_to_exclude=["/model/output/MatMul"],
    )


def parity(model: ConformerCTC, path: Path) -> float:
    """Largest difference between PyTorch and the graph, alone and padded in a batch."""
    infer = of_graph(path)
    served = Served(model.eval())
    generator = torch.Generator().manual_seed(3)
    rows = [torch.randn(1, n, model.config.num_mels, generator=generator) for n in LENGTHS]
    batch = torch.zeros(len(rows), max(LENGTHS), model.config.num_mels)
    for row, x in zip(batch, rows, strict=True):
        row[: x.shape[1]] = x[0]
    padded, lengths = infer(batch, torch.tensor(LENGTHS))
    worst = 0.0
    for n, x in enumerate(rows):
        with torch.inference_mode():
            wanted = served(x, torch.tensor([x.shape[1]]))[0].numpy()[0]
        alone, _ = infer(x, torch.tensor([x.shape[1]]))
        if len(wanted) != lengths[n]:
            raise SystemExit(f"export: {x.shape[1]} frames give {lengths[n]} outputs instead of {len(wanted)}")
        worst = max(worst, float(np.abs(alone[0] - wanted).max()))
        worst = max(worst, float(np.abs(padded[n, : len(wanted)] - wanted).max()))
    return worst


def real_time_factor(path: Path, seconds: float = 10.0) -> float:
    """Seconds of speech a second on one thread."""
    infer = of_graph(path, 1)
    frames = int(seconds * 100) - 1
    x, lengths = torch.randn(1, frames, 80), torch.tensor([frames])
    infer(x, lengths)
    times = []
    for _ in range(15):
        began = time.perf_counter()
        infer(x, lengths)
        times.append(time.perf_counter() - began)
    return seconds / float(np.median(times))


def run(args: argparse.Namespace) -> None:
    """Export, check, then replace the package's files."""
    torch.set_num_threads(args.threads)
    model, state = checkpoint.load_model(args.checkpoint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full, small = folder / "encoder.onnx", folder / "encoder.int8.onnx"
        to_onnx(model, full)
        worst = parity(model, full)
        print(f"float32 graph against PyTorch at {LENGTHS}: largest difference {worst:.2e}")
        if worst > 1e-3:
            raise SystemExit("export: the float32 graph differs from PyTorch")
        to_int8(full, small)
        metrics, collate = [], Collator(*normalization(state["statistics"]))
        for set_name, chosen in development_sets(args.work).items():
            float_result, result = (report(score(of_graph(p, args.threads), chosen, collate)) for p in (full, small))
            cost = result["cerNoSpaces"] - float_result["cerNoSpaces"]
            print(f"{set_name}: float32 {float_result['cerNoSpaces']} %, int8 {result['cerNoSpaces']} %, {cost:+.2f}")
            if set_name == "dev" and cost > args.max_loss:
                raise SystemExit(f"export: int8 costs {cost:.2f} points on dev")
            metrics.append((set_name, result))
        print(f"speed on one thread, 10 s: float32 {real_time_factor(full):.0f}x, int8 {real_time_factor(small):.0f}x")
        args.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(small, args.out / small.name)
    (args.out / "tokens.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    write_manifest(args.out, args.version, model, state, metrics, args.work, args.cost)
    if args.lm:
        attach(args.out, args.lm, args.alpha, args.beta, args.beam)
    if args.weights:
        args.weights.parent.mkdir(parents=True, exist_ok=True)
        weights = {k: v.half() for k, v in model.state_dict().items()}
        torch.save({"config": state["config"], "model": weights, "statistics": state["statistics"]}, args.weights)
    print(json.dumps({"package": str(args.out), "minimumFrames": MIN_FRAMES,
                      "bytes": sum(f.stat().st_size for f in args.out.iterdir())}))
