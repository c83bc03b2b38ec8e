"""The first lines of every process: what a console script and `python -m` import before anything that takes time.

Signals are in force before the rest is imported; see `taskqueue.stop_signals`. Nothing may be imported here
but what must act before the rest, and takes no time.
"""

import sys
from importlib import import_module
from typing import NoReturn

from taskqueue.open_files import raise_limit
from taskqueue.parent import end_with_parent
from taskqueue.stop_signals import end_at_once


def enter(module: str, verb: str = "main") -> NoReturn:
    """Import a module, call its function of that name, and exit with what it returns."""
    end_at_once()
    end_with_parent()
    raise_limit()
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
