"""What the exit status of `taskqueue` means. The table for people is docs/cli.md."""

from enum import IntEnum


class ExitCode(IntEnum):
    """One meaning a number, in every command."""

    OK = 0
    FAULTS = 1  # something in the input is wrong; what is right was taken
    USAGE = 2  # an argument, an option or a setting
    DOES_NOT_FIT = 3  # plan check: the demand exceeds a limit
    AUDIT = 4  # audit: jobs are unaccounted for, or the cursor is lost
    UNREACHABLE = 5  # Redis is down or slow: no answer
    NOT_FOUND = 6  # no such type, user or job
    REFUSED = 7  # understood, and not done: the sentence says why
    STORE_REFUSED = 8  # Redis answered no: a login, a right, memory, a replica; the sentence has its words
    CORRUPT = 9  # the store holds a record that cannot be read
    BUG = 70  # a fault of taskqueue itself
    OUTPUT = 74  # the answer cannot be written: a full disk, or a closed standard output
    HUNG_UP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130  # Ctrl-C
    TERMINATED = 143  # SIGTERM, before anything had begun
