"""
Language model files: ARPA text, and KenLM's binary format with a quantised array trie (Heafield 2011), as `build_binary
-q 8 -b 8 -a 255 trie` writes it: n-grams as a trie of reversed words in sorted, bit-packed arrays, 8-bit weights from
tables (Federico and Bertoldi 2006), the high bits of pointers in arrays of their own (Raj and Whittaker 2003).
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .ngram import Model, has_extensions

QUANTISED_ARRAY_TRIE = 5
BITS = 8
MAX_POINTER_BITS = 255
_MASK = (1 << 64) - 1


def write_arpa(model: Model, path: Path) -> None:
    """ARPA text, as SRILM and KenLM write it."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("\\data\\\n")
        for n, order in enumerate(model.orders, 1):
            file.write(f"ngram {n}={len(order)}\n")
        for n, order in enumerate(model.orders, 1):
            file.write(f"\n\\{n}-grams:\n")
            extended = has_extensions(model, n)
            for row, prob, backoff, more in zip(model.rows(n), order.prob, order.backoff, extended, strict=True):
                ngram = " ".join(model.words[i] for i in row)
                file.write(f"{prob:.7g}\t{ngram}" + (f"\t{backoff:.7g}\n" if more else "\n"))
        file.write("\n\\end\\\n")


def murmur_hash(data: bytes) -> int:
    """MurmurHash64A with seed 0, by which KenLM knows words (Appleby 2008)."""
    m, r = 0xC6A4A7935BD1E995, 47
    h = (len(data) * m) & _MASK
    whole = len(data) & ~7
    for (k,) in struct.iter_unpack("<Q", data[:whole]):
        k = (k * m) & _MASK
        k = ((k ^ (k >> r)) * m) & _MASK
        h = ((h ^ k) * m) & _MASK
    if len(data) > whole:
        h = ((h ^ int.from_bytes(data[whole:], "little")) * m) & _MASK
    h = ((h ^ (h >> r)) * m) & _MASK
    return h ^ (h >> r)


def _table(values: np.ndarray, size: int) -> np.ndarray:
    """Means of equally many values each, ascending; refined by Lloyd's iteration (Lloyd 1982)."""
    if len(values) == 0:
        return np.zeros(size, np.float32)
    ordered = np.sort(values)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    edges = np.arange(size + 1) * len(ordered) // size
    table = ordered[np.minimum(edges[:-1], len(ordered) - 1)]
    for _ in range(20):
        counts = np.diff(edges)
        table = np.where(counts > 0, np.diff(sums[edges]) / np.maximum(counts, 1), table)
        table = np.maximum.accumulate(table)
        edges = np.concatenate([[0], np.searchsorted(ordered, (table[1:] + table[:-1]) / 2), [len(ordered)]])
    return table.astype(np.float32)


