"""Writes a package folder: everything into a temporary folder beside it first, then one rename."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class PackageError(Exception):
    """The package cannot be written where it should be. The message is for the user."""


def package_name(out: Path) -> str:
    """The name of a package is that of its folder."""
    name = out.resolve().name
    if not NAME.fullmatch(name):
        raise PackageError(f"{name!r} cannot be the name of a model: the folder's name must be of lower-case letters, digits, "
                           "'.', '_' and '-', at most 64 of them")
    return name


def check_target(out: Path, force: bool) -> None:
    """Refuse early to write over something. Even with `force` only a package is replaced."""
    if not out.exists() and not out.is_symlink():
        return
    if not force:
        raise PackageError(f"{out} exists; --force replaces it")
    if out.is_symlink() or not out.is_dir() or not ((out / "manifest.json").is_file() or not any(out.iterdir())):
        raise PackageError(f"{out} exists and is not a model package: it is not replaced")


@contextmanager
def new_package(out: Path, force: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes `out` when the block ends without an error, and vanishes otherwise."""
    check_target(out, force)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)
        check_target(out, force)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.parent))
            out.rename(old / out.name)
            folder.rename(out)
            shutil.rmtree(old)
        else:
            folder.rename(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_entries(folder: Path) -> dict[str, dict[str, Any]]:
    """Hash and size of every file in the folder but the manifest, by name."""
    entries = {}
    for path in sorted(folder.iterdir()):
        if path.name != "manifest.json":
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            entries[path.name] = {"sha256": digest, "bytes": path.stat().st_size}
    return entries


def write_json(path: Path, value: Any) -> None:
    """Indented UTF-8."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
