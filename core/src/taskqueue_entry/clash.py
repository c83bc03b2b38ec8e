"""Another distribution's files in the package `taskqueue`, or another package of that name in front of it.

Two distributions with one package overwrite each other's files when they are installed, and remove each other's files
when they are uninstalled: a mixture runs then. The package index has a distribution `taskqueue` that is not this
project, so every start looks at the installed distributions. It looks only into folders that have a package
`taskqueue`: none for a checkout, one for an installed wheel, in 4 ms. `importlib.metadata.packages_distributions`
would read every distribution of every folder.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

DISTRIBUTION = "taskqueue-operator"
PACKAGE = "taskqueue"

#: `taskqueue.cli.exit_codes.ExitCode.REFUSED`, which is not imported: it may be missing.
REFUSED = 7

#: Imported before, unless another package of the name is in front.
_OWN = f"{PACKAGE}.process.stop_signals"
_AGAIN = f"install {DISTRIBUTION} again"


def refuse_clash() -> None:
    """End the process with one sentence if the package is not this distribution's alone."""
    for name, version in other_distributions(sys.path):
        _end(
            f"the distribution {name} {version} has files in the package {PACKAGE}, which is {DISTRIBUTION}'s: "
            f"`pip uninstall {name}`, then {_AGAIN}"
        )
    found = find_spec(PACKAGE)
    if not found or not found.origin:
        _end(f"files of {DISTRIBUTION} are missing in its package {PACKAGE}: {_AGAIN}")
    if _OWN not in sys.modules:
        _end(
            f"{found.origin} is imported as {PACKAGE}, and is not {DISTRIBUTION}'s: rename it, "
            "or take its folder out of PYTHONPATH and out of the working directory"
        )


def other_distributions(path: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and version of each other distribution that has files in the package, in the folders of a path."""
    for folder in dict.fromkeys(path):
        for info in _infos(folder):
            name, _, version = info.name.removesuffix(info.suffix).partition("-")
            if _normal(name) != DISTRIBUTION and _has_package(info):
                yield _normal(name), version.partition("-")[0]


def _infos(folder: str) -> list[Path]:
    """List the metadata folders of a folder that has a package or a module called `taskqueue`."""
    try:
        with os.scandir(folder or ".") as entries:
            found = [Path(entry.path) for entry in entries]
    except OSError:  # no folder, or one that this process may not read
        return []
    if not any(one.name in {PACKAGE, f"{PACKAGE}.py"} for one in found):
        return []
    return [one for one in found if one.suffix in {".dist-info", ".egg-info"}]


def _normal(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _has_package(info: Path) -> bool:
    """Tell whether the metadata of a distribution lists files in the package."""
    record = b"\n" + _read(info / "RECORD")
    return (
        any(start in record for start in (f"\n{PACKAGE}/".encode(), f"\n{PACKAGE}.py,".encode()))
        or PACKAGE.encode() in _read(info / "top_level.txt").split()
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _end(sentence: str) -> NoReturn:
    sys.stderr.write(f"taskqueue: {sentence}\n")
    sys.exit(REFUSED)
