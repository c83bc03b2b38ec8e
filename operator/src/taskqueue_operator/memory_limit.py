"""How much memory this process may take, as its control groups say."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

#: What is reckoned with where nothing is limited.
UNLIMITED_BYTES = 4 * 2**30
_GROUPS = Path("/proc/self/cgroup")
_ROOT = Path("/sys/fs/cgroup")


def memory_limit(groups: Path = _GROUPS, root: Path = _ROOT) -> int:
    """Return the lowest limit of this process' control group and of those around it, bytes; of version 1 and 2."""
    return min((limit for file in _files(groups, root) for limit in _limit(file)), default=UNLIMITED_BYTES)


def _files(groups: Path, root: Path) -> Iterator[Path]:
    """Name the files that could hold a limit; in a container the outer groups cannot be seen."""
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
    try:
        limit = int(file.read_text())
    except (OSError, ValueError):  # not there, or "max"
        return
    if 0 < limit < UNLIMITED_BYTES:
        yield limit
