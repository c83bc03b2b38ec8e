"""A body of JSON, read strictly: UTF-8, each key once, finite numbers, not nested too deep."""

from typing import Any

from fastapi import Request

from taskqueue.sources.encoding import BYTE_ORDER_MARK, refuse_encoding
from taskqueue.sources.json_documents import JsonRefusedError, decode
from taskqueue_api.media_type import JSON, media_type
from taskqueue_api.problems import ProblemError, wrong_media_type


async def decode_body(request: Request) -> Any:
    """Return the value of a body; None without one. Raises ProblemError."""
    data = await request.body()
    if not data:
        return None
    if (given := media_type(request.headers)) != JSON:
        raise wrong_media_type(JSON, given)
    if remedy := refuse_encoding(data):
        raise ProblemError(400, "Malformed JSON", f"body: {remedy}", "body")
    try:
        return decode(data.removeprefix(BYTE_ORDER_MARK), 1)
    except JsonRefusedError as error:
        raise ProblemError(400, "Malformed JSON", f"body: {error}", "body") from error
