"""Writes console/static/vendor: the pinned files of the console, and their table, from packages of the npm registry.

npm's own client fetches each package and checks its integrity; a file that differs from the table is an error until the
version here changes with it.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "api/src/taskqueue_api/console/static/vendor"
_HEAD = """# Pinned files of the console

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


PACKAGES = (
    Package(
        "htmx.org",
        "4.0.1",
        "0BSD",
        {
            "htmx.min.js": "dist/htmx.min.js",
            "hx-sse.min.js": "dist/ext/hx-sse.min.js",
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


def main() -> None:
    """Fetch all packages, and write their files and the table."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    rows = [row for package in PACKAGES for row in _write(package)]
    (VENDOR / "README.md").write_text(_HEAD + "".join(rows))


def _write(package: Package) -> list[str]:
    """Write the files of a package, and return their rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        origin = f"{package.name}@{package.version}"
        packed = ["npm", "pack", "--silent", "--pack-destination", folder, origin]
        subprocess.run(packed, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            for name, path in package.files.items():
                member = archive.extractfile(f"package/{path}")
                assert member, f"{origin} has no {path}"
                content = member.read()
                (VENDOR / name).write_bytes(content)
                digest = hashlib.sha256(content).hexdigest()
                rows.append(f"| `{name}` | {origin} | `{path}` | {package.licence} | `{digest}` |\n")
    return rows


if __name__ == "__main__":
    main()
