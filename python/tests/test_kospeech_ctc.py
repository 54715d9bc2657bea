"""KoSpeech's CTC models: import against the original's outputs, and against stand-ins that compute as it does."""

import json
from pathlib import Path

import ctc_standins as kospeech
import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from malgwi_models.__main__ import main
from malgwi_models.inert import CheckpointError
from malgwi_models.kospeech.architectures import recognise
from malgwi_models.kospeech.registry import unwrap
from malgwi_models.streams import nothing_before
from malgwi_models.unpickle import load

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "kospeech"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs ../shared/fixtures/kospeech beside the repository")
CLASSES = 9


def session(package: Path) -> onnxruntime.InferenceSession:
    manifest = json.loads((package / "manifest.json").read_text())
    return onnxruntime.InferenceSession(str(package / manifest["graphs"]["encoder"]["file"]))


def small_vocabulary(folder: Path) -> Path:
    symbols = ["<pad>", "<sos>", "<eos>", " ", "가", "나", "다", "라"]
    path = folder / "vocab.csv"
    path.write_text("id,char,freq\n" + "".join(f"{i},{s},1\n" for i, s in enumerate(symbols)), encoding="utf-8")
    return path


def save(model: nn.Module, path: Path) -> Path:
    torch.save(nn.DataParallel(model), path)
    return path


