"""The architectures that are known, and how a checkpoint finds its own."""

from __future__ import annotations

from ..inert import CheckpointError, Node
from .registry import Architecture

ARCHITECTURES: list[Architecture] = []


def recognise(root: Node) -> Architecture:
    """The architecture of a model (DataParallel already taken off), or an error that names what is not known."""
    for architecture in ARCHITECTURES:
        if architecture.matches(root):
            return architecture
    raise CheckpointError(f"the model's class {root} is not known")
