"""The mean of two checkpoints."""

import argparse

import pytest
import torch

from malgwi_train import average, checkpoint
from malgwi_train.model import ConformerCTC, ModelConfig

CONFIG = ModelConfig(dimension=16, layers=1, stem=8, heads=2)


def write(path, seed, statistics=None):
    torch.manual_seed(seed)
    model = ConformerCTC(CONFIG)
    state = {"config": CONFIG.to_dict(), "model": model.state_dict(), "progress": {"step": seed},
             "statistics": statistics or {"mean": [0.0]}}
    checkpoint.save(path, state)
    return state


def test_weights_lie_between(tmp_path):
    one, other = write(tmp_path / "a" / "last.pt", 1), write(tmp_path / "b" / "last.pt", 2)
    out = tmp_path / "c.pt"
    average.run(argparse.Namespace(first=tmp_path / "a" / "last.pt", second=tmp_path / "b" / "last.pt", weight=0.25, out=out))
    model, state = checkpoint.load_model(out)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, one["model"][name] * 0.75 + other["model"][name] * 0.25)
    assert state["progress"] == {"step": 2}


def test_checkpoints_of_other_features_are_refused(tmp_path):
    write(tmp_path / "a.pt", 1)
    write(tmp_path / "b.pt", 2, {"mean": [1.0]})
    with pytest.raises(SystemExit, match="statistics"):
        average.run(argparse.Namespace(first=tmp_path / "a.pt", second=tmp_path / "b.pt", weight=0.5, out=tmp_path / "c.pt"))
