"""A body of NDJSON: one JSON text a line, read a batch of lines at a time, however long the body is."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

from fastapi import Request

from taskqueue.models.refusal import ManifestRefusedError, Refusal
from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue.sources.lines import EncodingRefusedError, Line, LineSplitter
from taskqueue_api.problems import ProblemError
from taskqueue_api.request.json_body import media_type

NDJSON = "application/x-ndjson"


async def read_lines(request: Request) -> AsyncIterator[Line]:
    """Yield the lines that are not empty. Raises ProblemError for a body that is no NDJSON."""
    if media_type(request) != NDJSON:
        raise ProblemError(415, "Wrong media type", f"Content-Type must be {NDJSON}", "Content-Type")
    splitter = LineSplitter()
    try:
        async for chunk in request.stream():
            for line in splitter.feed(chunk):
                if line.data.strip():
                    yield line
        for line in splitter.end():
            if line.data.strip():
                yield line
    except EncodingRefusedError as error:
        raise ProblemError(400, "Malformed NDJSON", f"body: {error}", "body") from error
