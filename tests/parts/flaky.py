"""A TCP proxy that loses what passes: between a worker and the store, on purpose and by a seed."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_SECONDS_MOST = 0.25


@dataclass
class Flaky:
    """cut, drop, delay: shares of the chunks that end the connection instead of passing (request, reply), or wait."""

    url: str
    chance: random.Random
    cut: float = 0.0
    drop: float = 0.0
    delay: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

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
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: str, share: float
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(1 << 16):
                if self.chance.random() < share:
                    self.counts[kind] += 1
                    return
                if self.chance.random() < self.delay:
                    self.counts["delay"] += 1
                    await asyncio.sleep(self.chance.uniform(0, _SECONDS_MOST))
                writer.write(chunk)
                await writer.drain()


@asynccontextmanager
async def flaky(url: str, seed: int, **shares: Any) -> AsyncIterator[tuple[str, Flaky]]:
    """A proxy to the server of `url`, and the URL to reach it by."""
    proxy = Flaky(url, random.Random(seed), **shares)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", proxy
    finally:
        server.close()
