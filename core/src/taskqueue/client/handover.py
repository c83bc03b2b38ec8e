"""Rows of an iterable that stays in the thread of its caller: cursors of databases belong to one thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from itertools import islice
from queue import SimpleQueue
from typing import Generic, TypeVar

_Row = TypeVar("_Row")
_Answer = TypeVar("_Answer")

#: Rows handed over at a time.
_BATCH = 500


class Handover(Generic[_Row]):
    """Rows that an event loop asks for and the thread of the caller reads."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._rows = iter(rows)
        self._requests: SimpleQueue[Future[list[_Row]] | None] = SimpleQueue()

    async def __aiter__(self) -> AsyncIterator[_Row]:
        while True:
            request: Future[list[_Row]] = Future()
            self._requests.put(request)
            batch = await asyncio.wrap_future(request)
            for row in batch:
                yield row
            if not batch:
                return

    def serve(self, start: Callable[["Handover[_Row]"], "Future[_Answer]"]) -> "Future[_Answer]":
        """Start a call that takes the rows, and read these until it ended. Its answer has an error of the iterable."""
        answer = start(self)
        try:
            answer.add_done_callback(lambda _: self._requests.put(None))
            while request := self._requests.get():
                if request.set_running_or_notify_cancel():
                    self._read(request)
        except BaseException:
            answer.cancel()
            raise
        return answer

    def _read(self, request: "Future[list[_Row]]") -> None:
        try:
            request.set_result(list(islice(self._rows, _BATCH)))
        except Exception as error:  # noqa: BLE001 - the iterable is user code, and its caller gets the error
            request.set_exception(error)