@needs_fixtures
@pytest.mark.parametrize("name", ["conformer_ctc", "ds2_gru_bi"])
def test_equals_kospeech_on_its_own_checkpoints(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "imported"
    assert main(["import-kospeech", "--checkpoint", str(FIXTURES / name / "model.pt"), "--out", str(out), "--json",
                 "--vocab", str(FIXTURES / "aihub_character_vocabs.csv")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["parity"]["largest"] < 1e-4 and len(report["parity"]["lengths"]) == 4
    graph = session(out)
    with np.load(FIXTURES / name / "golden.npz") as golden:
        compared = 0
        for u in ("u0", "u1", "u2", "u3"):
            x = golden[f"{u}_x"]
            log_probs, lengths = graph.run(None, {"features": x, "lengths": np.array([x.shape[1]])})
            assert lengths.tolist() == [log_probs.shape[1]]
            best = log_probs[0].argmax(-1)
            assert best.tolist() == golden[f"{u}_frame_ids"].ravel().tolist()
            collapsed = [int(c) for i, c in enumerate(best) if c != 2000 and (i == 0 or c != best[i - 1])]
            assert collapsed == golden[f"{u}_ctc_ids"].ravel().tolist()
            if f"{u}_log_probs" in golden:
                assert np.abs(log_probs - golden[f"{u}_log_probs"]).max() < 1e-4
                compared += 1
        assert compared >= 2


#: Graphs of these take streams too (test_kospeech_live.py).
STREAMING = ("gru forward", "lstm forward")
MODELS = {
    "gru both ways": lambda: kospeech.DeepSpeech2(CLASSES),
    "lstm both ways": lambda: kospeech.DeepSpeech2(CLASSES, "lstm", layers=3, hidden=6),
    "rnn both ways": lambda: kospeech.DeepSpeech2(CLASSES, "rnn", layers=1, activation="relu"),
    "gru forward": lambda: kospeech.DeepSpeech2(CLASSES, bidirectional=False, activation="gelu"),
    "lstm forward": lambda: kospeech.DeepSpeech2(CLASSES, "lstm", bidirectional=False, activation="leaky_relu"),
    "rnn forward, spectrogram": lambda: kospeech.DeepSpeech2(CLASSES, "rnn", bidirectional=False, input_dim=161, activation="elu"),
    "gru with the head of 2020": lambda: kospeech.DeepSpeech2(CLASSES, old_head=True, activation="swish"),
    "jasper 5x3": lambda: kospeech.Jasper(CLASSES, "5x3", width=32),
    "jasper 10x5": lambda: kospeech.Jasper(CLASSES, "10x5", width=64),
    "conformer": lambda: kospeech.Conformer(CLASSES),
    "conformer, whole steps": lambda: kospeech.Conformer(CLASSES, dim=24, layers=3, heads=2, expansion=2, kernel=31, half_step=False),
    "conformer, mfcc": lambda: kospeech.Conformer(CLASSES, input_dim=40, heads=1, layers=1),
}
FACTS = {
    "gru both ways": {"cell": "gru", "bidirectional": True, "recurrent layers": 2, "hidden units": 8},
    "lstm forward": {"cell": "lstm", "bidirectional": False, "activation": "leakyrelu"},
    "rnn both ways": {"cell": "rnn_tanh"},
    "jasper 5x3": {"blocks": "5x3", "least frames": 123, "frames per output": 2},
    "jasper 10x5": {"blocks": "10x5", "least frames": 123},
    "conformer": {"layers": 2, "heads": 4, "dimension": 16, "half-step residual": True, "least frames": 7},
    "conformer, whole steps": {"half-step residual": False, "kernel": 31},
    "conformer, mfcc": {"feature": "mfcc"},
    "rnn forward, spectrogram": {"feature": "spectrogram"},
}


@pytest.mark.parametrize("name", MODELS)
def test_equals_the_model_that_was_saved(tmp_path: Path, name: str) -> None:
    torch.manual_seed(2)
    model = kospeech.trained(MODELS[name]())
    checkpoint, out = save(model, tmp_path / "model.pt"), tmp_path / "m"
    assert main(["import-kospeech", "--checkpoint", str(checkpoint), "--vocab", str(small_vocabulary(tmp_path)), "--out", str(out)]) == 0
    manifest, report = (json.loads((out / file).read_text()) for file in ("manifest.json", "report.json"))
    assert report["found"].items() >= FACTS.get(name, {}).items()
    assert report["found"]["parameters"] == sum(p.numel() for p in model.parameters())
    assert manifest["files"].keys() == {path.name for path in out.iterdir()} - {"manifest.json"}
    encoder, graph = manifest["encoder"], session(out)
    names = [entry.name for entry in graph.get_inputs()]
    before = {key: value.numpy() for key, value in nothing_before(manifest["graphs"]["encoder"].get("states", [])).items() if key in names}
    for frames in (encoder["minFrames"], encoder["minFrames"] + 1, 150, 231):
        x = torch.randn(1, frames, report["found"]["features"])
        with torch.no_grad():
            wanted, lengths = model(x, torch.tensor([frames]))
        found, found_lengths = graph.run(["log_probs", "output_lengths"], {"features": x.numpy(), "lengths": np.array([frames]), **before})
        assert found.shape == tuple(wanted.shape) and found_lengths.tolist() == lengths.tolist() == [found.shape[1]]
        assert np.abs(found - wanted.numpy()).max() < 1e-4
        assert found[0].argmax(-1).tolist() == wanted[0].argmax(-1).tolist()
    assert encoder["frameMs"] == 10 * encoder["subsampling"] and encoder["paddingSafe"] == (name in STREAMING)
    with pytest.raises(Exception, match=r".*"):
        graph.run(None, {"features": np.zeros((1, encoder["minFrames"] - 1, x.shape[2]), np.float32),
                         "lengths": np.array([encoder["minFrames"] - 1]), **before})


@pytest.mark.filterwarnings("ignore:Couldn.t retrieve source")
def test_legacy_files_half_precision_and_unwrapped_models(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = kospeech.trained(kospeech.Conformer(CLASSES, layers=1))
    x = torch.randn(1, 90, 80)
    with torch.no_grad():
        wanted = model(x, torch.tensor([90]))[0]
    torch.save(model, tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(nn.DataParallel(model.half()), tmp_path / "half.pt")
    for file, tolerance in (("legacy.pt", 1e-5), ("half.pt", 0.05)):
        root = unwrap(load(tmp_path / file))
        found = recognise(root).build(root).graphs["encoder"].run({"features": x, "lengths": torch.tensor([90])})["log_probs"]
        assert float((found - wanted).abs().max()) < tolerance


def test_int8_is_smaller_and_says_how_close_it_is(tmp_path: Path) -> None:
    torch.manual_seed(4)
    models = {
        "conformer": kospeech.Conformer(CLASSES, dim=32), "lstm": kospeech.DeepSpeech2(CLASSES, "lstm", hidden=32),
        "jasper": kospeech.Jasper(CLASSES, width=64)}
    vocabulary = small_vocabulary(tmp_path)
    for name, model in models.items():
        checkpoint = save(kospeech.trained(model), tmp_path / f"{name}.pt")
        sizes = {}
        for flag in ([], ["--int8"]):
            out = tmp_path / f"{name}{len(flag)}"
            assert main(["import-kospeech", "--checkpoint", str(checkpoint), "--vocab", str(vocabulary), "--out", str(out), *flag]) == 0
            sizes[bool(flag)] = sum(path.stat().st_size for path in out.glob("*.onnx"))
        graph = json.loads((out / "manifest.json").read_text())["graphs"]["encoder"]
        int8 = json.loads((out / "report.json").read_text())["int8"]
        if name == "jasper":  # convolutions only
            assert graph == {"file": "encoder.onnx", "precision": "float32"} and int8["unchanged"] == ["encoder"]
        else:
            assert graph == {"file": "encoder.int8.onnx", "precision": "int8"} and sizes[True] < 0.9 * sizes[False]
            assert int8["agreement"]["sameBestClass"] > 0.8 and int8["agreement"]["largestDifference"] > 0


def refusal(model: nn.Module, folder: Path) -> str:
    root = unwrap(load(save(model, folder / "model.pt")))
    with pytest.raises(CheckpointError) as refused:
        recognise(root).build(root)
    return str(refused.value)


def test_what_differs_from_the_known_is_refused_by_name(tmp_path: Path) -> None:
    @kospeech.at("mine.layers")
    class Fancy(nn.Module):
        pass

    @kospeech.at("mine.models")
    class Whisperer(nn.Module):
        pass

    assert "mine.models.Whisperer is not known" in refusal(Whisperer(), tmp_path)
    model = kospeech.Conformer(CLASSES)
    model.encoder.layers[0].sequential[1].module.dropout = Fancy()
    assert "mine.layers.Fancy" in refusal(model, tmp_path)
    model = kospeech.Conformer(CLASSES)
    model.decoder = nn.LSTM(2, 2)
    assert "RNN-T decoder" in refusal(model, tmp_path)
    model = kospeech.DeepSpeech2(CLASSES)
    model.extra = nn.Linear(2, 2)
    assert "extra" in refusal(model, tmp_path)
    model = kospeech.DeepSpeech2(CLASSES)
    model.fc[0] = nn.Softmax(-1)
    assert "torch.nn.modules.activation.Softmax" in refusal(model, tmp_path)
    model = kospeech.DeepSpeech2(CLASSES)
    model.rnn_layers[0].rnn.hidden_size = 10**6
    assert "sizes" in refusal(model, tmp_path)
    model = kospeech.Jasper(CLASSES, width=64)
    model.residual_connections = model.residual_connections[:-1]
    assert "residual" in refusal(model, tmp_path)
    model = kospeech.Conformer(CLASSES)
    model.encoder.layers = nn.ModuleList()
    assert "no blocks" in refusal(model, tmp_path)


@pytest.mark.parametrize(("module", "name"), [
    ("kospeech.models.seq2seq.seq2seq", "Seq2seq"), ("kospeech.models.las.las", "ListenAttendSpell"),
    ("kospeech.models.transformer.transformer", "Transformer"), ("e2e.model.las", "ListenAttendSpell"),
    ("kospeech.models.acoustic.seq2seq.seq2seq", "Seq2seq"), ("kospeech.models.las.decoder", "Speller"),
])
def test_old_releases_are_named(tmp_path: Path, module: str, name: str) -> None:
    @kospeech.at(module, name)
    class Old(nn.Module):
        pass

    message = refusal(Old(), tmp_path)
    assert "old release" in message and f"{module}.{name}" in message


def test_a_new_model_with_parts_of_an_old_release(tmp_path: Path) -> None:
    @kospeech.at("kospeech.models.extractor")
    class DeepSpeech2Extractor(nn.Module):
        pass

    model = kospeech.DeepSpeech2(CLASSES)
    model.conv = DeepSpeech2Extractor()
    assert "old release" in refusal(model, tmp_path)
