"""Command line: `python -m malgwi_models COMMAND`."""

import argparse
import importlib
import sys

from .errors import CheckpointError
from .package import PackageError

COMMANDS = {
    "import-kospeech": ("kospeech.command", "model package from a KoSpeech checkpoint"),
    "import-coqui": ("coqui.command", "model package from a .tflite of Coqui STT or DeepSpeech 0.9"),
}
REFUSED = 2


def main(argv: list[str] | None = None) -> int:
    """Parse the command and run its module; modules load only when used, so that --help is fast.

    What cannot be imported is said in one line, and exits with 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    listing = "\n".join(f"  {name:18}{text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="malgwi_models", description="Imports models of other speech engines into packages that Malgwi serves.",
        epilog=f"commands:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args(argv[:1]).command
    module = importlib.import_module(f".{COMMANDS[command][0]}", __package__)
    own = argparse.ArgumentParser(prog=f"malgwi_models {command}", description=module.__doc__)
    module.arguments(own)
    try:
        module.run(own.parse_args(argv[1:]))
    except (CheckpointError, PackageError) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
