"""The failure of a command: one sentence on standard error, and an exit code."""

from typing import NoReturn

import typer

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.output import show_line
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.text.redaction import redact


def fail(sentence: str, code: ExitCode) -> NoReturn:
    """End the command with a sentence that names the remedy. Passwords in the sentence are hidden."""
    say(sentence)
    raise typer.Exit(int(code))


def fail_argument(argument: str, error: ValueRefusedError) -> NoReturn:
    """End a command over an argument: `--for must be ...`, or `--params: every key must be ...`."""
    separator = " " if str(error).startswith("must ") else ": "
    fail(f"{argument}{separator}{error}", ExitCode.USAGE)


def fail_unknown_type(task_type: str) -> NoReturn:
    """End a command whose task type is not in the store."""
    fail(f"{task_type}: no such task type; `taskqueue get types` lists them", ExitCode.NOT_FOUND)


def fail_unknown_user(user: str) -> NoReturn:
    """End a command whose user is not in the store."""
    fail(f"{user}: no such user; `taskqueue get users` lists them", ExitCode.NOT_FOUND)


def say(sentence: str) -> None:
    """Print a sentence on standard error: standard output holds the answer alone."""
    show_line(f"taskqueue: {redact(sentence)}", err=True)
