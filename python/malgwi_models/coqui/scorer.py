"""Checks that a scorer file is whole and belongs to an alphabet.

A scorer is a KenLM binary without its vocabulary's strings, then `EIRT`, a version, whether its words are code points
(for bytes mode), alpha and beta, then the dictionary as an OpenFst ConstFst whose labels are the alphabet's, plus one.
The original engine takes any pair of scorer and alphabet; with the wrong one it writes nonsense.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .alphabet import Alphabet
from .errors import Refused

MAGIC = b"mmap lm http://kheafield.com/code format version 5\n\0"
TRAILER = b"EIRT"
VERSION = 6
FST_MAGIC = 0x7EB2FDD6
FST_HEAD = struct.pack("<i", FST_MAGIC) + b"\x05\0\0\0const" + b"\x08\0\0\0standard"
LAYOUTS = ("probing", "rest probing", "trie", "quantised trie", "array trie", "quantised array trie")
MAX_ORDER = 20
MAX_TRAILERS = 1000
SAMPLE_WORDS, SAMPLE_STEPS, MAX_WORD = 200, 20_000, 256
NO_SPACE = "the alphabet has no space, which the words of this scorer end with"


@dataclass(frozen=True)
class Scorer:
    """What a scorer says of itself."""

    order: int
    layout: str
    ngrams: tuple[int, ...]
    code_points: bool
    alpha: float
    beta: float
    states: int
    arcs: int
    bytes: int


@dataclass(frozen=True)
class _Fst:
    start: int
    states: np.ndarray
    arcs: np.ndarray


STATE = np.dtype([("final", "<f4"), ("first", "<u4"), ("arcs", "<u4"), ("in", "<u4"), ("out", "<u4")])
ARC = np.dtype([("label", "<i4"), ("output", "<i4"), ("weight", "<f4"), ("next", "<i4")])


def murmur64a(data: bytes) -> int:
    """MurmurHash64A with seed 0 (Appleby): how KenLM knows its words."""
    m, mask = 0xC6A4A7935BD1E995, 0xFFFFFFFFFFFFFFFF
    h = len(data) * m & mask
    whole = len(data) & ~7
    for (k,) in struct.iter_unpack("<Q", data[:whole]):
        k = k * m & mask
        k = (k ^ k >> 47) * m & mask
        h = (h ^ k) * m & mask
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 47) * m & mask
    return h ^ h >> 47


def _header(data: mmap.mmap | bytes) -> tuple[int, float, int, tuple[int, ...], int]:
    """Order, probing multiplier, layout, n-gram counts, offset of the vocabulary."""
    if len(data) < 0x6C or bytes(data[: len(MAGIC)]) != MAGIC:
        raise Refused("not a scorer: it does not begin with a KenLM binary of format version 5")
    order, multiplier, layout, has_words, _ = struct.unpack_from("<B3xfiB3xI", data, 0x58)
    if not 1 <= order <= MAX_ORDER or not 0 <= layout < len(LAYOUTS):
        raise Refused(f"the scorer's language model has order {order} and type {layout}, which KenLM does not know")
    end = 0x6C + 8 * order
    if end > len(data):
        raise Refused("the scorer ends within its header")
    counts = struct.unpack_from(f"<{order}Q", data, 0x6C)
    # No layout keeps an n-gram in less than 2 bytes; each of the sizes is checked before anything is read by it.
    if any(n > len(data) // 2 for n in counts) or sum(counts) > len(data) // 2:
        raise Refused(f"the scorer claims {sum(counts)} n-grams in {len(data)} bytes")
    return order, multiplier, layout, counts, (end + 7) // 8 * 8


def _hashes(data: mmap.mmap | bytes, layout: int, multiplier: float, unigrams: int, start: int) -> np.ndarray:
    """Hashes of the language model's words."""
    if layout >= 2:
        if start + 8 > len(data):
            raise Refused("the scorer ends within its vocabulary")
        (count,) = struct.unpack_from("<Q", data, start)
        if count > unigrams or start + 8 + 8 * count > len(data):
            raise Refused("the scorer's vocabulary does not fit the file")
        return np.frombuffer(data, "<u8", count, start + 8)
    if not 1 <= multiplier <= 100:
        raise Refused(f"the scorer's hash tables are {multiplier:g} times their content")
    buckets = max(unigrams + 1, int(np.float32(multiplier) * np.float32(unigrams)))
    if start + 8 + 12 * buckets > len(data):
        raise Refused("the scorer's vocabulary does not fit the file")
    return np.frombuffer(data, np.dtype([("hash", "<u8"), ("id", "<u4")]), buckets, start + 8)["hash"]


