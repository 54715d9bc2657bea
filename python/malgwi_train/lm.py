"""`lm`: n-gram language model for the decoder: text -> KenLM binary (quantised array trie), pruned to a size.

Beside FILE stands FILE.json: unit, order, counts, sources and licences, as the package's manifest takes them.
"""

import argparse
import json
import random
import time
import unicodedata
from itertools import islice
from pathlib import Path

import numpy as np

from . import kenlm, lm_text, ngram
from .package import SOURCES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--text", type=Path, default=Path("../shared/text"), help="folder with NAME.txt.gz, one sentence a line")
    add("--work", type=Path, help="working folder whose development sentences are left out")
    add("--transcripts", action="store_true", help="add the training transcripts of --work, and with them their licences")
    add("--out", type=Path, required=True, help="KenLM binary to write")
    add("--order", type=int, default=5, help="longest n-gram, 2 or more")
    add("--unit", choices=("character", "jamo"), default="character", help="what one word of the n-gram is")
    add("--max-mb", type=float, default=12.0, help="largest size of the file, in megabytes (10^6 bytes)")
    add("--least", type=int, default=3, help="rarer units are unknown ones")
    add("--seats", type=int, default=100_000, help="sentences drawn from the seat grammar")
    add("--limit", type=int, default=0, help="only this many sentences of every file (for trials)")
    add("--arpa", type=Path, help="also write the pruned model as ARPA text")
    add("--seed", type=int, default=11)


def units(text: str, unit: str) -> str:
    """A normalised sentence as one character a unit, the space among them."""
    return (unicodedata.normalize("NFD", text) if unit == "jamo" else text).replace(" ", "|")


def collect(args: argparse.Namespace) -> tuple[list[str], list[dict]]:
    """All sentences, every one once, and where they come from."""
    seen = lm_text.held_out(args.work) if args.work else set()
    sentences: list[str] = []
    sources: list[dict] = []

    def take(name: str, licence: str, found: list[str]) -> None:
        sentences.extend(found)
        sources.append({"name": name, "license": licence, "sentences": len(found)})
        print(f"lm: {len(found)} sentences of {name}", flush=True)

    for path in sorted(args.text.glob("*.txt.gz")):
        source = path.name.removesuffix(".txt.gz")
        title, licence = lm_text.SOURCES.get(source, (source, "unknown"))
        take(title, licence, list(islice(lm_text.unique(lm_text.read(path), seen), args.limit or None)))
    if args.transcripts:
        for corpus, found in lm_text.transcripts(args.work).items():
            title, licence = SOURCES[corpus]
            take(f"training transcripts of {title}", licence, list(lm_text.unique(found, seen)))
    drawn = lm_text.seat_sentences(args.seats, random.Random(args.seed))
    take(*lm_text.SOURCES["seats"], list(lm_text.unique(drawn, seen)))
    return sentences, sources


def licence(sources: list[dict]) -> str:
    """Terms of the whole: share-alike text asks for its own, transcripts of non-commercial speech for theirs as well."""
    terms = {source["license"] for source in sources}
    restricted = sorted(term for term in terms if "-NC-" in term)
    if restricted:
        return "non-commercial use only: " + ", ".join(restricted)
    return "CC-BY-SA-4.0" if "CC-BY-SA-4.0" in terms else ", ".join(sorted(terms))


def fit(model: ngram.Model, counts: list[np.ndarray], limit: int) -> ngram.Model:
    """The model with as many of its n-grams as fit into so many bytes, the most important ones."""
    values = ngram.importance(model, counts)
    names = sum(len(word.encode()) + 1 for word in model.words)

    def size(threshold: float) -> int:
        return names + kenlm.size_bytes(len(model.words), [int((v >= threshold).sum()) for v in values])

    low, high = -60.0, 0.0
    if size(np.exp(high)) > limit:
        raise SystemExit(f"lm: the words alone take {size(np.exp(high))} bytes")
    if size(-np.inf) <= limit:
        return model
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if size(np.exp(middle)) <= limit else (middle, high)
    return ngram.prune(model, [v >= np.exp(high) for v in values])


def run(args: argparse.Namespace) -> None:
    """Write the model and what is to be said of it."""
    began = time.time()
    sentences, sources = collect(args)
    spelled = [units(text, args.unit) for text in sentences]
    words = ngram.vocabulary(spelled, args.least)
    text = ngram.encode(spelled, words)
    print(f"lm: {len(text)} units, {len(words)} different, {time.time() - began:.0f} s", flush=True)
    model, counts = ngram.estimate(text, words, args.order)
    whole = [len(order) for order in model.orders]
    print(f"lm: n-grams {whole}, {time.time() - began:.0f} s", flush=True)
    model = fit(model, counts, int(args.max_mb * 1e6))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    kenlm.write_binary(model, args.out)
    if args.arpa:
        kenlm.write_arpa(model, args.arpa)
    about = {
        "format": "kenlm", "license": licence(sources), "unit": args.unit, "order": args.order, "ngrams": [len(order) for order in model.orders],
        "beforePruning": whole, "bytes": args.out.stat().st_size, "sources": sources,
    }
    args.out.with_name(args.out.name + ".json").write_text(
        json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"languageModel": str(args.out), **{k: about[k] for k in ("order", "ngrams", "bytes")}}))
