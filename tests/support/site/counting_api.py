"""The example API as the judge: its arrivals, and the most in any second."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from tests.support.site.site import until

#: Prints what the API counted, where it is run beside it.
STATS = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/-/stats').read().decode())"


class Arrival(NamedTuple):
    """One request as the API saw it, by its own clock (us)."""

    at_us: int
    type: str
    user: str
    occurrence: int | None = None  # epoch s
    attempt: int = 1


def worst_second(arrivals: Sequence[Arrival], held_up_s: float = 0.0) -> int:
    """Most arrivals in any sliding second: in [t, t + 1 s) for every t.

    held_up_s: so much less than a second, for requests that were held up on their way by a machine that is busy.
    """
    span_us = int(1_000_000 * (1 - held_up_s))
    worst, first = 0, 0
    for last, arrival in enumerate(arrivals):
        while arrival.at_us - arrivals[first].at_us >= span_us:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def between(arrivals: Sequence[Arrival], from_s: float, to_s: float) -> list[Arrival]:
    """Return arrivals in [from_s, to_s) of the wall clock, which all processes of a machine share."""
    return [one for one in arrivals if from_s <= one.at_us / 1e6 < to_s]


@dataclass(frozen=True)
class CountingApi:
    """A process of its own. url: where it listens."""

    url: str

    async def arrivals(self) -> list[Arrival]:
        page = await asyncio.to_thread(_get, f"{self.url}/-/arrivals")
        return [Arrival(*row[:5]) for row in map(json.loads, page.splitlines())]

    async def flowing(self, number: int) -> None:
        """Wait until so many requests arrived since the API started."""

        async def check() -> bool:
            stats = await asyncio.to_thread(_get, f"{self.url}/-/stats")
            return int(json.loads(stats)["requests"]) >= number

        await until(f"{number} requests arrived", check, 60)


@asynccontextmanager
async def counting_api() -> AsyncIterator[CountingApi]:
    """An API without a limit: the test judges its arrivals."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.dev.api", "--port", "0", "--rate", "1000000"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield CountingApi(f"http://{(await process.stdout.readline()).decode().split()[-1]}")
    finally:
        process.terminate()
        await process.wait()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())
