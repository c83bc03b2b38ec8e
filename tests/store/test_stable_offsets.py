"""Whether subscriptions are where they were, once a store that lost everything was filled again."""

import pytest

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.places import Places, read_places
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw

SYNC = TaskType("sync", Schedule(interval_s=60), function="f")


async def publish(store: Store, *users: str, suspended: str = "", sync: TaskType = SYNC) -> None:
    wanted = {name: UserSubscription(name, (Subscription("sync"),), name == suspended) for name in users}
    await Publisher(store).publish({"sync": sync}, wanted, confirm_removals=True)


async def places(store: Store) -> Places:
    catalog = await read_catalog(store)
    found = await read_places(store, catalog.records.values(), catalog.variants)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("history", "later", "kept", "same"),
    [
        pytest.param([("ada", "bob")], ("ada", "bob"), True, True, id="nothing changed"),
        pytest.param([("ada", "bob", "eve")], ("ada", "bob"), True, False, id="the last one has gone"),
        pytest.param([("ada", "bob", "eve")], ("bob", "eve"), False, False, id="the first one has gone"),
        pytest.param([("ada",)], ("ada", "bob"), False, False, id="one came since"),
        pytest.param([("bob",), ("ada", "bob")], ("ada", "bob"), False, False, id="one had come later"),
    ],
)
async def test_a_refilled_store_deals_the_same_offsets(
    store: Store, history: list[tuple[str, ...]], later: tuple[str, ...], kept: bool, same: bool
) -> None:
    for users in history:
        await publish(store, *users)
    before = await places(store)
    await raw(store).unlink(*[key async for key in raw(store).scan_iter(match=store.keys("*"))])
    await publish(store, *later)
    after = await places(store)
    assert before.have(after) is kept
    assert (before.digest == after.digest) is same


async def test_a_suspended_subscription_keeps_its_place(store: Store) -> None:
    await publish(store, "ada", "bob")
    before = await places(store)
    await publish(store, "ada", "bob", suspended="ada")
    assert (await places(store)).digest == before.digest


async def test_places_are_not_known_while_a_schedule_takes_over(store: Store) -> None:
    await publish(store, "ada")
    await publish(store, "ada", sync=TaskType("sync", Schedule(interval_s=61), function="f"))
    catalog = await read_catalog(store)
    assert await read_places(store, catalog.records.values(), catalog.variants) is None
