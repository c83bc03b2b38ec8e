"""The first lines of every process: console scripts and `python -m` import this package before anything slow.

    clash  the refusal to run where another distribution has files in the package `taskqueue`

Signals are in force before other modules are imported; see `taskqueue.process.stop_signals`. This is a package of its
own because `taskqueue` may be the package of another distribution.

May import the standard library alone; modules of `taskqueue` that must act first are imported by name.
"""

import sys
from importlib import import_module
from typing import NoReturn

#: Called first and in this order, each before the next is imported; a module may be missing.
_FIRST = (
    ("taskqueue.process.stop_signals", "end_at_once"),
    ("taskqueue.process.standard_streams", "open_missing"),
    ("taskqueue.process.parent", "end_with_parent"),
    ("taskqueue.process.open_files", "raise_limit"),
)


def enter(module: str, function: str = "main") -> NoReturn:
    """Import a module, call its function `verb`, and exit with the code that the function returns."""
    _begin()
    _refuse_clash()
    sys.exit(getattr(import_module(module), function)())


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
    for module, function in _FIRST:
        try:
            act = getattr(import_module(module), function)
        except Exception:  # another distribution's package raises what it likes
            _refuse_clash()
            raise
        act()


def _refuse_clash() -> None:
    import_module("taskqueue_entry.clash").refuse_clash()
