"""A package's streaming CTC encoder in the shape in which sherpa-onnx takes one: the inputs, outputs and metadata of NeMo.

    python scripts/lib/sherpa-graph.py PACKAGE OUT      (needs onnx and numpy; writes model.onnx and tokens.txt)

Weights and computation stay as they are; the caches of that interface may have any size, so they are ours. Samples are to be
given as 16-bit numbers, as the package wants them.
Its features cannot be set: windows of 25 ms instead of 20, and a filter bank that ends 400 Hz earlier. Log energies are
therefore moved to where our filters lie, by straight lines over the mel scale, and made less by what the longer window adds.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# What sherpa-onnx computes.
THEIR_WINDOW_MS = 25
THEIR_HIGH_HZ = 7600


def mel(hertz: float) -> float:
    """HTK's mel scale, as Kaldi has it."""
    return 1127.0 * float(np.log(1.0 + hertz / 700.0))


def filters_moved(bins: int, low: float, ours: float, theirs: float) -> np.ndarray:
    """`[bins, bins]`: their log energies times this are ours, about."""
    start = mel(low)
    steps = [(mel(high) - start) / (bins + 1) for high in (ours, theirs)]
    places = ((np.arange(bins) + 1) * steps[0]) / steps[1] - 1
    matrix = np.zeros((bins, bins), np.float32)
    for column, place in enumerate(np.clip(places, 0, bins - 1)):
        below = min(int(place), bins - 2)
        matrix[below, column] = 1 - (place - below)
        matrix[below + 1, column] = place - below
    return matrix


def convert(package: Path, out: Path) -> None:
    """Writes what sherpa-onnx needs."""
    manifest = json.loads((package / "manifest.json").read_text(encoding="utf-8"))
    encoder, front, tokens = manifest["encoder"], manifest["frontEnd"], manifest["tokens"]
    streaming = encoder["streaming"]
    factor, chunk, left = encoder["subsampling"], streaming["chunkFrames"], streaming["leftFrames"]
    window = (chunk + streaming["lookaheadFrames"]) * factor + streaming["overlapFrames"]
    bins = front["numMels"]
    states = {state["name"]: state["shape"] for state in manifest["graphs"]["encoder"]["states"]}

    model = onnx.load(str(package / manifest["graphs"]["encoder"]["file"]))
    graph = model.graph
    constants: list[onnx.TensorProto] = []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value, f"sherpa_{name}"))
        return f"sherpa_{name}"

    def shape(*sizes: int) -> np.ndarray:
        return np.array(sizes, np.int64)

    longer = float(np.log(THEIR_WINDOW_MS / front["windowMs"]))
    normalize = front["normalize"]
    matrix = filters_moved(bins, front["lowFrequency"], front["highFrequency"], THEIR_HIGH_HZ)
    node = helper.make_node
    before = [
        node("Transpose", ["audio_signal"], ["sherpa_frames"], perm=[0, 2, 1]),
        node("MatMul", ["sherpa_frames", constant("filters", matrix)], ["sherpa_moved"]),
        node("Sub", ["sherpa_moved", constant("longer", np.float32([longer]))], ["sherpa_shorter"]),
        node("Max", ["sherpa_shorter", constant("floor", np.float32([np.log(front["energyFloor"])]))], ["sherpa_floored"]),
        node("Sub", ["sherpa_floored", constant("mean", np.float32(normalize["mean"]))], ["sherpa_centred"]),
        node("Mul", ["sherpa_centred", constant("scale", np.float32(normalize["inverseStd"]))], ["features"]),
        node("Squeeze", ["cache_last_time", constant("last", shape(3))], ["convolution"]),
    ]
    after = [
        node("Slice", ["log_probs", constant("zero", shape(0)), constant("chunk", shape(chunk)), constant("axis", shape(1))], ["logprobs"]),
        node("Unsqueeze", ["next_convolution", "sherpa_last"], ["cache_last_time_next"]),
        node("Add", ["cached", "sherpa_chunk"], ["sherpa_more"]),
        node("Min", ["sherpa_more", constant("left", shape(left))], ["cache_last_channel_next_len"]),
    ]
    # The graph's own names, under those that sherpa-onnx goes by: it takes inputs and outputs by their order.
    theirs = {"lengths": "length", "cached": "cache_last_channel_len", "attention": "cache_last_channel",
              "output_lengths": "logprobs_length", "next_attention": "cache_last_channel_next"}
    nodes = [*before, *graph.node, *after]
    for each in nodes:
        each.input[:] = [theirs.get(name, name) for name in each.input]
        each.output[:] = [theirs.get(name, name) for name in each.output]
    lines = (package / tokens["file"]).read_text(encoding="utf-8").splitlines()
    blank = tokens["blank"]
    vocabulary = max(len(lines), blank + 1)
    f32, i64 = TensorProto.FLOAT, TensorProto.INT64
    tensor = helper.make_tensor_value_info
    attention, context = states["attention"], states["convolution"]
    cache = [left if size == "left" else size for size in attention[1:]]
    time = [*context[1:], 1]
    inputs = [
        tensor("audio_signal", f32, ["batch", bins, "frames"]),
        tensor("length", i64, ["batch"]),
        tensor("cache_last_channel", f32, ["batch", *cache]),
        tensor("cache_last_time", f32, ["batch", *time]),
        tensor("cache_last_channel_len", i64, ["batch"]),
    ]
    outputs = [
        tensor("logprobs", f32, ["batch", chunk, vocabulary]),
        tensor("logprobs_length", i64, ["batch"]),
        tensor("cache_last_channel_next", f32, ["batch", *cache]),
        tensor("cache_last_time_next", f32, ["batch", *time]),
        tensor("cache_last_channel_next_len", i64, ["batch"]),
    ]
    advance = numpy_helper.from_array(np.array(chunk, np.int64), "advance")
    wrapped = helper.make_graph(nodes, "sherpa", inputs, outputs, [*graph.initializer, *constants, advance])
    result = helper.make_model(wrapped, opset_imports=model.opset_import, ir_version=model.ir_version)
    sizes = {"window_size": window, "chunk_shift": chunk * factor, "subsampling_factor": factor, "vocab_size": vocabulary - 1}
    for name, values in (("cache_last_channel", cache), ("cache_last_time", time)):
        sizes |= {f"{name}_dim{number + 1}": value for number, value in enumerate(values)}
    helper.set_model_props(result, {"model_type": "EncDecCTCModelBPE"} | {name: str(value) for name, value in sizes.items()})
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(result, str(out / "model.onnx"))
    names = [*lines, *("" for _ in range(vocabulary - len(lines)))]
    table = [f"{'<blk>' if number == blank else name} {number}" for number, name in enumerate(names)]
    (out / "tokens.txt").write_text("\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
