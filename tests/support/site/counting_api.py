"""The example API as the judge: its arrivals, and the most in any second."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from tests.support.site.site import until
from tests.support.store.drive import most_in_a_span

#: Prints what the API counted, where it is run beside it.
STATS = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/-/stats').read().decode())"

#: The clocks of a worker and of the store agree this well.
AGREE_US = 1_000


class Arrival(NamedTuple):
    """One request as the API saw it, by its own clock (us)."""

    at_us: int
    type: str
    user: str
    occurrence: int | None = None  # epoch s
    attempt: int = 1
    path: str = "/"

    @property
    def slot_us(self) -> int:
        """Return the slot that the store booked for the job, of a request that names it in its path."""
        return int(self.path.removeprefix("/"))


def worst_second(arrivals: Iterable[Arrival]) -> int:
    """Return the most arrivals in any sliding second: in [t, t + 1 s) for every t."""
    return most_in_a_span([one.at_us for one in arrivals], 1_000_000)


def in_their_slots(arrivals: Sequence[Arrival], rate: int) -> None:
    """Fail if any second has more slots than the limit allows, or if a request came before its slot.

    Requests may come late, and in crowds: a machine with a whole cluster on two cores holds them up.
    """
    booked = most_in_a_span([one.slot_us for one in arrivals], 1_000_000)
    late_us = [one.at_us - one.slot_us for one in arrivals]
    print(
        f"{len(arrivals)} requests; in any second at most {booked} slots and {worst_second(arrivals)} requests, "
        f"{min(late_us) / 1e3:.1f} to {max(late_us) / 1e3:.1f} ms after their slots"
    )
    assert booked <= rate
    assert min(late_us) >= -AGREE_US


def between(arrivals: Sequence[Arrival], from_s: float, to_s: float) -> list[Arrival]:
    """Return arrivals in [from_s, to_s) of the wall clock, which all processes of a machine share."""
    return [one for one in arrivals if from_s <= one.at_us / 1e6 < to_s]


@dataclass(frozen=True)
class CountingApi:
    """A process of its own. url: where it listens."""

    url: str

    async def arrivals(self) -> list[Arrival]:
        page = await asyncio.to_thread(_get, f"{self.url}/-/arrivals")
        return [Arrival(*row) for row in map(json.loads, page.splitlines())]

    async def flowing(self, number: int, limit_s: float = 60.0) -> None:
        """Wait until so many requests arrived since the API started."""

        async def check() -> bool:
            stats = await asyncio.to_thread(_get, f"{self.url}/-/stats")
            return int(json.loads(stats)["requests"]) >= number

        await until(f"{number} requests arrived", check, limit_s)


@asynccontextmanager
async def counting_api() -> AsyncIterator[CountingApi]:
    """An API without a limit: the test judges its arrivals."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.dev.example_api", "--port", "0", "--rate", "1000000"),
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
