"""KsponSpeech as its archives unpack, on a small made-up tree."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from malgwi_train import corpora, ksponspeech, prepare
from malgwi_train.store import Store
from malgwi_train.text import normalize


@pytest.mark.parametrize(("raw", "wanted"), [
    ("b/ 그게 (30%)/(삼십 퍼센트) 정도야 n/", "그게 삼십 퍼센트 정도야"),
    ("아/ 저+ 저는* (A3)/(에이 쓰리) 자리요.", "아 저 저는 에이 쓰리 자리요."),
    ("o/ (3시)/(세 시) l/ (10분)/(십 분)?", "세 시 십 분?"),
    ("(2개) / (두 개)b/ 주세요", "두 개 주세요"),
    ("구십% 확률", "구십 퍼센트 확률"),
    ("(그냥) 가자", "그냥 가자"),
])
def test_transcripts_keep_what_was_said(raw: str, wanted: str) -> None:
    assert ksponspeech.transcript(raw) == wanted


def test_spelling_can_be_had_instead_and_the_normaliser_reads_it() -> None:
    assert ksponspeech.transcript("(3시)/(세 시) b/ 반", spelling=True) == "3시 반"
    assert normalize(ksponspeech.transcript("(3시)/(세 시) 반!")) == "세 시 반"


def put(root: Path, name: str, text: str | None, seconds: float = 1.0, stray: bytes = b"") -> None:
    """An utterance, cp949 beside its samples."""
    path = root / f"{name}.pcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (np.sin(np.arange(int(seconds * 16000))) * 1000).astype("<i2")
    path.write_bytes(samples.tobytes() + stray)
    if text is not None:
        path.with_suffix(".txt").write_bytes(text.encode("cp949"))


@pytest.fixture(params=["", "KsponSpeech_train"])
def tree(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    train = tmp_path / "kspon" / request.param
    put(train, "KsponSpeech_01/KsponSpeech_0001/KsponSpeech_000001", "b/ 좌석 (2개)/(두 개) 주세요\n")
    put(train, "KsponSpeech_01/KsponSpeech_0001/KsponSpeech_000002", "u/ 그렇지 u/")
    put(train, "KsponSpeech_01/KsponSpeech_0002/KsponSpeech_001001", "너무 빨리 말했다 아주 빨리 말했다 정말로", 0.5)
    put(train, "KsponSpeech_05/KsponSpeech_0621/KsponSpeech_620001", "똠방각하 펩시콜라")
    put(tmp_path / "kspon", "KsponSpeech_eval/eval_clean/KsponSpeech_E00001", None, stray=b"\x01")
    scripts = tmp_path / "kspon" / "KsponSpeech_scripts"
    scripts.mkdir()
    (scripts / "eval_clean.trn").write_text(
        "KsponSpeech_eval/eval_clean/KsponSpeech_E00001.pcm :: 오늘 (1번)/(일 번)\n", encoding="utf-8")
    return tmp_path / "kspon"


def test_the_corpus_is_read_as_it_comes(tree: Path) -> None:
    found = {entry["id"]: entry for entry in corpora.entries(tree)}
    # 000002 has words that nobody understood.
    assert {k: v["split"] for k, v in found.items()} == {
        "KsponSpeech_000001": "train", "KsponSpeech_001001": "train", "KsponSpeech_620001": "dev",
        "KsponSpeech_E00001": "test"}
    assert found["KsponSpeech_000001"]["text"] == "좌석 두 개 주세요"
    assert found["KsponSpeech_620001"]["text"] == "똠방각하 펩시콜라"
    assert found["KsponSpeech_E00001"]["corpus"] == "ksponspeech-eval_clean"
    samples = corpora.load(tree, found["KsponSpeech_E00001"])
    assert len(samples) == 16000
    assert np.abs(samples).max() == pytest.approx(1000 / 32768, rel=0.01)


def test_prepare_reads_it_and_goes_on_where_it_was_stopped(tree: Path, tmp_path: Path) -> None:
    args = SimpleNamespace(corpora=tree, work=tmp_path / "w", min_rate=1.5, max_rate=10.0, max_seconds=20.0, limit=0, processes=1)
    prepare.run(args)
    folder = tmp_path / "w" / "real"
    store = Store(folder)
    # 001001 is spoken at 34 syllables a second: cut wrongly.
    assert [(i["id"][-6:], i["text"]) for i in store.items] == [
        ("000001", "좌석 두 개 주세요"), ("620001", "똠방각하 펩시콜라"), ("E00001", "오늘 일 번")]
    statistics = json.loads((tmp_path / "w" / "statistics.json").read_text())
    assert statistics["frames"] == 99
    assert np.allclose(statistics["mean"], store.features(store.items[0]).mean(0), atol=1e-3)
    matrix = (folder / "features.f16").read_bytes()
    lines = (folder / "index.jsonl").read_text()
    (folder / "index.partial.jsonl").write_text(lines.splitlines(keepends=True)[0])
    (folder / "index.jsonl").unlink()
    prepare.run(args)
    assert (folder / "index.jsonl").read_text() == lines
    assert (folder / "features.f16").read_bytes() == matrix


def test_a_folder_without_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"manifest\.jsonl"):
        corpora.entries(tmp_path)
