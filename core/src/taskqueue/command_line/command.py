"""Commands of typer: a function, or a group of functions, as a command."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.main import get_command

from taskqueue.command_line.usage import Command


def new_group() -> typer.Typer:
    """Return an empty group of commands. Its help is plain text: importing rich takes longer than typer itself."""
    return typer.Typer(
        no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
    )


def command_of(target: typer.Typer | TyperCommand | Callable[..., Any], name: str) -> Any:
    """Return a group, a command or a function as a command called `name`.

    The docstring of a function is the help of its command.
    """
    if isinstance(target, TyperCommand):
        return target
    if not isinstance(target, typer.Typer):
        function, target = target, new_group()
        target.command(name, cls=Command)(function)
    made = get_command(target)
    made.name = name
    return made


def run_command(target: TyperCommand | Callable[..., Any], argv: Sequence[str] | None, prog: str) -> NoReturn:
    """Run a command called `prog`, by default with the arguments of this process. Raises SystemExit."""
    command_of(target, prog).main(argv, prog_name=prog)
    raise AssertionError  # the line above ends with SystemExit
