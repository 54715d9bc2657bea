"""Where to compute: a GPU if there is one, else the cores."""

import argparse

import torch


def argument(parser: argparse.ArgumentParser) -> None:
    """The flag."""
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: cuda where there is one")


def chosen(name: str) -> torch.device:
    """The device of a flag's value."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SystemExit(f"--device {name}: {error}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("--device cuda: this build of torch sees no GPU")
    return device
