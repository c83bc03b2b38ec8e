"""Writes the pinned files of the console and of its tests, and their tables, from packages of the npm registry.

npm's own client fetches each package and checks its integrity; a file that differs from the table is an error until the
version here changes with it.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_HEAD = """# Pinned files

`make assets` writes this folder; do not edit it. A unit test compares each file with its SHA-256 here.

| file | package | file in the package | licence | SHA-256 |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the npm registry.   files: path in the package by name here; the licence's text is among them."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


_CONSOLE = (
    Package(
        "htmx.org",
        "4.0.1",
        "0BSD",
        {
            "htmx.min.js": "dist/htmx.min.js",
            "htmx.LICENSE": "LICENSE",
        },
    ),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        {
            "uPlot.iife.min.js": "dist/uPlot.iife.min.js",
            "uPlot.min.css": "dist/uPlot.min.css",
            "uPlot.LICENSE": "LICENSE",
        },
    ),
)
_TESTS = (Package("axe-core", "4.14.1", "MPL-2.0", {"axe.min.js": "axe.min.js", "axe.LICENSE": "LICENSE"}),)
#: The packages of each folder.
FOLDERS = {
    _ROOT / "api/src/taskqueue_api/console/static/vendor": _CONSOLE,
    _ROOT / "tests/console/vendor": _TESTS,
}


def main() -> None:
    """Fetch all packages, and write their files and the tables."""
    for folder, packages in FOLDERS.items():
        folder.mkdir(parents=True, exist_ok=True)
        rows = [row for package in packages for row in _write(package, folder)]
        (folder / "README.md").write_text(_HEAD + "".join(rows))


def _write(package: Package, folder: Path) -> list[str]:
    """Write the files of a package into a folder, and return their rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as fetched:
        origin = f"{package.name}@{package.version}"
        packed = ["npm", "pack", "--silent", "--pack-destination", fetched, origin]
        subprocess.run(packed, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(fetched).glob("*.tgz"))) as archive:
            for name, path in package.files.items():
                member = archive.extractfile(f"package/{path}")
                assert member, f"{origin} has no {path}"
                content = member.read()
                (folder / name).write_bytes(content)
                digest = hashlib.sha256(content).hexdigest()
                rows.append(f"| `{name}` | {origin} | `{path}` | {package.licence} | `{digest}` |\n")
    return rows


if __name__ == "__main__":
    main()
