"""`python -m malgwi_models import-coqui`: packages, reports, refusals, and the command of the guide."""

import hashlib
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from coqui_support import BYTES, F32, FIXTURES, INT8, JAMO, alphabet, small, windows, written

from malgwi_models.__main__ import main
from malgwi_models.coqui import parity, random_model, writer

SCORER = FIXTURES / "scorers" / "ko_syl.qatrie.scorer"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "bring-your-coqui-model.md"


def imported(folder: Path, *flags: object, name: str = "m") -> Path:
    """Run the command; the package."""
    assert main(["import-coqui", "--out", str(folder / name), "--force", *map(str, flags)]) == 0
    return folder / name


def manifest(package: Path) -> dict:
    """The manifest, its files checked."""
    body = json.loads((package / "manifest.json").read_text())
    names = {path.name for path in package.iterdir()} - {"manifest.json"}
    assert names == set(body["files"])
    for name, entry in body["files"].items():
        data = (package / name).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    return body


def probabilities(package: Path, utterance: str) -> np.ndarray:
    """What the package's graph says of an utterance."""
    body = manifest(package)
    run = parity.session((package / body["graphs"]["encoder"]["file"]).read_bytes())
    state = {s["name"]: np.zeros((1, s["shape"][1]), np.float32) for s in body["graphs"]["encoder"]["states"]}
    return run.run(["probs"], {"windows": windows(utterance)[None], **state})[0][0]


def test_package_of_a_float_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = manifest(imported(tmp_path, "--tflite", F32, "--scorer", SCORER, "--license", "MPL-2.0"))
    assert body["family"] == "coqui" and body["segmentation"] == "none" and body["language"] == "ko"
    assert body["decoder"] == {"method": "coqui", "beamWidth": 500}
    assert body["tokens"] == {"file": "tokens.txt", "unit": "syllable", "blank": 55, "space": " "}
    assert body["languageModel"] == {"file": "language-model.scorer", "format": "coqui-scorer", "unit": "word"}
    assert body["graphs"]["encoder"]["precision"] == "float32" and body["license"] == {"weights": "MPL-2.0"}
    assert (tmp_path / "m" / "language-model.scorer").read_bytes() == SCORER.read_bytes()
    lines = (tmp_path / "m" / "tokens.txt").read_text().split("\n")
    assert len(lines) == 56 and lines[0] == " " and lines[-1] == ""
    shown = capsys.readouterr().out
    assert "Hangul syllables" in shown and "quantised array trie" in shown and "at 40 steps" in shown
    report = json.loads((tmp_path / "m" / "report.json").read_text())
    assert report["parity"]["largest"] < 1e-5 and [row["steps"] for row in report["parity"]["differences"]] == list(parity.STEPS)


def test_package_of_an_int8_model_keeps_int8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = manifest(imported(tmp_path, "--tflite", INT8, "--segmentation", "pauses", "--json"))
    assert body["graphs"]["encoder"] | {"states": 0} == {"file": "encoder.int8.onnx", "precision": "int8", "states": 0}
    assert body["segmentation"] == "pauses" and "languageModel" not in body and body["license"]["weights"].startswith("unknown")
    report = json.loads(capsys.readouterr().out)
    assert report["found"]["weights"] == "int8 (dynamic range)" and report["parity"]["largest"] < 0.05


def test_other_precisions_on_request(tmp_path: Path) -> None:
    exact = probabilities(imported(tmp_path, "--tflite", F32), "ko00")
    smaller = imported(tmp_path, "--tflite", F32, "--int8", name="smaller")
    larger = imported(tmp_path, "--tflite", INT8, "--float32", name="larger")
    assert manifest(smaller)["graphs"]["encoder"]["precision"] == "int8"
    assert manifest(larger)["graphs"]["encoder"]["precision"] == "float32"
    assert "precisionChanged" in json.loads((smaller / "report.json").read_text())
    graph = onnx.load(larger / "encoder.onnx")
    assert {tensor.data_type for tensor in graph.graph.initializer} <= {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64}
    for package in (smaller, larger):
        assert (probabilities(package, "ko00").argmax(1) == exact.argmax(1)).mean() > 0.95
    size = {package.name: (package / manifest(package)["graphs"]["encoder"]["file"]).stat().st_size for package in (smaller, larger)}
    assert size["smaller"] < size["larger"] / 3


