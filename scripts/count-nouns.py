"""Counts common nouns in plain text (.txt.gz, one sentence a line) for learn-intent-nouns.mjs.

Needs `pip install kiwipiepy python-mecab-ko-dic`. The words are tagged by Kiwi (LGPL-3.0), which finds nouns that are
none in noisy text; only those that mecab-ko-dic (Apache-2.0) also lists as common nouns are kept.

    python scripts/count-nouns.py 3i4k.txt.gz parakqc.txt.gz chatbot.txt.gz nsmc.txt.gz > nouns.tsv

prints noun, count, and 1 where the dictionary's cost was trained (the word stood in its corpus), else 0.
"""

import collections
import gzip
import struct
import sys
from pathlib import Path

import mecab_ko_dic
from kiwipiepy import Kiwi

# Of the longest text every second line is enough.
LONG = 200_000
# A cost that so many nouns share is a default, not a trained one.
SHARED = 200


def dictionary_nouns() -> dict[str, int]:
    """Common nouns of mecab-ko-dic with their costs, read from its compiled form (MeCab's dictionary.cpp)."""
    data = (Path(mecab_ko_dic.__file__).parent / "dictionary" / "sys.dic").read_bytes()
    _, _, _, _, _, _, darts, tokens, features, _ = struct.unpack("<10I", data[:40])
    start = 72 + darts
    strings = data[start + tokens : start + tokens + features]
    nouns: dict[str, int] = {}
    for at in range(start, start + tokens, 16):
        _, _, _, cost, feature, _ = struct.unpack("<HHHhII", data[at : at + 16])
        fields = strings[feature : strings.index(b"\0", feature)].decode("utf-8", "replace").split(",")
        if fields[0] == "NNG":
            nouns[fields[3]] = min(cost, nouns.get(fields[3], cost))
    return nouns


def main() -> None:
    nouns = dictionary_nouns()
    shared = collections.Counter(nouns.values())
    counts: collections.Counter[str] = collections.Counter()
    kiwi = Kiwi(num_workers=1)
    for path in sys.argv[1:]:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = [line.strip()[:200] for line in file]
        for tokens in kiwi.tokenize(lines[:: 2 if len(lines) > LONG else 1]):
            counts.update(token.form for token in tokens if token.tag == "NNG" and token.form in nouns)
    for noun, count in sorted(counts.items()):
        print(noun, count, int(shared[nouns[noun]] < SHARED), sep="\t")


if __name__ == "__main__":
    main()
