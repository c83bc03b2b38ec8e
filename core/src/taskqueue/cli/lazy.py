"""A command whose module is imported on use, so that help and completion answer at once."""

import signal
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from typer.core import TyperCommand

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.command_line.command import command_of
from taskqueue.process.stop_signals import end_at_once

OWN_PACKAGES = frozenset({"taskqueue", "taskqueue_api", "taskqueue_operator", "taskqueue_worker"})


@dataclass(frozen=True, slots=True)
class CommandLocation:
    """The location of a command.

    target: the name of a group, a command or a function in `module`.
    summary: the line of the command in the help of `taskqueue`.
    extra: the extra of the distribution that the command needs.
    is_process: runs until a signal, and handles signals itself.
    """

    module: str
    target: str
    summary: str
    extra: str = "cli"
    is_process: bool = False


class LazyCommand(TyperCommand):
    """Stands for a command in help and completion, and hands over to the command on use."""

    def __init__(self, name: str, location: CommandLocation) -> None:
        super().__init__(name, short_help=location.summary, rich_markup_mode=None)
        self._location = location

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        if self._location.is_process:
            _restore_signals()
        return self.load().make_context(info_name, args, *more, **extra)

    def load(self) -> Any:
        """Import and return the command. Ends the process with REFUSED where a required package is not installed."""
        location = self._location
        try:
            target = getattr(import_module(location.module), location.target)
        except ModuleNotFoundError as error:
            package, is_part, _ = (error.name or "").partition(".")
            if package in OWN_PACKAGES and is_part:  # an image may lack a package as a whole
                raise
            extra = location.extra
            fail(
                f'{error.name} is not installed: `pip install "taskqueue-operator[{extra}]"`',
                ExitCode.REFUSED,
            )
        command = command_of(target, str(self.name))
        command.help = command.help or location.summary
        return command


def _restore_signals() -> None:
    """Restore the signal handling of a process that was started without `taskqueue` in front of its name."""
    end_at_once()
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
