"""`plot`: loss and character error rate of one training log or of legs that follow each other, as PNG or SVG."""

import argparse
import json
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    parser.add_argument("--log", type=Path, nargs="+", required=True, help="log.jsonl of every leg, in order")
    parser.add_argument("--out", type=Path, required=True, help="image to write; the suffix gives the format")


def read(path: Path) -> list[dict]:
    """Lines of a log; what a run had done after its last checkpoint, and did again when resumed, counts once."""
    lines: list[dict] = []
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        while lines and lines[-1]["step"] > line["step"]:
            lines.pop()
        lines.append(line)
    return lines


def joined(legs: list[list[dict]]) -> tuple[list[dict], list[int]]:
    """All lines with steps counted through, and the steps at which legs begin."""
    lines: list[dict] = []
    starts: list[int] = []
    for leg in legs:
        start = lines[-1]["step"] if lines else 0
        starts.append(start)
        lines += ({**line, "step": line["step"] + start} for line in leg)
    return lines, starts


def curves(lines: list[dict]) -> dict[str, list[tuple[int, float]]]:
    """Error rates by subset."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.get("bySubset", {}).items():
            found.setdefault(name, []).append((line["step"], value["cerNoSpaces"]))
    return found


def run(args: argparse.Namespace) -> None:
    """Draw the curves."""
    try:
        import matplotlib
    except ImportError as error:
        raise SystemExit("plot: needs matplotlib (pip install './python[plot]')") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines, starts = joined([read(path) for path in args.log])
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    losses = [line for line in lines if "loss" in line]
    left.plot([line["step"] for line in losses], [line["loss"] for line in losses])
    left.set(xlabel="step", ylabel="CTC loss per token", yscale="log")
    found = curves(lines)
    for name, points in found.items():
        right.plot(*zip(*points, strict=True), marker=".", label=name)
    right.set(xlabel="step", ylabel="CER without spaces (%), held-out speakers")
    for axes in (left, right):
        for start in starts[1:]:
            axes.axvline(start, color="0.7", linewidth=0.8, linestyle="--")
    if found:
        right.legend()
    figure.tight_layout()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out)
    pyplot.close(figure)
