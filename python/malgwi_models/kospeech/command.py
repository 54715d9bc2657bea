"""Import a KoSpeech checkpoint (model.pt) as a model package. Nothing in the checkpoint is run."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..inert import CheckpointError
from ..package import check_target, file_entries, new_package, package_name, write_json
from .features import FEATURES

if TYPE_CHECKING:
    from ..streams import Chunking

HOP_MS = 10
#: 320 ms where an output frame is one of 20 ms, as the bundled model has.
CHUNK = 16
MOST_CHUNK = 1000

UNKNOWN_LICENSE = "unknown: ask whoever trained the model"
LICENSE_NOTE = ("The importer cannot know the terms of these weights. They depend on whoever trained the model, and on the speech "
                "that it was trained on: KsponSpeech, for instance, is under terms of AI Hub.")
#: 30 s: longer recordings are cut at pauses. KoSpeech trained on utterances below 20 s.
MAX_FRAMES = 3000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="model.pt, as KoSpeech's trainer saved it")
    add("--vocab", type=Path, required=True, help="vocabulary of the training: CSV of characters or graphemes, or SentencePiece .model")
    add("--out", type=Path, required=True, help="folder of the package; its name is the name of the model")
    add("--feature", choices=FEATURES, help="what the model was trained on; default: by the number of features (80: fbank)")
    add("--window", choices=("povey", "hamming"), default="povey",
        help="window of the filter bank: povey as KoSpeech trains (default), hamming as its inference script computes")
    add("--decibels", choices=("power", "amplitude"), default="power", help="librosa's conversion, for --feature mel")
    add("--input-reverse", action="store_true", help="the model was trained on reversed frames (input_reverse)")
    add("--no-trim", action="store_true", help="do not trim silence (del_silence off, or trained on wav and flac)")
    add("--no-normalize", action="store_true", help="features were not normalised in training (normalize off)")
    add("--redecode", action="store_true", help="decode live utterances again and again, also where the model could take them in chunks")
    add("--chunk", type=int, default=CHUNK, help="output frames by which a live stream moves on, for models that stream: fewer are "
        f"shown sooner and cost more (default {CHUNK})")
    add("--second-pass", action="store_true", help="decode the final of a live utterance from all of it, for models that stream")
    add("--max-frames", type=int, default=MAX_FRAMES, help=f"longest utterance, in frames of 10 ms (default {MAX_FRAMES})")
    add("--int8", action="store_true", help="quantise the weights: a quarter of the size, slightly different results")
    add("--license", default=UNKNOWN_LICENSE, help="terms of the weights, shown to whoever uses the service")
    add("--description", default="", help="one sentence about the model")
    add("--model-version", default="1.0.0", help="version of the package (default 1.0.0)")
    add("--name", help="name of the model; must be the folder's")
    add("--force", action="store_true", help="replace the package if it exists")
    add("--json", action="store_true", help="print the report as JSON instead of a table")


def run(args: argparse.Namespace) -> None:
    """Read, recognise, check the vocabulary, export, compare, and only then put the package in its place."""
    name = package_name(args.out)
    if not 1 <= args.chunk <= MOST_CHUNK:
        raise CheckpointError(f"--chunk {args.chunk}: 1 to {MOST_CHUNK} frames")
    if args.name not in (None, name):
        raise CheckpointError(f"a package has the name of its folder: --out {args.out.parent / args.name}, or leave --name away")
    check_target(args.out, args.force)
    # torch takes seconds to load: only after what is cheap to check.
    from ..unpickle import load
    from .architectures import recognise
    from .export import export
    from .features import default_feature, front_end, live_front_end
    from .registry import unwrap
    from .vocabulary import fit, read_vocabulary

    vocabulary = read_vocabulary(args.vocab)
    root = unwrap(load(args.checkpoint))
    architecture = recognise(root)
    facts = architecture.describe(root)
    built = architecture.build(root)
    if built.live is not None:
        built.live.chunking = dataclasses.replace(built.live.chunking, chunk=args.chunk)
    blank = fit(vocabulary, built.classes, built.family, built.ctc_blank)
    feature = args.feature or default_feature(built.input_dim)
    ends = front_end(feature, built.input_dim, args.window, not args.no_trim, args.input_reverse, args.decibels,
                     not args.no_normalize)
    live_ends = None if args.redecode or built.live is None else live_front_end(ends)
    chunking = built.live.chunking if built.live is not None and live_ends is not None else None
    most = min(args.max_frames, built.encoder.max_frames, 100_000)
    if most < built.encoder.min_frames:
        raise CheckpointError(f"--max-frames {args.max_frames} is below the {built.encoder.min_frames} that the model needs")
    found = {
        "model class": str(root), "architecture": architecture.name, "family": built.family, **facts,
        "parameters": built.parameters, "classes": built.classes,
        "vocabulary": f"{len(vocabulary.tokens)} {vocabulary.unit}s{' and the blank' if blank else ''}",
        "feature": feature + (f" ({args.window} window)" if feature == "fbank" else ""),
        "frames per output": built.encoder.subsampling, "least frames": built.encoder.min_frames,
        "live": live_in_words(chunking, live_ends),
    }
    with new_package(args.out, args.force) as folder:
        (folder / "tokens.txt").write_bytes("".join(f"{token}\n" for token in vocabulary.tokens).encode())
        graphs, checks = export(built, folder, most, args.int8, chunking is not None)
        report = {"checkpoint": args.checkpoint.name, "found": found, **checks}
        write_json(folder / "report.json", report)
        write_json(folder / "manifest.json", {
            "schema": 1, "name": name, "version": args.model_version, "language": "ko",
            "description": args.description or f"{architecture.name}, imported from a KoSpeech checkpoint.",
            "family": built.family,
            "architecture": {"name": architecture.name, "parameters": built.parameters, "layers": built.layers,
                             "dimension": built.dimension, **({"heads": built.heads} if built.heads else {}),
                             "units": vocabulary.unit},
            "frontEnd": ends, "tokens": vocabulary.manifest(blank),
            "encoder": {"subsampling": built.encoder.subsampling, "frameMs": 10 * built.encoder.subsampling,
                        "minFrames": built.encoder.min_frames, "maxFrames": most,
                        "paddingSafe": built.encoder.padding_safe or chunking is not None,
                        **({} if chunking is None else {"streaming": {
                            **chunking.manifest(), **({"secondPass": True} if args.second_pass else {}),
                            **({"frontEnd": live_ends} if live_ends else {})}})},
            "graphs": graphs, "decoder": built.decoder, "files": file_entries(folder),
            "license": {"weights": args.license, **({"notes": LICENSE_NOTE} if args.license == UNKNOWN_LICENSE else {})},
            "training": {"data": []}, "metrics": [],
        })
    print_report(report, args)


def live_in_words(chunking: Chunking | None, ends: dict[str, Any] | None) -> str:
    """How live utterances are recognised."""
    if chunking is None or ends is None:
        return "decoded again and again"
    ms = HOP_MS * chunking.subsampling
    how = f"in chunks of {ms * chunking.chunk} ms, {ms * chunking.lookahead} ms ahead"
    what = [*(["silence stays in"] if "trimSilence" in ends else []), *(["normalised by what was heard so far"] if "normalize" in ends else [])]
    return f"{how}; unlike files: {', '.join(what)}" if what else how


def print_report(report: dict[str, Any], args: argparse.Namespace) -> None:
    """The table, or JSON, on standard output."""
    if args.json:
        print(json.dumps({"package": str(args.out), **report}, ensure_ascii=False))
        return
    rows = [*report["found"].items(), ("largest difference", "")]
    by_length: dict[int, float] = {}
    for row in report["parity"]["differences"]:
        by_length[row["frames"]] = max(by_length.get(row["frames"], 0.0), row["difference"])
    rows += [(f"  at {frames} frames", f"{value:.1e}") for frames, value in sorted(by_length.items())]
    if rounded := report["parity"].get("rounding"):
        rows.append(("note", f"the model amplifies rounding: beside double precision onnxruntime is off by "
                             f"{rounded['onnxruntime']:.1e}, PyTorch by {rounded['pytorch']:.1e}"))
    if int8 := report.get("int8"):
        rows.append(("int8: largest difference", f"{int8['largest']:.2g}"))
        if int8["agreement"]:
            rows.append(("int8: same best class", f"{100 * int8['agreement']['sameBestClass']:.1f} % of frames"))
        rows += [("note", f"{', '.join(int8['unchanged'])} has no weights to quantise: float32")] if int8["unchanged"] else []
    rows.append(("package", str(args.out)))
    width = max(len(key) for key, _ in rows)
    for key, value in rows:
        text = value if isinstance(value, str) else f"{value:,}" if type(value) is int else str(value).lower()
        print(f"{key:{width}}  {text}")
    if args.license == UNKNOWN_LICENSE:
        print("The licence of the weights is recorded as unknown: say it with --license.", file=sys.stderr)
