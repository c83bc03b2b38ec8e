"""Bounds of a request's body: its size, and the time that it takes to arrive.

A body is one unit; of NDJSON each line is one, and the lines together have no bound.
"""

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskqueue_api.media_type import FORM, NDJSON, media_type

#: Bytes of a unit, of a form of a page, and seconds spent waiting for it.
MAX_UNIT_BYTES, MAX_FORM_BYTES = 1_048_576, 65_536
MAX_UNIT_S = 20.0


class BoundedBodies:
    """An ASGI app in front of another, whose `receive` raises HTTPException for a body beyond the bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        body = _Body(headers, receive)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and not (body.is_read and body.is_clear):
                MutableHeaders(scope=message)["Connection"] = "close"  # what is left of it is not read
            await send(message)

        await self._app(scope, body.receive, sent)


class _Body:
    """is_read: to its end.   is_clear: its end is told once; where it is told twice, a proxy may see another end."""

    def __init__(self, headers: Headers, receive: Receive) -> None:
        length = headers.get("content-length", "0")
        self._receive = receive
        given = media_type(headers)
        self._has_lines = given == NDJSON
        self._most = MAX_FORM_BYTES if given == FORM else MAX_UNIT_BYTES
        self._length = int(length) if length.isdecimal() else 0
        self._bytes = 0
        self._waited_s = 0.0
        is_chunked = "transfer-encoding" in headers
        self.is_read = not self._length and not is_chunked
        self.is_clear = not is_chunked or "content-length" not in headers

    async def receive(self) -> Message:
        if self.is_read:
            return await self._receive()
        if self._length > self._most and not self._has_lines:
            raise self._too_large()
        message = await self._arriving()
        if message["type"] == "http.request":
            self._count(message.get("body", b""))
            self.is_read = not message.get("more_body", False)
        return message

    async def _arriving(self) -> Message:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            async with asyncio.timeout(MAX_UNIT_S - self._waited_s):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(408, f"the body must arrive within {MAX_UNIT_S:.0f} s") from None
        finally:
            self._waited_s += loop.time() - began_s

    def _count(self, chunk: bytes) -> None:
        """Add a chunk to the unit that is arriving; with a line end the next unit begins."""
        first, *others = [len(line) for line in chunk.split(b"\n")] if self._has_lines else [len(chunk)]
        first += self._bytes
        if max(first, *others, 0) > self._most:
            raise self._too_large()
        self._bytes = others[-1] if others else first
        self._waited_s = 0.0 if others else self._waited_s

    def _too_large(self) -> HTTPException:
        unit = "each line" if self._has_lines else "the body"
        return HTTPException(413, f"{unit} must have at most {self._most} bytes")
