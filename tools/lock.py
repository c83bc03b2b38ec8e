"""Pin the dependencies of pyproject.toml in requirements/, by version and hash.

    python tools/lock.py [--check] [WORDS FOR UV, such as --upgrade]

    build.txt        installers and build backends
    product.txt      shipped packages: the project's dependencies, with all of its extras
    development.txt  both, and the tools of the tests
    docs.txt         the site's generator, for an environment of its own

Pins stay as they are while they satisfy pyproject.toml, and so do the hashes of a pin; `--upgrade` takes the
newest versions. No file names an index: packages come from the index that pip and uv are configured with, and the hash
proves that they are the same.
--check writes nothing; exit 1 if a file is outdated.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
HEAD = "# Written by `make lock` from pyproject.toml.\n"
UV = Path(sys.executable).with_name("uv")
#: The oldest Python that the pins are for; newer ones, and other systems, get lines with markers.
OLDEST = "3.11"


class Lock(NamedTuple):
    """A file of pins. includes: earlier files; it keeps their pins and does not repeat them."""

    name: str
    selected: tuple[str, ...]
    includes: tuple[str, ...] = ()


LOCKS = (
    Lock("build.txt", ("--group", "build")),
    Lock("product.txt", ("pyproject.toml", "--all-extras")),
    Lock(
        "development.txt",
        ("pyproject.toml", "--all-extras", "--group", "dev"),
        includes=("build.txt", "product.txt"),
    ),
    Lock("docs.txt", ("--group", "docs")),
)


def write(folder: Path, options: list[str]) -> None:
    """Write all files, keeping the pins of files that the folder has already."""
    for lock in LOCKS:
        file = folder / lock.name
        known = {pin for name in lock.includes for pin in pins((folder / name).read_text())}
        compile_pins(lock, file, options)
        own = [pin for pin in pins(file.read_text()) if pin not in known]
        file.write_text("".join([HEAD, *(f"-r {name}\n" for name in lock.includes), *own]))


def compile_pins(lock: Lock, file: Path, options: list[str]) -> None:
    kept = [word for name in lock.includes for word in ("--constraints", str(file.with_name(name)))]
    command = [
        *(str(UV), "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST),
        *("--no-strip-extras", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"),
        *(*lock.selected, *kept, *options, "--output-file", str(file)),
    ]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=environment)


def pins(text: str) -> list[str]:
    """Split a file into its pins, each with the lines of its hashes."""
    found: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith(" "):
            found[-1] += line
        elif "==" in line and not line.startswith("#"):
            found.append(line)
    return found


def stale(options: list[str]) -> list[str]:
    """Return the names of the outdated files."""
    with tempfile.TemporaryDirectory() as folder:
        now = {lock.name: (FOLDER / lock.name) for lock in LOCKS}
        for name, file in now.items():
            (Path(folder) / name).write_text(file.read_text() if file.exists() else "")
        write(Path(folder), options)
        return [
            name
            for name, file in now.items()
            if not file.exists() or file.read_text() != (Path(folder) / name).read_text()
        ]


def main(words: list[str]) -> int:
    options = [word for word in words if word != "--check"]
    try:
        if "--check" not in words:
            FOLDER.mkdir(exist_ok=True)
            write(FOLDER, options)
            return 0
        wrong = stale(options)
    except subprocess.CalledProcessError as failed:
        return failed.returncode  # uv has said why
    for name in wrong:
        print(f"requirements/{name} is not what pyproject.toml asks for: run `make lock`", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
