"""DeepSpeech2 in one direction as live streams have it: chunk by chunk, exactly what whole utterances give."""

import dataclasses
import json
from pathlib import Path

import ctc_standins as kospeech
import numpy as np
import onnxruntime
import pytest
import torch
from test_kospeech_ctc import CLASSES, save, small_vocabulary
from torch import Tensor, nn

from malgwi_models.__main__ import main
from malgwi_models.inert import CheckpointError
from malgwi_models.kospeech.architectures import recognise
from malgwi_models.kospeech.registry import Built, unwrap
from malgwi_models.parity import Runner
from malgwi_models.streams import Chunking, nothing_before, stream
from malgwi_models.testing.utterances import features
from malgwi_models.unpickle import load

#: Among them an utterance of one frame, ones of about the convolutions' context, and one that ends with a window.
LENGTHS = [1, 2, 3, 14, 15, 16, 31, 45, 46, 47, 78, 130, 203]
CELLS = ("gru", "lstm", "rnn")


def utterances(dimension: int = 80) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    batch = torch.zeros(len(LENGTHS), max(LENGTHS), dimension)
    for row, frames in zip(batch, LENGTHS, strict=True):
        row[:frames] = torch.randn(frames, dimension, generator=generator)
    return batch, torch.tensor(LENGTHS)


def built_of(model: nn.Module, folder: Path) -> Built:
    root = unwrap(load(save(model, folder / "model.pt")))
    return recognise(root).build(root)


def imported(model: nn.Module, folder: Path, *flags: str) -> tuple[dict, Path]:
    folder.mkdir(exist_ok=True)
    out = folder / "imported"
    arguments = ["--checkpoint", str(save(model, folder / "model.pt")), "--vocab", str(small_vocabulary(folder)), "--out", str(out)]
    assert main(["import-kospeech", *arguments, *flags]) == 0
    return json.loads((out / "manifest.json").read_text()), out


def chunking_of(manifest: dict) -> Chunking:
    encoder = manifest["encoder"]
    sizes = encoder["streaming"]
    return Chunking(encoder["subsampling"], sizes["chunkFrames"], sizes["lookaheadFrames"], sizes["leftFrames"], sizes["overlapFrames"])


def largest(found: list[Tensor], wanted: list[Tensor]) -> float:
    assert [a.shape for a in found] == [b.shape for b in wanted]
    return max(float((a - b).abs().max()) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_a_stream_gives_what_kospeech_gives_for_the_utterance(tmp_path: Path, cell: str) -> None:
    torch.manual_seed(2)
    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, cell, layers=3, hidden=12, bidirectional=False))
    manifest, out = imported(model, tmp_path)
    graph, states = Runner(out / "encoder.onnx"), manifest["graphs"]["encoder"]["states"]
    batch, lengths = utterances()
    with torch.no_grad():
        # Its own way: masked and packed, one by one.
        wanted = [model(batch[n : n + 1, :frames], lengths[n : n + 1])[0][0] for n, frames in enumerate(LENGTHS)]
    for chunk in (1, 2, 3, 5, 8, 16, 40):
        sizes = dataclasses.replace(chunking_of(manifest), chunk=chunk)
        for late in (None, [n % 4 for n in range(len(LENGTHS))]):
            assert largest(stream(graph, states, batch, lengths, sizes, late), wanted) < 1e-4
    # Whole utterances: alone, and padded in a batch with what is no number.
    alone = [graph.run({"features": batch[n : n + 1, :frames], "lengths": lengths[n : n + 1], **nothing_before(states)})
             for n, frames in enumerate(LENGTHS)]
    assert largest([out["log_probs"][0] for out in alone], wanted) < 1e-4
    padded = batch.clone()
    for row, frames in zip(padded, LENGTHS, strict=True):
        row[frames:] = float("nan")
    together = graph.run({"features": padded, "lengths": lengths, **nothing_before(states, len(LENGTHS))})
    assert together["output_lengths"].tolist() == [len(rows) for rows in wanted]
    assert largest([rows[: len(w)] for rows, w in zip(together["log_probs"], wanted, strict=True)], wanted) < 1e-4


