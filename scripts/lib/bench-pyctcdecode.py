"""Times pyctcdecode on one matrix: FOLDER FRAMES BEAM RUNS. Prints the processor seconds of the best run."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from pyctcdecode import build_ctcdecoder

folder, frames, beam, runs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
labels = json.loads((folder / "labels.json").read_text())
log_probs = np.fromfile(folder / "log-probs.f32", dtype=np.float32).reshape(frames, len(labels))
decoder = build_ctcdecoder(labels)
best = float("inf")
for _ in range(runs):
    started = time.process_time()
    decoder.decode(log_probs, beam_width=beam)
    best = min(best, time.process_time() - started)
print(best)
