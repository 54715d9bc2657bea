"""Checkpoints: written beside and renamed, so that an interrupted write never costs the last good one."""

from pathlib import Path

import torch

from .model import ConformerCTC, ModelConfig


def save(path: Path, state: dict) -> None:
    """Write atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load(path: Path) -> dict:
    """Read tensors and plain values only."""
    return torch.load(path, map_location="cpu", weights_only=True)


def load_model(path: Path, averaged: bool = True) -> tuple[ConformerCTC, dict]:
    """Model of a checkpoint, with the averaged weights if there are any."""
    state = load(path)
    model = ConformerCTC(ModelConfig(**state["config"]))
    weights = state.get("average") if averaged and state.get("average") else state["model"]
    model.load_state_dict({k: v.float() for k, v in weights.items()})
    return model.eval(), state
