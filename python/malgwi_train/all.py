"""
`all`: the whole recipe, from corpora to an evaluated package: every step is a command of this program.

What the steps are and with which arguments is data (`recipes/*.json`). A step that is done is recorded under
`steps/` of the working folder and not done again; one that was interrupted goes on where it can.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

RECIPES = Path(__file__).parent / "recipes"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the command."""
    add = parser.add_argument
    add("--work", type=Path, required=True, help="working folder: features, checkpoints, logs, records of the steps")
    add("--corpora", type=Path, default=Path("../shared/corpora"), help="folder with manifest.jsonl, or KsponSpeech's")
    add("--text", type=Path, default=Path("../shared/text"), help="folder with NAME.txt.gz, one sentence a line")
    add("--out", type=Path, required=True, help="package folder to write")
    add("--recipe", type=Path, default=RECIPES / "malgwi-ko.json", help="steps and their arguments")
    add("--smoke", action="store_true", help="every step on a tiny slice, in minutes: nothing usable comes of it")
    add("--device", default="auto", help="cpu, cuda, or auto: cuda where there is one")
    add("--processes", type=int, default=os.cpu_count() or 1, help="cores to use")
    add("--list", action="store_true", help="print the steps and whether they are done, run nothing")


def steps(args: argparse.Namespace) -> list[dict]:
    """Steps of the recipe with the places filled in."""
    path = RECIPES / "smoke.json" if args.smoke else args.recipe
    places = {key: str(getattr(args, key)) for key in ("work", "corpora", "text", "out")}
    found = json.loads(path.read_text(encoding="utf-8"))["steps"]
    for step in found:
        if step["run"][0] == "train":
            step["run"] += ["--device", args.device, "--threads", "{processes}"]
        if step["run"][0] == "evaluate":
            step["run"] += ["--device", args.device]
        # How many cores there were has no part in what comes out: the record leaves it open.
        step["record"] = [part.format_map({**places, "processes": "{processes}"}) for part in step["run"]]
        step["run"] = [part.format_map({**places, "processes": args.processes}) for part in step["run"]]
    return found


def record_of(args: argparse.Namespace, step: dict) -> Path:
    """File that says a step is done."""
    return args.work / "steps" / f"{step['name']}.json"


def is_done(args: argparse.Namespace, step: dict) -> bool:
    """Whether a step is done; done with other arguments, its results are not this recipe's, nor are those after it."""
    path = record_of(args, step)
    if not path.exists():
        return False
    if json.loads(path.read_text(encoding="utf-8"))["run"] != step["record"]:
        raise SystemExit(f"all: {step['name']} was done with other arguments ({path}); take another --work, or remove "
                         "this record and the later ones, and what these steps wrote")
    return True


def run_step(args: argparse.Namespace, step: dict) -> None:
    """Run a step, its output on the terminal, and record it."""
    # Threads are the commands' own business: libraries that start more only get in each other's way.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    began = time.time()
    code = subprocess.run([sys.executable, "-m", __package__, *step["run"]], env=environment, check=False).returncode
    minutes = round((time.time() - began) / 60, 1)
    if code and not step.get("optional"):
        raise SystemExit(f"all: {step['name']} failed (exit status {code}); run the same command again to go on")
    record = {"run": step["record"], "minutes": minutes, "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "status": code}
    path = record_of(args, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def run(args: argparse.Namespace) -> None:
    """Do what is not done."""
    args.work.mkdir(parents=True, exist_ok=True)
    # The commands run where this one does, but their records should say the same from anywhere.
    for key in ("work", "corpora", "text", "out"):
        setattr(args, key, getattr(args, key).resolve())
    found = steps(args)
    done = [is_done(args, step) for step in found]
    for n, (step, over) in enumerate(zip(found, done, strict=True), 1):
        state = "done" if over else "to do" if args.list else "begins"
        print(f"all {n}/{len(found)} {step['name']}: {state}", flush=True)
        if not over and not args.list:
            run_step(args, step)
    if not args.list:
        print(f"all done: {args.out}", flush=True)
