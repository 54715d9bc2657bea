"""Command line: `python -m malgwi_train COMMAND`."""

import argparse
import importlib
import sys

COMMANDS = {
    "all": "the whole recipe, step after step",
    "prepare": "features and normalised transcripts of the real corpora",
    "synthesize": "synthetic speech with espeak-ng",
    "conditions": "rooms, noise, telephones and codecs: variants of the real utterances",
    "splice": "divide the real utterances into words, to put them together anew",
    "train": "train or resume the acoustic model",
    "average": "the mean of two checkpoints",
    "evaluate": "greedy character error rates of a checkpoint or an exported graph",
    "lm": "n-gram language model for the decoder",
    "export": "write the model package (ONNX, manifest, tokens)",
    "attach": "put a language model into a package",
    "plot": "curves of a training log",
}


def main() -> None:
    """Parse the command and run its module; modules load only when used, so that --help is fast."""
    listing = "\n".join(f"  {name:12}{text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="malgwi_train", description=__doc__, epilog=f"commands:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(sys.argv[1:2]).command
    module = importlib.import_module(f".{command}", __package__)
    own = argparse.ArgumentParser(
        prog=f"malgwi_train {command}", description=module.__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    module.arguments(own)
    module.run(own.parse_args(sys.argv[2:]))


if __name__ == "__main__":
    main()
