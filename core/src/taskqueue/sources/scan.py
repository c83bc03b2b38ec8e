"""Which manifest files a folder holds, and whether one of them changed."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from taskqueue.models.fault import Fault
from taskqueue.sources.manifest_file import SUFFIXES


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file's metadata say; a file whose stamp stays the same is not read again. size in bytes."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The manifest files below a path, and a fault for each place that could not be looked into."""

    stamps: dict[Path, Stamp] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def is_gone(self, path: Path) -> bool:
        """Tell a file that is no longer there from one that nobody could see."""
        hidden = any(path.is_relative_to(fault.file) for fault in self.faults)
        return path not in self.stamps and not hidden


def scan(root: Path) -> Scan:
    """Look at a file, or at a folder and all below it.

    Hidden entries are passed over; so the data folders of a mounted ConfigMap are, whose links are followed.
    A single file is taken whatever its name; in a folder the suffix decides.
    """
    found = Scan()
    try:
        status = root.stat()
    except OSError as error:
        found.faults.append(_fault(root, error))
        return found
    if stat.S_ISDIR(status.st_mode):
        _walk(root, found, {(status.st_dev, status.st_ino)})
    else:
        found.stamps[root] = Stamp(status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def _walk(folder: Path, found: Scan, visited: set[tuple[int, int]]) -> None:
    """Fill in what is below a folder, each folder once: links may lead in circles."""
    for path in _entries(folder, found):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue  # gone since it was listed, or a link to nothing: as if it were not there
        except OSError as error:
            found.faults.append(_fault(path, error))
            continue
        if stat.S_ISDIR(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if identity not in visited:
                visited.add(identity)
                _walk(path, found, visited)
        elif stat.S_ISREG(status.st_mode) and path.suffix.lower() in SUFFIXES:
            found.stamps[path] = Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def _entries(folder: Path, found: Scan) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        found.faults.append(_fault(folder, error))
        return
    yield from (entry for entry in entries if not entry.name.startswith("."))


def _fault(path: Path, error: OSError) -> Fault:
    return Fault(str(path), 0, 0, "file", f"make it readable: {error.strerror}")
