"""Character error rate without spaces, as KoSpeech reports it: total edits over total reference characters."""

from dataclasses import dataclass


def edit_distance(reference: str, hypothesis: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(hypothesis) + 1))
    for i, r in enumerate(reference, 1):
        diagonal, row[0] = row[0], i
        for j, h in enumerate(hypothesis, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (r != h))
    return row[-1]


@dataclass
class Tally:
    """Edits and reference characters of a set."""

    edits: int = 0
    characters: int = 0
    utterances: int = 0

    def add(self, reference: str, hypothesis: str) -> None:
        """Count one utterance, spaces left out."""
        reference, hypothesis = reference.replace(" ", ""), hypothesis.replace(" ", "")
        self.edits += edit_distance(reference, hypothesis)
        self.characters += len(reference)
        self.utterances += 1

    @property
    def rate(self) -> float:
        """Errors in percent."""
        return 100 * self.edits / max(1, self.characters)

    def to_dict(self) -> dict:
        """As written into the manifest."""
        return {
            "cerNoSpaces": round(self.rate, 2), "edits": self.edits,
            "referenceCharacters": self.characters, "utterances": self.utterances,
        }
