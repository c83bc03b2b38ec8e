"""Requests leave in their slots of the limit or not at all, however late the connections come."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import aiohttp.abc
import aiohttp.connector
import pytest

from taskqueue.handlers.http_call import HttpClient
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import HttpCall, Schedule, TaskType
from taskqueue.plan.limiter import LATE_S
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.task_types import BoundType
from tests.support.site.worker_slots import open_slots

if TYPE_CHECKING:
    from taskqueue.store.claim import Result

JOBS = 48
SPACING_S = 0.005
#: Timers wake up to half a millisecond early.
EARLY_S = 0.001


class SlowResolver(aiohttp.abc.AbstractResolver):
    """Answers everybody at one moment, so that all connections stand at once."""

    go: asyncio.Event
    asked: int

    def __init__(self, **_: object) -> None: ...

    async def resolve(self, host: str, port: int = 0, family: Any = None) -> list[aiohttp.abc.ResolveResult]:
        type(self).asked += 1
        await self.go.wait()
        return [
            aiohttp.abc.ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)
        ]

    async def close(self) -> None: ...


@pytest.fixture
async def url(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    SlowResolver.go, SlowResolver.asked = asyncio.Event(), 0
    monkeypatch.setattr(aiohttp.connector, "DefaultResolver", SlowResolver)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except EOFError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://api.example:{server.sockets[0].getsockname()[1]}/"
    server.close()


def one_instant_a_turn(loop: Any, patch: pytest.MonkeyPatch) -> None:
    """Stop the loop's clock within a turn, so that a busy machine cannot come between a look at it and the next."""
    time, turn = loop.time, loop._run_once
    now_s = time()

    def next_turn() -> None:
        nonlocal now_s
        now_s = time()
        turn()

    patch.setattr(loop, "time", lambda: now_s)
    patch.setattr(loop, "_run_once", next_turn)


async def test_no_request_leaves_outside_its_slot(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    one_instant_a_turn(loop, monkeypatch)
    client = HttpClient()
    bound = BoundType(TaskType("sync", Schedule(interval_s=60)), client.resolve(HttpCall(url, "GET")))
    results: asyncio.Queue[Result] = asyncio.Queue()
    held: list[LeasedJob] = []
    slots = open_slots(JOBS, results.put_nowait)

    async def round_of_jobs(turn: int) -> dict[Outcome, int]:
        first_s = loop.time() + 0.02
        jobs = [
            LeasedJob(f"sync|u-{n}|60|0|0|w|{turn}", bound, "", 0, 0, first_s + n * SPACING_S, SPACING_S)
            for n in range(JOBS)
        ]
        held.extend(jobs)
        slots.add(jobs)
        # In the middle of their slots, when some have passed.
        loop.call_at(first_s + JOBS * SPACING_S / 2, SlowResolver.go.set)
        async with asyncio.timeout(60):
            outcomes = [(await results.get()).outcome for _ in range(JOBS)]
        return {outcome: outcomes.count(outcome) for outcome in (Outcome.DONE, Outcome.LATE)}

    async def check() -> None:
        ends = await round_of_jobs(1)
        assert sum(ends.values()) == JOBS
        assert ends[Outcome.LATE] >= JOBS / 2 - LATE_S / SPACING_S - 1, "their slots had passed"
        assert bound.counts[Outcome.LATE] == ends[Outcome.LATE]
        for turn in range(2, 4):
            ends = await round_of_jobs(turn)
            assert sum(ends.values()) == JOBS
        begun = [leased for leased in held if leased.began_s]
        assert len(begun) == bound.counts[Outcome.DONE]
        for leased in begun:
            assert -EARLY_S <= leased.began_s - leased.start_s <= LATE_S
        assert SlowResolver.asked <= JOBS, "connections whose slots were missed serve the next jobs"

    try:
        await check()
    finally:
        await slots.close()
        await client.close()


def test_connections_are_opened_ahead_by_their_set_up_time() -> None:
    client = HttpClient()
    assert client.ahead_s == 0.1
    for taken_s in (0.03, 0.001):
        client._times.add(taken_s)
    assert client.ahead_s == 0.06
    client._times.add(3.0)
    assert client.ahead_s == 0.2
