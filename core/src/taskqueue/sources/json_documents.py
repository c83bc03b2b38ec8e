"""JSON as documents with places: a file of one document, or one a line (.ndjson).

The standard library's reader shows the pairs of a mapping, and so a key that is written twice.
Places are found by reading a faulty document again as YAML, of which JSON is a part.
"""

import json as json_reader
import re
from dataclasses import replace
from typing import Any, NoReturn

import yaml

from taskqueue.errors import TaskqueueError
from taskqueue.models.nesting import TOO_DEEP, is_deeper
from taskqueue.models.refusal import Refusal
from taskqueue.sources.bounds import MAX_MAPPINGS, MAX_VALUES
from taskqueue.sources.document import Document, Places
from taskqueue.sources.encoding import BYTE_ORDER_MARK
from taskqueue.sources.yaml_documents import yaml_documents

# The one thing in JSON that YAML refuses: characters written as two halves.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


KEYS_ARE_UNIQUE = "each key must be unique (one is there twice)"
#: Sentences of the reader by their beginnings, and ours; the reader says where.
_PROBLEMS = {
    "Extra data": "there is more behind it, such as a comma",
    "Expecting value": "a value is missing",
    "Expecting property name": "a key in double quotes is missing",
    "Expecting ':'": "a colon is missing",
    "Expecting ','": "a comma is missing",
    "Unterminated string": "a text has no end, it begins",
    "Invalid control character": "a text has a control character",
    "Invalid \\": "a text has an unknown escape",
    "Illegal trailing comma": "a comma is too many",
}


class JsonRefusedError(TaskqueueError, ValueError):
    """A text is not JSON. line: where, from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def json_document(data: bytes) -> Document:
    """Read a file that is one document. Raises JsonRefusedError."""
    return _document(data.removeprefix(BYTE_ORDER_MARK), 1, 1)


def json_line(data: bytes, line: int) -> Document:
    """Read one line of an .ndjson file; its number is the line's. Raises JsonRefusedError."""
    return _document(data, line, line)


def decode(data: bytes, line: int) -> Any:
    """Read one JSON text, a body or a row. Raises JsonRefusedError, also for a key that is written twice."""
    if data.count(b"{") > MAX_MAPPINGS:  # at least as many as there are: braces in texts count, too
        raise JsonRefusedError(line, f"it must have at most {MAX_MAPPINGS:,} mappings")
    text = _text(data, line)
    try:
        return _decode(text, line)
    except _KeyTwiceError as error:
        raise JsonRefusedError(line, str(error)) from error


def _document(data: bytes, number: int, line: int) -> Document:
    text = _text(data, line)
    flaws: tuple[Refusal, ...] = ()
    try:
        value = _decode(text, line)
    except _KeyTwiceError as error:
        again = _as_yaml(text)
        value = again.value if again else None
        flaws = (again.flaws if again else ()) or (Refusal((), str(error)),)
    return Document(number, line, value, flaws, lambda: _places(text, line))


def _text(data: bytes, line: int) -> str:
    """Decode text for the reader. Raises JsonRefusedError."""
    if is_deeper(data):
        raise JsonRefusedError(line, TOO_DEEP)
    # At least as many as there are: commas in texts count, too.
    if len(data) > MAX_VALUES and sum(data.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise JsonRefusedError(line, f"a document must have at most {MAX_VALUES:,} values")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise JsonRefusedError(line, "must be UTF-8") from error


def _decode(text: str, line: int) -> Any:
    try:
        return _DECODER.decode(text)
    except json_reader.JSONDecodeError as error:
        problem = next(
            (ours for begin, ours in _PROBLEMS.items() if error.msg.startswith(begin)), "it is malformed"
        )
        message = f"must be JSON: {problem}, at column {error.colno}"
        raise JsonRefusedError(line + error.lineno - 1, message) from error
    except _KeyTwiceError:
        raise
    except ValueError as error:
        raise JsonRefusedError(line, "numbers must be finite and fit into 64 bits") from error


class _KeyTwiceError(ValueError):
    """A mapping has a key twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _KeyTwiceError(KEYS_ARE_UNIQUE)
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json_reader.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)


def _as_yaml(text: str) -> Document | None:
    """Read the same text as YAML; None where it is JSON only."""
    try:
        return next(yaml_documents(_SURROGATE.sub(r"\\u0041", text)), None)
    except yaml.YAMLError:
        return None


def _places(text: str, line: int) -> Places:
    again = _as_yaml(text)
    return replace(again.places(), lines_before=line - 1) if again else Places({None: line})
