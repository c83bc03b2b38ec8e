"""Streams of events: one a page and its parameters, rendered once for each snapshot, sent to any number of viewers.

A viewer that does not keep up gets the newest state only; of one that takes nothing the connection ends. A stream ends
after LIFE_S, and the page connects again, so that a session that has ended, or a viewer's role, counts.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import TypeAlias

from fastapi.responses import StreamingResponse

from taskqueue.errors import TaskqueueError
from taskqueue_api.live.reader import Reader
from taskqueue_api.live.snapshot import Snapshot

#: Streams at a time: fewer than requests, so that open pages leave room for actions and programs.
MAX_STREAMS = 400
LIFE_S = 600.0

#: Returns the HTML of a page's live part.
Render: TypeAlias = Callable[[Snapshot], Awaitable[str]]


def event(data: str, name: str = "") -> bytes:
    r"""Return an event.

    >>> event("two\nlines", "stale")
    b'event: stale\ndata: two\ndata: lines\n\n'
    """
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"{f'event: {name}' + chr(10) if name else ''}{lines}\n".encode()


class Streams:
    """The streams of one process."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._channels: dict[Hashable, _Channel] = {}
        self._viewers = 0

    @property
    def are_full(self) -> bool:
        """Tell whether no further stream can begin."""
        return self._viewers >= MAX_STREAMS

    async def follow(self, key: Hashable, render: Render) -> AsyncIterator[bytes]:
        """Yield the events of a page.   key: of all viewers with the same content."""
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(self._reader, render)
        self._viewers += 1
        channel.viewers += 1
        try:
            async for one in channel.events():
                yield one
        finally:
            self._viewers -= 1
            channel.viewers -= 1
            if not channel.viewers:
                self._channels.pop(key, None)
                channel.end()


class _Channel:
    """One page as all of its viewers see it.

    html: the newest state, which changed `changes` times.   beat: the newest sign of life.
    """

    def __init__(self, reader: Reader, render: Render) -> None:
        self.viewers = 0
        self._reader = reader
        self._render = render
        self._html = ""
        self._changes = 0
        self._beat = b""
        self._beats = 0
        self._ended = False
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._run())

    def end(self) -> None:
        self._task.cancel()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the page's state, then each change, and between them signs of life."""
        ends_s = time.monotonic() + LIFE_S
        beats = changes = 0
        while time.monotonic() < ends_s:
            async with self._news:
                await self._news.wait_for(lambda: self._ended or self._beats > beats)  # noqa: B023
            if self._ended:
                return
            newest = event(self._html) if self._changes > changes else self._beat
            beats, changes = self._beats, self._changes
            yield newest

    async def _run(self) -> None:
        try:
            async for newest in self._reader.follow():
                self._beat = await self._read(newest)
                self._beats += 1
                async with self._news:
                    self._news.notify_all()
        finally:
            self._ended = True
            async with self._news:
                self._news.notify_all()

    async def _read(self, newest: Snapshot | TaskqueueError) -> bytes:
        """Take the state of a snapshot, and return the sign of life."""
        try:
            if isinstance(newest, TaskqueueError):
                raise newest
            html = await self._render(newest)
        except TaskqueueError as error:
            return event(str(error), "stale")
        if html != self._html:
            self._html = html
            self._changes += 1
        return event("", "unchanged")


class EventStream(StreamingResponse):
    """The answer with the events of a page."""

    media_type = "text/event-stream"
