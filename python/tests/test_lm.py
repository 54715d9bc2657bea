"""The language model: Kneser-Ney estimates, pruning, ARPA and KenLM files, the text it is made of."""

import gzip
import json
import math
import struct
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from malgwi_train import kenlm, lm, lm_text, ngram
from malgwi_train.package import attach

FIXTURES = Path(__file__).parents[2] / "test" / "fixtures" / "lm"


def corpus() -> list[str]:
    """Seat sentences, as units: a file of them, so that the models of the fixtures do not change with the grammar."""
    drawn = (FIXTURES / "seats.txt").read_text(encoding="utf-8").splitlines()
    return [lm.units(text, "character") for text in drawn]


@pytest.fixture(scope="module")
def made() -> tuple[ngram.Model, list[np.ndarray], np.ndarray]:
    sentences = corpus()
    words = ngram.vocabulary(sentences, 3)
    text = ngram.encode(sentences, words)
    return *ngram.estimate(text, words, 4), text


@pytest.fixture(scope="module")
def pruned(made: tuple[ngram.Model, list[np.ndarray], np.ndarray]) -> ngram.Model:
    model, counts, _ = made
    return lm.fit(model, counts, 14_000)


def read_arpa(path: Path) -> dict[tuple[str, ...], tuple[float, float]]:
    """n-gram -> probability and back-off, log10."""
    found = {}
    for line in path.read_text(encoding="utf-8").split("\n"):
        prob, *rest = line.split("\t")
        if rest:
            found[tuple(rest[0].split(" "))] = (float(prob), float(rest[1]) if len(rest) > 1 else 0.0)
    return found


def katz(entries: dict, history: tuple[str, ...], word: str) -> float:
    """Back-off by the book."""
    if (*history, word) in entries:
        return entries[(*history, word)][0]
    return entries.get(history, (0, 0.0))[1] + katz(entries, history[1:], word)


def test_counts_and_discounts_of_a_text_done_by_hand() -> None:
    words = ngram.vocabulary(["가나", "가나", "가다"], 1)
    model, counts = ngram.estimate(ngram.encode(["가나", "가나", "가다"], words), words, 2)
    assert words == ["<unk>", "<s>", "</s>", "가", "나", "다"]
    assert counts[0].tolist() == [0, 3, 3, 3, 2, 1]
    rows = {tuple(words[i] for i in row): n for row, n in zip(model.rows(2), counts[1], strict=True)}
    assert rows == {("<s>", "가"): 3, ("가", "나"): 2, ("가", "다"): 1, ("나", "</s>"): 2, ("다", "</s>"): 1}
    # Too little text: fixed discounts. Seen after: </s> 2, 가 1, 나 1, 다 1 words, 5 in all.
    unigram = dict(zip(words, 10 ** model.orders[0].prob, strict=True))
    rest = (1.0 + 3 * 0.5) / 5
    assert unigram["</s>"] == pytest.approx((2 - 1.0) / 5 + rest / 5)
    assert unigram["나"] == pytest.approx((1 - 0.5) / 5 + rest / 5)
    assert unigram["<unk>"] == pytest.approx(rest / 5)
    two = {tuple(words[i] for i in row): 10**p for row, p in zip(model.rows(2), model.orders[1].prob, strict=True)}
    assert two["가", "나"] == pytest.approx((2 - 1.0) / 3 + (1.0 + 0.5) / 3 * unigram["나"])


@pytest.mark.parametrize("which", ["whole", "pruned"])
def test_every_context_shares_out_one(which: str, made: tuple, pruned: ngram.Model) -> None:
    model = made[0] if which == "whole" else pruned
    begin, end = model.words.index("<s>"), model.words.index("</s>")
    words = [w for w in range(len(model.words)) if w != begin]
    rng = np.random.default_rng(1)
    for n in (1, 2, 3):
        rows = model.rows(n)
        extended = np.flatnonzero(ngram.has_extensions(model, n) & (rows[:, -1] != end))
        for row in rows[rng.choice(extended, min(8, len(extended)), replace=False)]:
            total = sum(10 ** ngram.log_probs(model, np.array([*row, w], np.int32))[-1] for w in words)
            assert total == pytest.approx(1, abs=1e-6)


