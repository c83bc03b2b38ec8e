"""Answers as tables for people and as JSON for programs. Both show the same facts under the same names.

The one door of the commands: whatever is shown is made printable here, and `typer.echo` is used nowhere else.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from taskqueue.text.printable import printable_line
from taskqueue.text.terminal import unfiltered

# Where nobody looks at a terminal nothing is wrapped or cut.
_UNBOUNDED_COLUMNS = 10_000
#: Of one cell or line.
_MAX_CHARACTERS = 10_000


class Output(StrEnum):
    """How to print the answer."""

    TABLE = "table"
    JSON = "json"


def show_rows(output: Output, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of facts; a row may lack a column."""
    if output is Output.JSON:
        show_json([{column: row.get(column) for column in columns} for row in rows])
        return
    from rich.table import Table  # noqa: PLC0415 - slow

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    _print(table)


def show_facts(output: Output, facts: Mapping[str, Any]) -> None:
    """Print what is known of one thing, a fact a line."""
    if output is Output.JSON:
        show_json(facts)
        return
    from rich.table import Table  # noqa: PLC0415 - slow

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, _cell(value))
    _print(table)


def show_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2))


def show_line(text: str = "", *, err: bool = False) -> None:
    """Print one line, whatever is in the text."""
    typer.echo(printable_line(text, _MAX_CHARACTERS), err=err)


def show_drawing(text: str) -> None:
    """Print lines with colours, of which every part was made printable."""
    typer.echo(text, file=unfiltered(sys.stdout))


def _print(table: Any) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow

    console = Console(width=None if sys.stdout.isatty() else _UNBOUNDED_COLUMNS, highlight=False)
    with console.capture() as printed:
        console.print(table)
    show_drawing("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _cell(value: Any) -> Any:
    from rich.text import Text  # noqa: PLC0415 - slow

    return Text(printable_line(_cell_text(value), _MAX_CHARACTERS))  # no markup: a job may be called "[red]"


def _cell_text(value: Any) -> str:
    text = str(value)
    match value:
        case None | "":
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case dict() | list() if not value:
            text = "-"
        case dict() | list() if not _is_flat(value):
            text = json.dumps(value, ensure_ascii=False)  # read by people
        case list():
            text = ", ".join(str(item) for item in value)
        case dict():
            text = ", ".join(f"{name} {item}" for name, item in value.items())
        case float():
            text = f"{value:.10g}"
    return text


def _is_flat(value: dict[str, Any] | list[Any]) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return not any(isinstance(item, dict | list) for item in items)
