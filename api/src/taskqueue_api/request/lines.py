"""A body of NDJSON, taken line by line however long it is."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from taskqueue.sources.lines import EncodingRefusedError, Line, LineSplitter
from taskqueue_api.media_type import NDJSON, media_type
from taskqueue_api.problems import ProblemError, wrong_media_type
from taskqueue_api.request.route import StrictRoute

#: Lines that are taken before other requests have their turn: two milliseconds.
_IN_A_ROW = 50


class LinesRoute(StrictRoute):
    """A route for bodies of lines, in front of one of the same path and method for JSON."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for this route."""
        match, child = super().matches(scope)
        return (match if media_type(Headers(scope=scope)) == NDJSON else Match.NONE), child


async def read_lines(request: Request) -> AsyncIterator[Line]:
    """Yield the lines of a body. Raises ProblemError for one that is no NDJSON."""
    if (given := media_type(request.headers)) != NDJSON:
        raise wrong_media_type(NDJSON, given)
    splitter = LineSplitter()
    try:
        async for chunk in request.stream():
            for line in splitter.feed(chunk):
                yield line
                if line.number % _IN_A_ROW == 0:
                    await asyncio.sleep(0)
        for line in splitter.end():
            yield line
    except EncodingRefusedError as error:
        raise ProblemError(400, "Malformed NDJSON", f"body: {error}", "body") from error
