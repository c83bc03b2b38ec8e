"""Rows and details, as a table for people or as JSON for programs."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from taskqueue.cli.output import MAX_CHARACTERS, Output, json_text, show_drawing, show_json
from taskqueue.text.printable import printable_line

if TYPE_CHECKING:  # commands without views start without pydantic
    from taskqueue.views.view import View

#: Width where standard output is no terminal, so that no line is wrapped or cut.
_UNBOUNDED_COLUMNS = 10_000


def show_rows(output: Output, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under their columns; a row may lack a column."""
    if output is Output.JSON:
        show_json([{column: row.get(column) for column in columns} for row in rows])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    _print(table)


def show_views(output: Output, row_type: "type[View]", rows: "Sequence[View]") -> None:
    """Print views under the columns of their type."""
    show_rows(output, row_type.columns(), [row.to_json() for row in rows])


def show_details(output: Output, details: Mapping[str, Any]) -> None:
    """Print the details of one object, one per line."""
    if output is Output.JSON:
        show_json(details)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in details.items():
        table.add_row(name, _cell(value))
    _print(table)


def _print(table: Any) -> None:
    """Print a table as wide as the terminal, or as wide as needed elsewhere."""
    console = Console(width=None if sys.stdout.isatty() else _UNBOUNDED_COLUMNS, highlight=False)
    with console.capture() as printed:
        console.print(table)
    show_drawing("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _cell(value: Any) -> Any:
    return Text(printable_line(_cell_text(value), MAX_CHARACTERS))  # no markup: a job may be called "[red]"


def _cell_text(value: Any) -> str:
    """Return the text of a value: "-" for an empty one, yes or no, items after commas, JSON for nested values."""
    text = str(value)
    match value:
        case None | "":
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case dict() | list() if not value:
            text = "-"
        case dict() | list() if not _is_flat(value):
            text = json_text(value, ascii_only=False)  # read by people
        case list():
            text = ", ".join(str(item) for item in value)
        case dict():
            text = ", ".join(f"{name} {item}" for name, item in value.items())
        case float():
            text = f"{value:.10g}"
    return text


def _is_flat(value: dict[str, Any] | list[Any]) -> bool:
    """Tell whether no item is a list or mapping itself."""
    items = value.values() if isinstance(value, dict) else value
    return not any(isinstance(item, dict | list) for item in items)
