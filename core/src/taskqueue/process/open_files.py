"""The limit of open files and connections of a process, raised as far as the system allows."""

import resource

#: Bounds an unlimited hard limit: programs that a handler starts may walk through every number below the limit.
MAX_OPEN_FILES = 2**20


def raise_limit() -> None:
    """Raise the soft limit to the hard limit. Shells and systemd start with 1,024, too few for the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return  # a sandbox forbids the change: the process runs with the soft limit
