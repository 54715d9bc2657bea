"""`train`: CTC training with random chunk masks, resumable, within a budget of time or of steps."""

import argparse
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import checkpoint, conditions, device, optimizer
from .augment import AugmentConfig
from .data import Batch, Collator, Sample, bucket, by_id, mix, prefetch, samples, vary
from .evaluate import normalization, read_statistics, report, score
from .model import ConformerCTC, ModelConfig, parameters
from .parallel import Workers
from .splice import Splices
from .store import Store
from .tokens import BLANK


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder that prepare and synthesize filled")
    add("--name", default="run", help="folder for checkpoints and the log, under the working folder")
    add("--init", type=Path, help="start from these weights (a checkpoint, or the released float16 file)")
    add("--budget-minutes", type=float, default=80, help="wall-clock length of the learning-rate schedule")
    add("--steps", type=int, default=0, help="length of the schedule in steps instead of minutes: on a busy machine, "
        "or to be run again")
    add("--until", type=int, default=0, help="stop at this step, for other flags from there on")
    add("--batch-frames", type=int, default=6000, help="padded feature frames in a batch")
    add("--lr", type=float, default=2e-3, help="peak learning rate")
    add("--lr-floor", type=float, default=0.01, help="final learning rate, as a share of the peak")
    add("--warmup", type=int, default=400, help="steps of warm-up")
    add("--decay", type=float, default=0.01, help="weight decay")
    add("--clip", type=float, default=5.0, help="largest gradient norm")
    add("--optimizer", choices=["muon", "adamw"], default="muon", help="optimiser of the hidden matrices")
    add("--average", type=float, default=0.998, help="decay of the weight average that is evaluated and exported")
    add("--synthetic", type=float, default=0.35, help="share of synthetic frames in an epoch")
    add("--synthetic-name", default="synthetic", help="folder that synthesize wrote, under the working folder")
    add("--conditions", type=float, default=0.35, help="share of real utterances drawn as a variant from `conditions`")
    add("--splice", type=float, default=0.0, help="share of real utterances put together anew of their speaker's words")
    add("--keep", nargs="*", default=["deeply-korean-read-speech=0.4"], metavar="CORPUS=SHARE",
        help="share of a corpus drawn in each epoch")
    add("--full-context", type=float, default=0.5, help="share of batches without a chunk mask")
    add("--augment", type=float, default=1.0, help="strength of masks and noise; below 1 for short runs")
    add("--middle-weight", type=float, default=0.3, help="weight of the intermediate CTC loss")
    add("--evaluate-every", type=int, default=2, help="epochs between evaluations on dev")
    add("--save-minutes", type=float, default=3.0, help="minutes between checkpoints")
    add("--dimension", type=int, default=ModelConfig.dimension)
    add("--layers", type=int, default=ModelConfig.layers)
    add("--threads", type=int, default=2, help="cores")
    device.argument(parser)
    add("--seed", type=int, default=1)


@dataclass
class Progress:
    """What a resumed run continues from."""

    step: int = 0
    epoch: int = 0
    elapsed: float = 0.0
    seconds: float = 0.0


