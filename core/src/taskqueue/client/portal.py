"""A client in an event loop of a thread of its own, which callers of all threads use.

The thread starts with the first call. A forked process has no such thread, and must not touch the connections of its
parent: its first call opens new ones.
"""

import asyncio
import os
import selectors
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from taskqueue.client.client import Client
from taskqueue.store.errors import ClientClosedError

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")

_portals: "WeakSet[Portal]" = WeakSet()


class Portal:
    """A client, and the loop that runs its calls.   open_client: makes a client that is not connected yet."""

    def __init__(self, open_client: Callable[[], Client]) -> None:
        self._open_client = open_client
        self._client = open_client()
        self._loop: _Loop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._is_closed = False
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
                self._loop = _Loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="taskqueue-client", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(verb(self._client, *args, **kwargs), self._loop)

    def close(self) -> None:
        """End calls, connections and thread; calls that other threads wait for raise ClientClosedError."""
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop and thread:
            asyncio.run_coroutine_threadsafe(_end(self._client), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def forget(self) -> None:
        """Leave loop and connections to the parent of this process."""
        self._lock = threading.Lock()
        if self._loop:
            self._loop.cut_off()
            self._client = self._open_client()
            self._loop = self._thread = None


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that a forked process can cut off from the files of its parent.

    It polls, as an epoll would be shared: what one process leaves out, the other one would not hear of.
    """

    def __init__(self) -> None:
        self._polled = selectors.PollSelector() if hasattr(selectors, "PollSelector") else None
        super().__init__(self._polled)

    def cut_off(self) -> None:
        """Let the copies of the connections lead nowhere: objects that are collected may write a last word."""
        with Path(os.devnull).open("r+b", buffering=0) as nowhere:
            for key in [*self._polled.get_map().values()] if self._polled else ():
                os.dup2(nowhere.fileno(), key.fd)


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
