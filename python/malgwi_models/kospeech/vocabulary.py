"""KoSpeech's vocabularies: characters or graphemes in a CSV file, or a SentencePiece model."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..inert import CheckpointError

MAX_BYTES = 64 * 2**20
MAX_TOKENS = 100_000
MAX_TOKEN = 128
#: What the service takes for a control symbol: silent in every text.
CONTROL = re.compile(r"<(?!0x[0-9A-Fa-f]{2}>)[^<>\s]+>")
PIECE_SPACE = "\u2581"


@dataclass(frozen=True)
class Vocabulary:
    """Symbols in the order of their classes. The blank, when the model has one, follows the last symbol."""

    unit: str
    tokens: tuple[str, ...]
    space: str
    sos: int | None
    eos: int | None
    compose: bool = False

    def manifest(self, blank: bool) -> dict[str, Any]:
        """The manifest's `tokens`."""
        entry: dict[str, Any] = {"file": "tokens.txt", "unit": self.unit}
        if blank:
            entry["blank"] = len(self.tokens)
        entry |= {key: value for key, value in (("sos", self.sos), ("eos", self.eos)) if value is not None}
        entry["space"] = self.space
        if self.compose:
            entry["compose"] = "nfc"
        return entry


def fit(vocabulary: Vocabulary, classes: int, family: str, ctc: bool) -> bool:
    """Whether the classes hold a blank behind the symbols; refuses a vocabulary of another size.

    `ctc`: the model needs the blank (CTC, transducers, joint attention models).
    """
    count = len(vocabulary.tokens)
    if classes == count + 1 or (classes == count and not ctc):
        if family != "ctc" and (vocabulary.sos is None or (vocabulary.eos is None and family == "attention")):
            raise CheckpointError(f"the vocabulary has no <sos> or <eos>, which {family} models start and end with")
        return classes == count + 1
    wanted = f"{classes - 1} symbols and the blank" if ctc else f"{classes - 1} symbols and a blank, or {classes} symbols"
    raise CheckpointError(f"the vocabulary does not fit the model: the model has {classes} classes ({wanted}), "
                          f"the vocabulary {count} symbols")


def read_vocabulary(path: Path) -> Vocabulary:
    """Read a `.model` of SentencePiece or a CSV file of KoSpeech. Raises CheckpointError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{path.name} is too large for a vocabulary")
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name} could not be read: {error.strerror or error}") from error
    is_text = path.suffix.lower() in (".csv", ".txt", ".tsv") or re.match(rb"(\xef\xbb\xbf)?\s*\"?id\"?\s*,", data) is not None
    vocabulary = _from_csv(path.name, data) if is_text else _from_sentencepiece(path.name, data)
    _check(path.name, vocabulary)
    return vocabulary


def _check(name: str, vocabulary: Vocabulary) -> None:
    if not 2 <= len(vocabulary.tokens) <= MAX_TOKENS:
        raise CheckpointError(f"{name} has {len(vocabulary.tokens)} symbols")
    seen: dict[str, int] = {}
    for index, token in enumerate(vocabulary.tokens):
        if token == "" or len(token) > MAX_TOKEN or "\n" in token or "\r" in token:
            raise CheckpointError(f"{name}: symbol {index} is empty, too long or has a line break")
        if token in seen:
            raise CheckpointError(f"{name}: symbols {seen[token]} and {index} are the same, {token!r}")
        seen[token] = index
    if vocabulary.space not in seen and vocabulary.unit != "subword":
        raise CheckpointError(f"{name} has no symbol for the space ({vocabulary.space!r}); was it trimmed when the file was edited?")


def _decode(name: str, data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CheckpointError(f"{name} is text in neither UTF-8 nor cp949")


def _from_csv(name: str, data: bytes) -> Vocabulary:
    """`id,char,freq` (or `grpm`): the class and its symbol; the rows may be in any order."""
    try:
        rows = [row for row in csv.reader(io.StringIO(_decode(name, data), newline="")) if row]
    except csv.Error as error:
        raise CheckpointError(f"{name} is not a CSV file: {error}") from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if header[:1] != ["id"] or len(header) < 2:
        raise CheckpointError(f"{name} has not the header id,char,freq (or id,grpm,freq) of KoSpeech's vocabularies")
    symbols: dict[int, str] = {}
    for line, row in enumerate(rows[1:], 2):
        # ASCII digits only: int() would take other scripts' digits and underscores.
        if len(row) < 2 or not re.fullmatch(r"[0-9]{1,6}", row[0].strip()):
            raise CheckpointError(f"{name}: line {line} does not begin with a class and its symbol")
        if (index := int(row[0])) in symbols:
            raise CheckpointError(f"{name}: class {index} occurs twice")
        symbols[index] = row[1]
    if sorted(symbols) != list(range(len(symbols))):
        missing = next(i for i in range(len(symbols)) if i not in symbols)
        raise CheckpointError(f"{name}: the classes are not 0 to {len(symbols) - 1}: {missing} is missing")
    tokens = [symbols[i] for i in range(len(symbols))]
    if tokens[-1:] == ["<blank>"]:
        tokens.pop()  # KoSpeech appends it in code; some wrote it into the file
    places = {token: index for index, token in enumerate(tokens)}
    graphemes = header[1] == "grpm" or (
        any("\u1100" <= t <= "\u11ff" for t in tokens) and not any("\uac00" <= t <= "\ud7a3" for t in tokens))
    return Vocabulary("grapheme" if graphemes else "character", tuple(tokens), "|" if graphemes and " " not in places else " ",
                      places.get("<sos>"), places.get("<eos>"), compose=graphemes)


def _from_sentencepiece(name: str, data: bytes) -> Vocabulary:
    """Pieces with U+2581 for the space. KoSpeech used 1 and 2 (SentencePiece's bos and eos) as sos and eos."""
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(data)
        count = processor.get_piece_size()
    except Exception as error:  # the library raises RuntimeError, and others of its own
        raise CheckpointError(f"{name} is neither a CSV vocabulary nor a SentencePiece model") from error
    tokens = []
    for index in range(min(count, MAX_TOKENS + 1)):
        piece = processor.id_to_piece(index)
        silent = processor.is_control(index) or processor.is_unknown(index)
        tokens.append("<" + re.sub(r"[<>\s]", "_", piece) + ">" if silent and not CONTROL.fullmatch(piece) else piece)
    special = {key: i for key, i in (("sos", processor.bos_id()), ("eos", processor.eos_id())) if i >= 0}
    return Vocabulary("subword", tuple(tokens), PIECE_SPACE, special.get("sos"), special.get("eos"))
