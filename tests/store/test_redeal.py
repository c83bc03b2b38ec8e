"""redeal: a changed schedule is dealt next to the old one, and no subscription is dealt twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskqueue.models.values import Schedule, TaskType
from taskqueue.plan.spread import spread_class
from taskqueue.store.generations import count_subscriptions, redeal
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

OLD, NEW = Schedule(interval_s=60), Schedule(interval_s=300)
OLD_TYPE, NEW_TYPE = TaskType("sync", OLD), TaskType("sync", NEW)
USERS = [f"u{k}" for k in range(30)]


async def put(world: World, record: TypeRecord, dropped: tuple[tuple[str, int], ...] = ()) -> None:
    await put_types(world.store, (await read_catalog(world.store)).version, [record], dropped=dropped)


async def members(world: World, generation: int) -> dict[str, float]:
    rows = await raw(world.store).zrange(
        world.store.keys.schedule("sync", generation), 0, -1, withscores=True
    )
    return {user.decode(): score for user, score in rows}


async def begin(world: World) -> None:
    await world.install(OLD_TYPE)
    for user in USERS:
        await world.subscribe(user, "sync", suspend=user == "u7")
    await put(world, TypeRecord(NEW_TYPE, (Generation(1, OLD),), Generation(2, NEW)))


async def test_members_keep_both_generations_until_the_drop(
    world: World,
) -> None:
    await begin(world)
    before = await members(world, 1)
    assert await redeal(world.store, "sync", 1, 2, batch=7) == 30
    after = await members(world, 2)
    assert await members(world, 1) == before
    assert sorted(score if score >= 0 else -1 - score for score in after.values()) == sorted(
        spread_class(NEW).offset_ms(k) for k in range(30)
    )
    assert [user for user, score in after.items() if score < 0] == ["u7"]
    await put(world, TypeRecord(NEW_TYPE, (Generation(2, NEW),)), dropped=(("sync", 1),))
    assert await members(world, 1) == {}
    assert await members(world, 2) == after


async def test_a_repeated_redeal_moves_no_subscription(world: World) -> None:
    await begin(world)
    await redeal(world.store, "sync", 1, 2)
    before = await members(world, 2)
    assert await redeal(world.store, "sync", 1, 2) == 0
    assert await members(world, 2) == before


async def test_old_numbers_are_free_for_their_class(world: World) -> None:
    await begin(world)
    await redeal(world.store, "sync", 1, 2)
    free = await raw(world.store).zcard(world.store.keys("spread", "i60/60", "free"))
    assert free == 30


async def test_joins_and_suspensions_are_right_in_every_generation(
    world: World,
) -> None:
    await begin(world)
    await world.subscribe("new", "sync")
    await world.subscribe("u1")
    await redeal(world.store, "sync", 1, 2)
    await world.subscribe("u2")
    await world.subscribe("u3", "sync", suspend=True)
    first, second = await members(world, 1), await members(world, 2)
    assert "new" not in first
    assert set(second) == {*USERS, "new"} - {"u1", "u2"}
    assert set(first) == set(USERS) - {"u1", "u2"}
    assert {user for user, score in second.items() if score < 0} == {"u3", "u7"}
    assert {user for user, score in first.items() if score < 0} == {"u3", "u7"}


async def test_a_stale_caller_moves_no_subscription(world: World) -> None:
    await begin(world)
    await redeal(world.store, "sync", 1, 2)
    assert await redeal(world.store, "sync", 2, 1) == 0
    assert await redeal(world.store, "sync", 2, 3) == 0
    assert {task.generation for task in await read_subscriptions(world.store, "u0")} == {2}


async def test_a_removed_type_sends_its_users_to_the_waiting_room(world: World) -> None:
    await begin(world)
    await redeal(world.store, "sync", 1, 2)
    await put(world, TypeRecord(NEW_TYPE, (Generation(2, NEW),), removed=True), dropped=(("sync", 1),))
    assert await redeal(world.store, "sync", 2, 0) == 30
    version = (await read_catalog(world.store)).version
    await put_types(world.store, version, [], removed=["sync"], dropped=[("sync", 2)])
    assert set(await members(world, 0)) == set(USERS)
    await world.install(OLD_TYPE)
    assert await redeal(world.store, "sync", 0, 1) == 30
    assert await count_subscriptions(world.store, {"sync": Generation(1, OLD)}, {}) == {"sync": {"": 29}}
    assert await raw(world.store).get(world.store.keys("spread", "i60/60")) == b"30"
