"""The import command: vocabularies, front ends, packages, and what it refuses."""

import copy
import csv
import io
import json
import os
import shlex
import unicodedata
from dataclasses import replace
from pathlib import Path

import ctc_standins as kospeech
import pytest
import torch
from torch import nn

from malgwi_models.__main__ import main
from malgwi_models.graphs import Graph, to_onnx
from malgwi_models.inert import CheckpointError
from malgwi_models.kospeech import features
from malgwi_models.kospeech.vocabulary import Vocabulary, fit, read_vocabulary
from malgwi_models.package import PackageError, new_package, package_name

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT.parent / "shared" / "fixtures" / "kospeech"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs ../shared/fixtures/kospeech beside the repository")
SYMBOLS = ["<pad>", "<sos>", "<eos>", " ", "가", "나", "다", "라"]


def table(symbols: list[str], column: str = "char", encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", column, "freq"])
    writer.writerows([i, s, 1] for i, s in enumerate(symbols))
    return out.getvalue().encode(encoding)


def vocabulary(folder: Path, data: bytes, name: str = "vocab.csv") -> Vocabulary:
    (folder / name).write_bytes(data)
    return read_vocabulary(folder / name)


@needs_fixtures
def test_kospeechs_own_vocabularies() -> None:
    characters = read_vocabulary(FIXTURES / "aihub_character_vocabs.csv")
    assert (characters.unit, len(characters.tokens), characters.space) == ("character", 2000, " ")
    assert characters.manifest(True) == {"file": "tokens.txt", "unit": "character", "blank": 2000, "sos": 1, "eos": 2, "space": " "}
    graphemes = read_vocabulary(FIXTURES / "aihub_grapheme_vocabs.csv")
    assert graphemes.manifest(True) == {"file": "tokens.txt", "unit": "grapheme", "blank": 108, "sos": 1, "eos": 2, "space": "|",
                                        "compose": "nfc"}
    # Tokens stay conjoining jamo, which the service composes.
    text = "".join(graphemes.tokens[graphemes.tokens.index(c)] for c in unicodedata.normalize("NFKD", "말귀"))
    assert unicodedata.normalize("NFC", text) == "말귀"


def test_encodings_quotes_and_order(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "cp949"):
        read = vocabulary(tmp_path, table([*SYMBOLS, ",", '"'], encoding=encoding))
        assert read.tokens == (*SYMBOLS, ",", '"') and (read.sos, read.eos) == (1, 2)
    lines = table(SYMBOLS).decode().splitlines(keepends=True)
    assert vocabulary(tmp_path, "".join([lines[0], *reversed(lines[1:])]).encode()).tokens == tuple(SYMBOLS)
    assert vocabulary(tmp_path, table([*SYMBOLS, "<blank>"])).tokens == tuple(SYMBOLS)
    jamo = ["<pad>", "<sos>", "<eos>", "|", "\u1100", "\u1161", "\u11a8"]
    for column in ("grpm", "char"):
        assert vocabulary(tmp_path, table(jamo, column)).unit == "grapheme"


@pytest.mark.parametrize(("data", "said"), [
    (b"", "header"), (b"id,char,freq\n", "0 symbols"), (b"a,b\n0,x\n", "header"), (b"\xff\xfe\x00", "neither UTF-8 nor cp949"),
    (table([*SYMBOLS, "가"]), "the same"), (table([s for s in SYMBOLS if s != " "]), "no symbol for the space"),
    (table([*SYMBOLS, ""]), "symbol 8 is empty"), (table([*SYMBOLS, "a\nb"]), "line break"), (table([*SYMBOLS, "x" * 200]), "too long"),
    (b"id,char,freq\n0,a,1\n0,b,1\n", "twice"), (b"id,char,freq\n0,a,1\n2,b,1\n", "1 is missing"),
    (b"id,char,freq\nzero,a,1\n", "line 2"), ("id,char,freq\n٣,a,1\n".encode(), "line 2"), (b"id,char,freq\n7\n", "line 2"),
])
def test_damaged_vocabularies_are_named(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        vocabulary(tmp_path, data)


def test_sentencepiece(tmp_path: Path) -> None:
    import sentencepiece

    model = io.BytesIO()
    sentences = ["자리 예약 해 줘", "창가 자리 있어요", "예약 취소 할게요", "두 시에 갈게요"] * 5
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, vocab_size=40, model_type="bpe", minloglevel=2, num_threads=1,
        user_defined_symbols=[], control_symbols=["[PAD]"])
    read = vocabulary(tmp_path, model.getvalue(), "kspon_sentencepiece.model")
    assert (read.unit, read.space, read.sos, read.eos, len(read.tokens)) == ("subword", "\u2581", 1, 2, 40)
    assert read.tokens[:4] == ("<unk>", "<s>", "</s>", "<[PAD]>")
    assert any(token.startswith("\u2581") and len(token) > 1 for token in read.tokens)
    assert fit(read, 41, "ctc", True) and not fit(read, 40, "attention", False)
    for data in (b"", b"\x00" * 100, b"no model", model.getvalue()[:200]):
        with pytest.raises(CheckpointError):
            vocabulary(tmp_path, data, "damaged.model")


def test_the_vocabulary_must_fit_the_model() -> None:
    eight = Vocabulary("character", tuple(SYMBOLS), " ", 1, 2)
    assert fit(eight, 9, "ctc", True) and fit(eight, 9, "attention", False) and not fit(eight, 8, "attention", False)
    for classes, ctc in ((8, True), (10, True), (7, False), (2001, True)):
        with pytest.raises(CheckpointError, match=rf"{classes} classes.*8 symbols"):
            fit(eight, classes, "ctc" if ctc else "attention", ctc)
    with pytest.raises(CheckpointError, match="<sos> or <eos>"):
        fit(Vocabulary("character", ("a", " "), " ", None, None), 3, "attention", False)


def test_front_ends() -> None:
    assert [features.default_feature(n) for n in (80, 40, 161, 257)] == ["fbank", "mfcc", "spectrogram", "spectrogram"]
    fbank = features.front_end("fbank", 80, "hamming", trim=False, reverse=True)
    assert (fbank["window"], fbank["trimSilence"], fbank["reverse"], fbank["numMels"]) == ("hamming", False, True, 80)
    assert features.front_end("mel", 40)["kind"] == "librosa-mel"
    assert features.front_end("mfcc", 40)["numMels"] == 128
    assert [features.front_end("spectrogram", n)["method"] for n in (161, 257)] == ["torch", "kaldi"]
    for feature, dimension in (("spectrogram", 80), ("mfcc", 161), ("fbank", 257), ("mel", 4)):
        with pytest.raises(CheckpointError, match=f"{dimension} features"):
            features.front_end(feature, dimension)
    with pytest.raises(CheckpointError, match="--feature"):
        features.default_feature(120)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(6)
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.save(nn.DataParallel(kospeech.trained(kospeech.Conformer(9, layers=1))), folder / "model.pt")
    (folder / "vocab.csv").write_bytes(table(SYMBOLS))
    return folder / "model.pt"


def run(checkpoint: Path, out: Path, *flags: str, vocab: Path | None = None) -> int:
    return main(["import-kospeech", "--checkpoint", str(checkpoint), "--vocab", str(vocab or checkpoint.parent / "vocab.csv"),
                 "--out", str(out), *flags])


def test_a_package_is_replaced_only_when_told(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "m"
    assert run(checkpoint, out, "--window", "hamming", "--input-reverse", "--no-trim", "--license", "CC0-1.0") == 0
    said = capsys.readouterr()
    assert "conformer-ctc" in said.out and "at 7 frames" in said.out and "licence" not in said.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["license"] == {"weights": "CC0-1.0"}
    assert manifest["frontEnd"]["window"] == "hamming" and manifest["frontEnd"]["reverse"] and not manifest["frontEnd"]["trimSilence"]
    assert (out / "tokens.txt").read_text("utf-8") == "\n".join(SYMBOLS) + "\n"
    (out / "mark").touch()
    assert run(checkpoint, out) == 2 and "--force" in capsys.readouterr().err and (out / "mark").exists()
    assert run(checkpoint, out, "--force") == 0
    said = capsys.readouterr()
    assert "unknown" in said.err and not (out / "mark").exists()
    assert json.loads((out / "manifest.json").read_text())["license"]["weights"].startswith("unknown")
    assert [path.name for path in out.parent.iterdir()] == ["m"]


def test_refusals_leave_nothing_behind(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.csv").write_bytes(table(SYMBOLS[:-1]))
    (tmp_path / "weights.pt").write_bytes(b"")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").touch()
    out = tmp_path / "m"
    cases = [
        (run(checkpoint, out, vocab=tmp_path / "small.csv"), "9 classes"),
        (run(checkpoint, out, vocab=tmp_path / "absent.csv"), "could not be read"),
        (run(tmp_path / "weights.pt", out, vocab=tmp_path / "small.csv"), "torch.save"),
        (run(checkpoint, out, "--feature", "spectrogram"), "80 features"),
        (run(checkpoint, out, "--max-frames", "5"), "--max-frames"),
        (run(checkpoint, out, "--name", "other"), "--name"),
        (run(checkpoint, tmp_path / "Upper"), "lower-case"),
        (run(checkpoint, tmp_path / "thesis", "--force"), "not a model package"),
    ]
    errors = capsys.readouterr().err.splitlines()
    for (code, said), error in zip(cases, errors, strict=True):
        assert code == 2 and said in error
    assert {path.name for path in tmp_path.iterdir()} == {"small.csv", "weights.pt", "thesis"}
    assert (tmp_path / "thesis" / "chapter1.txt").exists()


def test_a_hostile_checkpoint_runs_nothing(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Command:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/executed",)

    model = nn.DataParallel(kospeech.Conformer(9, layers=1))
    model.module.encoder.comment = Command()
    torch.save(model, tmp_path / "hostile.pt")
    assert run(tmp_path / "hostile.pt", tmp_path / "m", vocab=checkpoint.parent / "vocab.csv") == 2
    assert "posix.system" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"hostile.pt"}


def write_another(graph: Graph, path: Path) -> None:
    """A graph with slightly other weights."""
    module = copy.deepcopy(graph.module)
    with torch.no_grad():
        for weights in module.parameters():
            weights.mul_(1.002)
    to_onnx(replace(graph, module=module), path)


def test_a_graph_that_differs_is_not_kept(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("malgwi_models.kospeech.export.to_onnx", write_another)
    assert run(checkpoint, tmp_path / "m") == 2
    assert "differ by" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_what_rounding_explains_is_accepted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """Jasper 10x5 with random weights and statistics to match: chaotic, so that every implementation is off."""
    torch.manual_seed(5)
    model = kospeech.trained(kospeech.Jasper(9, "10x5", width=32))
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.momentum = 1.0
        layer.train()
    with torch.no_grad():
        model(torch.randn(1, 400, 80), torch.tensor([400]))
    torch.save(nn.DataParallel(model.eval()), tmp_path / "model.pt")
    (tmp_path / "vocab.csv").write_bytes(table(SYMBOLS))
    package = tmp_path / "m"
    assert run(tmp_path / "model.pt", package, vocab=tmp_path / "vocab.csv") == 0
    assert "amplifies rounding" in capsys.readouterr().out
    parity = json.loads((package / "report.json").read_text())["parity"]
    assert parity["largest"] > parity["tolerance"]
    assert 0 < parity["rounding"]["onnxruntime"] < 4 * parity["rounding"]["pytorch"]
    # In such a model too, other weights are found out.
    monkeypatch.setattr("malgwi_models.kospeech.export.to_onnx", write_another)
    assert run(tmp_path / "model.pt", tmp_path / "other", vocab=tmp_path / "vocab.csv") == 2
    assert "rounding explains" in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_packages_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_package(tmp_path / "m") as folder:
        (folder / "half").touch()
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    (tmp_path / "link").symlink_to(tmp_path)
    for target in (tmp_path / "link", tmp_path):
        with pytest.raises(PackageError), new_package(target, force=True):
            pass
    for name in ("", ".", "-x", "Ä", "a b", "x" * 65):
        with pytest.raises(PackageError):
            package_name(Path("/models") / name if name not in ("", ".") else Path("/"))
    assert package_name(Path("models/kospeech-ds2")) == "kospeech-ds2"


@needs_fixtures
def test_the_guides_commands(tmp_path: Path) -> None:
    """What docs/guides/bring-your-kospeech-model.md says to run, on the fixtures."""
    guide = (ROOT / "docs" / "guides" / "bring-your-kospeech-model.md").read_text("utf-8")
    commands = [line for line in guide.replace("\\\n", " ").splitlines() if line.startswith("python -m malgwi_models import-kospeech")]
    assert len(commands) >= 2
    for number, command in enumerate(commands):
        words = shlex.split(command)
        values = {"--checkpoint": str(FIXTURES / "conformer_ctc" / "model.pt"), "--vocab": str(FIXTURES / "aihub_character_vocabs.csv"),
                  "--out": str(tmp_path / f"m{number}")}
        for flag, value in values.items():
            words[words.index(flag) + 1] = value
        assert words[:3] == ["python", "-m", "malgwi_models"] and main(words[3:]) == 0
        assert (tmp_path / f"m{number}" / "manifest.json").exists()