@pytest.mark.parametrize(
    ("letters", "tokens", "first"),
    [
        (alphabet(*JAMO), {"unit": "grapheme", "blank": 68, "space": " ", "compose": "nfc"}, [" ", "\u1100"]),
        (BYTES, {"unit": "byte", "blank": 255, "space": "<0x20>"}, ["<0x01>", "<0x02>"]),
        (alphabet("a", " ", "#"), {"unit": "character", "blank": 3, "space": " "}, ["a", " "]),
    ],
)
def test_alphabets_of_every_kind(tmp_path: Path, letters, tokens: dict, first: list[str]) -> None:
    package = imported(tmp_path, "--tflite", written(tmp_path, small(letters=letters)))
    body = manifest(package)
    assert body["tokens"] == {"file": "tokens.txt", **tokens}
    assert (package / "tokens.txt").read_text().split("\n")[:2] == first
    assert body["language"] == ("ko" if tokens["unit"] == "grapheme" else "und")


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *flags: object) -> str:
    """What the command says when it refuses; nothing is left behind."""
    assert main(["import-coqui", "--out", str(folder / "refused"), *map(str, flags)]) == 2
    assert not [path for path in folder.iterdir() if "refused" in path.name]
    return capsys.readouterr().err


def test_refusals_leave_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.tflite").write_bytes(F32.read_bytes()[:300_000])
    assert refused(capsys, tmp_path, "--tflite", tmp_path / "short.tflite").startswith("import-coqui: ")
    (tmp_path / "model.pbmm").write_bytes(b"\x0a\x10" + bytes(100))
    assert "--export_tflite" in refused(capsys, tmp_path, "--tflite", tmp_path / "model.pbmm")
    (tmp_path / "alphabet.txt").write_text("ㄱ\nㄴ\n")
    assert "alphabet" in refused(capsys, tmp_path, "--tflite", F32, "--alphabet", tmp_path / "alphabet.txt")
    assert "labels" in refused(capsys, tmp_path, "--tflite", written(tmp_path, small()), "--scorer", SCORER)
    assert main(["import-coqui", "--out", str(tmp_path / "NO NAME"), "--tflite", str(F32)]) == 2


def test_a_package_is_not_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(tmp_path, "--tflite", written(tmp_path, small()))
    assert main(["import-coqui", "--out", str(tmp_path / "m"), "--tflite", str(F32)]) == 2
    assert "--force" in capsys.readouterr().err


def test_sample_rate_and_old_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small()
    path = written(tmp_path, replace(model, metadata=replace(model.metadata, sample_rate=8_000)))
    assert "8000 Hz" in refused(capsys, tmp_path, "--tflite", path)
    data = path.read_bytes().replace(b"metadata_beam_width", b"metadata_xxxx_width")
    path.write_bytes(data)
    assert "metadata_beam_width" in refused(capsys, tmp_path, "--tflite", path)
    path.write_bytes(writer.serialize(model).replace(b"metadata_alphabet", b"metadata_xxxxxxxx"))
    assert "--alphabet" in refused(capsys, tmp_path, "--tflite", path)
    (tmp_path / "alphabet.txt").write_bytes(" \n가\n나\n다\n".encode())
    imported(tmp_path, "--tflite", path, "--alphabet", tmp_path / "alphabet.txt")


def test_random_models_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.tflite"
    monkeypatch.setattr("sys.argv", ["random_model", "--out", str(out), "--cells", "32", "--int8"])
    random_model.main()
    assert manifest(imported(tmp_path, "--tflite", out))["architecture"]["dimension"] == 32


def test_the_guides_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = next(b for b in re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.S) if "import-coqui" in b)
    words = shlex.split(block.replace("\\\n", " "), comments=True)
    assert words[:3] == ["python", "-m", "malgwi_models"]
    (tmp_path / "model.tflite").write_bytes(F32.read_bytes())
    (tmp_path / "kenlm.scorer").write_bytes(SCORER.read_bytes())
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(words[3:]) == 0
    package = tmp_path / words[words.index("--out") + 1]
    assert manifest(package)["languageModel"]["format"] == "coqui-scorer"
