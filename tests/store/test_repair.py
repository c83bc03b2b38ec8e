"""Unreadable types and users of manifests are written again: no job runs twice, and none is left out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import RateLimit, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result
from taskqueue.store.malformed import UNREADABLE_PARAMS
from taskqueue.store.repair import read_notes
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.type_record import Generation, TypeRecord, encode_record
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from taskqueue.store.connection import Store
    from tests.store.conftest import World

MINUTE, HOUR = Schedule(interval_s=60), Schedule(interval_s=3600)
SYNC = TaskType("sync", MINUTE, function="f", rate_limit=RateLimit(per_second=50.0))
USERS = {f"u-{k}": UserSubscription(f"u-{k}", (Subscription("sync", {"k": k}),)) for k in range(20)}
NEWER = b'high|1|Sometimes|0\n{"spec":{"name":"sync","schedule":{"every":"full moon"}}}'


async def install(store: Store, *active: Generation) -> None:
    """Write the type with these generations; all users are dealt into the last one."""
    version = (await read_catalog(store)).version
    await put_types(store, version, [TypeRecord(SYNC, active)])
    assert await set_users(store, "folder", list(USERS.values())) == []


async def spoil(store: Store, value: bytes = NEWER) -> None:
    await raw(store).hset(store.keys("types"), "sync", value)


async def offsets(store: Store, number: int) -> dict[bytes, float]:
    rows = await raw(store).zrange(store.keys.schedule("sync", number), 0, -1, withscores=True)
    return {user: float(score) for user, score in rows}


@pytest.mark.parametrize(
    ("number", "value"),
    [(number, NEWER) for number in range(1, 10)]
    + [(2, value) for value in (b"", b"\xff", b"[" * 100_000, b'\n{"spec":1}')],
)
async def test_a_new_process_adopts_the_stored_schedule(store: Store, number: int, value: bytes) -> None:
    await install(store, Generation(number, MINUTE))
    before = await offsets(store, number)
    await spoil(store, value)
    assert (await read_catalog(store)).records == {}
    await Publisher(store).publish({"sync": SYNC}, USERS)
    catalog = await read_catalog(store)
    assert catalog.records["sync"].active == (Generation(number, MINUTE),)
    assert catalog.unreadable == frozenset()
    assert await offsets(store, number) == before
    assert len(before) == len(USERS)


async def test_a_running_process_restores_the_record(store: Store) -> None:
    generations = Generation(4, HOUR, until_s=99_999_999_960), Generation(5, MINUTE, from_s=99_999_999_960)
    await install(store, *generations)
    publisher = Publisher(store)
    await publisher.publish({"sync": SYNC}, USERS)
    before = await raw(store).hget(store.keys("types"), "sync")
    await spoil(store)
    await publisher.maintain()
    assert await raw(store).hget(store.keys("types"), "sync") == before


async def test_a_record_with_a_bad_script_line_is_repaired(store: Store) -> None:
    await install(store, Generation(1, MINUTE))
    record = encode_record((await read_catalog(store)).records["sync"])
    await spoil(store, b"normal|1|Allow|0|0|1|37|60|1=i60/60\n" + record.partition("\n")[2].encode())
    await Publisher(store).maintain()
    assert await raw(store).hget(store.keys("types"), "sync") == record.encode()


async def test_additions_of_another_release_stay(store: Store) -> None:
    await install(store, Generation(1, MINUTE))
    line, _, rest = encode_record((await read_catalog(store)).records["sync"]).partition("\n")
    value = f"{line}|more\n{rest}".encode()
    await spoil(store, value)
    await Publisher(store).maintain()
    assert await raw(store).hget(store.keys("types"), "sync") == value


async def test_a_foreign_schedule_is_dealt_again(store: Store) -> None:
    await install(store, Generation(2, HOUR), Generation(7, Schedule(interval_s=300)))
    await spoil(store)
    await Publisher(store).publish({"sync": SYNC}, USERS)
    (generation,) = (await read_catalog(store)).records["sync"].active
    assert len(await offsets(store, generation.number)) == len(USERS)
    for number in set(range(10)) - {generation.number}:
        assert await offsets(store, number) == {}
    numbers = {(await read_subscriptions(store, user))[0].generation for user in USERS}
    assert numbers == {generation.number}


async def test_an_overwritten_table_of_types_comes_back(store: Store) -> None:
    await install(store, Generation(3, MINUTE))
    publisher = Publisher(store)
    await publisher.publish({"sync": SYNC}, USERS)
    before = await offsets(store, 3)
    await raw(store).set(store.keys("types"), "garbage")
    await publisher.maintain()
    assert (await read_catalog(store)).records["sync"].active == (Generation(3, MINUTE),)
    assert await offsets(store, 3) == before
    assert await read_notes(store) == {}


async def test_a_subscription_made_meanwhile_is_dealt(store: Store) -> None:
    await install(store, Generation(3, MINUTE))
    await spoil(store)
    late = {"late": UserSubscription("late", (Subscription("sync"),))}
    assert await set_users(store, "folder", list(late.values())) == []
    await Publisher(store).publish({"sync": SYNC}, {**USERS, **late})
    assert len(await offsets(store, 3)) == len(USERS) + 1
    assert await offsets(store, 0) == {}


@pytest.mark.parametrize("value", [b"garbage", b"", b"\xff\xfe", b"9" * 30])
async def test_a_repaired_subscription_keeps_its_place(world: World, value: bytes) -> None:
    store = world.store
    await world.install()
    await install(store, Generation(1, MINUTE))
    publisher = Publisher(store)
    await publisher.publish({"sync": SYNC}, USERS)
    before = await offsets(store, 1)
    await raw(store).hset(store.keys.subscriptions("u-3"), "sync", value)
    await world.occur("sync")
    done = set[str]()
    while not await read_notes(store):
        done |= {job.lease.split("|")[1] for job in (await world.claim(n=100)).jobs}
        await world.clock.advance(ms=100)
    assert "u-3" not in done
    await publisher.maintain()
    assert [dict(task.params) for task in await read_subscriptions(store, "u-3")] == [{"k": 3}]
    assert await offsets(store, 1) == before
    assert await read_notes(store) == {}
    await world.conserved()


async def test_jobs_of_an_unreadable_type_wait(world: World) -> None:
    store = world.store
    await world.install()
    await install(store, Generation(1, MINUTE))
    publisher = Publisher(store)
    await publisher.publish({"sync": SYNC}, USERS)
    await world.occur("sync")
    await spoil(store)
    assert (await world.claim(n=100)).jobs == []
    assert (await audit(store)).parked == len(USERS)
    await publisher.maintain()
    await raw(store).zadd(
        store.keys("limits_free_at"), {"type:sync|type:sync": 0}
    )  # the second after which it is looked at again
    jobs = (await world.claim(n=100)).jobs
    assert 0 < len(jobs) < len(USERS)
    starts = [job.start_us for job in jobs]
    assert min((b - a for a, b in pairwise(starts)), default=10**6) >= 10_000
    await world.claim(results=[Result(job.lease, Outcome.DONE) for job in jobs])
    assert await world.total("skipped") == 0
    await world.conserved()


async def test_a_ticker_keeps_the_schedule_it_read_last(store: Store) -> None:
    await install(store, Generation(1, MINUTE))
    ticker = Ticker(store)
    await ticker.turn()
    known = ticker._types.segments
    await spoil(store)
    await ticker._types.read()
    assert ticker._types.segments == known != []


async def test_a_new_ticker_waits_for_an_unreadable_type(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await install(store, Generation(1, MINUTE))
    await spoil(store)
    ticker = Ticker(store)
    before = await raw(store).get(store.keys("cursor"))
    await ticker.turn()
    assert await raw(store).get(store.keys("cursor")) == before
    monkeypatch.setattr(ticker._types, "_began_s", -1e9)  # nobody published it
    await ticker.turn()
    assert await raw(store).get(store.keys("cursor")) > before


@pytest.mark.parametrize("payload", [b"\xff\xfe", b'{"a":"\xff"}'])
async def test_binary_params_do_not_block_a_claim(world: World, payload: bytes) -> None:
    await world.install(TaskType("t", HOUR))
    bad, good = await world.enqueue("t", "ada", "bob")
    await raw(world.store).hset(world.store.keys("payload"), bad, payload)
    jobs = {job.lease.rsplit("|", 2)[0]: job.params for job in (await world.claim()).jobs}
    assert jobs == {bad: UNREADABLE_PARAMS, good: '{"n":1}'}
