"""A TCP proxy that loses traffic between a worker and the store, on purpose and by a seed."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from taskqueue.store.connection import ANSWER_TIMEOUT_S
from tests.support.process.seeded_random import chance

_DELAY_MOST_S = 0.25


@dataclass
class Flaky:
    """Shares of the chunks that fare ill; each is counted by its name.

    cut: a request, drop: a reply that ends its connection instead of passing. delay: a chunk that waits a little.
    hold: one that waits until its client has given up, and is passed on all the same: a request that comes late;
    at most `holds` of either way, for each stops a connection for seconds.
    While `flowing` is clear nothing passes at all, and nobody is told.
    """

    url: str
    chance: random.Random
    cut: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    hold: float = 0.0
    holds: int = 3
    counts: Counter[str] = field(default_factory=Counter)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = urlsplit(self.url)
        up_reader, up_writer = await asyncio.open_connection(target.hostname, target.port)
        ways = [
            asyncio.create_task(self._pass(reader, up_writer, "cut", self.cut)),
            asyncio.create_task(self._pass(up_reader, writer, "drop", self.drop)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, up_writer):
                end.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, loss: str, share: float
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1 << 16):
                await self.flowing.wait()
                if self.chance.random() < share:
                    self.counts[loss] += 1
                    return
                if self.chance.random() < self.delay:
                    self.counts["delay"] += 1
                    await asyncio.sleep(self.chance.uniform(0, _DELAY_MOST_S))
                late = "late request" if loss == "cut" else "late reply"
                if self.counts[late] < self.holds and self.chance.random() < self.hold:
                    self.counts[late] += 1
                    await asyncio.sleep(ANSWER_TIMEOUT_S + self.chance.uniform(0.1, 0.5))
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def flaky(url: str, seed: int, **shares: Any) -> AsyncIterator[tuple[str, Flaky]]:
    """A proxy to the server of `url`, and the URL to reach it by."""
    proxy = Flaky(url, chance(seed), **shares)
    proxy.flowing.set()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", proxy
    finally:
        proxy.flowing.set()
        server.close()
