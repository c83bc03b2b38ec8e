"""The command itself: help, signals, output and exit codes."""

if __name__ == "__main__":  # before anything that takes time
    from taskqueue_entry import command

    command()

import os
import sys
from typing import Annotated, Any

import typer

from taskqueue import __version__
from taskqueue.cli.commands import COMMANDS
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.interruption import stopped_by_signals
from taskqueue.cli.lazy import LazyCommand
from taskqueue.cli.output import show_line
from taskqueue.command_line.usage import Group
from taskqueue.text.redaction import redact, show_traceback
from taskqueue.text.terminal import OutputFailedError, filtered_output

#: Environment variable that, set to any value, shows the traceback of a fault of taskqueue itself.
TRACEBACK_VARIABLE = "TASKQUEUE_TRACEBACK"


class Commands(Group):
    """The command `taskqueue`."""

    def __init__(self, **settings: Any) -> None:
        commands = {name: LazyCommand(name, location) for name, location in COMMANDS.items()}
        super().__init__(**settings | {"commands": commands})


# Plain help: rich takes longer to import than all the rest together.
app = typer.Typer(
    name="taskqueue",
    cls=Commands,
    help="Recurring work for many users, spread evenly, under one exact global limit.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        show_line(f"taskqueue {__version__}")
        raise typer.Exit


@app.callback()
def taskqueue(
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    """Take no further options of its own."""


def run() -> None:
    """Run the command with the arguments of this process.

    Ends the process with BUG and one sentence on an unexpected exception; the traceback needs TRACEBACK_VARIABLE.
    """
    with filtered_output():
        try:
            with stopped_by_signals():
                app(prog_name="taskqueue")
        except OutputFailedError as error:
            say(
                f"the answer cannot be written ({error}): make standard output a file or a pipe that takes it"
            )
            sys.exit(ExitCode.OUTPUT)
        except Exception as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                sys.excepthook = show_traceback
                raise
            text = redact(" ".join(str(error).split()))
            say(
                f"a bug: {type(error).__name__}: {text}; {TRACEBACK_VARIABLE}=1 shows where, please report it"
            )
            sys.exit(ExitCode.BUG)
