"""Another distribution's files in the package `taskqueue`, or another package of that name in front of it.

Two distributions with one package overwrite each other's files when they are installed, and remove them when they are
uninstalled: what runs then is a mixture. The package index has a distribution `taskqueue` that is not this project,
hence the look at what is installed, at every start. Only a folder that has a package `taskqueue` is looked at: none of
a checkout, and one where a wheel is installed, in 2 ms. `importlib.metadata.packages_distributions` would read all that
every distribution has in every folder.
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
_OWN = f"{PACKAGE}.stop_signals"
_AGAIN = f"install {DISTRIBUTION} again"


def refuse_clash() -> None:
    """End the process with one sentence if the package is not this distribution's alone."""
    for name, version in strangers(sys.path):
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


def strangers(path: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and version of each other distribution that has files in the package, in the folders of a path."""
    for folder in dict.fromkeys(path):
        if Path(folder, PACKAGE).is_dir() or Path(folder, f"{PACKAGE}.py").is_file():
            for info in _infos(folder):
                name, _, version = info.name.removesuffix(info.suffix).partition("-")
                if _normal(name) != DISTRIBUTION and _has_package(info):
                    yield _normal(name), version.partition("-")[0]


def _infos(folder: str) -> Iterator[Path]:
    with os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info")):
                yield Path(entry.path)


def _normal(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _has_package(info: Path) -> bool:
    """Tell whether a distribution says that it has files in the package."""
    for line in _lines(info / "RECORD"):
        if line.startswith((f"{PACKAGE}/".encode(), f"{PACKAGE}.py,".encode())):
            return True
    return PACKAGE.encode() in _lines(info / "top_level.txt")


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []


def _end(sentence: str) -> NoReturn:
    sys.stderr.write(f"taskqueue: {sentence}\n")
    sys.exit(REFUSED)
