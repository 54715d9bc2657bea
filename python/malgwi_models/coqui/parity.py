"""Does the rebuilt graph compute what the model file says? ONNX against the file's own operators, run one by one."""

from dataclasses import dataclass

import numpy as np
import onnxruntime

from .acoustic import AcousticModel, find_ends
from .errors import Refused
from .interpret import Interpreter

STEPS = (1, 16, 23, 40)
# A wrong graph is far off. The right one differs by the order of summation, and an int8 one also where a value lies
# between two levels and two implementations round it differently; both grow in a model that amplifies small changes,
# and how much, such a change of the input shows.
FLOAT_TOLERANCE, INT8_TOLERANCE, INT8_MEAN_TOLERANCE = 1e-3, 0.2, 2e-3
NUDGE, AMPLIFIED = 1e-6, 100


@dataclass(frozen=True)
class Difference:
    """Of probabilities, over a number of windows; `largest_state` relative to the largest value of the state.

    `nudged` and `mean_nudged` are how far the graph is from itself when its input changes in the sixth digit.
    """

    steps: int
    largest: float
    mean: float
    largest_state: float
    nudged: float
    mean_nudged: float


def random_windows(model: AcousticModel, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Windows [steps, width] over frames that change slowly, as loud as those of speech."""
    frames = rng.standard_normal((steps + 2 * model.context, model.coefficients)) * 8
    frames = np.cumsum(frames, axis=0) / np.sqrt(1 + np.arange(len(frames)))[:, None]
    frames[:, 0] -= 40
    windows = np.lib.stride_tricks.sliding_window_view(frames, 2 * model.context + 1, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1).reshape(steps, -1), np.float32)


def reference(model: AcousticModel, interpreter: Interpreter, windows: np.ndarray, cell: np.ndarray, hidden: np.ndarray):
    """Probabilities [steps, classes] and, where the steps fill whole batches, the state after them."""
    ends, probs = find_ends(interpreter.graph), []
    shape = (1, model.steps, 2 * model.context + 1, model.coefficients)
    for start in range(0, len(windows), model.steps):
        part = windows[start : start + model.steps]
        batch = np.zeros((model.steps, windows.shape[1]), np.float32)
        batch[: len(part)] = part
        feeds = {ends.windows: batch.reshape(shape), ends.cell: cell, ends.hidden: hidden}
        p, cell, hidden = interpreter.run(feeds, [ends.probs, ends.next_cell, ends.next_hidden])
        if p.shape != (model.steps, model.classes) or cell.shape != (1, model.cells) or hidden.shape != (1, model.cells):
            raise Refused("the graph's outputs are not shaped like probabilities and states")
        probs.append(p[: len(part)])
    return np.concatenate(probs), cell, hidden


def session(graph: bytes) -> onnxruntime.InferenceSession:
    """A session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def compare(model: AcousticModel, interpreter: Interpreter, graph: bytes) -> list[Difference]:
    """Differences at several numbers of windows, each from another state."""
    rng, run, found = np.random.default_rng(3), session(graph), []
    # Each weight is used once for each step; a graph that needs more is none of these.
    interpreter.limit_products(2 * model.steps * model.parameters)
    for steps in STEPS:
        windows = random_windows(model, steps, rng)
        state = [np.tanh(rng.standard_normal((1, model.cells))).astype(np.float32) for _ in range(2)]
        with np.errstate(all="ignore"):
            wanted = reference(model, interpreter, windows, *state)
        names = ["probs", "next_cell", "next_hidden"]
        probs, *next_state = run.run(names, {"windows": windows[None], "cell": state[0], "hidden": state[1]})
        moved = windows[None] * np.float32(1 + NUDGE)
        nudged = np.abs(probs - run.run(names[:1], {"windows": moved, "cell": state[0], "hidden": state[1]})[0])
        gap = np.abs(probs[0].astype(np.float64) - wanted[0])
        states = 0.0
        if steps % model.steps == 0:
            states = max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in zip(next_state, wanted[1:], strict=True))
        if not np.isfinite(gap).all():
            raise Refused("the model computes values that are no numbers")
        found.append(Difference(steps, float(gap.max()), float(gap.mean()), states, float(nudged.max()), float(nudged.mean())))
    return found


def require(differences: list[Difference], quantized: bool) -> None:
    """Refuse a graph that does not compute what the file says.

    Raises:
        Refused: the file's operators say something else than its weights, as for a model with other layers.
    """
    tolerance, mean_tolerance = (INT8_TOLERANCE, INT8_MEAN_TOLERANCE) if quantized else (FLOAT_TOLERANCE, FLOAT_TOLERANCE)
    for d in differences:
        if d.largest > tolerance + AMPLIFIED * d.nudged or d.mean > mean_tolerance + AMPLIFIED * d.mean_nudged:
            raise Refused(f"rebuilt from its weights, the model differs from its own graph by up to {d.largest:.2g}: it is not one "
                          "of Coqui STT or DeepSpeech 0.9 as they were released (layer normalisation, forget bias, other "
                          "activations?)")  # fmt: skip
