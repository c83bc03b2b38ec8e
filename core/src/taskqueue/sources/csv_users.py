"""Users in CSV: a header, then a row for each task of a user, which may have the user's limits and time zone, too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from typing import Any, NamedTuple

from taskqueue.models.fault import Fault
from taskqueue.models.identity import MAX_USER_ID_CHARACTERS
from taskqueue.models.refusal import ManifestRefusedError, Refusal, excerpt, must_be
from taskqueue.models.user_subscription import MAX_TASKS
from taskqueue.sources.csv_records import Record, read_records
from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue.sources.lines import Line
from taskqueue.sources.user_rows import Row, read_user

COLUMNS = ("userId", "type", "params", "suspend", "limits", "timeZone", "interval")
_REQUIRED = 2
#: The columns of the user, in any of their rows.
_OF_USER = ("limits", "timeZone")

_BOOLEANS = {"true": True, "false": False}
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

Lines = Callable[[], Iterator[Line]]


class _Cells(NamedTuple):
    """One row. last: its last line.   problem: the reason that it cannot be read."""

    line: int
    last: int
    by_column: dict[str, str]
    problem: str

    @property
    def user(self) -> str:
        return self.by_column.get("userId", "")


def csv_users(lines: Lines, file: str) -> Iterator[Row]:
    """Join the rows of a user. Bytes that are not UTF-8 become characters that every check refuses.

    lines: reads the file from its beginning; called twice, to find separated rows before the first row is read.
    """
    records = read_records(lines())
    header = next(records, None)
    problem = _header_problem(header)
    if header is None or problem:
        yield 1, Fault(file, 1, 1, "header", problem)
        return
    apart = _apart(lines)
    for user, group in groupby(_cells(records, header.cells), key=lambda cells: cells.user):
        yield from _user(group, file, apart.get(user, ()))


def _header_problem(header: Record | None) -> str:
    """Return the fault of a header; empty for a good one."""
    wanted = f"must be {', '.join(COLUMNS)}, of which the last {len(COLUMNS) - _REQUIRED} may be left out"
    if header is None:
        return f"{wanted}: the file is empty"
    if header.problem:
        return f"{wanted}: {header.problem}"
    names = header.cells
    if len(names) == 1:
        for delimiter, word in _DELIMITERS.items():
            if delimiter in names[0]:
                return f"{wanted}, with commas between the cells (was with {word})"
    for position, name in enumerate(names):
        if name in names[:position]:
            return f'{wanted}: "{excerpt(name)}" is there twice'
        if not name:
            return f"{wanted}: column {position + 1} has no name"
        if name not in COLUMNS:
            near = get_close_matches(name.strip()[:64], COLUMNS, n=1)
            return f'{wanted}: "{excerpt(name)}" is unknown' + (f', must be "{near[0]}"' if near else "")
    missing = [name for name in COLUMNS[:_REQUIRED] if name not in names]
    return f"{wanted}: {' and '.join(missing)} is missing" if missing else ""


def _cells(records: Iterator[Record], header: Sequence[str]) -> Iterator[_Cells]:
    """Pair cells with the header's names; a cell too many is a column without a name."""
    for record in records:
        extra = [""] * (len(record.cells) - len(header))
        by_column = dict(zip([*header, *extra], record.cells, strict=False))
        yield _Cells(record.first, record.last, by_column, record.problem)


def _apart(lines: Lines) -> Mapping[str, tuple[int, int]]:
    """Return the users with separated rows, and the lines of their first two groups of rows."""
    records = read_records(lines())
    header = next(records)
    seen: dict[str, int] = {}
    apart: dict[str, tuple[int, int]] = {}
    before = None
    for cells in _cells(records, header.cells):
        user = cells.user
        if user == before:
            continue
        before = user  # also of a row that cannot be read: the rows on both sides of it are apart
        if cells.problem or len(user) > MAX_USER_ID_CHARACTERS:
            continue  # refused anyhow
        first = seen.setdefault(user, cells.line)
        if first != cells.line:
            apart.setdefault(user, (first, cells.line))
    return apart


