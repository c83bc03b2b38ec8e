"""A client in an event loop of a thread of its own, which callers of all threads use.

The thread starts with the first call. A process that is forked inherits neither threads nor a share in connections: its
first call opens them anew.
"""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from taskqueue.client.client import Client
from taskqueue.client.errors import ClientClosedError

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

_portals: "WeakSet[Portal]" = WeakSet()


class Portal:
    """A client, and the loop that runs its calls.   open_client: makes a client that is not connected yet."""

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self._open_client = open_client
        self._client = open_client()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._inherited: object = None
        _portals.add(self)

    def call(
        self,
        verb: Callable[Concatenate[Client, _Arguments], Coroutine[Any, Any, _Answer]],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Answer:
        """Call a verb of the client, and wait for its answer. Raises ClientClosedError."""
        return wait(self.start(verb, *args, **kwargs))

    def start(
        self,
        verb: Callable[Concatenate[Client, _Arguments], Coroutine[Any, Any, _Answer]],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> "Future[_Answer]":
        """Call a verb of the client, and return its answer to come. Raises ClientClosedError."""
        with self._lock:
            if self._is_closed:
                raise ClientClosedError
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="taskqueue-client", daemon=True
                )
                self._thread.start()
                atexit.register(self.close)
            return asyncio.run_coroutine_threadsafe(verb(self._client, *args, **kwargs), self._loop)

    def close(self) -> None:
        """End calls, connections and thread; calls that other threads wait for raise ClientClosedError."""
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        atexit.unregister(self.close)
        if loop and thread:
            asyncio.run_coroutine_threadsafe(_end(self._client), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def forget(self) -> None:
        """Leave loop and connections to the parent of this process.

        They are kept, as connections that are collected would be closed.
        """
        self._lock = threading.Lock()
        if self._loop:
            self._inherited = (self._inherited, self._client, self._loop)
            self._client = self._open_client()
            self._loop = self._thread = None


def wait(answer: "Future[_Answer]") -> _Answer:
    """Wait for an answer; cancel the call if the wait is interrupted. Raises ClientClosedError."""
    try:
        return answer.result()
    except CancelledError:
        raise ClientClosedError from None
    finally:
        answer.cancel()


async def _end(client: Client) -> None:
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await client.close()


def _forget_parents() -> None:
    for portal in [*_portals]:
        portal.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents)
