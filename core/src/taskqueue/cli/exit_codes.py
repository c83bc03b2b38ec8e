"""The exit codes of `taskqueue`; docs/cli.md has the table for people."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes, each with one meaning in every command."""

    OK = 0
    FAULTS = 1  # a part of the input is wrong; the rest was taken
    USAGE = 2  # an argument, an option or a setting
    DOES_NOT_FIT = 3  # plan check: the demand exceeds a limit
    AUDIT = 4  # audit: jobs are unaccounted for, or the cursor is lost
    UNREACHABLE = 5  # Redis is down or slow: no answer
    NOT_FOUND = 6  # no such type, user, limit or job
    REFUSED = 7  # understood and not done; the sentence gives the reason
    STORE_REFUSED = 8  # Redis refused: a login, a right, memory, a replica; the sentence quotes its words
    CORRUPT = 9  # the store holds a record that cannot be read
    BUG = 70  # a fault of taskqueue itself
    OUTPUT = 74  # the answer cannot be written: a full disk, or a closed standard output
    HUNG_UP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM, before anything had begun
