"""`attach`: puts a language model into a package that `export` wrote, with the weights that tuning found."""

import argparse
from pathlib import Path

from .export import decoding_arguments
from .package import attach


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    parser.add_argument("--package", type=Path, default=Path("models/malgwi-ko"), help="package folder")
    decoding_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Copy the model, and name it in the manifest."""
    if not args.lm:
        raise SystemExit("attach: which language model? --lm FILE")
    attach(args.package, args.lm, args.alpha, args.beta, args.beam)
    print(f"{args.package}: {sum(f.stat().st_size for f in args.package.iterdir())} bytes")
