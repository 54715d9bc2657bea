"""`average`: the mean of two checkpoints' weights.

A leg on harder input (rooms, noise, lines) costs a little of what the leg before it knew. Weights between the two keep most
of both, often more than either, at no cost when served: they lie in one basin, since one began where the other ended
(Wortsman et al. 2022, "Model soups").
"""

import argparse
from pathlib import Path

from . import checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--first", type=Path, required=True, help="checkpoint to average")
    add("--second", type=Path, required=True, help="checkpoint that was trained on from the first")
    add("--weight", type=float, default=0.5, help="share of the second")
    add("--out", type=Path, required=True, help="checkpoint to write; it can be exported, evaluated, and trained on with --init")


def run(args: argparse.Namespace) -> None:
    """Average what would be exported of each."""
    if not 0 <= args.weight <= 1:
        raise SystemExit("average: --weight must be from 0 to 1")
    first, second = checkpoint.load(args.first), checkpoint.load(args.second)
    for name in ("config", "statistics"):
        if first[name] != second[name]:
            raise SystemExit(f"average: the checkpoints differ in their {name}")
    one, other = (state.get("average") or state["model"] for state in (first, second))
    mean = {name: one[name].float() * (1 - args.weight) + value.float() * args.weight for name, value in other.items()}
    checkpoint.save(args.out, {
        "config": second["config"], "model": mean, "average": mean, "progress": second["progress"],
        "statistics": second["statistics"],
    })
    print(f"{args.out}: {1 - args.weight:g} of {args.first.parent.name}, {args.weight:g} of {args.second.parent.name}")
