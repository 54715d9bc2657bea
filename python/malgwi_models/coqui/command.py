"""Import a .tflite of Coqui STT or DeepSpeech 0.9 as a model package. No TensorFlow is needed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ..package import check_target, file_entries, new_package, package_name, write_json
from .errors import Refused

UNKNOWN_LICENSE = "unknown: ask whoever published the model"
LICENSE_NOTE = "The importer cannot know the terms of these weights. They depend on whoever trained the model, and on what data."
SCORER_FILE = "language-model.scorer"
MAX_ALPHABET_BYTES = 1 << 22


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--tflite", type=Path, required=True, help="the acoustic model")
    add("--scorer", type=Path, help="the language model that goes with it")
    add("--alphabet", type=Path, help="alphabet.txt: for a model that holds none, else checked against the model's own")
    add("--out", type=Path, required=True, help="folder of the package; its name is the name of the model")
    add("--segmentation", choices=("none", "pauses"), default="none",
        help="none: a file is one utterance, as the original engine has it (default); pauses: cut at pauses")
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument("--int8", action="store_true", help="quantise a float model: a quarter of the size, slightly different results")
    precision.add_argument("--float32", action="store_true", help="multiply the weights of a quantised model out: larger, slightly different")
    add("--any-cpu", action="store_true",
        help="int8 weights that processors without VNNI multiply exactly too; about half as fast on those that have it")
    add("--beam-width", type=int, help="default: what the model says (500)")
    add("--language", help="language tag; default: what the model says, or ko for an alphabet of Hangul")
    add("--license", default=UNKNOWN_LICENSE, help="terms of the weights, shown to whoever uses the service")
    add("--description", default="", help="one sentence about the model")
    add("--model-version", default="1.0.0", help="version of the package (default 1.0.0)")
    add("--force", action="store_true", help="replace the package if it exists")
    add("--json", action="store_true", help="print the report as JSON instead of a table")


def run(args: argparse.Namespace) -> None:
    """Read, recognise, check, rebuild, compare, and only then put the package in its place."""
    name = package_name(args.out)
    check_target(args.out, args.force)
    from . import acoustic, alphabet, features, float_graph, int8_graph, manifest, parity, quantize, scorer, sources, tflite

    sources.refuse_others(args.tflite)
    given = alphabet.from_text(_small(args.alphabet)) if args.alphabet else None
    model, interpreter = acoustic.recognize(tflite.read(args.tflite), given)
    ends = features.front_end(model, interpreter.graph)
    checked = scorer.check(args.scorer, model.alphabet) if args.scorer else None

    kept = model
    if args.float32:
        kept = quantize.dequantized(model)
    elif args.int8 and not model.is_quantized:
        kept = quantize.quantized(model)
    same = kept is model
    # What is compared is always a graph that says exactly what the file says; a change of precision comes after.
    graph = (int8_graph.build(model, args.any_cpu) if model.is_quantized else float_graph.build(model)).SerializeToString()
    differences = parity.compare(model, interpreter, graph)
    parity.require(differences, model.is_quantized)
    changed = None
    if not same:
        graph = (int8_graph.build(kept, args.any_cpu) if kept.is_quantized else float_graph.build(kept)).SerializeToString()
        changed = parity.compare(model, interpreter, graph)

    precision = "int8" if kept.is_quantized else "float32"
    found = manifest.facts(model, ends, checked, precision)
    with new_package(args.out, args.force) as folder:
        encoder = manifest.encoder_file(precision)
        (folder / encoder).write_bytes(graph)
        (folder / "tokens.txt").write_bytes("".join(f"{token}\n" for token in model.alphabet.texts).encode())
        if args.scorer:
            shutil.copyfile(args.scorer, folder / SCORER_FILE)
        report = {
            "tflite": args.tflite.name, **({"scorer": args.scorer.name} if args.scorer else {}), "found": found,
            "parity": _rows(differences), **({"precisionChanged": _rows(changed)} if changed else {}),
        }
        write_json(folder / "report.json", report)
        description = args.description or f"Coqui STT model of {model.cells} cells, imported from {args.tflite.name}."
        body = manifest.manifest(model, name, description, precision, ends, args)
        if checked:
            body["languageModel"] = {"file": SCORER_FILE, "format": "coqui-scorer",
                                     "unit": "character" if checked.code_points else "word"}
        body["license"] = {"weights": args.license, **({"notes": LICENSE_NOTE} if args.license == UNKNOWN_LICENSE else {})}
        write_json(folder / "manifest.json", {**body, "files": file_entries(folder)})
    _print(report, args)


def _small(path: Path) -> bytes:
    if not path.is_file() or path.stat().st_size > MAX_ALPHABET_BYTES:
        raise Refused(f"{path.name} is not an alphabet file")
    return path.read_bytes()


def _rows(differences: list) -> dict[str, Any]:
    return {
        "largest": max(d.largest for d in differences),
        "differences": [{"steps": d.steps, "largest": d.largest, "mean": d.mean, "largestState": d.largest_state} for d in differences],
    }


def _print(report: dict[str, Any], args: argparse.Namespace) -> None:
    """The table, or JSON, on standard output."""
    if args.json:
        print(json.dumps({"package": str(args.out), **report}, ensure_ascii=False))
        return
    rows = [*report["found"].items(), ("largest difference", "from the file's own operators")]
    rows += [(f"  at {row['steps']} steps", f"{row['largest']:.1e}") for row in report["parity"]["differences"]]
    if changed := report.get("precisionChanged"):
        rows.append(("by change of precision", f"{changed['largest']:.1e} at most, {max(r['mean'] for r in changed['differences']):.1e} on average"))
    rows.append(("package", str(args.out)))
    width = max(len(key) for key, _ in rows)
    for key, value in rows:
        print(f"{key:{width}}  {value:,}" if type(value) is int else f"{key:{width}}  {value}")
    if args.license == UNKNOWN_LICENSE:
        print("The licence of the weights is recorded as unknown: say it with --license.", file=sys.stderr)
