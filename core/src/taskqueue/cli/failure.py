"""How a command says that it cannot: one sentence on standard error, and a status."""

from typing import NoReturn

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.output import show_line
from taskqueue.text.redaction import redact


def fail(sentence: str, code: ExitCode) -> NoReturn:
    """End the command. The sentence says what to do about it, and never holds a password."""
    say(sentence)
    raise typer.Exit(int(code))


def fail_unknown_type(task_type: str) -> NoReturn:
    """End a command that was given the name of no task type."""
    fail(f"{task_type}: no such task type; `taskqueue get types` lists them", ExitCode.NOT_FOUND)


def say(sentence: str) -> None:
    """Tell the person something that is not the answer: standard output is the answer's."""
    show_line(f"taskqueue: {redact(sentence)}", err=True)