def test_the_look_ahead_and_what_is_kept_are_no_longer_than_they_must_be(tmp_path: Path) -> None:
    built = built_of(kospeech.trained(kospeech.DeepSpeech2(CLASSES, bidirectional=False)), tmp_path)
    sizes, states = built.live.chunking, built.live.states
    batch, lengths = utterances()
    wanted = [built.graphs["encoder"].run({"features": batch[-1:], "lengths": lengths[-1:]})["log_probs"][0]]
    assert largest(stream(built.live, states, batch[-1:], lengths[-1:], sizes), wanted) < 1e-4
    for odd in (dataclasses.replace(sizes, lookahead=sizes.lookahead - 1), dataclasses.replace(sizes, left=4, chunk=3)):
        assert largest(stream(built.live, states, batch[-1:], lengths[-1:], odd), wanted) > 1e-4
    assert [state["shape"] for state in states] == [["batch", 15, 80], ["batch", 2, 8]]


def test_models_that_need_the_whole_utterance_have_no_live_graph(tmp_path: Path) -> None:
    for model in (kospeech.DeepSpeech2(CLASSES), kospeech.Jasper(CLASSES, "5x3", width=64), kospeech.Conformer(CLASSES)):
        assert built_of(kospeech.trained(model), tmp_path).live is None
    uneven = kospeech.DeepSpeech2(CLASSES, bidirectional=False)
    uneven.conv.conv.sequential[3].padding = (10, 4)
    assert built_of(kospeech.trained(uneven), tmp_path).live is None


PRIOR = {"mean": -5.5, "deviation": 3.2, "frames": 25}
FRONT_ENDS = {
    (): {"trimSilence": False, "normalize": {"kind": "running", "withinDb": 30, "prior": PRIOR}},
    ("--no-trim",): {"normalize": {"kind": "running", "prior": PRIOR}},
    ("--no-normalize",): {"trimSilence": False},
    ("--no-trim", "--no-normalize"): None,
}


@pytest.mark.parametrize("flags", FRONT_ENDS)
def test_the_manifest_says_what_streams_do_unlike_files(tmp_path: Path, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, bidirectional=False))
    manifest, out = imported(model, tmp_path, *flags)
    streaming = manifest["encoder"]["streaming"]
    assert streaming.pop("frontEnd", None) == FRONT_ENDS[flags]
    assert streaming == {"chunkFrames": 16, "lookaheadFrames": 7, "leftFrames": 8, "overlapFrames": 0, "settleFrames": 24}
    assert manifest["encoder"]["paddingSafe"] and manifest["encoder"]["minFrames"] == 1
    # Files are as they were.
    assert manifest["frontEnd"]["trimSilence"] == ("--no-trim" not in flags)
    assert manifest["frontEnd"]["normalize"] == {"kind": "none" if "--no-normalize" in flags else "utterance"}
    printed = capsys.readouterr().out
    assert "in chunks of 320 ms, 140 ms ahead" in printed
    assert ("unlike files" in printed) == (FRONT_ENDS[flags] is not None)
    rows = json.loads((out / "report.json").read_text())["parity"]["differences"]
    assert {row["frames"] for row in rows if row["graph"] == "encoder in chunks"} == {1, 130, 203, 320}


def test_the_chunk_may_be_of_another_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, bidirectional=False))
    manifest, out = imported(model, tmp_path, "--chunk", "40")
    assert manifest["encoder"]["streaming"]["chunkFrames"] == 40
    assert "in chunks of 800 ms" in capsys.readouterr().out
    batch, lengths = utterances()
    graph, states = Runner(out / "encoder.onnx"), manifest["graphs"]["encoder"]["states"]
    with torch.no_grad():
        wanted = [model(batch[-1:], lengths[-1:])[0][0]]
    assert largest(stream(graph, states, batch[-1:], lengths[-1:], chunking_of(manifest)), wanted) < 1e-4
    for odd in ("0", "1001", "-3"):
        arguments = ["--checkpoint", str(tmp_path / "model.pt"), "--vocab", str(tmp_path / "vocab.csv"), "--out", str(tmp_path / "odd")]
        assert main(["import-kospeech", *arguments, "--chunk", odd]) != 0


