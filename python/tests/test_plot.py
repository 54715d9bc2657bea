"""Curves of several legs."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from malgwi_train import plot


def test_legs_are_joined_and_repeated_steps_count_once(tmp_path: Path) -> None:
    dev = {"set": "dev", "bySubset": {"a": {"cerNoSpaces": 50.0}}}
    first = [{"step": 100, "loss": 3.0}, {"step": 200, "loss": 2.5}, {"step": 300, "loss": 2.2}, {"step": 200, "loss": 2.4},
             {"step": 250, **dev}]
    second = [{"step": 100, "loss": 2.0}, {"step": 100, **dev}]
    paths = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    for path, lines in zip(paths, (first, second), strict=True):
        path.write_text("\n".join(map(json.dumps, lines)))
    lines, starts = plot.joined([plot.read(path) for path in paths])
    assert starts == [0, 250]
    # 200 was written twice: the run was killed at 300 and went on from a checkpoint before 200.
    assert [(line["step"], line.get("loss")) for line in lines] == [
        (100, 3.0), (200, 2.5), (200, 2.4), (250, None), (350, 2.0), (350, None)]
    assert plot.curves(lines) == {"a": [(250, 50.0), (350, 50.0)]}
    pytest.importorskip("matplotlib")
    plot.run(SimpleNamespace(log=paths, out=tmp_path / "deep" / "curves.png"))
    assert (tmp_path / "deep" / "curves.png").read_bytes().startswith(b"\x89PNG")
