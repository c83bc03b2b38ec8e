"""Publishing: the store reaches the desired state from any state, after any interruption."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from taskqueue.models.values import Limit, LimitKey, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler import type_writer
from taskqueue.scheduler.errors import StoreReplacedError
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.generations import redeal, redeal_members
from taskqueue.store.subscriptions import StoredSubscription, read_subscriptions
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import read_stored_users, set_users
from tests.support.store.raw import raw

ORDERS = TaskType("orders", Schedule(interval_s=300), function="f")
REPORT = TaskType("report", Schedule(interval_s=3600), function="f")
TYPES = {"orders": ORDERS, "report": REPORT}


def users(count: int, *types: str) -> dict[str, UserSubscription]:
    tasks = tuple(Subscription(name) for name in types or ("orders", "report"))
    return {f"u-{i:04}": UserSubscription(f"u-{i:04}", tasks) for i in range(count)}


async def offsets(store: Store, name: str, generation: int) -> dict[str, float]:
    rows = await raw(store).zrange(store.keys.schedule(name, generation), 0, -1, withscores=True)
    return {user.decode(): score for user, score in rows}


async def task(store: Store, user: str, name: str) -> StoredSubscription:
    (found,) = [one for one in await read_subscriptions(store, user) if one.type == name]
    return found


async def test_a_second_publish_writes_nothing(store: Store) -> None:
    publisher = Publisher(store)
    done = await publisher.publish(TYPES, users(250))
    assert (done.types_written, done.users_written) == (2, 250)
    catalog = await read_catalog(store)
    assert {name: record.task_type for name, record in catalog.records.items()} == TYPES
    assert len(await offsets(store, "orders", 1)) == len(await offsets(store, "report", 1)) == 250
    assert await offsets(store, "orders", 0) == {}
    for again in (publisher, Publisher(store)):
        done = await again.publish(TYPES, users(250))
        assert (done.types_written, done.users_written, done.users_removed) == (0, 0, 0)
    assert (await read_catalog(store)).version == catalog.version


async def test_numbers_follow_the_order_of_ids(store: Store) -> None:
    wanted = users(30, "orders")
    await Publisher(store).publish(TYPES, dict(reversed(wanted.items())))
    assert [(await task(store, user, "orders")).number for user in sorted(wanted)] == list(range(30))


async def test_joins_and_edits_move_no_other_user(store: Store) -> None:
    publisher, wanted = Publisher(store), users(40)
    await publisher.publish(TYPES, wanted)
    before = await offsets(store, "orders", 1)
    del wanted["u-0007"]
    wanted["u-0900"] = UserSubscription("u-0900", (Subscription("orders"),))
    wanted["u-0008"] = UserSubscription(
        "u-0008", (Subscription("orders", {"a": 1}), Subscription("report", suspend=True))
    )
    edited = {"orders": replace(ORDERS, cost=2, params={"b": 2}), "report": REPORT}
    await publisher.publish(edited, wanted)
    after = await offsets(store, "orders", 1)
    gone = before.pop("u-0007")
    assert after.pop("u-0900") == gone  # a freed number is dealt again first
    assert after == before
    assert (await task(store, "u-0008", "orders")).params == {"a": 1}


@pytest.mark.parametrize(
    "schedule",
    [Schedule(interval_s=600), Schedule(interval_s=300, window_s=100), Schedule(cron="*/7 * * * *")],
)
async def test_a_new_schedule_deals_its_type_alone(store: Store, schedule: Schedule) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(30))
    others = await offsets(store, "report", 1)
    old = await offsets(store, "orders", 1)
    await publisher.publish(TYPES | {"orders": replace(ORDERS, schedule=schedule)}, users(30))
    record = (await read_catalog(store)).records["orders"]
    first, second = record.active
    assert (first.schedule, second.schedule) == (ORDERS.schedule, schedule)
    assert first.until_s == second.from_s
    assert await offsets(store, "orders", 1) == old  # until it is over
    assert (await offsets(store, "orders", 2)).keys() == old.keys()
    assert await offsets(store, "report", 1) == others


async def test_joins_during_a_takeover_reach_both_generations(store: Store) -> None:
    publisher, wanted = Publisher(store), users(10)
    await publisher.publish(TYPES, wanted)
    edited = TYPES | {"orders": replace(ORDERS, schedule=Schedule(interval_s=86_400))}
    await publisher.publish(edited, wanted)
    del wanted["u-0003"]
    wanted["u-0900"] = UserSubscription("u-0900", (Subscription("orders"),))
    await publisher.publish(edited, wanted)
    assert "u-0003" not in await offsets(store, "orders", 1)
    assert "u-0003" not in await offsets(store, "orders", 2)
    assert "u-0900" in await offsets(store, "orders", 2)


Cut = Callable[[Store, str, int, int], Awaitable[int]]


async def _cut_before(store: Store, name: str, source: int, target: int) -> int:
    raise ConnectionError


async def _cut_within(store: Store, name: str, source: int, target: int) -> int:
    if source == 0:
        return await redeal(store, name, source, target)
    members = await raw(store).zrange(store.keys.schedule(name, source), 0, 6)
    await redeal_members(store, name, target, [user.decode() for user in members])
    raise ConnectionError


@pytest.mark.parametrize("cut", [_cut_before, _cut_within])
async def test_another_process_finishes_an_interrupted_deal(
    store: Store, monkeypatch: pytest.MonkeyPatch, cut: Cut
) -> None:
    await Publisher(store).publish(TYPES, users(20))
    edited = TYPES | {"orders": replace(ORDERS, schedule=Schedule(interval_s=600))}
    with monkeypatch.context() as patch:
        patch.setattr(type_writer, "redeal", cut)
        with pytest.raises(ConnectionError):
            await Publisher(store).publish(edited, users(20))
    record = (await read_catalog(store)).records["orders"]
    assert record.building is not None
    assert [one.number for one in record.active] == [1]
    await Publisher(store).maintain()
    record = (await read_catalog(store)).records["orders"]
    assert [one.number for one in record.active] == [1, 2]
    dealt = [await task(store, user, "orders") for user in users(20)]
    assert {one.generation for one in dealt} == {2}
    assert {one.number for one in dealt} == set(range(20))
    assert len(await offsets(store, "orders", 2)) == 20


async def test_another_process_writes_a_finished_deal(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    async def cut_third(*args: object, **kwargs: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError
        return await put_types(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type_writer, "put_types", cut_third)
        with pytest.raises(ConnectionError):
            await Publisher(store).publish(TYPES, users(5))
    assert (await read_catalog(store)).segments() == []
    await Publisher(store).maintain()
    assert len((await read_catalog(store)).segments()) == 2
    assert len(await offsets(store, "orders", 1)) == 5


async def test_users_of_a_removed_type_wait_for_its_return(store: Store) -> None:
    publisher, wanted = Publisher(store), users(20)
    await publisher.publish(TYPES, wanted)
    await publisher.publish({"report": REPORT}, wanted)
    assert (await read_catalog(store)).records.keys() == {"report"}
    assert (await offsets(store, "orders", 0)).keys() == wanted.keys()
    assert await offsets(store, "orders", 1) == {}
    assert (await task(store, "u-0003", "orders")).generation == 0
    await publisher.publish(TYPES, wanted)
    assert await offsets(store, "orders", 0) == {}
    assert (await offsets(store, "orders", 1)).keys() == wanted.keys()
    assert {(await task(store, user, "orders")).number for user in wanted} == set(range(20))


async def test_a_user_removed_with_its_type_leaves_no_key(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, wanted = Publisher(store), users(5, "orders")
    await publisher.publish(TYPES, wanted)
    calls = 0

    async def cut_second(*args: object, **kwargs: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionError
        return await put_types(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type_writer, "put_types", cut_second)
        with pytest.raises(ConnectionError):  # the subscriptions wait already, the record is still there
            await publisher.publish({"report": REPORT}, wanted)
    assert len(await offsets(store, "orders", 0)) == 5
    await set_users(store, "folder", [UserSubscription("u-0001")])
    assert "u-0001" not in await offsets(store, "orders", 0)


async def test_leaving_users_free_their_numbers(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(20))
    done = await publisher.publish(TYPES, users(10))
    assert done.users_removed == 10
    assert (await read_stored_users(store)).keys() == users(10).keys()
    newcomers = {f"n-{i}": UserSubscription(f"n-{i}", (Subscription("orders"),)) for i in range(10)}
    await publisher.publish(TYPES, users(10) | newcomers)
    assert {(await task(store, user, "orders")).number for user in newcomers} == set(range(10, 20))


async def test_many_removals_wait_for_a_confirmation(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(150))
    edited = TYPES | {"orders": replace(ORDERS, cost=5)}
    pending = await publisher.publish(edited, users(20))
    assert (pending.pending_removals, pending.users_removed) == (130, 0)
    assert len(await read_stored_users(store)) == 150
    assert (await read_catalog(store)).records["orders"].task_type.cost == 5  # the rest is published
    confirmed = await publisher.publish(edited, users(20), confirm_removals=True)
    assert (confirmed.pending_removals, confirmed.users_removed) == (0, 130)
    assert len(await read_stored_users(store)) == 20


async def test_removing_all_users_waits_except_for_the_last(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(3))
    assert (await publisher.publish(TYPES, {})).pending_removals == 3
    assert (await publisher.publish(TYPES, users(1))).users_removed == 2
    assert (await publisher.publish(TYPES, {})).users_removed == 1


async def test_types_stay_while_removals_are_pending(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(150))
    done = await publisher.publish({}, {})
    assert done.pending_removals == 152
    assert (await read_catalog(store)).records.keys() == TYPES.keys()


async def test_users_of_an_import_are_left_alone(store: Store) -> None:
    await set_users(store, "import", [UserSubscription("u-0001", (Subscription("report"),))])
    publisher = Publisher(store)
    done = await publisher.publish(TYPES, users(3))
    assert done.of_other_sources == ("u-0001",)
    assert done.users_written == 2
    await publisher.publish(TYPES, {})
    assert [one.type for one in await read_subscriptions(store, "u-0001")] == ["report"]


async def test_a_publish_without_prune_removes_nothing(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(3))
    await publisher.publish({"orders": ORDERS}, users(1), prune=False)
    assert (await read_catalog(store)).records.keys() == TYPES.keys()
    assert len(await read_stored_users(store)) == 3


async def test_a_limit_that_nothing_names_leaves_after_a_restart(
    store: Store,
) -> None:
    app = Limit("app", LimitKey.RELEASE, 100)
    limits = {
        one.name: one for one in (app, replace(app, name="inner", within="app"), replace(app, name="idle"))
    }
    await Publisher(store).publish({"orders": replace(ORDERS, limits=("inner",))}, {}, limits=limits)
    assert (await read_catalog(store)).limits == limits
    await Publisher(store).publish({"orders": replace(ORDERS, limits=("inner",))}, {})
    assert (await read_catalog(store)).limits.keys() == {"app", "inner"}, "jobs wait for them"
    await Publisher(store).publish({"orders": ORDERS}, {})
    assert (await read_catalog(store)).limits == {}


async def test_two_publishers_at_once_write_everything_once(store: Store) -> None:
    import asyncio

    await asyncio.gather(*(Publisher(store).publish(TYPES, users(60)) for _ in range(3)))
    numbers = [(await task(store, user, "orders")).number for user in users(60)]
    assert sorted(numbers) == list(range(60))


async def test_an_emptied_store_is_detected(store: Store) -> None:
    publisher = Publisher(store)
    await publisher.publish(TYPES, users(3))
    await publisher.maintain()
    keys = [key async for key in raw(store).scan_iter(match=store.keys("*"))]
    await raw(store).unlink(*[key for key in keys if key.startswith(store.keys.prefix.encode())])
    with pytest.raises(StoreReplacedError):
        await publisher.maintain()
    publisher.forget()
    assert (await publisher.publish(TYPES, users(3))).users_written == 3
