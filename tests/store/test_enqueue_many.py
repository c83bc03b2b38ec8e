"""client.enqueue_many: many ad hoc jobs, in batches of one script call each."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import redis
from msgspec.structs import replace

from taskqueue import AdHocJob, Client, LockedParamsError, UnknownTypeError, ValueRefusedError
from taskqueue.client import ad_hoc_jobs
from taskqueue.models.values import Priority, Schedule, TaskType
from taskqueue.store.enqueue import MAX_JOBS as BATCH
from taskqueue.store.enqueue import enqueue_packed
from taskqueue.store.errors import StoreFailure, StoreUnavailable
from taskqueue.store.job_name import parse
from taskqueue.store.wakeup import WAKEUP_TOKENS
from tests.support.store.raw import raw
from tests.support.store.simulated_workers import SimulatedWorker, work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from taskqueue.store.claim import Claim
    from taskqueue.store.connection import Store
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
SYNC = TaskType("sync", HOUR, locked_params=("token",))
SEND = TaskType("send", HOUR, priority=Priority.HIGH)


@pytest.fixture
async def client(world: World) -> Client:
    await world.install(SYNC, SEND)
    return Client(world.store)


def many(number: int, *, with_id: bool = True, **fields: Any) -> list[AdHocJob]:
    """Jobs of many users."""
    return [AdHocJob(f"u{n}", "sync", job_id=f"j{n}" if with_id else None, **fields) for n in range(number)]


async def ids_in_store(world: World) -> list[str]:
    return [parse(name).id for names in (await world.waiting()).values() for name in names]


async def test_jobs_are_enqueued_as_one_by_one(world: World, client: Client) -> None:
    jobs = [
        AdHocJob("ada", "sync", {"a": [1]}, "one", delay_s=0.25, expires_s=9),
        AdHocJob("auth0|5f7c", "send", job_id="one"),
        AdHocJob("ada", "sync", {"a": [1]}, "one", delay_s=7),
        AdHocJob("bob", "sync"),
    ]
    names = await client.enqueue_many(jobs)
    assert names[0] == names[2]
    assert names[:2] == [
        await client.enqueue("ada", "sync", job_id="one"),
        await client.enqueue("auth0|5f7c", "send", job_id="one"),
    ]
    first, second, _, last = map(parse, names)
    assert (first.due_ms, first.life_ms) == (world.clock.now_ms + 250, 9_000)
    assert (second.user, len(last.id)) == ("auth0|5f7c", 32)
    assert await world.waiting() == {
        "ready:global:normal": [names[3], names[0]],
        "ready:global:high": [names[1]],
    }
    await world.clock.advance(ms=250)
    claimed = {job.lease.rpartition("|w|")[0]: job.params for job in (await world.claim()).jobs}
    assert claimed == {names[0]: '{"a":[1]}', names[1]: "", names[3]: ""}
    assert await world.total("enqueued") == 3
    await world.conserved()


async def test_batches_keep_the_order_and_a_repeated_call_adds_nothing(world: World, client: Client) -> None:
    jobs = many(2 * BATCH + 1)

    async def stream() -> AsyncIterator[AdHocJob]:
        for job in jobs:
            yield job

    names = await client.enqueue_many(stream())
    assert [parse(name).id for name in names] == [job.job_id for job in jobs]
    assert await client.enqueue_many(iter(jobs)) == names
    assert await client.enqueue_many([]) == []
    assert await world.total("enqueued") == len(jobs)


async def test_the_store_adds_a_batch_while_the_next_one_is_made(
    world: World, client: Client, redis_url: str
) -> None:
    tokens, woken = world.store.keys(WAKEUP_TOKENS), list[object]()

    def stream() -> Iterator[AdHocJob]:
        yield from many(BATCH)
        with redis.Redis.from_url(redis_url) as connection:  # it blocks the event loop, as a slow check does
            woken.append(connection.blpop([tokens], timeout=1))
        yield from many(1)

    await client.enqueue_many(stream())
    assert woken[0]


async def test_only_ids_of_the_caller_are_remembered(world: World, client: Client) -> None:
    await client.enqueue_many([*many(3, with_id=False), *many(2)])
    remembered = [key async for key in raw(world.store).scan_iter(match=world.store.keys("enqueued:*"))]
    assert len(remembered) == 2
    assert len(set(await ids_in_store(world))) == 5


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"user": "a b"}, ValueRefusedError, r"^jobs\[{n}\]\.user: must be 1 to 128 "),
        ({"task_type": "Sync"}, ValueRefusedError, r"^jobs\[{n}\]\.task_type: must be "),
        ({"params": {"when": object()}}, ValueRefusedError, r"^jobs\[{n}\]\.params: values must be "),
        ({"params": "text"}, ValueRefusedError, r"^jobs\[{n}\]\.params must be a mapping "),
        ({"job_id": "a|b"}, ValueRefusedError, r"^jobs\[{n}\]\.job_id: must be "),
        ({"delay_s": -1}, ValueRefusedError, r"^jobs\[{n}\]\.delay_s must be from 0 "),
        ({"expires_s": float("nan")}, ValueRefusedError, r"^jobs\[{n}\]\.expires_s must be from 0 "),
        (
            {"params": {"token": 1}},
            LockedParamsError,
            r"jobs\[{n}\]\.params: remove token: the task type sync locks it$",
        ),
        ({"task_type": "nope"}, UnknownTypeError, r"jobs\[{n}\]\.task_type: nope$"),
    ],
)
async def test_a_refused_job_is_named_and_whole_batches_before_it_are_enqueued(
    world: World, client: Client, changed: dict[str, Any], error: type[Exception], says: str
) -> None:
    jobs = many(3 * BATCH)
    number = BATCH + 7
    jobs[number] = replace(jobs[number], **changed)
    with pytest.raises(error, match=says.format(n=number)):
        await client.enqueue_many(jobs)
    assert sorted(await ids_in_store(world)) == sorted(f"j{n}" for n in range(BATCH))
    await world.conserved()


async def test_another_object_is_no_job(client: Client) -> None:
    with pytest.raises(ValueRefusedError, match=r"^jobs\[1\] must be an AdHocJob \(was dict\)$"):
        await client.enqueue_many([*many(1), {"user": "ada"}])  # type: ignore[list-item]


async def test_a_lost_answer_is_repeated_harmlessly(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def lossy(store: Store, packed: bytes) -> list[str]:
        nonlocal calls
        calls += 1
        names = await enqueue_packed(store, packed)
        if calls == 2:
            raise StoreUnavailable
        return names

    monkeypatch.setattr(ad_hoc_jobs, "enqueue_packed", lossy)
    jobs = many(4 * BATCH)
    with pytest.raises(StoreFailure):
        await client.enqueue_many(jobs)
    assert await world.total("enqueued") == 2 * BATCH
    assert [parse(name).id for name in await client.enqueue_many(jobs)] == [job.job_id for job in jobs]
    assert await world.total("enqueued") == 4 * BATCH
    await world.conserved()


async def test_a_source_that_fails_leaves_no_call_behind(world: World, client: Client) -> None:
    async def stream() -> AsyncIterator[AdHocJob]:
        for job in many(BATCH):
            yield job
        raise OSError("the body ended early")

    with pytest.raises(OSError, match="ended early"):
        await client.enqueue_many(stream())
    assert await world.total("enqueued") == BATCH


@pytest.mark.parametrize(("delay_s", "tokens"), [(0.0, 2), (0.999, 2), (1.0, 0)])
async def test_a_batch_wakes_one_worker_unless_polls_find_it(
    world: World, client: Client, delay_s: float, tokens: int
) -> None:
    """A poll looks a second ahead, and some worker polls five times a second."""
    await client.enqueue_many(many(BATCH + 1, delay_s=delay_s))
    assert await raw(world.store).llen(world.store.keys(WAKEUP_TOKENS)) == tokens


async def test_a_job_that_wakes_no_worker_starts_on_time(world: World, client: Client) -> None:
    chance = random.Random(1)
    workers = [SimulatedWorker(f"w{number}") for number in range(3)]
    for _ in range(20):
        await work(world.store, world.clock, workers, chance.uniform(0, 1), chance)
        await client.enqueue_many([AdHocJob("ada", "sync", delay_s=1)])
        (start,) = await work(world.store, world.clock, workers, 1.1, chance)
        assert start.start_us == start.due_us


#: Commands of a call that the scripts' clock adds: it keeps the end of the claim's memory (ScriptClock).
_CLOCK_COMMANDS = 3


@dataclass
class CountedWorker:
    """A worker with a count of the commands of its calls."""

    worker: SimulatedWorker
    late_us: int = 0
    commands: int = 0

    def next_us(self) -> float:
        return self.worker.next_us()

    async def call(self, store: Store, now_us: int) -> Claim | None:
        await raw(store).config_resetstat()
        answer = await self.worker.call(store, now_us)
        self.commands += await commands_since(store) - _CLOCK_COMMANDS
        return answer


async def commands_since(store: Store) -> int:
    """Count the commands since the last reset of the statistics."""
    stats = await raw(store).info("commandstats")
    return sum(each["calls"] for name, each in stats.items() if not name.startswith("cmdstat_config"))


@pytest.mark.parametrize("spread_s", [0, 2, 10])
async def test_a_delayed_job_takes_few_commands(world: World, client: Client, spread_s: float) -> None:
    """From its enqueue to its settled end, all polls of a worker included: due together, and 500 and 100 a second.

    Sparse dues take more: up to a call each, as those of schedules (docs/performance.md).
    """
    chance, number = random.Random(1), 1_000
    delays = [5 + chance.random() * spread_s for _ in range(number)]
    jobs = [AdHocJob(f"u{n}", "sync", {"n": n}, delay_s=delay) for n, delay in enumerate(delays)]
    await raw(world.store).config_resetstat()
    await client.enqueue_many(jobs)
    enqueued = await commands_since(world.store)
    worker = CountedWorker(SimulatedWorker("w", 100, 1_000))
    starts = await work(world.store, world.clock, [worker], 5 + spread_s + 3, random.Random(1))
    assert len(starts) == await world.total("done") == number
    assert (enqueued + worker.commands) / number <= 20
    await world.conserved()
