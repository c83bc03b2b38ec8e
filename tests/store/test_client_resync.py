"""All users of an application: written in bulk, the gone ones removed under a guard; the id of a store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

import taskqueue
from taskqueue import Resync, Subscription, UserSubscription
from taskqueue.client import resync
from taskqueue.models.values import Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.users import read_stored_users, set_users
from tests.support.store.raw import raw

TYPES = {"orders": TaskType("orders", Schedule(interval_s=300), function="noop")}


@pytest.fixture
async def client(
    store: Store, redis_url: str, release: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[taskqueue.Client]:
    """Open a client with batches so small that a test has many."""
    monkeypatch.setattr(resync, "BATCH", 7)
    await Publisher(store).publish(TYPES, {})
    async with taskqueue.Client.open(redis_url, release=release) as opened:
        yield opened


def users(numbers: range, **params: Any) -> Iterator[UserSubscription]:
    for number in numbers:
        yield UserSubscription(f"u-{number}", (Subscription("orders", params),))


def counts(done: Resync) -> tuple[int, int, int, int]:
    return done.created, done.changed, done.unchanged, done.removed


async def writes(store: Store) -> int:
    """Return the number of changes that the server has made."""
    persistence = await raw(store).info("persistence")
    return int(persistence["rdb_changes_since_last_save"])


async def test_a_resync_writes_only_differences(client: taskqueue.Client, store: Store) -> None:
    assert counts(await client.put_users(users(range(40)))) == (40, 0, 0, 0)
    before = await writes(store)
    assert counts(await client.put_users(users(range(40)), prune=True)) == (0, 0, 40, 0)
    assert await writes(store) == before
    given = [
        *users(range(3), region="eu"),
        *users(range(3, 39)),
        UserSubscription("u-39"),
        *users(range(40, 42)),
        UserSubscription("u-99"),
    ]
    assert counts(await client.put_users(given)) == (2, 3, 37, 1)
    assert len(await read_stored_users(store)) == 41


async def test_users_come_from_any_iterable(client: taskqueue.Client) -> None:
    async def rows() -> AsyncIterator[UserSubscription]:
        for user in users(range(10)):
            yield user

    assert counts(await client.put_users(rows())) == (10, 0, 0, 0)
    assert counts(await client.put_users([*users(range(10))])) == (0, 0, 10, 0)


async def test_users_at_fault_are_listed_and_the_others_written(
    client: taskqueue.Client, store: Store
) -> None:
    await set_users(store, "import", [*users(range(1))])
    await client.put_users([*users(range(1, 3))])
    given = [
        *users(range(1)),
        UserSubscription("u-1", (Subscription("nothing"),)),
        UserSubscription("a b", (Subscription("orders"),)),
        *users(range(2, 4), region="eu"),
    ]
    done = await client.put_users(given, prune=True)
    assert counts(done) == (1, 1, 0, 0)
    assert {user: type(error) for user, error in done.refused.items()} == {
        "u-0": taskqueue.UserOwnedError,
        "u-1": taskqueue.UnknownTypeError,
        "a b": taskqueue.ValueRefusedError,
    }
    assert set(await read_stored_users(store)) == {"u-0", "u-1", "u-2", "u-3"}


@pytest.mark.parametrize("given", ["ada", {"userId": "ada"}, UserSubscription(cast("str", 7))])
async def test_a_row_that_is_no_user_ends_the_call(client: taskqueue.Client, given: Any) -> None:
    with pytest.raises(taskqueue.ValueRefusedError, match=r"^users must be UserSubscriptions"):
        await client.put_users([given])


async def test_a_user_that_is_given_twice_ends_the_call(client: taskqueue.Client, store: Store) -> None:
    await client.put_users(users(range(3)))
    with pytest.raises(taskqueue.ValueRefusedError, match=r"^users\[21\] .* users\[1\] is u-2 already$"):
        await client.put_users([*users(range(1, 22)), *users(range(2, 3), region="eu")], prune=True)
    assert "u-0" in await read_stored_users(store)


async def test_one_user_is_no_iterable(client: taskqueue.Client) -> None:
    one = cast("Any", next(users(range(1))))
    with pytest.raises(taskqueue.ValueRefusedError, match=r"^users must be an iterable \(was UserSub"):
        await client.put_users(one)


async def test_prune_removes_users_of_applications_alone(client: taskqueue.Client, store: Store) -> None:
    await set_users(store, "import", [UserSubscription("imported", (Subscription("orders"),))])
    await client.put_users(users(range(10)))
    assert counts(await client.put_users(users(range(8)), prune=True)) == (0, 0, 8, 2)
    assert set(await read_stored_users(store)) == {"imported", *(f"u-{number}" for number in range(8))}


async def test_many_removals_are_refused_until_confirmed(client: taskqueue.Client, store: Store) -> None:
    imported = [UserSubscription(f"i-{number}", (Subscription("orders"),)) for number in range(400)]
    await set_users(store, "import", imported)
    await client.put_users(users(range(200)))
    with pytest.raises(
        taskqueue.TooManyRemovalsError, match="101 of 200 users of applications were not given"
    ):
        await client.put_users(users(range(101, 201)), prune=True)
    assert len(await read_stored_users(store)) == 601
    done = await client.put_users(users(range(101, 201)), prune=True, confirm_removals=True)
    assert counts(done) == (0, 0, 100, 101)
    with pytest.raises(taskqueue.TooManyRemovalsError):
        await client.put_users([], prune=True)
    assert len(await read_stored_users(store)) == 500


async def test_users_subscribed_meanwhile_stay(client: taskqueue.Client, store: Store) -> None:
    async def rows() -> AsyncIterator[UserSubscription]:
        await client.subscribe("new", "orders")
        await client.subscribe("u-9", "orders", {"region": "us"})
        for user in users(range(8)):
            yield user

    await client.put_users(users(range(10)))
    assert counts(await client.put_users(rows(), prune=True)) == (0, 0, 8, 1)
    assert set(await read_stored_users(store)) == {"new", "u-9", *(f"u-{number}" for number in range(8))}


async def test_calls_that_wait_for_users_keep_no_other_call_waiting(client: taskqueue.Client) -> None:
    have_begun = asyncio.Barrier(60)

    async def rows(number: int) -> AsyncIterator[UserSubscription]:
        await have_begun.wait()
        assert await client.read_user(f"u-{number}") is None
        yield UserSubscription(f"u-{number}", (Subscription("orders"),))

    async with asyncio.timeout(20):
        done = await asyncio.gather(*(client.put_users(rows(number)) for number in range(60)))
    assert sum(one.created for one in done) == 60


async def test_a_subscribed_user_is_written_once_more(client: taskqueue.Client) -> None:
    await client.subscribe("u-0", "orders")
    assert counts(await client.put_users(users(range(1)))) == (0, 1, 0, 0)
    assert counts(await client.put_users(users(range(1)))) == (0, 0, 1, 0)


async def test_an_emptied_store_has_another_id(client: taskqueue.Client, store: Store) -> None:
    before = await client.store_id()
    assert before
    assert await client.store_id() == before
    await Publisher(store).publish({"orders": replace(TYPES["orders"], cost=2)}, {})
    assert await client.store_id() == before
    await raw(store).unlink(*[key async for key in raw(store).scan_iter(match=store.keys("*"))])
    assert await client.store_id() is None
    await Publisher(store).publish(TYPES, {})
    assert await client.store_id() not in {None, before}
