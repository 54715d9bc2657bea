"""docs/guides/add-another-architecture.md: its recipe makes a package that onnxruntime runs, and Malgwi with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "add-another-architecture.md"
PROGRAM, BUILD = ROOT / "bin" / "malgwi.js", ROOT / "dist" / "cli" / "main.js"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blocks = re.findall(r"^```python recipe\.py\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    folder = tmp_path_factory.mktemp("models")
    (folder.parent / "recipe.py").write_text(blocks[0], "utf-8")
    out = folder / "small-gru"
    subprocess.run([sys.executable, folder.parent / "recipe.py", out], check=True, env={"PYTHONPATH": str(ROOT / "python")})
    return out


def test_the_graph_takes_any_length(package: Path) -> None:
    manifest = json.loads((package / "manifest.json").read_text("utf-8"))
    session = onnxruntime.InferenceSession(package / manifest["graphs"]["encoder"]["file"])
    for frames in (1, 4, 5, 333):
        x = np.random.default_rng(frames).standard_normal((1, frames, 80), np.float32)
        log_probs, lengths = session.run(["log_probs", "output_lengths"], {"features": x, "lengths": np.array([frames])})
        assert log_probs.shape == (1, int(lengths[0]), manifest["tokens"]["blank"] + 1)
        assert np.allclose(np.exp(log_probs).sum(-1), 1, atol=1e-4)


def test_malgwi_runs_it(package: Path) -> None:
    node = shutil.which("node")
    if node is None or not BUILD.exists() or not (ROOT / "node_modules").exists():
        pytest.skip("Malgwi is not built here")
    models = ["--models-dir", package.parent]
    for command in (["models", "show", package.name, *models],
                    ["transcribe", *models, "--model", package.name, "--json", ROOT / "test-audio" / "greeting.wav"]):
        result = subprocess.run([node, PROGRAM, *command], capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
    assert isinstance(json.loads(result.stdout)["text"], str)
