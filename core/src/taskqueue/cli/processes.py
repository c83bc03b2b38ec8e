"""The long-running parts, whose options are their own: what follows the name is passed on to their `main`."""

import signal
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.process.stop_signals import end_at_once

#: For typer: options, --help among them, are not read here.
PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}


def scheduler(context: typer.Context) -> None:
    """Publish manifests and emit jobs when they are due, until a signal."""
    _pass_on("taskqueue.scheduler.service", context.args, extra="cli")


def worker(context: typer.Context) -> None:
    """Run jobs, until a signal."""
    _pass_on("taskqueue_worker.main", context.args, extra="worker")


def dev(context: typer.Context) -> None:
    """Run a folder of manifests on this machine, with a live view."""
    _pass_on("taskqueue.cli.dev.main", context.args, extra="dev")


def example_api(context: typer.Context) -> None:
    """Serve an API that allows so many requests a second, and counts what reaches it."""
    _pass_on("taskqueue.cli.dev.api", context.args, extra="dev")


def _pass_on(module: str, argv: Sequence[str], *, extra: str) -> NoReturn:
    end_at_once()
    if (
        signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    ):  # as in the same process without `taskqueue` before it
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        main = import_module(module).main
    except ModuleNotFoundError as error:
        fail(f'{error.name} is not installed: `pip install "taskqueue-operator[{extra}]"`', ExitCode.REFUSED)
    raise typer.Exit(int(main(list(argv)) or 0))
