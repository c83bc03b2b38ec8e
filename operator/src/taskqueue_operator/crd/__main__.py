"""`python -m taskqueue_operator.crd FOLDER` writes each definition to a file in FOLDER."""

import sys
from pathlib import Path

from taskqueue_operator.crd.definition import definitions, text


def main(folder: Path) -> None:
    """Write all definitions."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, definition in definitions().items():
        (folder / f"{name}.yaml").write_text(text(definition), "utf-8")
        sys.stdout.write(f"{folder / name}.yaml\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
