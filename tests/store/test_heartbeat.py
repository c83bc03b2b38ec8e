"""heartbeat: extends existing leases only, names lost ones, and keeps the list of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.listing import read_handlers, read_workers
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def test_a_heartbeat_extends_leases_and_names_lost_ones(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a", "b")
    kept, lost = [job.lease for job in (await world.claim(lease_ms=1_000)).jobs]
    await raw(world.store).zrem(world.store.keys("leases"), lost)
    assert await heartbeat(world.store, "w", 50_000, b"{}", [kept, lost, "never|was|1|2|0|w|9"], []) == [
        lost,
        "never|was|1|2|0|w|9",
    ]
    expiry_ms = await raw(world.store).zscore(world.store.keys("leases"), kept)
    assert expiry_ms == world.clock.now_ms + 50_000
    assert await raw(world.store).zcard(world.store.keys("leases")) == 1


async def test_a_heartbeat_never_shortens_a_lease(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.enqueue("sync", "a")
    (job,) = (await world.claim(lease_ms=60_000)).jobs
    before = await raw(world.store).zscore(world.store.keys("leases"), job.lease)
    assert await heartbeat(world.store, "w", 1_000, b"{}", [job.lease], []) == []
    assert await raw(world.store).zscore(world.store.keys("leases"), job.lease) == before


async def test_workers_and_handlers_are_listed_with_their_last_sight(world: World) -> None:
    await heartbeat(world.store, "w2", 1_000, b'{"slots": 4}', [], ["fetch", "send"])
    await heartbeat(world.store, "w1", 1_000, b"{}", [], ["fetch"])
    first, second = await read_workers(world.store)
    assert (first.worker, second.worker, second.info) == ("w1", "w2", {"slots": 4})
    assert second.seen_ms == world.clock.now_ms
    assert set(await read_handlers(world.store)) == {"fetch", "send"}


async def test_workers_silent_for_an_hour_are_forgotten(world: World) -> None:
    await heartbeat(world.store, "old", 1_000, b"{}", [], [])
    await world.clock.advance(s=3_600)
    seen = list[int]()
    for _ in range(60):  # one millisecond in twenty looks
        await world.clock.advance(ms=1)
        await heartbeat(world.store, "new", 1_000, b"{}", [], [])
        seen.append(len(await read_workers(world.store)))
    assert seen == sorted(seen, reverse=True)
    assert 1 <= seen.count(2) <= 20
    assert [worker.worker for worker in await read_workers(world.store)] == ["new"]
