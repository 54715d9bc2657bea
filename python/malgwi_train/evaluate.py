"""`evaluate`: greedy character error rates of a checkpoint, or of an exported graph."""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from . import checkpoint, conditions
from .data import Collator, Sample, samples
from .metrics import Tally
from .model import ConformerCTC
from .store import Store
from .tokens import greedy

# Log-probabilities (or logits) and lengths of a padded batch.
Infer = Callable[[torch.Tensor, torch.Tensor], tuple[np.ndarray, np.ndarray]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder that prepare and synthesize filled")
    add("--checkpoint", type=Path, help="checkpoint to score")
    add("--graph", type=Path, help="exported ONNX graph to score instead")
    add("--chunk", type=int, default=0, help="encoder frames per chunk (checkpoints only; 0: whole utterances)")
    add("--left-chunks", type=int, default=-1, help="chunks of left context (negative: all)")
    add("--show", type=int, default=0, help="print this many hypotheses of each set")
    add("--sets", nargs="*", help="only these sets")
    add("--threads", type=int, default=2)


def of_model(model: ConformerCTC, chunk: int = 0, left_chunks: int = -1) -> Infer:
    """Inference of a PyTorch model."""

    def infer(features: torch.Tensor, lengths: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            logits, out, _ = model(features, lengths, chunk, left_chunks)
        return logits.numpy(), out.numpy()

    return infer


def of_graph(path: Path, threads: int = 2) -> Infer:
    """Inference of an exported graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def infer(features: torch.Tensor, lengths: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        log_probs, out = session.run(None, {"features": features.numpy(), "lengths": lengths.numpy()})
        return log_probs, out

    return infer


def hypotheses(
    infer: Infer, chosen: list[Sample], collate: Collator, rows: int = 8, run: Callable = map
) -> list[tuple[Sample, str]]:
    """Greedy transcripts, batched by length."""
    order = sorted(chosen, key=lambda s: s.item["frames"])

    def work(start: int) -> list[tuple[Sample, str]]:
        group = order[start : start + rows]
        batch = collate(group)
        values, lengths = infer(batch.features, batch.lengths)
        return [(s, greedy(row[:n].argmax(-1))) for s, row, n in zip(group, values, lengths, strict=True)]

    return [pair for pairs in run(work, range(0, len(order), rows)) for pair in pairs]


def score(
    model: ConformerCTC | Infer, chosen: list[Sample], collate: Collator, show: int = 0, run: Callable = map
) -> dict[str, Tally]:
    """Error counts of a set, over all and by corpus."""
    infer = of_model(model) if isinstance(model, ConformerCTC) else model
    tallies: dict[str, Tally] = defaultdict(Tally)
    for n, (sample, text) in enumerate(hypotheses(infer, chosen, collate, run=run)):
        for key in ("all", sample.item["corpus"]):
            tallies[key].add(sample.item["text"], text)
        if n * show // max(1, len(chosen)) != (n + 1) * show // max(1, len(chosen)):
            print(f"  {sample.item['text']}\n  -> {text}")
    return tallies


def report(tallies: dict[str, Tally]) -> dict:
    """As logged and written into the manifest."""
    subsets = {name: tally.to_dict() for name, tally in sorted(tallies.items()) if name != "all"}
    return {**tallies["all"].to_dict(), "bySubset": subsets}


def read_statistics(work: Path) -> dict:
    """Statistics that prepare left in the working folder."""
    return json.loads((work / "statistics.json").read_text())


def normalization(statistics: dict) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse deviation of the features."""
    return np.array(statistics["mean"]), np.array(statistics["inverseStd"])


def development_sets(work: Path) -> dict[str, list[Sample]]:
    """Held-out sets by name."""
    real = Store(work / "real")
    sets = {"dev": samples(real, "dev")}
    for corpus in sorted({item["corpus"] for item in real.items if item["split"] == "test"}):
        sets[corpus] = [s for s in samples(real, "test") if s.item["corpus"] == corpus]
    if (work / "synthetic" / "index.jsonl").exists():
        sets["synthetic-dev"] = samples(Store(work / "synthetic"), "dev")
    for name, folder in conditions.folders(work, "dev").items():
        sets[name] = samples(Store(folder), "dev")
    return sets


def run(args: argparse.Namespace) -> None:
    """Print one JSON line a set."""
    torch.set_num_threads(args.threads)
    if args.graph:
        infer = of_graph(args.graph, args.threads)
        manifest = json.loads((args.graph.parent / "manifest.json").read_text(encoding="utf-8"))
        statistics = manifest["frontEnd"]["normalize"]
    elif args.checkpoint:
        model, state = checkpoint.load_model(args.checkpoint)
        infer, statistics = of_model(model, args.chunk, args.left_chunks), state["statistics"]
    else:
        raise SystemExit("evaluate: give --checkpoint or --graph")
    for name, chosen in development_sets(args.work).items():
        if args.sets and name not in args.sets:
            continue
        result = report(score(infer, chosen, Collator(*normalization(statistics)), args.show))
        print(json.dumps({"set": name, **result}, ensure_ascii=False))
