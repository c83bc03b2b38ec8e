"""The command itself: every group and command by name."""

if __name__ == "__main__":  # before anything that takes time
    from taskqueue_entry import command

    command()

import os
import sys

import typer

from taskqueue.cli import audit, control, dead, describe, get, manifests, plan, processes, users
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.interruption import stopped_by_signals
from taskqueue.cli.usage import CommandGroup
from taskqueue.text.redaction import redact, show_traceback
from taskqueue.text.terminal import OutputFailedError, filtered_output

#: Set to anything, a fault of taskqueue itself shows where it happened.
TRACEBACK_VARIABLE = "TASKQUEUE_TRACEBACK"

# Plain help: rich takes longer to import than all the rest together.
app = typer.Typer(
    name="taskqueue",
    cls=CommandGroup,
    help="Recurring work for many users, spread evenly, under one exact global limit.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command()(manifests.validate)
app.command()(manifests.apply)
app.add_typer(get.app, name="get", help="List types, users, jobs or workers.")
app.add_typer(describe.app, name="describe", help="Show all that is known of one type or user.")
app.command()(control.run)
app.command()(control.pause)
app.command()(control.resume)
app.add_typer(control.limit_app, name="limit", help="Read or override the global limit.")
app.add_typer(dead.app, name="dead", help="List, show, retry or purge dead jobs.")
app.add_typer(users.app, name="users", help="Import or remove users by the million.")
app.add_typer(plan.app, name="plan", help="Show a day's demand, or check that it fits.")
app.command()(audit.audit)
app.add_typer(audit.cursor_app, name="cursor", help="Read the cursor, or restore one that was lost.")
for process in (processes.scheduler, processes.worker, processes.dev, processes.example_api):
    app.command(context_settings=processes.PASS_ON, add_help_option=False)(process)


def run() -> None:
    """Run the command with the arguments of this process. Never shows a traceback unasked."""
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
