"""The command itself: every group and command by name."""

if __name__ == "__main__":  # before anything that takes time
    from taskqueue_entry import command

    command()

import os
import signal
import sys

import typer

from taskqueue.cli import audit, control, dead, describe, get, manifests, plan, processes, users
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say

#: Set to anything, a fault of taskqueue itself shows where it happened.
TRACEBACK_VARIABLE = "TASKQUEUE_TRACEBACK"

# Plain help: rich takes longer to import than all the rest together.
app = typer.Typer(
    name="taskqueue",
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
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # what a command has opened is closed
    try:
        app(prog_name="taskqueue")
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        from taskqueue.log import redact  # noqa: PLC0415 - slow

        text = redact(" ".join(str(error).split()))
        say(f"a bug: {type(error).__name__}: {text}; {TRACEBACK_VARIABLE}=1 shows where, please report it")
        sys.exit(ExitCode.BUG)
