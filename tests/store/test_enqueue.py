"""enqueue: one ad hoc job under an id that its caller made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Priority, Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.job_name import parse
from taskqueue.store.runs import read_runs
from taskqueue.store.wakeup import WAKEUP_TOKENS, pass_wakeup_on, wait_for_wakeup
from tests.support.site.site import until
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def test_a_job_waits_in_the_lane_of_its_type_and_carries_its_params(world: World) -> None:
    await world.install(TaskType("sync", HOUR, priority=Priority.HIGH))
    name = await enqueue(world.store, "sync", "u", {"a": [1]}, job_id="one", life_ms=9_000)
    assert await world.waiting() == {"ready:global:high": [name]}
    assert (parse(name).id, parse(name).life_ms, parse(name).occurrence) == ("one", 9_000, None)
    (job,) = (await world.claim()).jobs
    assert job.params == '{"a":[1]}'


async def test_a_repeated_id_adds_nothing_and_names_the_same_job(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    names = {await enqueue(world.store, "sync", "u", {"n": n}, job_id="one", delay_ms=n) for n in range(3)}
    assert len(names) == 1
    assert await world.total("enqueued") == 1
    (job,) = (await world.claim()).jobs
    assert job.params == '{"n":0}'
    assert await enqueue(world.store, "sync", "u", job_id="one") in names
    assert (await world.claim()).jobs == []


async def test_an_id_is_of_one_type_and_user(world: World) -> None:
    await world.install(TaskType("sync", HOUR), TaskType("send", HOUR))
    pairs = [("sync", "a"), ("sync", "b"), ("send", "a")]
    assert len({await enqueue(world.store, kind, user, job_id="one") for kind, user in pairs}) == 3


async def test_a_delayed_job_starts_no_earlier(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    name = await enqueue(world.store, "sync", "u", delay_ms=5_000)
    assert parse(name).due_ms == world.clock.now_ms + 5_000
    assert (await world.claim()).jobs == []
    await world.clock.advance(ms=5_000)
    assert [job.start_us // 1_000 for job in (await world.claim()).jobs] == [parse(name).due_ms]


async def test_only_a_subscription_keeps_the_outcome(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("ada", "sync")
    await world.enqueue("sync", "ada", "bob")
    await world.claim("w", 0, [Result(job.lease, Outcome.DONE) for job in (await world.claim()).jobs])
    assert await world.total("done") == 2
    assert (await read_runs(world.store, "ada"))["sync"][0] is Outcome.DONE
    assert not await raw(world.store).exists(world.store.keys.runs("bob"))


async def test_an_unknown_type_is_refused_and_its_id_stays_free(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    with pytest.raises(UnknownTypeError, match="nope"):
        await enqueue(world.store, "nope", "u", job_id="one")
    assert await world.waiting() == {}
    await world.install(TaskType("nope", HOUR))
    await enqueue(world.store, "nope", "u", job_id="one")
    assert await world.total("enqueued") == 1


@pytest.mark.parametrize(
    ("user", "job_id"),
    [("a b", "one"), ("a/b", "one"), ("u", "a|b"), ("u", "a:b"), ("", "one"), ("u", "é"), ("u", "x" * 129)],
)
async def test_invalid_names_are_refused_before_any_write(world: World, user: str, job_id: str) -> None:
    await world.install(TaskType("sync", HOUR))
    with pytest.raises(ValueError, match=r"^(user|job_id) must be 1 to 128 "):
        await enqueue(world.store, "sync", user, job_id=job_id)
    assert await world.waiting() == {}


async def test_one_idle_worker_is_told_at_once(world: World, redis_url: str, release: str) -> None:
    await world.install(TaskType("sync", HOUR))
    ours = {f"{release}-{number}" for number in range(2)}
    listeners = [open_store(f"{redis_url}?client_name={name}", release, timeout_s=60) for name in ours]
    waits = [asyncio.ensure_future(wait_for_wakeup(one, 0)) for one in listeners]

    async def blocked(clients: int) -> bool:
        known = await raw(world.store).client_list()
        return sum(one["name"] in ours and "b" in one["flags"] for one in known) == clients

    await until("both listen", lambda: blocked(2))
    await world.enqueue("sync", "u")
    done, (waiting,) = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    assert [one.result() for one in done] == [True]
    assert await blocked(1)
    waiting.cancel()
    for one in listeners:
        await one.close()


async def test_a_full_worker_passes_a_wakeup_on(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "u")
    assert await wait_for_wakeup(world.store, 1)
    await pass_wakeup_on(world.store)
    assert await wait_for_wakeup(world.store, 1)


async def test_wakeups_are_bounded_and_fade(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", *(f"u{k}" for k in range(30)))
    assert await raw(world.store).llen(world.store.keys(WAKEUP_TOKENS)) == 16
    assert await world.clock.end_ms(world.store.keys(WAKEUP_TOKENS)) == world.clock.now_ms + 5_000
    await world.clock.advance(ms=5_000)
    assert await raw(world.store).llen(world.store.keys(WAKEUP_TOKENS)) == 0
