"""`python -m malgwi_models.testing FOLDER [NAME ...]`: writes the test packages (all, or those named) into FOLDER."""

import argparse
from pathlib import Path

from . import conformer
from .packages import FRONT_END, RECIPES, write


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m malgwi_models.testing", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="*", choices=[[], *RECIPES, conformer.NAME], help="packages to write; all by default")
    options = parser.parse_args()
    for name in options.name or [*RECIPES, conformer.NAME]:
        if name == conformer.NAME:
            conformer.write(options.folder / name, FRONT_END)
        else:
            write(options.folder / name, name)
        print(options.folder / name)


if __name__ == "__main__":
    main()