def test_pruning_takes_what_matters_least(made: tuple, pruned: ngram.Model) -> None:
    model, counts, text = made
    assert [len(o) for o in pruned.orders][0] == len(model.words)
    assert sum(len(o) for o in pruned.orders) < 0.6 * sum(len(o) for o in model.orders)

    def loss(other: ngram.Model) -> float:
        return float((ngram.log_probs(model, text) - ngram.log_probs(other, text)).sum())

    # As many of each order, by chance (closed under context and suffix as pruning is).
    rng, values = np.random.default_rng(2), [np.full(len(model.orders[0]), np.inf)]
    values += [rng.random(len(o)) for o in model.orders[1:]]
    for n in range(len(values) - 1, 1, -1):
        for rows in (model.orders[n].context, model.orders[n].suffix):
            np.maximum.at(values[n - 1], rows, values[n])
    chance = ngram.prune(model, [
        v >= np.sort(v)[-len(o)] for v, o in zip(values[:1], pruned.orders[:1], strict=True)] + [
        v >= 1 - 0.5 * len(o) / len(v) for v, o in zip(values[1:], pruned.orders[1:], strict=True)])
    assert 0 < loss(pruned) < loss(chance)


def test_arpa_text_says_what_the_model_says(pruned: ngram.Model, tmp_path: Path) -> None:
    kenlm.write_arpa(pruned, tmp_path / "a.arpa")
    entries = read_arpa(tmp_path / "a.arpa")
    assert len(entries) == sum(len(o) for o in pruned.orders)
    sentences = [*corpus()[:30], "뷁가나", ""]
    text = ngram.encode(sentences, pruned.words)
    scores, at = ngram.log_probs(pruned, text), 0
    for sentence in sentences:
        spelled = ["<s>", *(c if c in pruned.words else "<unk>" for c in sentence), "</s>"]
        for i in range(1, len(spelled)):
            wanted = katz(entries, tuple(spelled[max(0, i - 3) : i]), spelled[i])
            assert scores[at + i] == pytest.approx(wanted, abs=1e-4)
        at += len(spelled)


def test_kenlm_hash() -> None:
    # Austin Appleby's MurmurHash64A, seed 0.
    assert kenlm.murmur_hash(b"") == 0
    fixtures = FIXTURES.parent / "coqui" / "scorers"
    header = (fixtures / "ko_cpns.qatrie.bin").read_bytes()
    count = struct.unpack_from("<Q", header, 0x90)[0]
    stored = set(struct.unpack_from(f"<{count}Q", header, 0x98))
    words = [k[0] for k in read_arpa(fixtures / "ko_cpns.arpa") if len(k) == 1 and k[0] != "<unk>"]
    assert {kenlm.murmur_hash(word.encode()) for word in words} == stored


def test_files_are_those_that_the_service_is_tested_with(pruned: ngram.Model, tmp_path: Path) -> None:
    """src/decoding/lm/kenlm-written.test.ts reads the same two files."""
    kenlm.write_binary(pruned, tmp_path / "m.bin")
    kenlm.write_arpa(pruned, tmp_path / "m.arpa")
    wanted, found = read_arpa(FIXTURES / "seats.arpa"), read_arpa(tmp_path / "m.arpa")
    assert list(wanted) == list(found)
    for ngram_, weights in wanted.items():
        assert found[ngram_] == pytest.approx(weights, abs=1e-5)
    # Other processors may round the last bit of a weight otherwise.
    bytes_wanted, bytes_found = ((f).read_bytes() for f in (FIXTURES / "seats.qatrie.bin", tmp_path / "m.bin"))
    assert len(bytes_wanted) == len(bytes_found)
    assert sum(a != b for a, b in zip(bytes_wanted, bytes_found, strict=True)) < 0.02 * len(bytes_found)
    names = sum(len(word.encode()) + 1 for word in pruned.words)
    size = names + kenlm.size_bytes(len(pruned.words), [len(o) for o in pruned.orders])
    assert 0 <= size - len(bytes_found) < 16


def test_tables_keep_values_and_their_order() -> None:
    few = np.array([-1.5, -0.25, -0.25, -3.0])
    table = kenlm._table(few, 256)
    assert table[kenlm._codes(few, table)] == pytest.approx(few)
    many = -np.random.default_rng(3).exponential(1, 20_000)
    table = kenlm._table(many, 256)
    assert (np.diff(table) >= 0).all()
    assert np.abs(table[kenlm._codes(many, table)] - many).mean() < 0.01


