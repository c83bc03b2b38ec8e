"""Users: their subscriptions, and the offsets dealt to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.plan.spread import spread_class
from taskqueue.store.generations import count_subscriptions, redeal
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.type_record import Generation
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import Source, digest, read_stored_users, set_users
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

MINUTE = Schedule(interval_s=60)
HOUR = Schedule(interval_s=3600)


async def number(world: World, user: str, kind: str = "sync") -> int:
    return {task.type: task.number for task in await read_subscriptions(world.store, user)}[kind]


async def score(world: World, user: str, kind: str = "sync", generation: int = 1) -> float | None:
    found: float | None = await raw(world.store).zscore(world.store.keys.schedule(kind, generation), user)
    return found


async def test_offsets_equal_the_plan(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    for k in range(150):
        await world.subscribe(f"u{k}", "sync")
    assert [await number(world, f"u{k}") for k in range(150)] == list(range(150))
    assert [await score(world, f"u{k}") for k in range(150)] == [
        spread_class(MINUTE).offset_ms(k) for k in range(150)
    ]


async def test_types_of_one_class_share_its_numbers(world: World) -> None:
    await world.install(TaskType("sync", MINUTE), TaskType("send", MINUTE), TaskType("slow", HOUR))
    await world.subscribe("a", "sync", "send", "slow")
    await world.subscribe("b", "sync", "slow")
    assert sorted(
        [await number(world, "a", "sync"), await number(world, "a", "send"), await number(world, "b")]
    ) == [0, 1, 2]
    assert (await number(world, "a", "slow"), await number(world, "b", "slow")) == (0, 1)


async def test_freed_numbers_are_dealt_first(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    for user in "abcd":
        await world.subscribe(user, "sync")
    await world.subscribe("c")
    await world.subscribe("b")
    for user in "ef":
        await world.subscribe(user, "sync")
    assert [await number(world, user) for user in "aefd"] == [0, 1, 2, 3]
    await world.subscribe("g", "sync")
    assert await number(world, "g") == 4


async def test_a_suspended_subscription_keeps_its_place(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    for user in "ab":
        await world.subscribe(user, "sync")
    for user in "ab":
        before = await score(world, user)
        await world.subscribe(user, "sync", suspend=True)
        hidden = await score(world, user)
        assert hidden is not None
        assert hidden < 0
        await world.subscribe(user, "sync")
        assert await score(world, user) == before
    await world.subscribe("a", "sync", suspend=True)
    await world.subscribe("c", "sync", suspend=True)
    assert await number(world, "c") == 2
    assert await count_subscriptions(world.store, {"sync": Generation(1, MINUTE)}, {}) == {"sync": {"": 1}}


async def test_a_user_is_replaced_as_a_whole(world: World) -> None:
    await world.install(TaskType("sync", MINUTE), TaskType("send", MINUTE))
    await world.subscribe("u", "sync")
    user = UserSubscription("u", (Subscription("send", {"b": 1, "a": [None]}),))
    await set_users(world.store, "folder", [user])
    (task,) = await read_subscriptions(world.store, "u")
    assert (task.type, task.params, task.suspended, task.generation) == (
        "send",
        {"a": [None], "b": 1},
        False,
        1,
    )
    assert await score(world, "u") is None
    owner = (await read_stored_users(world.store))["u"]
    assert (owner.source, owner.digest) == ("folder", digest(user))


async def test_repeating_a_call_changes_nothing(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    for _ in range(3):
        await world.subscribe("u", "sync")
    assert await number(world, "u") == 0
    assert int(await raw(world.store).get(world.store.keys("spread", "i60/60"))) == 1


async def test_a_user_without_tasks_is_gone_with_all_keys(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    await world.subscribe("u", "sync", "unknown")
    await world.subscribe("u")
    assert await read_stored_users(world.store) == {}
    left = [key.decode() async for key in raw(world.store).scan_iter(match=world.store.keys("*"))]
    assert not [key for key in left if "users" in key or "schedule" in key]


@pytest.mark.parametrize("source", ["folder", "kubernetes"])
async def test_an_imported_user_is_left_alone(world: World, source: Source) -> None:
    await world.install(TaskType("sync", MINUTE))
    mine, theirs = UserSubscription("u", (Subscription("sync"),)), UserSubscription("u")
    assert await set_users(world.store, "import", [mine]) == []
    other = UserSubscription("v", (Subscription("sync"),))
    assert await set_users(world.store, source, [theirs, other]) == ["u"]
    assert len(await read_subscriptions(world.store, "u")) == 1
    stored = await read_stored_users(world.store)
    assert {user: owner.source for user, owner in stored.items()} == {"u": "import", "v": source}
    assert await set_users(world.store, "import", [theirs]) == []


async def test_the_digest_changes_only_with_stored_content() -> None:
    user = UserSubscription("u", (Subscription("a", {"x": 1, "y": 2}), Subscription("b")))
    same = UserSubscription("u", (Subscription("b"), Subscription("a", {"y": 2, "x": 1})))
    others = [
        UserSubscription("u", (Subscription("a", {"x": 1, "y": 3}), Subscription("b"))),
        UserSubscription("u", (Subscription("a", {"x": 1, "y": 2}),)),
        UserSubscription("u", user.tasks, suspend=True),
    ]
    assert digest(user) == digest(same)
    assert len({digest(one) for one in (user, *others)}) == 4


async def test_an_unknown_type_waits_in_generation_0(world: World) -> None:
    await world.install()
    for user in "ab":
        await world.subscribe(user, "sync", suspend=user == "b")
    assert [(task.generation, task.number) for task in await read_subscriptions(world.store, "a")] == [(0, 0)]
    assert await score(world, "a", generation=0) == -1
    await world.install(TaskType("sync", MINUTE))
    assert await redeal(world.store, "sync", 0, 1) == 2
    assert sorted([await number(world, "a"), await number(world, "b")]) == [0, 1]
    assert await count_subscriptions(world.store, {"sync": Generation(1, MINUTE)}, {}) == {"sync": {"": 1}}
    assert await raw(world.store).exists(world.store.keys.schedule("sync", 0)) == 0


async def test_a_user_who_leaves_the_waiting_room_is_gone(world: World) -> None:
    await world.install()
    await world.subscribe("a", "sync")
    await world.install(TaskType("sync", MINUTE))
    await world.subscribe("a")
    assert await raw(world.store).exists(world.store.keys.schedule("sync", 0)) == 0
    assert await raw(world.store).exists(world.store.keys("spread", "i60/60", "free")) == 0


async def test_types_are_removed_in_spite_of_users(world: World) -> None:
    await world.install(TaskType("sync", MINUTE))
    await world.subscribe("a", "sync")
    await put_types(
        world.store, (await read_catalog(world.store)).version, [], removed=["sync"], dropped=[("sync", 1)]
    )
    await world.subscribe("a", "sync", suspend=True)
    await world.subscribe("a")
    assert await read_subscriptions(world.store, "a") == []
