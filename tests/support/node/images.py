"""Archives of the images, built if the cache has none; see tools/images."""

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[3] / "tools" / "images" / "build_images.py"


def images() -> dict[str, Path]:
    """Return the archives by the names of the images. Output of a failed build goes to stderr."""
    built = subprocess.run([sys.executable, BUILD], check=True, stdout=subprocess.PIPE, text=True)
    return {name: Path(archive) for name, archive in (line.split() for line in built.stdout.splitlines())}