def _codes(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The nearest entry of an ascending table for each value."""
    table = table.astype(np.float64)
    return np.searchsorted((table[1:] + table[:-1]) / 2, values).astype(np.int64)


def _required_bits(largest: int) -> int:
    return largest.bit_length()


def _chopped(pointers: int, largest: int) -> int:
    """How many high bits of the pointers go into an array: so many that the whole is smallest."""
    required = _required_bits(largest)
    costs = [(largest >> (required - chop)) * 64 - pointers * chop
             for chop in range(min(required, MAX_POINTER_BITS) + 1)]
    return costs.index(min(costs))


def _pack(fields: Sequence[tuple[np.ndarray, int]], entries: int) -> bytes:
    """Entries of several fields of so many bits, least significant bit first, without gaps."""
    width = sum(bits for _, bits in fields)
    pieces = []
    # Eight entries are whole bytes.
    step = 1 << 16
    for start in range(0, entries, step):
        count = min(step, entries - start)
        matrix = np.zeros((count, width), np.uint8)
        at = 0
        for values, bits in fields:
            chunk = values[start : start + count].astype(np.int64)
            matrix[: len(chunk), at : at + bits] = (chunk[:, None] >> np.arange(bits)) & 1
            at += bits
        pieces.append(np.packbits(matrix.reshape(-1), bitorder="little").tobytes())
    return b"".join(pieces)


def level_bytes(words: int, entries: int, longer: int | None) -> int:
    """Bytes of the trie's table of one order above unigrams; `longer`: n-grams of the next order, None for the last."""
    width = _required_bits(words) + BITS
    extra = 0
    if longer is not None:
        chop = _chopped(entries + 1, longer)
        left = _required_bits(longer) - chop
        width += BITS + left
        extra = 8 * (2 + (longer >> left)) + 7
    return extra + ((1 + entries) * width + 7) // 8 + 8


def size_bytes(words: int, counts: Sequence[int]) -> int:
    """Bytes of a file with so many n-grams of each order, its list of words left out."""
    order = len(counts)
    tables = 8 + 4 * (2 * order - 3) * (1 << BITS)
    longer = [*counts[2:], None]
    return 0x6C + 8 * order + 16 + 8 * words + tables + 16 * (words + 2) + sum(
        level_bytes(words, count, more) for count, more in zip(counts[1:], longer, strict=True))


def write_binary(model: Model, path: Path) -> None:
    """KenLM binary of a model of order 2 or more, closed under suffixes, with its words after the trie."""
    names = [word.encode() for word in model.words]
    hashes = np.array([murmur_hash(name) for name in names[1:]], np.uint64)
    if len(set(hashes.tolist())) < len(hashes):
        raise ValueError("two words have the same hash")
    # <unk> is 0, the others follow in the order of their hashes.
    by_hash = np.argsort(hashes) + 1
    ids = np.zeros(len(names), np.int64)
    ids[by_hash] = np.arange(1, len(names))
    counts = [len(order) for order in model.orders]
    last = len(counts)

    header = bytearray(0x6C)
    magic = b"mmap lm http://kheafield.com/code format version 5\n\0"
    header[: len(magic)] = magic
    struct.pack_into("<fffIIxxxxQ", header, 0x38, 0.0, 1.0, -0.5, 1, 0xFFFFFFFF, 1)
    struct.pack_into("<BxxxfIBxxxI", header, 0x58, last, 1.5, QUANTISED_ARRAY_TRIE, 1, 1)
    out = bytearray(header + struct.pack(f"<{last}Q", *counts))
    out += bytes(-len(out) % 8)
    out += struct.pack("<Q", len(hashes)) + hashes[by_hash - 1].astype("<u8").tobytes() + bytes(8)

    # Rows of each order in the trie's order: by last word, then the one before it, and so on to the first.
    places = [ids]
    sorted_rows = [np.argsort(ids)]
    for order in model.orders[1:]:
        rows = np.lexsort((ids[order.first], places[-1][order.suffix]))
        place = np.empty(len(rows), np.int64)
        place[rows] = np.arange(len(rows))
        places.append(place)
        sorted_rows.append(rows)

    prob_tables, backoff_tables = [np.zeros(0)], [np.zeros(0)]
    out += struct.pack("<BBB5x", 2, BITS, BITS)
    for n, order in enumerate(model.orders[1:], 2):
        prob_tables.append(_table(order.prob, 1 << BITS))
        out += prob_tables[-1].astype("<f4").tobytes()
        if n < last:
            backoffs = order.backoff[has_extensions(model, n) & (order.backoff != 0)]
            table = np.concatenate([np.array([-0.0, 0.0], np.float32), _table(backoffs, (1 << BITS) - 2)])
            backoff_tables.append(table)
            out += table.astype("<f4").tobytes()

    for n, order in enumerate(model.orders, 1):
        rows = sorted_rows[n - 1]
        extended = has_extensions(model, n)[rows]
        if n < last:
            # Entries of the next order below each n-gram, and where the last of them ends.
            parents = places[n - 1][model.orders[n].suffix][sorted_rows[n]]
            pointers = np.searchsorted(parents, np.arange(len(rows) + 1))
        if n == 1:
            table = np.zeros(len(rows) + 2, np.dtype([("p", "<f4"), ("b", "<f4"), ("next", "<u8")]))
            table["p"][:-2] = order.prob[rows]
            # Minus zero: nothing longer begins with it.
            table["b"][:-2] = np.where(extended, order.backoff[rows] + 0.0, np.float32(-0.0))
            table["next"][:-1] = pointers
            out += table.tobytes()
            continue
        word_bits = _required_bits(counts[0])
        fields = [(ids[order.first][rows], word_bits)]
        if n < last:
            weights = order.backoff[rows]
            codes = np.where(weights == 0, 1, 2 + _codes(weights, backoff_tables[n - 1][2:]))
            fields.append((np.where(extended, codes, 0), BITS))
        fields.append((_codes(order.prob[rows], prob_tables[n - 1]), BITS))
        start = len(out)
        if n < last:
            chop = _chopped(len(rows) + 1, counts[n])
            left = _required_bits(counts[n]) - chop
            # Where the high bits become 1, 2 and so on.
            steps = np.searchsorted(pointers, np.arange((counts[n] >> left) + 1) << left)
            out += struct.pack("<BB", 0, MAX_POINTER_BITS) + bytes(6 + -start % 8)
            out += steps.astype("<u8").tobytes()
            out += bytes(start + 8 * (1 + len(steps)) + 7 - len(out))
            fields.append((pointers & ((1 << left) - 1), left))
        packed = _pack(fields, len(rows) + 1)
        width = sum(bits for _, bits in fields)
        size = ((1 + len(rows)) * width + 7) // 8
        out += packed[:size] + bytes(size - len(packed[:size]) + 8)
    out += b"".join(names[i] + b"\0" for i in [0, *by_hash])
    path.write_bytes(out)
