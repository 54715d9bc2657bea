"""Sentences for the language model: written text made to look like transcripts, and the seat desk's own grammar."""

import gzip
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import seats
from .text import is_spoken, normalize, syllables

# What ends a sentence in informal writing; what it leaves is a sentence of its own.
_ENDS = re.compile(r"[.!?…~;,·\"“”()\[\]<>/|:=^*]+(?!\d)|(?<!\d)[.,:]+|\s{2,}")
_REPEATED = re.compile(r"(\S)\1{3,}|(\S{2})\2{2,}")

SOURCES = {
    "nsmc": ("NSMC film reviews (e9t/nsmc)", "CC0-1.0"),
    "chatbot": ("Chatbot_data (songys/Chatbot_data)", "MIT"),
    "3i4k": ("3i4K (Cho et al., warnikchow/3i4k)", "CC-BY-SA-4.0"),
    "parakqc": ("ParaKQC (Cho et al., warnikchow/paraKQC)", "CC-BY-SA-4.0"),
    "seats": ("generated seat-desk sentences", "Apache-2.0"),
}


def clean(line: str) -> Iterator[str]:
    """
    The sentences of a written line as they would be transcribed. Left out: what cannot be read aloud (loose jamo,
    foreign words), runs of one syllable, words of more than 10 syllables or more than 5 on average (written
    without spaces), fewer than 2 or more than 60 syllables.
    """
    for piece in _ENDS.split(line):
        if not piece or not is_spoken(piece) or _REPEATED.search(piece):
            continue
        text = " ".join(normalize(piece).split())
        words = text.split()
        count = syllables(text)
        if 2 <= count <= 60 and max(map(len, words)) <= 10 and count <= 5 * len(words):
            yield text


def key(text: str) -> str:
    """Sentences that differ in their spacing only are the same."""
    return text.replace(" ", "")


def read(path: Path) -> Iterator[str]:
    """Clean sentences of a gzip file, one line after the other."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield from clean(line.strip())


def held_out(work: Path) -> set[str]:
    """Keys of a working folder's sentences that are not for training: what is measured on must not be in the model."""
    found = set()
    for index in sorted(work.glob("*/index.jsonl")):
        with open(index, encoding="utf-8") as lines:
            found.update(key(item["text"]) for item in map(json.loads, lines) if item["split"] != "train")
    return found


def transcripts(work: Path) -> dict[str, list[str]]:
    """What was said in the training part of the real corpora, by corpus."""
    found: dict[str, list[str]] = {}
    with open(work / "real" / "index.jsonl", encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            if item["split"] == "train":
                found.setdefault(item["corpus"], []).append(item["text"])
    return found


def seat_sentences(count: int, rng: random.Random) -> Iterator[str]:
    """Sentences of the seat grammar."""
    return (normalize(seats.sentence(rng)) for _ in range(count))


def unique(sentences: Iterable[str], seen: set[str]) -> Iterator[str]:
    """Sentences not in `seen` yet, which takes them up."""
    for text in sentences:
        name = key(text)
        if name not in seen:
            seen.add(name)
            yield text
