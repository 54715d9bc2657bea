"""`plot`: loss and character error rate of a training log, as PNG or SVG."""

import argparse
import json
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    parser.add_argument("--log", type=Path, required=True, help="log.jsonl of a run")
    parser.add_argument("--out", type=Path, required=True, help="image to write; the suffix gives the format")


def run(args: argparse.Namespace) -> None:
    """Draw the curves."""
    try:
        import matplotlib
    except ImportError as error:
        raise SystemExit("plot: needs matplotlib (pip install './python[plot]')") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines = [json.loads(line) for line in args.log.read_text(encoding="utf-8").splitlines()]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    losses = [line for line in lines if "loss" in line]
    left.plot([line["hours"] for line in losses], [line["loss"] for line in losses])
    left.set(xlabel="hours of speech processed", ylabel="CTC loss per token", yscale="log")
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.get("bySubset", {}).items():
            curves.setdefault(name, []).append((line["step"], value["cerNoSpaces"]))
    for name, points in curves.items():
        right.plot(*zip(*points, strict=True), marker=".", label=name)
    right.set(xlabel="step", ylabel="CER without spaces (%), held-out speakers")
    if curves:
        right.legend()
    figure.tight_layout()
    figure.savefig(args.out)
