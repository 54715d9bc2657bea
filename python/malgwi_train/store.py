"""Feature store: one float16 matrix of log-mel frames on disk, and one JSON line an utterance."""

import json
import os
from pathlib import Path

import numpy as np


class StoreWriter:
    """
    Appends utterances; the index gets its name last, so that an interrupted run is not taken for a whole one.

    With `resume`, `items` holds what an interrupted run had written, and utterances are added after them.
    """

    def __init__(self, folder: Path, num_mels: int = 80, resume: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.num_mels = num_mels
        self.frames = 0
        self.items: list[dict] = []
        self._partial = folder / "index.partial.jsonl"
        matrix = folder / "features.f16"
        if resume and self._partial.exists() and matrix.exists():
            self._recover(matrix.stat().st_size)
        kept = "r+b" if self.items else "wb"
        if not self.items:
            # A new file, not the old one overwritten: a training run may have that mapped into memory.
            matrix.unlink(missing_ok=True)
        (folder / "index.jsonl").unlink(missing_ok=True)
        self._file = open(matrix, kept)
        self._file.truncate(self.frames * num_mels * 2)
        self._file.seek(0, os.SEEK_END)
        self._index = open(self._partial, "w", encoding="utf-8")
        for item in self.items:
            self._write_line(item)

    def _recover(self, size: int) -> None:
        """Items whose line is whole and whose frames are there."""
        for line in self._partial.read_text(encoding="utf-8").splitlines():
            try:
                item = json.loads(line)
            except json.JSONDecodeError:
                return
            if (item["start"] + item["frames"]) * self.num_mels * 2 > size:
                return
            self.items.append(item)
            self.frames = item["start"] + item["frames"]

    def _write_line(self, item: dict) -> None:
        self._index.write(json.dumps(item, ensure_ascii=False) + "\n")

    def add(self, features: np.ndarray, **item: object) -> None:
        """Store one utterance's features with whatever describes it."""
        features.astype(np.float16).tofile(self._file)
        self.items.append({**item, "start": self.frames, "frames": len(features)})
        self.frames += len(features)
        self._write_line(self.items[-1])

    def close(self) -> None:
        """Flush the matrix, and let the index have its name."""
        self._file.close()
        self._index.close()
        self._partial.replace(self.folder / "index.jsonl")


class Store:
    """Read access to a folder that StoreWriter wrote."""

    def __init__(self, folder: Path, num_mels: int = 80) -> None:
        self.folder = folder
        with open(folder / "index.jsonl", encoding="utf-8") as lines:
            self.items: list[dict] = [json.loads(line) for line in lines]
        self._matrix = np.memmap(folder / "features.f16", np.float16, "r").reshape(-1, num_mels)

    def features(self, item: dict) -> np.ndarray:
        """Log-mel frames of one utterance, float32."""
        return self._matrix[item["start"] : item["start"] + item["frames"]].astype(np.float32)
