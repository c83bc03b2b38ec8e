"""The memory limit of this process, from its control groups."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

#: Assumed where no limit is set.
UNLIMITED_BYTES = 4 * 2**30
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def memory_limit(groups: Path = _GROUPS, root: Path = _ROOT) -> int:
    """Return the lowest limit of the control groups of this process, versions 1 and 2, in bytes."""
    return min((limit for file in _files(groups, root) for limit in _limit(file)), default=UNLIMITED_BYTES)


def _files(groups: Path, root: Path) -> Iterator[Path]:
    """Yield the files that may hold a limit; a container does not see its outer groups."""
    try:
        lines = groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        inside = PurePosixPath(path).relative_to("/")
        for part in (inside, *inside.parents):
            yield folder / part / name


def _limit(file: Path) -> Iterator[int]:
    """Yield the limit in a file, if there is one."""
    try:
        limit = int(file.read_text())
    except (OSError, ValueError):  # absent, or "max"
        return
    if 0 < limit < UNLIMITED_BYTES:
        yield limit
