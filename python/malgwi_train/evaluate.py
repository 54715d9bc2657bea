"""`evaluate`: greedy character error rates of a checkpoint, or of an exported graph."""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from . import checkpoint, conditions, device
from .data import Collator, Sample, samples
from .metrics import Tally
from .model import ConformerCTC
from .store import Store
from .streaming import Caches, Chunking, Shapes, Step, empty, shapes, stream
from .tokens import greedy

# Log-probabilities (or logits) and lengths of a padded batch.
Infer = Callable[[torch.Tensor, torch.Tensor], tuple[np.ndarray, np.ndarray]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder that prepare and synthesize filled")
    add("--checkpoint", type=Path, help="checkpoint to score")
    add("--graph", type=Path, help="exported ONNX graph to score instead")
    add("--chunk", type=int, default=0, help="encoder frames per chunk (0: whole utterances)")
    add("--left-chunks", type=int, default=-1, help="chunks of left context (negative: all, for checkpoints only)")
    add("--lookahead", type=int, default=0, help="encoder frames after a chunk that it sees")
    add("--show", type=int, default=0, help="print this many hypotheses of each set")
    add("--sets", nargs="*", help="only these sets")
    add("--out", type=Path, help="also write the figures here, as JSON")
    device.argument(parser)
    add("--threads", type=int, default=2)


def of_model(model: ConformerCTC, chunk: int = 0, left_chunks: int = -1, lookahead: int = 0) -> Infer:
    """Inference of a PyTorch model: whole utterances, chunk-masked, or (with look-ahead) as a live stream has them."""
    place = next(model.parameters()).device
    chunking = Chunking(chunk, lookahead, chunk * left_chunks)

    def streamed(features: torch.Tensor, lengths: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            log_probs, out = stream(Step(model), shapes(model.config), features, lengths, chunking)
        return log_probs.numpy(), out.numpy()

    def infer(features: torch.Tensor, lengths: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            logits, out, _ = model(features.to(place), lengths.to(place), chunk, left_chunks)
        return logits.cpu().numpy(), out.cpu().numpy()

    return streamed if lookahead else infer


def of_graph(path: Path, threads: int = 2, chunking: Chunking | None = None) -> Infer:
    """Inference of an exported graph: whole utterances, or with `chunking` as a live stream has them."""
    step, caches = graph_step(path, threads)

    def infer(features: torch.Tensor, lengths: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        if chunking:
            log_probs, out = stream(step, caches, features, lengths, chunking)
        else:
            none = torch.zeros(len(features), dtype=torch.int64)
            log_probs, out, *_ = step(features, lengths, none, torch.tensor(0), *empty(caches, len(features), 0))
        return log_probs.numpy(), out.numpy()

    return infer


def graph_step(path: Path, threads: int = 1) -> tuple[Callable[..., list[torch.Tensor]], Shapes]:
    """A graph of `streaming.Step`, called with tensors as the module is, and the shapes of its caches."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {one.name: one.shape for one in session.get_inputs()}
    missing = [name for name in Caches._fields if name not in inputs]
    if missing:
        raise SystemExit(f"{path} is no graph for chunks and whole utterances: it takes no {', '.join(missing)}")

    def step(*values: torch.Tensor) -> list[torch.Tensor]:
        feeds = {name: value.numpy() for name, value in zip(inputs, values, strict=True)}
        return [torch.from_numpy(value) for value in session.run(None, feeds)]

    return step, {name: inputs[name] for name in Caches._fields}


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
        synthetic = Store(work / "synthetic")
        for split in sorted({item["split"] for item in synthetic.items} - {"train"}):
            sets[f"synthetic-{split}"] = samples(synthetic, split)
    for name, folder in conditions.folders(work, "dev").items():
        sets[name] = samples(Store(folder), "dev")
    return sets


def run(args: argparse.Namespace) -> None:
    """Print one JSON line a set."""
    torch.set_num_threads(args.threads)
    if args.left_chunks < 0 and (args.lookahead or args.graph and args.chunk):
        raise SystemExit("evaluate: how many chunks of left context? --left-chunks N")
    if args.graph:
        chunking = Chunking(args.chunk, args.lookahead, args.chunk * args.left_chunks) if args.chunk else None
        infer = of_graph(args.graph, args.threads, chunking)
        manifest = json.loads((args.graph.parent / "manifest.json").read_text(encoding="utf-8"))
        statistics = manifest["frontEnd"]["normalize"]
    elif args.checkpoint:
        model, state = checkpoint.load_model(args.checkpoint)
        # Streams are many small steps: nothing for a GPU.
        model.to(device.chosen("cpu" if args.lookahead else args.device))
        infer, statistics = of_model(model, args.chunk, args.left_chunks, args.lookahead), state["statistics"]
    else:
        raise SystemExit("evaluate: give --checkpoint or --graph")
    found = []
    for name, chosen in development_sets(args.work).items():
        if args.sets and name not in args.sets:
            continue
        result = report(score(infer, chosen, Collator(*normalization(statistics)), args.show))
        found.append({"set": name, **result})
        print(json.dumps(found[-1], ensure_ascii=False), flush=True)
    if args.out:
        args.out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
