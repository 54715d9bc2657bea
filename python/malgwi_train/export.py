"""`export`: checkpoint -> model package (`encoder.int8.onnx`, `tokens.txt`, `manifest.json`), checked before it is kept.

One graph serves whole utterances and live chunks (`streaming`). The float32 graph is compared with PyTorch: whole
utterances with the plain forward pass, chunks with the chunk-masked one. The int8 graph is compared with the float32
graph on dev. Either check failing stops the command before the package is touched.
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

from . import checkpoint
from .data import Collator
from .evaluate import development_sets, normalization, of_graph, report, score
from .model import MIN_FRAMES, ConformerCTC
from .package import attach, write_manifest
from .parity import LENGTHS, of_chunks, of_utterances
from .streaming import Caches, Chunking, Step, empty, shapes
from .tokens import TOKENS

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
    streaming_arguments(parser)
    decoding_arguments(parser)


def decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of a package that is decoded with a language model."""
    add = parser.add_argument
    add("--lm", type=Path, help="language model that `lm` wrote, for a beam search")
    add("--alpha", type=float, default=0.6, help="its weight")
    add("--beta", type=float, default=0.5, help="bonus for each of its units")
    add("--beam", type=int, default=32, help="beam width")


def streaming_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of live streams, which the manifest says to the service."""
    add = parser.add_argument
    default = Chunking()
    add("--chunk", type=int, default=default.chunk, help="encoder frames that a step of a live stream adds")
    add("--lookahead", type=int, default=default.lookahead, help="further encoder frames that a step sees")
    add("--left", type=int, default=default.left, help="encoder frames before them that a step sees")
    add("--settle", type=int, default=default.settle, help="encoder frames after which the search's best text holds")


def to_onnx(model: ConformerCTC, path: Path) -> None:
    """Float32 graph of `streaming.Step`, with dynamic batch, length and left context."""
    config = model.config
    caches = empty(shapes(config), 2, 24)
    example = (torch.randn(2, 203, config.num_mels), torch.tensor([203, 130]), torch.tensor([24, 8]), torch.tensor(8), *caches)
    batched = {0: "batch"}
    axes = {
        "features": {0: "batch", 1: "frames"}, "lengths": batched, "cached": batched,
        "log_probs": {0: "batch", 1: "outputs"}, "output_lengths": batched,
    }
    for prefix, left in (("", "left"), ("next_", "next_left")):
        axes |= {prefix + "attention": {0: "batch", 2: left}, prefix + "convolution": batched}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the only one that keeps every architecture's lengths dynamic.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Step(model.eval()), example, str(path), dynamo=False, opset_version=17,
            input_names=["features", "lengths", "cached", "advance", *Caches._fields],
            output_names=["log_probs", "output_lengths", *(f"next_{name}" for name in Caches._fields)],
            dynamic_axes=axes,
        )


def to_int8(source: Path, target: Path) -> None:
    """Dynamic int8 of all matrix products with constant weights, one scale per output channel."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # The output layer is a hundredth of the weights and decides near ties: it stays in float.
    nodes = onnx.load(str(source), load_external_data=False).graph.node
    (output,) = (node.name for node in nodes if node.name.endswith("/output/MatMul"))
    quantize_dynamic(
        str(source), str(target), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True,
        weight_type=QuantType.QInt8, nodes_to_exclude=[output],
    )


def real_time_factor(path: Path, seconds: float = 10.0, chunking: Chunking | None = None) -> float:
    """Seconds of speech a second on one thread, in one piece or in chunks."""
    infer = of_graph(path, 1, chunking)
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
        whole, chunks = of_utterances(model, full), of_chunks(model, full)
        print(f"float32 graph against PyTorch: largest difference {whole:.2e} at {LENGTHS}, {chunks:.2e} in chunks")
        if max(whole, chunks) > 1e-3:
            raise SystemExit("export: the float32 graph differs from PyTorch")
        to_int8(full, small)
        chunking = Chunking(args.chunk, args.lookahead, args.left, args.settle)
        metrics, collate = [], Collator(*normalization(state["statistics"]))
        for set_name, chosen in development_sets(args.work).items():
            float_result, result = (report(score(of_graph(p, args.threads), chosen, collate)) for p in (full, small))
            cost = result["cerNoSpaces"] - float_result["cerNoSpaces"]
            print(f"{set_name}: float32 {float_result['cerNoSpaces']} %, int8 {result['cerNoSpaces']} %, {cost:+.2f}")
            if set_name == "dev" and cost > args.max_loss:
                raise SystemExit(f"export: int8 costs {cost:.2f} points on dev")
            metrics.append((set_name, "greedy", result))
            if set_name not in ("dev", "synthetic-dev"):
                continue
            live = report(score(of_graph(small, args.threads, chunking), chosen, collate))
            print(f"{set_name}: int8 live {live['cerNoSpaces']} %, {live['cerNoSpaces'] - result['cerNoSpaces']:+.2f}")
            metrics.append((set_name, "greedy, live", live))
        speeds = [real_time_factor(*of) for of in ((full,), (small,), (small, 10.0, chunking))]
        print("speed on one thread, 10 s: float32 {:.0f}x, int8 {:.0f}x, int8 live {:.0f}x".format(*speeds))
        args.out.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(small, args.out / small.name)
    (args.out / "tokens.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    write_manifest(args.out, args.version, model, state, metrics, args.work, args.cost, chunking)
    if args.lm:
        attach(args.out, args.lm, args.alpha, args.beta, args.beam)
    if args.weights:
        args.weights.parent.mkdir(parents=True, exist_ok=True)
        weights = {k: v.half() for k, v in model.state_dict().items()}
        torch.save({"config": state["config"], "model": weights, "statistics": state["statistics"]}, args.weights)
    print(json.dumps({"package": str(args.out), "minimumFrames": MIN_FRAMES,
                      "bytes": sum(f.stat().st_size for f in args.out.iterdir())}))
