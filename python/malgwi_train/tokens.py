"""Conjoining-jamo units: KoSpeech's grapheme vocabulary cut to what normalised Korean needs.

Onsets and codas are different code points, so a syllable boundary never needs a blank between equal letters, and
NFC composes the decoded string without any rule of our own.
"""

import unicodedata
from collections.abc import Iterable

SPECIALS = ["<pad>", "<sos>", "<eos>", "|"]
JAMO = [chr(c) for c in (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3))]
BLANK_TOKEN = "<blank>"
TOKENS = [*SPECIALS, *JAMO, BLANK_TOKEN]
EOS = TOKENS.index("<eos>")
SPACE = TOKENS.index("|")
BLANK = len(TOKENS) - 1
_INDEX = {token: i for i, token in enumerate(TOKENS)}


def encode(text: str) -> list[int]:
    """Token ids of a normalised text."""
    return [SPACE if c == " " else _INDEX[c] for c in unicodedata.normalize("NFD", text)]


def decode(ids: Iterable[int]) -> str:
    """Text of token ids that hold neither repeats nor blanks."""
    text = "".join(" " if i == SPACE else TOKENS[i] for i in ids if i >= SPACE and i != BLANK)
    return " ".join(unicodedata.normalize("NFC", text).split())


def greedy(frame_ids: Iterable[int]) -> str:
    """CTC best path: collapse repeats, drop blanks (Graves et al. 2006)."""
    kept, previous = [], BLANK
    for i in frame_ids:
        if i != previous and i != BLANK:
            kept.append(int(i))
        previous = i
    return decode(kept)
