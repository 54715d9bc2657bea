"""Coqui's alphabets: as exported inside a model, as a text file, and as a package's token list."""

import re
import struct
import unicodedata
from dataclasses import dataclass

from .errors import Refused

JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
SYLLABLES = re.compile("[\uac00-\ud7a3]")
MAX_LABEL_BYTES = 128


@dataclass(frozen=True)
class Alphabet:
    """Labels in class order; the blank is the class after the last of them."""

    labels: tuple[bytes, ...]

    @property
    def is_bytes(self) -> bool:
        """Whether this is bytes mode: 255 labels, the byte being the index + 1."""
        return self.labels == tuple(bytes([i + 1]) for i in range(255))

    @property
    def unit(self) -> str:
        """The unit as a manifest names it."""
        if self.is_bytes:
            return "byte"
        text = "".join(self.texts)
        if JAMO.search(text):
            return "grapheme"
        return "syllable" if SYLLABLES.search(text) else "character"

    @property
    def texts(self) -> list[str]:
        """One line of a token list for each label."""
        if self.is_bytes:
            return [f"<0x{label[0]:02X}>" for label in self.labels]
        return [label.decode("utf-8") for label in self.labels]

    @property
    def space(self) -> str:
        """The token of the space."""
        return "<0x20>" if self.is_bytes else " "

    @property
    def language(self) -> str:
        """What the script tells of the language: `ko`, or `und` for undetermined."""
        if self.is_bytes:
            return "und"
        return "ko" if self.unit in ("grapheme", "syllable") else "und"


def _checked(labels: list[bytes]) -> Alphabet:
    alphabet = Alphabet(tuple(labels))
    if alphabet.is_bytes:
        return alphabet
    if not labels:
        raise Refused("the alphabet is empty")
    seen: dict[bytes, int] = {}
    for index, label in enumerate(labels):
        try:
            text = label.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(f"label {index} of the alphabet ({label[:16].hex()}) is not UTF-8") from None
        if not label or len(label) > MAX_LABEL_BYTES:
            raise Refused(f"label {index} of the alphabet has {len(label)} bytes")
        if any(unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in text):
            raise Refused(f"label {index} of the alphabet holds a control character")
        if label in seen:
            raise Refused(f"labels {seen[label]} and {index} of the alphabet are the same: {text!r}")
        seen[label] = index
    return alphabet


def from_export(data: bytes) -> Alphabet:
    """Read `metadata_alphabet`: u16 count, then u16 index, u16 length and the label's bytes for each label."""

    def number(at: int) -> int:
        if at + 2 > len(data):
            raise Refused("the model's alphabet ends early")
        return struct.unpack_from("<H", data, at)[0]

    count, at, labels = number(0), 2, {}
    for _ in range(count):
        index, length = number(at), number(at + 2)
        at += 4 + length
        if at > len(data):
            raise Refused("the model's alphabet ends early")
        if index >= count or index in labels:
            raise Refused(f"the model's alphabet has label {index} of {count} twice or out of range")
        labels[index] = bytes(data[at - length : at])
    return _checked([labels[i] for i in range(count)])


def from_text(data: bytes) -> Alphabet:
    """Read an `alphabet.txt`: one label a line, `#` begins a comment, `\\#` is the number sign, blank lines are skipped."""
    if len(data) > 1 << 22:
        raise Refused("the alphabet file is larger than any alphabet")
    labels = []
    for line in re.split(rb"\r\n|\r|\n", data):
        if line == b"\\#":
            labels.append(b"#")
        elif line and not line.startswith(b"#"):
            labels.append(line)
    return _checked(labels)
