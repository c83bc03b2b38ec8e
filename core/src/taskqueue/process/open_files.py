"""How many files and connections a process may have open: as many as the system lets it."""

import resource

#: Where there is no limit at all, programs that a handler starts may walk through every number below it.
MAX_OPEN_FILES = 2**20


def raise_limit() -> None:
    """Raise the soft limit to the hard one. A shell and systemd begin with 1,024, which connections use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return  # a sandbox forbids it: the process runs with what it has