@pytest.mark.parametrize(("flags", "options"), [
    (("--redecode",), {}), (("--input-reverse",), {}), (("--feature", "mel"), {}), ((), {"input_dim": 161}), ((), {"bidirectional": True}),
])
def test_other_checkpoints_are_decoded_again_and_again(
    tmp_path: Path, flags: tuple[str, ...], options: dict, capsys: pytest.CaptureFixture[str],
) -> None:
    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, **{"bidirectional": False, **options}))
    manifest, out = imported(model, tmp_path, *flags)
    assert "streaming" not in manifest["encoder"] and not manifest["encoder"]["paddingSafe"]
    assert "states" not in manifest["graphs"]["encoder"]
    assert "decoded again and again" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(out / "encoder.onnx"))
    assert [entry.name for entry in session.get_inputs()] == ["features", "lengths"]


def test_int8_streams_and_is_no_larger_than_without(tmp_path: Path) -> None:
    torch.manual_seed(4)
    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, "lstm", hidden=64, bidirectional=False))
    manifest, out = imported(model, tmp_path / "a", "--int8", "--second-pass")
    _, plain = imported(model, tmp_path / "b", "--int8", "--redecode")
    file = manifest["graphs"]["encoder"]["file"]
    assert file == "encoder.int8.onnx" and manifest["encoder"]["streaming"]["secondPass"]
    # The weights of an LSTM stand in two places of the graph, and once in the file.
    assert (out / file).stat().st_size < 1.1 * (plain / file).stat().st_size
    int8 = json.loads((out / "report.json").read_text())["int8"]
    assert int8["agreement"]["sameBestClass"] > 0.8
    graph, states = Runner(out / file), manifest["graphs"]["encoder"]["states"]
    batch, lengths = utterances()
    live = stream(graph, states, batch, lengths, chunking_of(manifest))
    best = [graph.run({"features": batch[n : n + 1, :frames], "lengths": lengths[n : n + 1], **nothing_before(states)})["log_probs"][0]
            for n, frames in enumerate(LENGTHS)]
    # Dynamic quantisation takes its scale from what a run sees.
    same = np.concatenate([(a.argmax(-1) == b.argmax(-1)).numpy() for a, b in zip(live, best, strict=True)])
    assert same.mean() > 0.9


def test_a_live_graph_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from malgwi_models.kospeech import chunks, export

    model = kospeech.trained(kospeech.DeepSpeech2(CLASSES, bidirectional=False))
    monkeypatch.setattr(chunks.Step, "recur", lambda self, layer, x, advance, before: (layer(x), (before[0].transpose(0, 1),)))
    folder = tmp_path / "graphs"
    folder.mkdir()
    with pytest.raises(CheckpointError, match="encoder in chunks"):
        export.export(built_of(model, tmp_path), folder, 1000, False, True)


def test_the_committed_package_computes_what_it_says() -> None:
    folder = Path(__file__).parents[2] / "test" / "fixtures" / "packages" / "tiny-ds2"
    if not folder.is_dir():
        pytest.skip("the test packages are not at hand (../test/fixtures)")
    manifest, expected = (json.loads((folder / file).read_text("utf-8")) for file in ("manifest.json", "expected.json"))
    graph, states = Runner(folder / "encoder.onnx"), manifest["graphs"]["encoder"]["states"]
    for row in expected["utterances"]:
        x, length = torch.from_numpy(features(row["frames"]))[None], torch.tensor([row["frames"]])
        whole = graph.run({"features": x, "lengths": length, **nothing_before(states)})["log_probs"][0]
        for found in (whole, stream(graph, states, x, length, chunking_of(manifest))[0]):
            assert np.abs(found.numpy() - np.array(row["ctc"]["logProbs"])).max() < 1e-4
