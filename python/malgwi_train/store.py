"""Feature store: one float16 matrix of log-mel frames on disk, and one JSON line an utterance."""

import json
from pathlib import Path

import numpy as np


class StoreWriter:
    """Appends utterances; the index is written last, so that an interrupted run is not taken for a whole one."""

    def __init__(self, folder: Path, num_mels: int = 80) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.num_mels = num_mels
        self.frames = 0
        self.items: list[dict] = []
        self._file = open(folder / "features.f16", "wb")

    def add(self, features: np.ndarray, **item: object) -> None:
        """Store one utterance's features with whatever describes it."""
        features.astype(np.float16).tofile(self._file)
        self.items.append({**item, "start": self.frames, "frames": len(features)})
        self.frames += len(features)

    def close(self) -> None:
        """Flush the matrix and write the index."""
        self._file.close()
        lines = (json.dumps(item, ensure_ascii=False) for item in self.items)
        (self.folder / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


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
