"""`splice`: where the words of the training utterances begin and end, so that training can say them in new orders.

Speakers are few and their sentences fewer: a network soon knows them by heart. Words cut out of a speaker's utterances and put
together anew (aligned data augmentation, Lam et al. 2021) keep voice, room and pronunciation, and take the sentence away.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from . import checkpoint
from .data import Collator, Sample, samples
from .evaluate import normalization, of_model
from .store import Store
from .text import syllables
from .tokens import BLANK, SPACE, encode

FILE = "splices.jsonl"
# Feature frames of an encoder frame, and the middle of those that the first one sees.
STRIDE, MIDDLE = 4, 3
LONGEST = 1200


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder that prepare filled")
    add("--checkpoint", type=Path, required=True, help="weights that find the words")
    add("--least", type=float, default=-1.5, help="mean log probability of an alignment that is believed")
    add("--threads", type=int, default=2)


def align(log_probs: np.ndarray, target: list[int]) -> tuple[list[int], float]:
    """
    Frame at which every token is surest on the best CTC path (Viterbi over tokens with blanks between, Graves et al. 2006).

    `log_probs` is `[F, V]`. Also returned: the path's mean log probability a frame. Without a path (more tokens than
    frames) there are no frames, and minus infinity.
    """
    states = [BLANK]
    for token in target:
        states += [token, BLANK]
    emitted = log_probs[:, states]
    frames, count = emitted.shape
    # A blank may be left out between two different tokens.
    skips = np.array([s >= 2 and states[s] not in (BLANK, states[s - 2]) for s in range(count)])
    score = np.full(count, -np.inf)
    score[:2] = emitted[0, :2]
    back = np.zeros((frames, count), np.int8)
    for n in range(1, frames):
        ways = np.stack([score, np.pad(score[:-1], (1, 0), constant_values=-np.inf),
                         np.where(skips, np.pad(score[:-2], (2, 0), constant_values=-np.inf)[:count], -np.inf)])
        back[n] = ways.argmax(0)
        score = ways.max(0) + emitted[n]
    state = count - 1 if score[-1] >= score[-2] else count - 2
    if not np.isfinite(score[state]):
        return [], float("-inf")
    mean = float(score[state]) / frames
    best = np.full(len(target), -np.inf)
    found = [0] * len(target)
    for n in range(frames - 1, -1, -1):
        token = state // 2
        if state % 2 and emitted[n, state] > best[token]:
            best[token], found[token] = emitted[n, state], n
        state -= int(back[n, state])
    return found, mean


def cuts(features: np.ndarray, target: list[int], found: list[int]) -> list[int]:
    """Feature frames that divide the words: the quietest between the last letter of a word and the first of the next."""
    loud = features.mean(1)
    result = [0]
    for n, token in enumerate(target):
        if token == SPACE:
            before, after = (min(len(loud) - 1, STRIDE * found[m] + MIDDLE) for m in (n - 1, n + 1))
            result.append(before + 1 + int(loud[before + 1 : max(before + 2, after)].argmin()))
    return [*result, len(features)]


@dataclass(frozen=True)
class Words:
    """An utterance and where its words are divided."""

    item: dict
    words: list[str]
    cuts: list[int]


class Splices:
    """
    Utterances put together of words of one speaker; to training it is a store like others.

    `rooms` holds the same utterances as heard in rooms or in noise (variant `far`, whose frames are the same ones).
    """

    def __init__(self, work: Path, real: Store, rooms: Store | None = None) -> None:
        self.real = real
        self.rooms = rooms
        self.heard = {item["id"]: item for item in rooms.items} if rooms else {}
        items = {item["id"]: item for item in real.items if item["split"] == "train"}
        self.speakers: dict[str, list[Words]] = {}
        if not (work / FILE).exists():
            raise SystemExit(f"{work / FILE} is missing: the command splice writes it")
        with open(work / FILE, encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                item = items[line["id"]]
                self.speakers.setdefault(item["speaker"], []).append(Words(item, item["text"].split(), line["cuts"]))

    def features(self, item: dict) -> np.ndarray:
        """Frames of all pieces."""
        store = self.rooms if item["inRoom"] else self.real
        return np.concatenate([store.features(source)[a:b] for source, a, b in item["pieces"]])

    def draw(self, like: dict, rng: np.random.Generator, rooms: float = 0.0) -> Sample | None:
        """About as long an utterance of the same speaker; none when too little of that speaker could be cut."""
        known = self.speakers.get(like["speaker"], [])
        if len(known) < 4:
            return None
        in_room = self.rooms is not None and rng.random() < rooms
        pieces: list[tuple[dict, int, int]] = []
        texts: list[str] = []
        frames = 0
        wanted = min(LONGEST, max(100, like["frames"]))
        while frames < wanted and len(pieces) < 12:
            source = known[rng.integers(len(known))]
            first = int(rng.integers(len(source.words)))
            last = min(len(source.words), first + int(rng.integers(1, 5)))
            a, b = source.cuts[first], source.cuts[last]
            if b - a < 10 or frames + b - a > LONGEST:
                # A piece without frames is a slip of the alignment; one that is too long ends what there is.
                if frames:
                    break
                continue
            pieces.append((self.heard[source.item["id"]] if in_room else source.item, a, b))
            texts += source.words[first:last]
            frames += b - a
        text = " ".join(texts)
        item = {"text": text, "corpus": like["corpus"], "speaker": like["speaker"], "frames": frames, "pieces": pieces,
                "inRoom": in_room}
        return Sample(self, item, encode(text))

    def mix(self, chosen: list[Sample], share: float, rng: np.random.Generator, rooms: float = 0.0) -> list[Sample]:
        """The same number of utterances, about `share` of them put together anew, `rooms` of these as heard in rooms."""
        return [(self.draw(s.item, rng, rooms) if rng.random() < share else None) or s for s in chosen]


def run(args: argparse.Namespace) -> None:
    """Write the divisions of all training utterances whose words are found."""
    torch.set_num_threads(args.threads)
    began = time.time()
    model, state = checkpoint.load_model(args.checkpoint)
    infer, collate = of_model(model), Collator(*normalization(state["statistics"]))
    real = Store(args.work / "real")
    chosen = sorted((s for s in samples(real, "train") if s.target), key=lambda s: s.item["frames"])
    kept = 0
    with open(args.work / (FILE + ".partial"), "w", encoding="utf-8") as out:
        for start in range(0, len(chosen), 8):
            group = chosen[start : start + 8]
            batch = collate(group)
            values, lengths = infer(batch.features, batch.lengths)
            for sample, logits, length in zip(group, values, lengths, strict=True):
                row = torch.from_numpy(logits[:length]).float().log_softmax(-1).numpy()
                found, mean = align(row, sample.target)
                if not found or mean < args.least:
                    continue
                divided = cuts(sample.store.features(sample.item), sample.target, found)
                if divided == sorted(set(divided)):
                    out.write(json.dumps({"id": sample.item["id"], "cuts": divided}) + "\n")
                    kept += 1
            if start % 800 == 0:
                print(f"splice {start}/{len(chosen)}, {kept} kept, {time.time() - began:.0f} s", flush=True)
    (args.work / (FILE + ".partial")).rename(args.work / FILE)
    words = sum(len(s.item["text"].split()) for s in chosen)
    print(f"splice done: {kept} of {len(chosen)} utterances, {sum(syllables(s.item['text']) for s in chosen)} syllables, {words} words")