def _fst(data: mmap.mmap | bytes, at: int) -> _Fst:
    if bytes(data[at : at + len(FST_HEAD)]) != FST_HEAD:
        raise Refused("the scorer's dictionary is not an OpenFst ConstFst of standard arcs")
    at += len(FST_HEAD)
    if at + 40 > len(data):
        raise Refused("the scorer ends within its dictionary")
    version, flags, _, start, states, arcs = struct.unpack_from("<iiQqqq", data, at)
    if version != 1 or flags & 3:
        raise Refused("the scorer's dictionary is of a kind that is not supported (version or symbol tables)")
    first = (at + 40 + 15) // 16 * 16
    if states < 1 or arcs < 0 or first + STATE.itemsize * states > len(data):
        raise Refused(f"the scorer's dictionary claims {states} states, more than the file holds")
    second = (first + STATE.itemsize * states + 15) // 16 * 16
    if second + ARC.itemsize * arcs > len(data):
        raise Refused(f"the scorer's dictionary claims {arcs} arcs, more than the file holds")
    if not 0 <= start < states:
        raise Refused("the scorer's dictionary has no start")
    return _Fst(start, np.frombuffer(data, STATE, states, first), np.frombuffer(data, ARC, arcs, second))


def _check_fst(fst: _Fst, labels: int) -> None:
    first, count = fst.states["first"].astype(np.int64), fst.states["arcs"].astype(np.int64)
    if np.any(first + count > len(fst.arcs)):
        raise Refused("the scorer's dictionary has arcs outside its list")
    if len(fst.arcs) == 0:
        raise Refused("the scorer's dictionary is empty")
    if fst.arcs["next"].min() < 0 or fst.arcs["next"].max() >= len(fst.states):
        raise Refused("the scorer's dictionary has arcs to states that are not there")
    if fst.arcs["label"].min() < 1 or fst.arcs["label"].max() > labels:
        raise Refused(f"the scorer's dictionary has label {int(fst.arcs['label'].max()) - 1}, but the alphabet has only "
                      f"{labels} labels: the scorer was built for another alphabet")  # fmt: skip


def _sample(fst: _Fst, alphabet: Alphabet) -> list[bytes]:
    """Some of the dictionary's words, without the space that ends them, spelled in the alphabet."""
    words, waiting, steps = [], [(fst.start, b"", 0)], 0
    while waiting and len(words) < SAMPLE_WORDS and steps < SAMPLE_STEPS:
        state, text, length = waiting.pop()
        steps += 1
        if np.isfinite(fst.states["final"][state]) and length:
            words.append(text.removesuffix(b" "))
            continue
        if length >= MAX_WORD:
            continue
        begin, count = int(fst.states["first"][state]), int(fst.states["arcs"][state])
        for arc in fst.arcs[begin : begin + min(count, SAMPLE_WORDS)]:
            waiting.append((int(arc["next"]), text + alphabet.labels[int(arc["label"]) - 1], length + 1))
    return words


def _trailer(data: mmap.mmap | bytes, start: int) -> tuple[bool, float, float, int]:
    """Mode, alpha, beta, and where the dictionary begins."""
    found = start
    for _ in range(MAX_TRAILERS):
        found = data.find(TRAILER, found)
        if found < 0 or found + 25 > len(data):
            break
        version, mode, alpha, beta = struct.unpack_from("<iBdd", data, found + 4)
        # The mark may occur by chance within the language model: what follows decides.
        if bytes(data[found + 25 : found + 29]) == FST_HEAD[:4]:
            if version != VERSION or mode > 1:
                raise Refused(f"the scorer has version {version}; only {VERSION} is supported: build it again with Coqui STT")
            if not all(np.isfinite(v) and abs(v) <= 1e6 for v in (alpha, beta)):
                raise Refused("the scorer's alpha and beta are no numbers")
            return mode == 1, alpha, beta, found + 25
        found += 1
    raise Refused("the file is a language model without a dictionary: make a scorer of it with generate_scorer_package")


def check(path: Path, alphabet: Alphabet) -> Scorer:
    """Read a scorer's headers and dictionary, and hold them against an alphabet.

    Raises:
        Refused: when the file is damaged, or the scorer was made for another alphabet.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise Refused(f"{path.name} is not a scorer")
    with path.open("rb") as file:
        # Left to the garbage collector: it cannot be closed while arrays look into it.
        return _check(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), alphabet)


def _check(data: mmap.mmap | bytes, alphabet: Alphabet) -> Scorer:
    order, multiplier, layout, counts, start = _header(data)
    code_points, alpha, beta, at = _trailer(data, start)
    if code_points != alphabet.is_bytes:
        kinds = ("words", "code points (bytes mode)")
        raise Refused(f"the scorer is one of {kinds[code_points]}, the model's alphabet is "
                      f"{'that of bytes mode' if alphabet.is_bytes else 'not that of bytes mode'}: they do not fit")  # fmt: skip
    if not code_points and b" " not in alphabet.labels:
        raise Refused(NO_SPACE)
    fst = _fst(data, at)
    _check_fst(fst, len(alphabet.labels))
    words = _sample(fst, alphabet)
    known = np.isin(np.array([murmur64a(word) for word in words], np.uint64),
                    _hashes(data, layout, multiplier, counts[0], start))  # fmt: skip
    if not words or known.mean() < 0.5:
        wrong = next((word.decode("utf-8", "replace") for word, ok in zip(words, known, strict=True) if not ok), "")
        raise Refused("the scorer was built for another alphabet: its dictionary, spelled in the model's alphabet, has words "
                      f"that its own language model does not know, such as {wrong[:40]!r}")  # fmt: skip
    return Scorer(order, LAYOUTS[layout], counts, code_points, alpha, beta, len(fst.states), len(fst.arcs), len(data))