@pytest.mark.parametrize(("line", "sentences"), [
    ("정말 좋은 영화다. 또 보고 싶네요!!", ["정말 좋은 영화다", "또 보고 싶네요"]),
    ("2시 30분에 만나요", ["두 시 삼십분에 만나요"]),
    ("ㅋㅋㅋ 재밌다 ㅠㅠ... 또 봐야지", ["또 봐야지"]),
    ("와아아아아아아 최고", []),
    ("띄어쓰기를전혀하지않은문장입니다", []),
    ("This movie 최고", []),
    ("아", []),
])
def test_clean(line: str, sentences: list[str]) -> None:
    assert list(lm_text.clean(line)) == sentences


def test_command_leaves_out_what_is_measured_on(tmp_path: Path) -> None:
    text, work = tmp_path / "text", tmp_path / "work"
    text.mkdir()
    (work / "real").mkdir(parents=True)
    lines = ["오늘 날씨가 좋네요", "내일 다시 올게요", "오늘 날씨가 좋네요"] * 3
    with gzip.open(text / "nsmc.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    items = [
        {"text": "내일 다시올게요", "split": "dev", "corpus": "pansori-tedxkr"},
        {"text": "어제는 비가 왔어요", "split": "train", "corpus": "pansori-tedxkr"},
    ]
    (work / "real" / "index.jsonl").write_text("\n".join(json.dumps(i) for i in items))
    args = Namespace(text=text, work=work, transcripts=True, out=tmp_path / "lm.bin", order=3, unit="jamo", max_mb=1.0, least=1, limit=0,
                     seats=50, arpa=tmp_path / "lm.arpa", seed=1)
    sentences, sources = lm.collect(args)
    assert sentences[:2] == ["오늘 날씨가 좋네요", "어제는 비가 왔어요"]
    assert [s["license"] for s in sources] == ["CC0-1.0", "CC-BY-NC-ND-4.0", "Apache-2.0"]
    lm.run(args)
    about = json.loads((tmp_path / "lm.bin.json").read_text())
    assert about["license"] == "non-commercial use only: CC-BY-NC-ND-4.0"
    assert lm.licence(sources[:1]) == "CC0-1.0"
    assert lm.licence([*sources[:1], {"license": "CC-BY-SA-4.0"}]) == "CC-BY-SA-4.0"
    assert about["unit"] == "jamo" and about["bytes"] == (tmp_path / "lm.bin").stat().st_size
    entries = read_arpa(tmp_path / "lm.arpa")
    assert {len(k) for k in entries} == {1, 2, 3} and not math.isnan(entries["<unk>",][0])
    with pytest.raises(SystemExit):
        lm.run(Namespace(**{**vars(args), "max_mb": 0.001}))


def test_attach_puts_the_model_into_a_package(tmp_path: Path) -> None:
    package, file = tmp_path / "package", tmp_path / "lm.bin"
    package.mkdir()
    manifest = {"frontEnd": {"normalize": {"kind": "utterance"}}, "decoder": {"method": "greedy", "strayJamo": "drop"},
                "files": {"tokens.txt": {"sha256": "0" * 64, "bytes": 1}}}
    (package / "manifest.json").write_text(json.dumps(manifest))
    file.write_bytes(b"model")
    about = {"format": "kenlm", "unit": "character", "license": "CC-BY-SA-4.0", "sources": [{"name": "3i4K", "license": "CC-BY-SA-4.0"}]}
    (tmp_path / "lm.bin.json").write_text(json.dumps(about))
    attach(package, file, 0.6, 0.5, 24)
    written = json.loads((package / "manifest.json").read_text())
    assert written["decoder"] == {"method": "beam", "strayJamo": "drop", "beamWidth": 24, "tokenReach": 7}
    name = written["languageModel"]["file"]
    assert (package / name).read_bytes() == b"model" and written["files"][name]["bytes"] == 5
    assert written["languageModel"] == {
        "file": name, "format": "kenlm", "unit": "character", "alpha": 0.6, "beta": 0.5, "license": "CC-BY-SA-4.0",
        "sources": ["3i4K, CC-BY-SA-4.0"]}
    assert list(written["files"]) == ["tokens.txt", name]
