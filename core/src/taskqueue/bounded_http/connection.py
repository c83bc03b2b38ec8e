"""One accepted connection: its requests one after the other, each with a time limit, until it closes."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog

from taskqueue.bounded_http.request import Answer, BadRequestError, Request, parse, refusal, spell
from taskqueue.text.printable import describe_error

Handler = Callable[[Request], Awaitable[Answer]]

MAX_HEAD_BYTES = 8_192
#: From the moment of acceptance to the end of the first head, a TLS handshake included.
FIRST_REQUEST_S = 5.0
#: From an answer to the end of the next head.
NEXT_REQUEST_S = 60.0
#: From the end of a head until the kernel has taken the whole answer.
ANSWER_S = 10.0
#: From the last answer until the caller has closed, or has at least taken what was sent.
_CLOSE_S = 2.0
_END = b"\r\n\r\n"

log = structlog.get_logger("taskqueue.port")


class Connection:
    """An accepted connection.

    busy: a request is being answered.   known: a request was answered, and another may follow.
    since_s: monotonic time of the last change of either.
    """

    def __init__(self, accepted: socket.socket, handler: Handler, tls: ssl.SSLContext | None) -> None:
        self._socket = accepted
        self._handler = handler
        self._context = tls
        self._last = False
        self._opened = False
        self.busy = False
        self.known = False
        self.since_s = time.monotonic()

    def finish(self) -> None:
        """Keep the connection for no further request."""
        self._last = True

    def close(self) -> None:
        """Release the socket after `serve` has ended, or was cancelled before it began."""
        if self._opened:
            # The transport closes it; one cancelled at its first step does so only when the caller has gone.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        else:
            self._socket.close()

    async def serve(self) -> None:
        """Answer requests until a caller, a time limit or a refusal ends the connection."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(FIRST_REQUEST_S):
                reader, writer = await self._open()
                head = await _read_head(reader)
            while await self._respond(head, writer):
                async with asyncio.timeout(NEXT_REQUEST_S):
                    head = await _read_head(reader)
            await _close(writer)
        except (OSError, EOFError, TimeoutError):
            pass  # a caller that left, is slow, or does not speak HTTP
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._opened = True
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=MAX_HEAD_BYTES, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        limits_s = {"ssl_handshake_timeout": FIRST_REQUEST_S, "ssl_shutdown_timeout": _CLOSE_S}
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, self._socket, ssl=self._context, **(limits_s if self._context else {})
        )
        # An answer counts as sent when the kernel has all of it. Over TLS, a limit of 0 would never be met.
        transport.set_write_buffer_limits(high=1, low=0)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _respond(self, head: bytes | None, writer: asyncio.StreamWriter) -> bool:
        """Answer a request. Return True if another may follow."""
        self._turn(busy=True)
        async with asyncio.timeout(ANSWER_S):
            answer, keep, without_body = await self._answer(head, writer.get_extra_info("ssl_object"))
            writer.write(spell(answer, keep=keep, without_body=without_body))
            await writer.drain()
        self.known = keep
        self._turn(busy=False)
        return keep

    async def _answer(self, head: bytes | None, tls: ssl.SSLObject | None) -> tuple[Answer, bool, bool]:
        if head is None:
            too_long = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            return refusal(too_long, f"the head must be at most {MAX_HEAD_BYTES} bytes"), False, False
        try:
            request = parse(head, tls)
        except BadRequestError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error)), False, False
        try:
            answer = await self._handler(request)
        except Exception as error:  # of a page: the port goes on answering
            log.exception("request failed", path=request.path, error=describe_error(error))
            answer = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the process failed to answer; see its log")
        keep = answer.keep and request.may_keep_alive and not self._last
        return answer, keep, request.method == "HEAD"

    def _turn(self, *, busy: bool) -> None:
        self.busy, self.since_s = busy, time.monotonic()


async def _read_head(reader: asyncio.StreamReader) -> bytes | None:
    """Return the head up to an empty line, or None where it is longer than MAX_HEAD_BYTES."""
    try:
        return (await reader.readuntil(_END)).removesuffix(_END)
    except asyncio.LimitOverrunError:
        return None


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await writer.wait_closed()
