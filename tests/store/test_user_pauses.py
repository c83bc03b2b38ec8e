"""A paused user: no scheduled job is emitted or starts until the pause ends, and only resume or its time ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store import user_pauses
from taskqueue.store.errors import UnknownUserError
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.inspection import inspect
from taskqueue.store.repair import read_notes, repair
from taskqueue.store.subscribe import subscribe, unsubscribe
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.type_record import Generation
from taskqueue.store.user_pauses import end_pauses, find_pause, pause_user, resume_user
from taskqueue.store.users import set_users
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskqueue.store.users import Source
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
SYNC, SEND = TaskType("sync", HOUR), TaskType("send", HOUR)
MONTH_MS = 30 * 86_400_000


async def scores(world: World, user: str) -> dict[str, float]:
    """Return the scores of a user in the newest schedules, by type."""
    keys = world.store.keys
    found = {}
    for task in await read_subscriptions(world.store, user):
        found[task.type] = await raw(world.store).zscore(keys.schedule(task.type, task.generation), user)
    return found


async def states(world: World, user: str) -> dict[str, tuple[bool, bool]]:
    """Return whether each subscription is paused, and whether it is in the running part of its schedule."""
    places = await scores(world, user)
    return {
        task.type: (task.paused, places[task.type] >= 0)
        for task in await read_subscriptions(world.store, user)
    }


async def claimed(world: World) -> list[str]:
    return sorted(job.lease.split("|")[1] for job in (await world.claim()).jobs)


async def end_all(world: World) -> int:
    """End the pauses that are over; return the number of calls."""
    calls = 1
    while await end_pauses(world.store):
        calls += 1
    return calls


async def test_a_paused_user_runs_only_ad_hoc_jobs(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await world.subscribe("bob", "sync")
    assert await world.occur("sync") == 2
    await pause_user(world.store, "ada")
    assert await world.occur("sync") == 1
    await world.enqueue("sync", "ada")
    assert await claimed(world) == ["ada", "bob", "bob"]
    assert await world.total("skipped") == 1
    await world.conserved()
    assert await resume_user(world.store, "ada")
    assert await world.occur("sync") == 2
    assert await claimed(world) == ["ada", "bob"]


async def test_a_pause_keeps_every_place(world: World) -> None:
    await world.install(SYNC, SEND)
    await world.subscribe("ada", "sync", "send")
    before = await scores(world, "ada")
    await pause_user(world.store, "ada")
    assert await scores(world, "ada") == {name: -1 - score for name, score in before.items()}
    assert await count_subscriptions(world.store, {"sync": Generation(1, HOUR)}, {}) == {"sync": {}}
    await resume_user(world.store, "ada")
    assert await scores(world, "ada") == before


async def test_a_user_without_subscriptions_is_not_paused(world: World) -> None:
    await world.install(SYNC)
    with pytest.raises(UnknownUserError, match="ada"):
        await pause_user(world.store, "ada")
    assert not await resume_user(world.store, "ada")
    assert await find_pause(world.store, "ada") is None


async def republish(world: World) -> None:
    await Publisher(world.store).publish({"sync": SYNC}, user({"region": "eu"}))


async def edit_the_schedule(world: World) -> None:
    publisher = Publisher(world.store)
    await publisher.publish({"sync": replace(SYNC, schedule=Schedule(interval_s=60))}, user())
    await world.clock.advance(ms=7_200_000)
    await publisher.maintain()


async def suspend_and_resume_by_manifest(world: World) -> None:
    publisher = Publisher(world.store)
    for suspend in (True, False):
        await publisher.publish({"sync": SYNC}, user(suspend=suspend))
    assert await states(world, "ada") == {"sync": (True, False)}


async def remove_and_declare_the_type_again(world: World) -> None:
    publisher = Publisher(world.store)
    await publisher.publish({}, user(), confirm_removals=True)
    await publisher.publish({"sync": SYNC}, user())


async def remove_and_add_the_user(world: World) -> None:
    await world.subscribe("ada")
    await world.clock.advance(ms=MONTH_MS - 1)
    await end_all(world)
    await world.subscribe("ada", "sync")
    await world.clock.advance(ms=MONTH_MS)


async def add_a_subscription(world: World) -> None:
    await world.install(SYNC, SEND)
    await world.subscribe("ada", "sync", "send")


async def import_the_user(world: World) -> None:
    await set_users(world.store, "import", [user()["ada"]])


def user(params: dict[str, str] | None = None, *, suspend: bool = False) -> dict[str, UserSubscription]:
    return {"ada": UserSubscription("ada", (Subscription("sync", params or {}, suspend),))}


KEEPERS = [
    republish,
    edit_the_schedule,
    suspend_and_resume_by_manifest,
    remove_and_declare_the_type_again,
    remove_and_add_the_user,
    add_a_subscription,
    import_the_user,
]


@pytest.mark.parametrize("write", KEEPERS)
async def test_no_write_of_manifests_ends_a_pause(
    world: World, write: Callable[[World], Awaitable[None]]
) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada")
    await write(world)
    await end_all(world)
    found = await states(world, "ada")
    assert "sync" in found
    assert set(found.values()) == {(True, False)}
    assert await find_pause(world.store, "ada") == 0
    assert await resume_user(world.store, "ada")
    assert set((await states(world, "ada")).values()) == {(False, True)}


async def test_a_client_neither_ends_nor_escapes_a_pause(world: World) -> None:
    await world.install(SYNC, SEND)
    await subscribe(world.store, "ada", Subscription("sync"))
    await pause_user(world.store, "ada", 1_000)
    await subscribe(world.store, "ada", Subscription("send"))
    await unsubscribe(world.store, "ada", "sync")
    await subscribe(world.store, "ada", Subscription("sync"))
    assert await states(world, "ada") == {"sync": (True, False), "send": (True, False)}


async def test_a_suspended_subscription_stays_so_when_its_user_is_resumed(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync", suspend=True)
    await pause_user(world.store, "ada")
    await resume_user(world.store, "ada")
    assert await states(world, "ada") == {"sync": (False, False)}
    await world.subscribe("ada", "sync")
    assert await states(world, "ada") == {"sync": (False, True)}


@pytest.mark.parametrize(
    ("for_ms", "passed_ms", "paused"),
    [(0, 10**9, True), (60_000, 59_999, True), (60_000, 60_000, False), (-1, 0, False)],
)
async def test_every_publisher_ends_a_pause_in_time(
    world: World, for_ms: int, passed_ms: int, paused: bool
) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada", for_ms)
    await world.clock.advance(ms=passed_ms)
    await Publisher(world.store).maintain()
    assert await states(world, "ada") == {"sync": (paused, not paused)}
    assert (await find_pause(world.store, "ada") is not None) == paused
    assert await resume_user(world.store, "ada") == paused


async def test_a_second_pause_replaces_the_first(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    for for_ms, end_ms in ((60_000, world.clock.now_ms + 60_000), (0, 0), (5, world.clock.now_ms + 5)):
        await pause_user(world.store, "ada", for_ms)
        assert await find_pause(world.store, "ada") == end_ms


async def test_pauses_end_in_bounded_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_pauses, "_BATCH", 4)
    await world.install(SYNC, SEND)
    for k in range(6):
        await world.subscribe(f"u{k}", "sync", "send")
        await pause_user(world.store, f"u{k}", 1_000)
    await world.clock.advance(ms=1_000)
    assert await end_all(world) == 4  # two users a call, then one that finds none
    assert await raw(world.store).exists(world.store.keys("paused_users")) == 0


async def test_the_pause_of_a_removed_user_is_kept_for_a_month(world: World) -> None:
    await world.install(SYNC)
    for name, source in (("ada", "folder"), ("bob", "import")):
        await add_and_remove(world, name, source)  # type: ignore[arg-type]
    await subscribe(world.store, "eve", Subscription("sync"))
    await pause_user(world.store, "eve")
    await unsubscribe(world.store, "eve", "sync")
    await world.clock.advance(ms=MONTH_MS - 1)
    await end_all(world)
    assert [await find_pause(world.store, name) for name in ("ada", "bob", "eve")] == [0, 0, 0]
    await world.clock.advance(ms=1)
    await end_all(world)
    assert await raw(world.store).exists(world.store.keys("paused_users")) == 0


async def test_the_pause_of_a_removed_user_still_ends_in_time(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada", 1_000)
    await world.subscribe("ada")
    await world.subscribe("ada", "sync")
    await world.clock.advance(ms=1_000)
    await end_all(world)
    assert await states(world, "ada") == {"sync": (False, True)}


async def add_and_remove(world: World, name: str, source: Source) -> None:
    await set_users(world.store, source, [UserSubscription(name, (Subscription("sync"),))])
    await pause_user(world.store, name)
    await set_users(world.store, source, [UserSubscription(name, ())])


async def test_a_pause_holds_for_a_subscription_that_cannot_be_read(world: World) -> None:
    await world.install(SYNC, SEND)
    await world.subscribe("ada", "sync", "send")
    await raw(world.store).hset(world.store.keys.subscriptions("ada"), "send", "no record")
    await pause_user(world.store, "ada")
    assert await states(world, "ada") == {"sync": (True, False)}
    assert set(await read_notes(world.store)) == {b"subscriptions:ada send"}
    await world.subscribe("ada", "sync", "send")
    assert await states(world, "ada") == {"sync": (True, False), "send": (True, False)}


async def test_users_of_a_lost_key_stay_paused_until_resumed(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada", 1_000)
    await raw(world.store).set(world.store.keys("paused_users"), "of another type", keepttl=False)
    await world.clock.advance(ms=1_000)
    await end_all(world)
    assert set(await read_notes(world.store)) == {b"paused_users"}
    assert await states(world, "ada") == {"sync": (True, False)}
    assert await resume_user(world.store, "ada")
    assert await states(world, "ada") == {"sync": (False, True)}


@pytest.mark.parametrize(("score", "stays"), [("-inf", False), ("inf", True), ("1e300", True)])
async def test_any_score_is_an_end(world: World, score: str, stays: bool) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada")
    await raw(world.store).zadd(world.store.keys("paused_users"), {"ada": score, b"no user": score})
    assert [(one.action, one.field) for one in await inspect(world.store)] == [("member", b"no user")]
    await find_pause(world.store, "ada")
    await end_all(world)
    assert await states(world, "ada") == {"sync": (stays, not stays)}
    await repair(world.store, await inspect(world.store))
    assert await raw(world.store).zcard(world.store.keys("paused_users")) == stays


async def test_claim_reads_the_same_with_a_thousand_paused_users(world: World) -> None:
    await world.install(SYNC, SEND, rate=1e6)
    for k in range(100):
        await world.subscribe(f"u{k}", "send")
    await commands_of_a_claim(world)
    before = await commands_of_a_claim(world)
    tasks = (Subscription("sync"), Subscription("send"))
    for first in range(0, 1_000, 20):
        names = [f"p{k}" for k in range(first, first + 20)]
        await set_users(world.store, "folder", [UserSubscription(name, tasks) for name in names])
        await asyncio.gather(*(pause_user(world.store, name) for name in names))
    assert await raw(world.store).zcard(world.store.keys("paused_users")) == 1_000
    assert await commands_of_a_claim(world) == before


async def commands_of_a_claim(world: World) -> dict[str, int]:
    """Return how often a claim of 50 jobs called each command."""
    assert await world.occur("send") == 100
    await world.warm()
    await raw(world.store).config_resetstat()
    assert len((await world.claim(n=50)).jobs) == 50
    stats = await raw(world.store).info("commandstats")
    assert len((await world.claim(n=50)).jobs) == 50
    return {
        name: row["calls"]
        for name, row in stats.items()
        if name not in {"cmdstat_info", "cmdstat_config|resetstat"}
    }
