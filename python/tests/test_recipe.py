"""The whole recipe by one command: on a tiny made-up corpus, and what it says of steps done before."""

import gzip
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from malgwi_train import seats
from malgwi_train.espeak import speak

PYTHON = Path(__file__).parent.parent


def run_all(*flags: object, ok: bool = True) -> str:
    """Output of `all`."""
    environment = {**os.environ, "PYTHONPATH": str(PYTHON)}
    done = subprocess.run(
        [sys.executable, "-m", "malgwi_train", "all", *map(str, flags)], env=environment, cwd=PYTHON, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert (done.returncode == 0) == ok, done.stdout
    return done.stdout


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Twenty spoken seat sentences by four voices, one of them held out, and text to read."""
    rng, lines, folder = random.Random(1), [], tmp_path / "corpora"
    folder.mkdir()
    for n in range(20):
        text, voice = seats.sentence(rng), ["", "+f2", "+m3", "+f5"][n % 4]
        soundfile.write(folder / f"{n}.wav", speak(text, voice, 150, 50), 16000)
        lines.append(json.dumps({
            "id": f"u{n}", "audio": f"{n}.wav", "text": text, "speaker": f"s{voice}", "corpus": "made-up",
            "split": "dev" if voice == "+f5" else "train", "license": "none"}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "text").mkdir()
    with gzip.open(tmp_path / "text" / "seats.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(seats.sentence(rng) for _ in range(600)) + "\n")
    return folder


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng, which makes the speech, is not installed")
def test_the_whole_recipe_runs(corpora: Path, tmp_path: Path) -> None:
    work, out = tmp_path / "work", tmp_path / "package"
    flags = ("--smoke", "--work", work, "--corpora", corpora, "--text", tmp_path / "text", "--out", out, "--device", "cpu",
             "--processes", 2)
    said = run_all(*flags)
    assert "all done" in said
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["languageModel"]["file"] in manifest["files"]
    sets = {row["set"]: row for row in json.loads((work / "evaluation.json").read_text())}
    assert sets["dev"]["utterances"] == sets["dev-telephone"]["utterances"] == 5
    assert {"dev-far", "dev-noise-0", "synthetic-dev"} <= set(sets)
    steps = [json.loads(line)["step"] for line in (work / "leg1" / "log.jsonl").read_text().splitlines()]
    # The first stage stops at 4, the second goes on to 8.
    assert sorted(set(steps)) == [4, 8]
    if importlib.util.find_spec("matplotlib"):
        assert (work / "curves.svg").read_text().startswith("<?xml")
    before = {p: p.stat().st_mtime_ns for p in work.rglob("*") if p.is_file()}
    assert "begins" not in run_all(*flags)
    assert {p: p.stat().st_mtime_ns for p in work.rglob("*") if p.is_file()} == before
    # The step after an interruption, and only that, is done again.
    (work / "steps" / "evaluate.json").unlink()
    assert [line.split()[2] for line in run_all(*flags).splitlines() if line.endswith("begins")] == ["evaluate:"]


def recipe(path: Path, *steps: dict) -> Path:
    """A recipe file."""
    path.write_text(json.dumps({"steps": steps}))
    return path


def test_failures_stop_it_unless_optional_and_it_goes_on_there(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    draw = {"name": "draw", "run": ["plot", "--log", "{work}/../log.jsonl", "--out", "{out}.svg"]}
    file = recipe(tmp_path / "r.json", {**draw, "name": "first", "optional": True}, draw)
    flags = ("--work", tmp_path / "w", "--out", tmp_path / "o", "--recipe", file)
    said = run_all(*flags, ok=False)
    assert "all: draw failed" in said
    assert run_all(*flags, "--list").splitlines() == ["all 1/2 first: done", "all 2/2 draw: to do"]
    pytest.importorskip("matplotlib")
    log.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n')
    assert "all 1/2 first: done" in run_all(*flags)
    assert (tmp_path / "o.svg").exists()


def test_other_arguments_than_before_are_refused(tmp_path: Path) -> None:
    step = {"name": "draw", "run": ["plot", "--log", "x", "--out", "{out}"], "optional": True}
    flags = ("--work", tmp_path / "w", "--out", tmp_path / "o")
    run_all(*flags, "--recipe", recipe(tmp_path / "r.json", step))
    other = recipe(tmp_path / "r.json", {**step, "run": [*step["run"][:2], "y", *step["run"][3:]]})
    assert "other arguments" in run_all(*flags, "--recipe", other, ok=False)


def test_published_recipes_name_commands_and_flags_that_exist(tmp_path: Path) -> None:
    import argparse

    from malgwi_train import all as whole

    for smoke in (False, True):
        args = argparse.Namespace(
            work=tmp_path, corpora=tmp_path, text=tmp_path, out=tmp_path, processes=2, device="cpu", smoke=smoke,
            recipe=whole.RECIPES / "malgwi-ko.json")
        for step in whole.steps(args):
            parser = argparse.ArgumentParser(exit_on_error=False)
            importlib.import_module(f"malgwi_train.{step['run'][0]}").arguments(parser)
            parser.parse_args(step["run"][1:])
