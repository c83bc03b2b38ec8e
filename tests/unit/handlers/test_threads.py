"""Threads of handlers that are not async: a job begins in a free thread alone, and hanging threads are counted."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from taskqueue.handlers import Job
from taskqueue.handlers.errors import NoFreeThread
from taskqueue.handlers.threads import ThreadHandler, Threads
from taskqueue.models.outcome import Outcome
from taskqueue.testing import Permits
from tests.support.site.site import until
from tests.support.site.worker_slots import SlotsUnderTest


@pytest.fixture
def go() -> Iterator[threading.Event]:
    """Let the threads of a test end."""
    event = threading.Event()
    yield event
    event.set()


def job(user: str = "u", permits: Permits | None = None) -> Job:
    return Job("sync", user, 60, 0, {}, 1, permits or Permits())


async def test_a_job_without_a_thread_never_runs(go: threading.Event) -> None:
    ran: list[str] = []

    def handle(job: Job) -> None:
        ran.append(job.user)
        go.wait()

    threads = Threads(1)
    handler = ThreadHandler(handle, threads, 60)
    first = asyncio.create_task(handler(job("first")))
    waiting = [asyncio.create_task(handler(job(user))) for user in ("given up", "last")]
    await asyncio.sleep(0)
    assert (threads.busy, threads.stuck) == (1, 0)
    waiting[0].cancel()
    with pytest.raises(NoFreeThread, match="0 of 1"):
        await waiting[0]
    go.set()
    await asyncio.gather(first, waiting[1])
    assert ran == ["first", "last"]
    await asyncio.sleep(0)
    assert threads.busy == 0


async def test_a_job_delayed_by_threads_takes_a_new_slot(go: threading.Event) -> None:
    threads = Threads(1)
    handler = ThreadHandler(lambda _: go.wait(), threads, 60)
    at_once, waited = Permits(), Permits()
    both = asyncio.gather(handler(job(permits=at_once)), handler(job(permits=waited)))
    await asyncio.sleep(0)
    go.set()
    await both
    assert (at_once.costs, waited.costs) == ([], [1])


async def test_a_thread_with_a_cancelled_turn_serves_the_next(go: threading.Event) -> None:
    threads = Threads(1)
    assert await threads.reserve()
    turns = [asyncio.create_task(threads.reserve()) for _ in range(2)]
    await asyncio.sleep(0)
    threads.release()
    turns[0].cancel()  # at the moment when it was granted
    with pytest.raises(NoFreeThread):
        await turns[0]
    assert await turns[1] is False


async def test_overdue_threads_are_stuck_until_they_end(go: threading.Event) -> None:
    threads = Threads(2)
    handler = ThreadHandler(lambda _: go.wait(), threads, 0)
    given_up = [asyncio.create_task(handler(job())) for _ in range(2)]
    await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    await asyncio.wait(given_up)
    assert (threads.busy, threads.stuck) == (2, 2)
    go.set()
    assert await asyncio.wait_for(threads.reserve(), 30) is False

    async def none_is_stuck() -> bool:
        return threads.stuck == 0

    await until("every thread has ended", none_is_stuck)


async def test_a_job_without_a_thread_uses_no_attempt_up(go: threading.Event) -> None:
    threads = Threads(1)
    handler = ThreadHandler(lambda _: go.wait(), threads, 0)
    async with SlotsUnderTest(2) as bench:
        bench.add("sync|stuck|60|0|0|w|1", handler)
        bench.add("sync|waits|60|0|0|w|1", handler)
        for _ in range(10):
            await asyncio.sleep(0)
        assert (len(bench.slots.running), threads.busy) == (2, 1)
        for running in list(bench.slots.running.values()):
            running.cancel("timeout")
        results = {(found := await bench.results.get()).lease.split("|")[1]: found for _ in range(2)}
        assert (results["stuck"].outcome, results["waits"].outcome) == (Outcome.RETRIED, Outcome.NO_THREAD)
        assert results["waits"].wait_ms > 0
