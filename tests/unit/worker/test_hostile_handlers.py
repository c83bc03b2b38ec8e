"""Handlers that do their worst: each is a result, the slot goes on, and the good job behind it is done."""

import asyncio
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.handlers.registry import Runnable
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.slots import ConcurrencySlotEndedError
from taskqueue_worker.task_types import BoundType
from tests.support.site.worker_slots import LIMIT_S, SlotsUnderTest


def raises(error: BaseException) -> Runnable:
    async def handle(_: Job) -> None:
        raise error

    return handle


async def cancels_itself(_: Job) -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def cancels_itself_and_waits(_: Job) -> None:
    await cancels_itself(_)
    await asyncio.sleep(10)


async def cancels_itself_and_forgets(_: Job) -> None:
    await cancels_itself(_)
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()


async def cancels_itself_later(_: Job) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)


async def awaits_a_cancelled_future(_: Job) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def awaits_a_future_that_ends_generators(_: Job) -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, GeneratorExit())
    await future


async def changes_its_params(job: Job) -> None:
    if job.params != {"pages": [1]}:
        raise Discard(f"{job.params}")
    job.params["pages"].append(2)
    job.params["more"] = 1  # type: ignore[index]


async def leaves_a_task(_: Job) -> None:
    asyncio.get_running_loop().create_task(raises(ValueError("left"))(_))


async def good_handler(_: Job) -> None:
    await asyncio.sleep(0)


async def returns_anything(_: Job) -> object:
    return object()


def returns_nothing_to_await(_: Job) -> Any:
    return 7


def raises_before(_: Job) -> Any:
    raise SystemExit(1)


@pytest.mark.parametrize(
    ("handle", "outcome"),
    [
        (raises(Discard("\ud800")), Outcome.DEAD),
        (raises(Discard(404)), Outcome.DEAD),  # type: ignore[arg-type]
        (raises(RateLimited(1e300)), Outcome.LIMITED),
        (raises(RateLimited(1795977600, limit="global")), Outcome.LIMITED),
        (raises(RetryLater(1e300)), Outcome.RETRIED),
        (raises(KeyboardInterrupt()), Outcome.RETRIED),
        (raises(SystemExit("\x00")), Outcome.RETRIED),
        (raises(GeneratorExit()), Outcome.RETRIED),
        (raises(asyncio.CancelledError()), Outcome.RETRIED),
        (raises(BaseExceptionGroup("b", [SystemExit()])), Outcome.RETRIED),
        (raises(StopAsyncIteration()), Outcome.RETRIED),
        (cancels_itself, Outcome.DONE),
        (cancels_itself_and_waits, Outcome.RETRIED),
        (cancels_itself_and_forgets, Outcome.DONE),
        (cancels_itself_later, Outcome.DONE),
        (awaits_a_cancelled_future, Outcome.RETRIED),
        (awaits_a_future_that_ends_generators, Outcome.RETRIED),
        (leaves_a_task, Outcome.DONE),
        (returns_anything, Outcome.DONE),
        (returns_nothing_to_await, Outcome.RETRIED),
        (raises_before, Outcome.RETRIED),
    ],
)
async def test_a_slot_survives(handle: Runnable, outcome: Outcome) -> None:
    async with SlotsUnderTest() as bench:
        for turn in range(3):
            hostile = await bench.run(f"sync|hostile|60|0|0|w|{turn}", handle)
            assert hostile.outcome is outcome
            msgspec.msgpack.encode(tuple(hostile))
            good = await bench.run(f"sync|good|60|0|0|w|{turn}", good_handler)
            assert good.outcome is Outcome.DONE
        assert bench.slots.alive == 1


async def test_a_handler_changes_no_params_but_its_own() -> None:
    async with SlotsUnderTest() as bench:
        bound = BoundType(
            TaskType("sync", Schedule(interval_s=60), params={"pages": [1]}), changes_its_params
        )
        now_s = asyncio.get_running_loop().time()
        for turn in range(2):
            bench.slots.add([LeasedJob(f"sync|u|60|0|0|w|{turn}", bound, "", 0, 0, now_s, 0.01)])
            assert (await asyncio.wait_for(bench.results.get(), LIMIT_S)).outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("member", "params"),
    [
        ("sync|u|60|0|0|w|1", "[1,2]"),
        ("sync|u|60|0|0|w|1", "not JSON"),
        ("sync|u|60|0|0|w|1", '{"a":' + "[" * 100_000),
        ("sync|u|soon|0|0|w|1", ""),
        ("sync|u||0|0|w|1", ""),
        ("sync|", ""),
    ],
)
async def test_an_unreadable_stored_job_is_dead(member: str, params: str) -> None:
    async with SlotsUnderTest() as bench:
        result = await bench.run(member, good_handler, params)
        assert (result.lease, result.outcome) == (member, Outcome.DEAD)
        assert result.text.startswith("the stored job cannot be read: ")
        assert bench.slots.alive == 1


async def test_a_slot_that_ends_early_is_reported() -> None:
    async with SlotsUnderTest(2) as bench:
        await asyncio.sleep(0)

        def broken(_: object) -> None:
            raise MemoryError

        bench.slots._report = broken
        bench.add("sync|u|60|0|0|w|1", good_handler)
        with pytest.raises(ConcurrencySlotEndedError, match="a concurrency slot ended: MemoryError"):
            await asyncio.wait_for(bench.slots.ended, LIMIT_S)
        assert (bench.slots.size, bench.slots.alive) == (2, 1)


@pytest.mark.parametrize(("seconds", "said"), [(59, []), (60, ["limit closed for long"])])
async def test_a_type_closed_for_long_is_told(seconds: int, said: list[str]) -> None:
    async with SlotsUnderTest() as bench:
        with capture_logs() as logs:
            assert (
                await bench.run("sync|u|60|0|0|w|1", raises(RateLimited(seconds)))
            ).outcome is Outcome.LIMITED
        assert [line["event"] for line in logs] == said
