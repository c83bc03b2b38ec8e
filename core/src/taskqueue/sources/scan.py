"""The manifest files of a folder, and their changes."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from taskqueue.models.fault import Fault
from taskqueue.sources.bounded_file import refuse_form
from taskqueue.sources.bounds import MAX_ENTRIES, MAX_FAULTS, MAX_FOLDERS_DEEP
from taskqueue.sources.manifest_file import SUFFIXES


@dataclass(frozen=True, slots=True)
class Stamp:
    """Metadata of a file; a file with an unchanged stamp is not read again. size in bytes."""

    mtime_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The manifest files below a path, and a fault for each folder that could not be read."""

    stamps: dict[Path, Stamp] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def gone(self, known: Iterable[Path]) -> list[Path]:
        """Return the files that were removed; files in unreadable folders are not among them."""
        hidden = {Path(fault.file) for fault in self.faults}
        return [
            path
            for path in known
            if path not in self.stamps and path not in hidden and hidden.isdisjoint(path.parents)
        ]


def scan(root: Path) -> Scan:
    """Scan a file, or a folder and all below it.

    Hidden entries are skipped, and so are the data folders of a mounted ConfigMap, whose links are followed. A single
    file counts under any name; in a folder the suffix decides. Links to folders are followed only below the root:
    /proc has links to everything.
    """
    found = Scan()
    try:
        status = root.stat()
    except OSError as error:
        found.faults.append(_unreadable(root, error))
        return found
    if stat.S_ISDIR(status.st_mode):
        _Walk(root, found).into(root, status, 0)
    else:
        _take(root, status, found)
    return found


class _Walk:
    """Fills in the entries below a folder, each folder once: links may lead in circles."""

    def __init__(self, root: Path, found: Scan) -> None:
        self._root = root
        self._real_root = Path(os.path.realpath(root))
        self._found = found
        self._visited: set[tuple[int, int]] = set()
        self._entries = 0

    def into(self, folder: Path, status: os.stat_result, depth: int) -> None:
        """Scan a folder, once. depth: folders between it and the root."""
        identity = (status.st_dev, status.st_ino)
        if identity in self._visited or len(self._found.faults) > MAX_FAULTS:
            return
        self._visited.add(identity)
        if depth > MAX_FOLDERS_DEEP:
            self._refuse(folder, f"must be at most {MAX_FOLDERS_DEEP} folders deep")
            return
        for entry in self._list(folder):
            path = folder / entry.name
            try:
                status = entry.stat()
                if stat.S_ISDIR(status.st_mode):
                    self._into_folder(path, entry, status, depth)
                elif path.suffix.lower() in SUFFIXES:
                    _take(path, status, self._found)
            except FileNotFoundError:
                continue  # removed since the listing, or a link to nothing: absent
            except OSError as error:
                self._found.faults.append(_unreadable(path, error))
            if len(self._found.faults) > MAX_FAULTS:
                self._refuse(self._root, f"more than {MAX_FAULTS:,} files and folders in it cannot be read")
                return

    def _into_folder(self, path: Path, entry: "os.DirEntry[str]", status: os.stat_result, depth: int) -> None:
        if entry.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(self._real_root):
            self._refuse(path, f"move what it links to into {self._root}: the link leads out of it")
        else:
            self.into(path, status, depth + 1)

    def _list(self, folder: Path) -> list["os.DirEntry[str]"]:
        """Return the entries of a folder in order of name; none if there would be too many with them."""
        try:
            with os.scandir(folder) as entries:
                left = MAX_ENTRIES - self._entries
                listed = list(islice(entries, left + 1))
        except OSError as error:
            self._found.faults.append(_unreadable(folder, error))
            return []
        if len(listed) > left:
            self._refuse(folder, f"must have at most {MAX_ENTRIES:,} files and folders below {self._root}")
            return []
        self._entries += len(listed)
        return sorted((one for one in listed if not one.name.startswith(".")), key=lambda one: one.name)

    def _refuse(self, path: Path, message: str) -> None:
        self._found.faults.append(Fault(str(path), 0, 0, "file", message))


def _take(path: Path, status: os.stat_result, found: Scan) -> None:
    problem = refuse_form(status.st_mode)
    if problem:
        found.faults.append(Fault(str(path), 0, 0, "file", problem))
    else:
        found.stamps[path] = Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def _unreadable(path: Path, error: OSError) -> Fault:
    return Fault(str(path), 0, 0, "file", f"make it readable: {error.strerror}")
