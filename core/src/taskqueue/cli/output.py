"""The output of every command: JSON, lines and drawings.

Commands print through this module and `table` alone, so that control characters in a value reach no terminal;
`typer.echo` is used in no other module.
"""

import json
import sys
from enum import StrEnum
from typing import Any

import typer

from taskqueue.text.printable import printable_line
from taskqueue.text.terminal import unfiltered

#: Maximum length of a cell or line; the rest is cut.
MAX_CHARACTERS = 10_000


class Output(StrEnum):
    """The format of an answer. Both formats show the same values under the same names."""

    TABLE = "table"
    JSON = "json"


def json_text(value: Any, *, indent: int | None = None, ascii_only: bool = True) -> str:
    """Return a value as JSON, on one line without `indent`."""
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only)


def show_json(value: Any, *, indent: int | None = 2) -> None:
    """Print one JSON document, on one line without `indent`."""
    typer.echo(json_text(value, indent=indent))


def show_line(text: str = "", *, err: bool = False) -> None:
    """Print one line, to standard error where `err` is set; control characters are escaped."""
    typer.echo(printable_line(text, MAX_CHARACTERS), err=err)


def show_drawing(text: str) -> None:
    """Print lines with colours; the caller has made each part printable."""
    typer.echo(text, file=unfiltered(sys.stdout))