def chunk_mask(rng: random.Random, full: float) -> tuple[int, int]:
    """Chunk size and left chunks of a batch: U2's dynamic chunks, 4 to 25 frames (160 ms to 1 s)."""
    if rng.random() < full:
        return 0, -1
    chunk = rng.randint(4, 25)
    # At least about a second of history, else all of it.
    return chunk, rng.choice([-1, rng.randint(max(1, 25 // chunk), max(2, 200 // chunk))])


def loss_of(
    model: ConformerCTC, batch: Batch, chunk: int, left: int, middle_weight: float, tokens: int
) -> torch.Tensor:
    """CTC with the intermediate loss mixed in, divided by the tokens of the whole batch."""
    with torch.autocast(batch.features.device.type, torch.bfloat16):
        logits, lengths, halfway = model(batch.features, batch.lengths, chunk, left, middle_weight > 0)

    def ctc(values: torch.Tensor) -> torch.Tensor:
        log_probs = values.float().log_softmax(-1).transpose(0, 1)
        total = F.ctc_loss(
            log_probs, batch.targets, lengths, batch.target_lengths, BLANK, reduction="sum", zero_infinity=True
        )
        return total / max(1, tokens)

    loss = ctc(logits)
    if halfway is None:
        return loss
    return (1 - middle_weight) * loss + middle_weight * ctc(halfway)


class Trainer:
    """State of a run."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.folder = args.work / args.name
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        self.device = device.chosen(args.device)
        self.workers = Workers(args.threads)
        self.keep = {name: float(share) for name, share in (pair.split("=") for pair in args.keep)}
        self.progress = Progress()
        last = self.folder / "last.pt"
        source = checkpoint.load(last) if last.exists() else checkpoint.load(args.init) if args.init else None
        # Weights keep the normalisation they were trained with, whatever the working folder holds.
        self.statistics = source["statistics"] if source else read_statistics(args.work)
        self.collate = Collator(*normalization(self.statistics), AugmentConfig().scaled(args.augment))
        self.plain = Collator(*normalization(self.statistics))
        config = ModelConfig(**source["config"]) if source else ModelConfig(
            dimension=args.dimension, layers=args.layers)
        self.model = ConformerCTC(config).to(self.device)
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.optimizers = optimizer.build(self.model, args.optimizer, args.lr, args.decay, self.workers.pool.map)
        if source:
            self.model.load_state_dict({k: v.float() for k, v in source["model"].items()})
            weights = source.get("average") or source["model"]
            self.average = {k: v.float().clone().to(self.device) for k, v in weights.items()}
        if source and last.exists():
            self.progress = Progress(**source["progress"])
            for o, state in zip(self.optimizers, source["optimizers"], strict=True):
                o.load_state_dict(state)
        print(f"model: {parameters(self.model):,} parameters, {config}, on {self.device}", flush=True)

    def spent(self) -> float:
        """Share of the schedule that is behind."""
        if self.args.steps:
            return self.progress.step / self.args.steps
        return self.progress.elapsed / (60 * self.args.budget_minutes)

    def is_over(self) -> bool:
        """Whether to stop."""
        return self.spent() >= 1 or 0 < self.args.until <= self.progress.step

    def sets(self) -> tuple[list[Sample], list[Sample], dict[str, list[Sample]]]:
        """Training sets and development sets; synthetic speech is picked up as soon as it exists."""
        real = Store(self.args.work / "real")
        train, synthetic = samples(real, "train"), []
        held_out = {"dev": samples(real, "dev")}
        folder = self.args.work / self.args.synthetic_name
        if (folder / "index.jsonl").exists():
            store = Store(folder)
            synthetic = samples(store, "train")
            held_out["synthetic-dev"] = samples(store, "dev")
        return train, synthetic, held_out

    def save(self, name: str = "last.pt") -> None:
        """Write a checkpoint."""
        checkpoint.save(self.folder / name, {
            "config": self.model.config.to_dict(), "model": self.model.state_dict(), "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers], "progress": vars(self.progress),
            "statistics": self.statistics,
        })

    def log(self, **values: object) -> None:
        """Append a line to the log."""
        line = {"step": self.progress.step, "epoch": self.progress.epoch,
                "minutes": round(self.progress.elapsed / 60, 2), **values}
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(json.dumps(line, ensure_ascii=False), flush=True)

    def update(self, batch: Batch, rng: random.Random) -> float:
        """One optimiser step."""
        args, p = self.args, self.progress
        rate = optimizer.learning_rate(args.lr, p.step, args.warmup, self.spent(), args.lr_floor)
        for o in self.optimizers:
            for group in o.param_groups:
                group["lr"] = rate
        chunk, left = chunk_mask(rng, args.full_context)
        tokens = len(batch.targets)
        loss = self.workers.gradients(
            self.model, batch, lambda part: loss_of(self.model, part, chunk, left, args.middle_weight, tokens))
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), args.clip)
        if torch.isfinite(norm):
            for o in self.optimizers:
                o.step()
            # A short memory at first, or the average would hold the random start for long.
            weight = 1 - min(args.average, (1 + p.step) / (20 + p.step))
            current = self.model.state_dict()
            torch._foreach_lerp_(list(self.average.values()), [current[k] for k in self.average], weight)
        p.step += 1
        return loss

    def evaluate(self, sets: dict[str, list[Sample]]) -> None:
        """Score the averaged weights on the development sets."""
        model = ConformerCTC(self.model.config).to(self.device)
        model.load_state_dict(self.average)
        for name, chosen in sets.items():
            result = report(score(model.eval(), chosen, self.plain, run=self.workers.pool.map))
            self.log(set=name, **result)

    def run(self) -> None:
        """Train until the budget is spent, or to the step of a stage's end."""
        args, p = self.args, self.progress
        saved = time.time()
        while not self.is_over():
            # The step is part of the seed: a resumed epoch must not repeat what it has seen.
            seed = args.seed * 1_000_000 + p.step
            rng = random.Random(seed)
            train, synthetic, held_out = self.sets()
            generator = np.random.default_rng(seed)
            stores = {name: Store(path) for name, path in conditions.folders(args.work, "train").items()}
            variants = by_id(list(stores.values()))
            if args.splice:
                splices = Splices(args.work, train[0].store, stores.get("far"))
                train = splices.mix(train, args.splice, generator, args.conditions)
            chosen = mix(vary(train, variants, args.conditions, generator), synthetic, args.synthetic, self.keep, generator)
            batches = bucket(chosen, args.batch_frames, generator)
            self.model.train()
            losses: list[float] = []
            mark = (time.time(), p.seconds)
            for batch in prefetch(batches, self.collate, seed):
                began = time.time()
                losses.append(self.update(batch.to(self.device), rng))
                p.seconds += float(batch.lengths.sum()) / 100
                p.elapsed += time.time() - began
                if p.step % 100 == 0:
                    speed = (p.seconds - mark[1]) / (time.time() - mark[0])
                    mark = (time.time(), p.seconds)
                    lr = self.optimizers[0].param_groups[0]["lr"]
                    self.log(loss=round(float(np.mean(losses[-100:])), 4), lr=round(lr, 6),
                             hours=round(p.seconds / 3600, 2), speed=round(speed, 1))
                if time.time() - saved > 60 * args.save_minutes:
                    self.save()
                    saved = time.time()
                if self.is_over():
                    break
            p.epoch += 1
            if p.epoch % args.evaluate_every == 0 or self.is_over():
                self.evaluate(held_out)
                self.save()
                saved = time.time()


def run(args: argparse.Namespace) -> None:
    """Train or resume."""
    Trainer(args).run()
