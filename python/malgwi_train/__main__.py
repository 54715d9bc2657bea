"""Command line: `python -m malgwi_train COMMAND`."""

import argparse
import importlib

COMMANDS = {
    "prepare": "features and normalised transcripts of the real corpora",
    "synthesize": "synthetic speech with espeak-ng",
    "train": "train or resume the acoustic model",
    "evaluate": "greedy character error rates of a checkpoint or an exported graph",
    "export": "write the model package (ONNX, manifest, tokens)",
    "plot": "curves of a training log",
}


def main() -> None:
    """Parse the command and run its module; modules load only when used, so that --help is fast."""
    parser = argparse.ArgumentParser(prog="malgwi_train", description=__doc__)
    parser.add_argument("command", choices=COMMANDS, help="; ".join(f"{k}: {v}" for k, v in COMMANDS.items()))
    command = parser.parse_args(_first_argument()).command
    module = importlib.import_module(f".{command}", __package__)
    own = argparse.ArgumentParser(
        prog=f"malgwi_train {command}", description=module.__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    module.arguments(own)
    module.run(own.parse_args(_rest()))


def _first_argument() -> list[str]:
    import sys

    return sys.argv[1:2]


def _rest() -> list[str]:
    import sys

    return sys.argv[2:]


if __name__ == "__main__":
    main()
