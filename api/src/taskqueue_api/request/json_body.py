"""A body of JSON, read strictly: UTF-8, each key once, finite numbers, not nested too deep."""

from typing import Any

from fastapi import Request

from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue_api.problems import ProblemError


async def decode_body(request: Request) -> Any:
    """Return the value of a body; None without one. Raises ProblemError."""
    data = await request.body()
    if not data:
        return None
    if media_type(request) != "application/json":
        raise ProblemError(415, "Wrong media type", "Content-Type must be application/json", "Content-Type")
    try:
        return decode(data, 1)
    except JsonRefusedError as error:
        raise ProblemError(400, "Malformed JSON", f"body: {error}", "body") from error


def media_type(request: Request) -> str:
    """Return the media type of a body without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
