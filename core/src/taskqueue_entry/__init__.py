"""The first lines of every process: console scripts and `python -m` import this package before anything slow.

Signals are in force before the rest is imported; see `taskqueue.process.stop_signals`. This package imports only
modules that must act first and take no time, and `clash`, which refuses to run where another distribution has files in
the package `taskqueue`. It is a package of its own because `taskqueue` may be that distribution's.
"""

import sys
from importlib import import_module
from typing import NoReturn


def enter(module: str, verb: str = "main") -> NoReturn:
    """Import a module, call its function `verb`, and exit with the code that the function returns."""
    _begin()
    from taskqueue_entry.clash import refuse_clash  # noqa: PLC0415 - signals are first

    refuse_clash()
    sys.exit(getattr(import_module(module), verb)())


def command() -> NoReturn:
    """`taskqueue`."""
    enter("taskqueue.cli.main", "run")


def plugin() -> NoReturn:
    """`kubectl-taskqueue`."""
    enter("taskqueue.cli.plugin", "run")


def worker() -> NoReturn:
    """`taskqueue-worker`."""
    enter("taskqueue_worker.main")


def _begin() -> None:
    try:
        from taskqueue.process.open_files import raise_limit  # noqa: PLC0415 - may be missing
        from taskqueue.process.parent import end_with_parent  # noqa: PLC0415 - may be missing
        from taskqueue.process.standard_streams import open_missing  # noqa: PLC0415 - may be missing
        from taskqueue.process.stop_signals import end_at_once  # noqa: PLC0415 - may be missing
    except Exception:  # another distribution's package may raise any exception
        from taskqueue_entry.clash import refuse_clash  # noqa: PLC0415 - slow

        refuse_clash()
        raise
    end_at_once()
    open_missing()
    end_with_parent()
    raise_limit()
