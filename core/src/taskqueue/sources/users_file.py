"""The file of an import: users by the million, one at a time, in bounded memory.

.ndjson: a line is a UserSubscription manifest, or the short form, which is its spec:
`{"userId": "u-1", "suspend": false, "tasks": [{"type": "fetch-orders", "params": {}, "suspend": false}]}`.
.csv: a header of userId and type, and optionally params (JSON) and suspend; then a row for each task. Rows of
one user follow each other: a user who comes back later in the file is another row, and replaces the first.
"""

import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.refusal import ManifestRefusedError, Refusal
from taskqueue.models.user_subscription import MAX_TASKS
from taskqueue.models.values import UserSubscription
from taskqueue.sources.json_documents import BYTE_ORDER_MARK, JsonRefusedError, decode

#: Rows of .ndjson from standard input.
STDIN = Path("-")
MAX_ROW_BYTES = 1_048_576
COLUMNS = ("userId", "type", "params", "suspend")

_SHELL = {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": "row"}}
_BOOLEANS = {"true": True, "false": False}

Row = tuple[int, UserSubscription | Fault]


def read_users(path: Path, after_line: int = 0) -> Iterator[Row]:
    """Read a file row by row: line number (from 1) and user, or a fault for each thing wrong with the row.

    after_line: rows that start up to this line are passed over, to go on after an interruption.
    Raises OSError where the file cannot be read.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _ndjson_rows(path, after_line)
    return (row for row in rows if row[0] > after_line)


def _ndjson_rows(path: Path, after_line: int) -> Iterator[Row]:
    with sys.stdin.buffer if path == STDIN else path.open("rb") as file:
        for line, data in enumerate(_lines(file), start=1):
            if line <= after_line or not data.strip():
                continue
            if len(data) > MAX_ROW_BYTES:
                message = f"write at most {MAX_ROW_BYTES} bytes a line"
                yield line, Fault(str(path), line, line, "manifest", message)
                continue
            try:
                row = decode(data, line)
            except JsonRefusedError as error:
                yield line, Fault(str(path), line, line, "manifest", str(error))
                continue
            yield from _users(row, str(path), line)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Read lines, without ever holding more than a little too much of one. The file may be a pipe."""
    mark = BYTE_ORDER_MARK
    while data := file.readline(MAX_ROW_BYTES + 1):
        rest = data
        while len(rest) > MAX_ROW_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_ROW_BYTES + 1)
        yield data.removeprefix(mark)
        mark = b""


def _users(row: Any, file: str, line: int) -> Iterator[Row]:
    """Turn a row, a manifest or the short form, into a user or its faults."""
    try:
        yield line, _user(row) if _is_short(row) else _user_of_manifest(row)
    except ManifestRefusedError as error:
        for refusal in error.refusals:
            yield line, Fault(file, line, line, refusal.field, refusal.message)


def _is_short(row: Any) -> bool:
    return isinstance(row, dict) and "apiVersion" not in row and "kind" not in row


def _user(spec: dict[str, Any]) -> UserSubscription:
    """Read the short form. Raises ManifestRefusedError, with paths inside the row."""
    if spec.get("userId") is None:
        raise ManifestRefusedError((Refusal(("userId",), "write userId: it is required"),))
    try:
        user = parse(_SHELL | {"spec": spec})
    except ManifestRefusedError as error:
        inside = (replace(refusal, path=refusal.path[1:]) for refusal in error.refusals)
        raise ManifestRefusedError(tuple(inside)) from error
    assert isinstance(user, UserSubscription)
    return user


def _user_of_manifest(manifest: Any) -> UserSubscription:
    user = parse(manifest)
    if not isinstance(user, UserSubscription):
        message = "write UserSubscription: task types are applied, not imported"
        raise ManifestRefusedError((Refusal(("kind",), message),))
    return user


def _csv_rows(path: Path) -> Iterator[Row]:
    """Join the rows of a user. Bytes that are not UTF-8 become characters that every check refuses."""
    file = str(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            header = next(reader, [])
            if not {"userId", "type"} <= set(header) <= set(COLUMNS) or len(header) != len(set(header)):
                message = f"write a header of {', '.join(COLUMNS)}, of which the last two may be left out"
                yield 1, Fault(file, 1, 1, "header", message)
                return
            for _, group in groupby(_cells(reader, header), key=lambda cells: cells.by_column.get("userId")):
                yield from _csv_user(group, file)
        except csv.Error as error:
            line = reader.line_num
            yield line, Fault(file, line, line, "row", f"write CSV: {error}")


class _Cells(NamedTuple):
    line: int
    by_column: dict[str, str]


def _cells(reader: Any, header: list[str]) -> Iterator[_Cells]:
    """Pair cells with the header's names; a cell too many is a column without a name."""
    line = reader.line_num + 1
    for row in reader:
        if row:
            extra = [""] * (len(row) - len(header))
            yield _Cells(line, dict(zip([*header, *extra], row, strict=False)))
        line = reader.line_num + 1


def _csv_user(group: Iterator[_Cells], file: str) -> Iterator[Row]:
    """Turn the rows of one user into a user, or into faults each with its own row's line."""
    rows: list[_Cells] = []
    tasks: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for cells in group:
        if len(rows) > MAX_TASKS:
            continue  # one too many is enough to refuse them all
        rows.append(cells)
        try:
            tasks.append(_csv_task(cells))
        except ManifestRefusedError as error:
            faults += (
                Fault(file, cells.line, cells.line, refusal.field, refusal.message)
                for refusal in error.refusals
            )
    line = rows[0].line
    if faults:
        yield from ((line, fault) for fault in faults)
        return
    try:
        yield line, _user({"userId": rows[0].by_column.get("userId", ""), "tasks": tasks})
    except ManifestRefusedError as error:
        for refusal in error.refusals:
            at, field = _csv_place(refusal, rows)
            yield line, Fault(file, at, at, field, refusal.message)


def _csv_task(cells: _Cells) -> dict[str, Any]:
    """Read a row's cells. Raises ManifestRefusedError; what its checks are is the manifest's business."""
    columns = cells.by_column
    if "" in columns:
        raise ManifestRefusedError((Refusal(("row",), "write no more cells than the header has"),))
    task: dict[str, Any] = {"type": columns.get("type", "")}
    if columns.get("params"):
        try:
            task["params"] = decode(columns["params"].encode("utf-8", "surrogateescape"), cells.line)
        except JsonRefusedError as error:
            raise ManifestRefusedError((Refusal(("params",), str(error)),)) from error
    if columns.get("suspend"):
        if columns["suspend"] not in _BOOLEANS:
            raise ManifestRefusedError((Refusal(("suspend",), "write true or false"),))
        task["suspend"] = _BOOLEANS[columns["suspend"]]
    return task


def _csv_place(refusal: Refusal, rows: list[_Cells]) -> tuple[int, str]:
    """Find line and column of a refusal: of the row that wrote the task, else of the user's first."""
    match refusal.path:
        case ("tasks", int(position), *inside):
            return rows[position].line, Refusal(tuple(inside), "").field
        case _:
            return rows[0].line, refusal.field
