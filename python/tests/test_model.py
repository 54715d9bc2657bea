"""Properties the runtime relies on: padding, causality by chunk, lengths, and the exported graph."""

import json
from pathlib import Path

import pytest
import torch

from malgwi_train.export import to_int8, to_onnx
from malgwi_train.model import MIN_FRAMES, ConformerCTC, ModelConfig, attention_mask, output_lengths, parameters
from malgwi_train.parity import of_chunks, of_utterances
from malgwi_train.streaming import Chunking, Step, shapes, stream

SMALL = ModelConfig(stem=32, dimension=32, layers=2, heads=2, kernel=5)


@pytest.fixture
def model() -> ConformerCTC:
    torch.manual_seed(0)
    return ConformerCTC(SMALL).eval()


def logits(model: ConformerCTC, x: torch.Tensor, *mask: int) -> torch.Tensor:
    with torch.inference_mode():
        return model(x, torch.full((len(x),), x.shape[1]), *mask)[0]


def test_lengths_are_what_the_stem_gives(model: ConformerCTC) -> None:
    for frames in (MIN_FRAMES, 8, 10, 11, 12, 99, 130):
        assert logits(model, torch.randn(1, frames, 80)).shape[1] == int(output_lengths(torch.tensor(frames)))


def test_padding_changes_nothing(model: ConformerCTC) -> None:
    x = torch.randn(1, 203, 80)
    padded = torch.cat([x, torch.randn(1, 117, 80)], 1)
    for mask in ((0, -1), (8, 4)):
        with torch.inference_mode():
            wide, lengths, _ = model(padded, torch.tensor([203]), *mask)
        torch.testing.assert_close(wide[:, : lengths[0]], logits(model, x, *mask), atol=1e-5, rtol=1e-4)


def test_one_chunk_over_everything_is_the_offline_model(model: ConformerCTC) -> None:
    x = torch.randn(2, 160, 80)
    torch.testing.assert_close(logits(model, x, 1000), logits(model, x), atol=1e-5, rtol=1e-4)


def test_a_chunk_never_looks_ahead(model: ConformerCTC) -> None:
    chunk, x = 8, torch.randn(1, 203, 80)
    whole = logits(model, x, chunk)
    for chunks in (1, 2, 4):
        frames = chunks * chunk
        # Feature frames under the receptive field of the first `frames` outputs.
        prefix = x[:, : 4 * (frames - 1) + MIN_FRAMES]
        torch.testing.assert_close(logits(model, prefix, chunk), whole[:, :frames], atol=1e-5, rtol=1e-4)


def streamed(model: ConformerCTC, x: torch.Tensor, chunking: Chunking) -> torch.Tensor:
    with torch.inference_mode():
        return stream(Step(model), shapes(SMALL), x, torch.full((len(x),), x.shape[1]), chunking)[0]


@pytest.mark.parametrize("chunk,left", [(8, 2), (5, 3), (16, 1), (3, 40)])
def test_a_stream_with_caches_is_the_chunk_masked_model(model: ConformerCTC, chunk: int, left: int) -> None:
    x = torch.randn(2, 203, 80)
    wanted = logits(model, x, chunk, left).log_softmax(-1)
    torch.testing.assert_close(streamed(model, x, Chunking(chunk, 0, chunk * left)), wanted, atol=1e-4, rtol=1e-4)


def test_lookahead_over_everything_is_the_offline_model(model: ConformerCTC) -> None:
    x = torch.randn(2, 160, 80)
    found = streamed(model, x, Chunking(8, 200, 16))
    torch.testing.assert_close(found, logits(model, x).log_softmax(-1), atol=1e-4, rtol=1e-4)


def test_rows_of_other_lengths_stream_as_alone(model: ConformerCTC) -> None:
    x, lengths = torch.randn(3, 203, 80), torch.tensor([203, 75, 7])
    for chunking in (Chunking(8, 0, 16), Chunking(8, 4, 24)):
        with torch.inference_mode():
            together, outputs = stream(Step(model), shapes(SMALL), x, lengths, chunking)
        for row, frames, count in zip(range(3), lengths.tolist(), outputs.tolist(), strict=True):
            alone = streamed(model, x[row : row + 1, :frames], chunking)[0]
            torch.testing.assert_close(together[row, :count], alone, atol=1e-4, rtol=1e-4)


def test_left_context_is_bounded() -> None:
    allowed = attention_mask(torch.tensor([12]), 12, chunk=3, left_chunks=1)[0, 0] == 0
    assert allowed[7].nonzero().flatten().tolist() == [3, 4, 5, 6, 7, 8]


def test_default_size() -> None:
    assert 5_000_000 < parameters(ConformerCTC(ModelConfig())) < 6_000_000


def test_graph_equals_model(model: ConformerCTC, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    to_onnx(model, tmp_path / "full.onnx")
    assert of_utterances(model, tmp_path / "full.onnx") < 1e-4
    assert of_chunks(model, tmp_path / "full.onnx") < 1e-4
    to_int8(tmp_path / "full.onnx", tmp_path / "small.onnx")
    assert of_utterances(model, tmp_path / "small.onnx") < 1.0
    assert of_chunks(model, tmp_path / "small.onnx") < 1.0


PACKAGE = Path(__file__).parents[2] / "models" / "malgwi-ko"


@pytest.mark.skipif(not (PACKAGE / "manifest.json").exists(), reason="no package has been exported")
def test_package_is_whole() -> None:
    from malgwi_train.package import file_entry
    from malgwi_train.tokens import TOKENS

    manifest = json.loads((PACKAGE / "manifest.json").read_text(encoding="utf-8"))
    assert (PACKAGE / "tokens.txt").read_text(encoding="utf-8").splitlines() == TOKENS
    for name, entry in manifest["files"].items():
        assert file_entry(PACKAGE / name) == entry
    assert sum(f.stat().st_size for f in PACKAGE.iterdir()) < 20_000_000
