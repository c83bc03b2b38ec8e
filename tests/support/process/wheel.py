"""A package of handlers as its authors would give it to an index: a wheel, made without tools."""

import zipfile
from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(folder: Path, name: str, module: str, handler: str, code: str) -> Path:
    """Write NAME-1.0 with one module and a handler as its entry point."""
    entry_points = f"[taskqueue.handlers]\n{handler} = {module}:{handler}\n"
    return distribution(folder, name, {f"{module}.py": code}, entry_points)


def distribution(folder: Path, name: str, files: dict[str, str], entry_points: str = "") -> Path:
    """Write NAME-1.0 with these files."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": METADATA.format(name=name),
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": entry_points,
    }
    record = f"{info}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    made = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return made