def _user(group: Iterator[_Cells], file: str, apart: tuple[int, ...]) -> Iterator[Row]:
    """Turn the rows of one user into a user, or into faults each with its own row's line."""
    rows: list[_Cells] = []
    spec: dict[str, Any] = {"tasks": []}
    said: dict[str, _Cells] = {}
    faults: list[Fault] = []
    for cells in group:
        if len(rows) > MAX_TASKS:
            continue  # one too many is enough to refuse them all
        rows.append(cells)
        try:
            spec["tasks"].append(_task(cells))
            for column in _OF_USER:
                if cells.by_column.get(column):
                    spec[column] = _of_user(cells, column, said.setdefault(column, cells))
        except ManifestRefusedError as error:
            faults += (_fault(file, cells, refusal) for refusal in error.refusals)
    line = rows[0].line
    if apart and not faults:
        other = next(one for one in apart if one != line)
        message = (
            f"rows of one user must follow each other: {excerpt(rows[0].user)} has rows from line {other} on, too; "
            "sort the file by userId"
        )
        faults = [Fault(file, line, line, "userId", message)]
    if faults:
        yield from ((line, fault) for fault in faults)
        return
    try:
        yield line, read_user({"userId": rows[0].user, **spec})
    except ManifestRefusedError as error:
        for refusal in error.refusals:
            at, inside = _place(refusal, rows, said)
            yield line, _fault(file, at, inside)


def _fault(file: str, cells: _Cells, refusal: Refusal) -> Fault:
    message = refusal.message
    if cells.last > cells.line:
        message += f" (the row ends in line {cells.last})"
    return Fault(file, cells.line, cells.line, refusal.field, message)


def _task(cells: _Cells) -> dict[str, Any]:
    """Read a row's cells as a task. Raises ManifestRefusedError, by the checks of a manifest."""
    columns = cells.by_column
    if cells.problem:
        raise ManifestRefusedError((Refusal(("row",), cells.problem),))
    if "" in columns:
        raise ManifestRefusedError((Refusal(("row",), "must have no more cells than the header"),))
    task: dict[str, Any] = {"type": columns.get("type", "")}
    if columns.get("params"):
        task["params"] = _json(cells, "params")
    if columns.get("suspend"):
        if columns["suspend"] not in _BOOLEANS:
            message = must_be("true or false", columns["suspend"])
            raise ManifestRefusedError((Refusal(("suspend",), message),))
        task["suspend"] = _BOOLEANS[columns["suspend"]]
    if columns.get("interval"):
        task["interval"] = columns["interval"]
    return task


def _of_user(cells: _Cells, column: str, first: _Cells) -> Any:
    """Read a column of the user.   first: the first row of the user that has it. Raises ManifestRefusedError."""
    if first.by_column[column] != cells.by_column[column]:
        message = f"must be the same in all rows of a user: line {first.line} has another value"
        raise ManifestRefusedError((Refusal((column,), message),))
    return _json(cells, column) if column == "limits" else cells.by_column[column]


def _json(cells: _Cells, column: str) -> Any:
    """Read a cell of JSON. Raises ManifestRefusedError."""
    try:
        return decode(cells.by_column[column].encode("utf-8", "surrogateescape"), cells.line)
    except JsonRefusedError as error:
        raise ManifestRefusedError((Refusal((column,), str(error)),)) from error


def _place(refusal: Refusal, rows: list[_Cells], said: Mapping[str, _Cells]) -> tuple[_Cells, Refusal]:
    """Return row and column of a refusal: the task's row, that with the user's column, or else the user's first row."""
    match refusal.path:
        case ("tasks", int(position), *inside):
            return rows[position], Refusal(tuple(inside), refusal.message)
        case (str(column), *_) if column in said:
            return said[column], refusal
        case _:
            return rows[0], refusal
