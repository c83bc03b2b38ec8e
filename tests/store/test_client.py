"""The client of applications: subscribe, unsubscribe, enqueue, cancel, and the errors it raises."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

import taskqueue
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store import subscribe as subscribe_module
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.errors import (
    LockedParamsError,
    StoreUnavailable,
    TooManySubscriptionsError,
    UserOwnedError,
)
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.user_pauses import find_pause
from taskqueue.store.users import read_stored_users, set_users
from tests.support.store.raw import raw

TYPES = {
    name: TaskType(
        name, Schedule(interval_s=300, intervals_s=(60,)), function="noop", locked_params=("token",)
    )
    for name in ("orders", "stock")
} | {"nightly": TaskType("nightly", Schedule(cron="0 2 * * *"), function="noop")}


@pytest.fixture
async def client(store: Store, redis_url: str, release: str) -> AsyncIterator[taskqueue.Client]:
    await Publisher(store).publish(TYPES, {})
    async with taskqueue.Client.open(redis_url, release=release) as opened:
        yield opened


async def test_subscribe_adds_replaces_and_keeps_places(client: taskqueue.Client, store: Store) -> None:
    await client.subscribe("ada", "orders", {"region": "eu"})
    (before,) = await read_subscriptions(store, "ada")
    await client.subscribe("ada", "stock")
    await client.subscribe("ada", "orders", {"region": "us"}, suspend=True)
    orders, stock = await read_subscriptions(store, "ada")
    assert (orders.params, orders.suspended, orders.number) == ({"region": "us"}, True, before.number)
    assert (stock.type, stock.params) == ("stock", {})
    await client.unsubscribe("ada", "orders")
    await client.unsubscribe("ada", "orders")
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["stock"]
    await client.unsubscribe("ada", "stock")
    assert await read_stored_users(store) == {}


async def test_interval_and_zone_are_written_and_the_zone_is_kept(
    client: taskqueue.Client, store: Store
) -> None:
    await client.subscribe("ada", "orders", interval="60s", time_zone="Asia/Tokyo")
    await client.subscribe("ada", "stock")
    orders, stock = await read_subscriptions(store, "ada")
    assert (orders.interval_s, stock.interval_s) == (60, None)
    numbers = (await read_catalog(store)).variants
    assert (await read_stored_users(store))["ada"].zone == numbers["Asia/Tokyo"]
    await client.subscribe("ada", "orders", time_zone="UTC")
    orders, _ = await read_subscriptions(store, "ada")
    assert (orders.interval_s, (await read_stored_users(store))["ada"].zone) == (None, 0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("orders", r'^interval must be 5m or 1m, which the task type orders offers \(was "7m"\)$'),
        ("nightly", r'^remove interval: the task type nightly runs by cron \(was "7m"\)$'),
    ],
)
async def test_an_interval_that_is_not_offered_is_refused(
    client: taskqueue.Client, store: Store, name: str, says: str
) -> None:
    with pytest.raises(ValueRefusedError, match=says):
        await client.subscribe("ada", name, interval="7m", time_zone="Asia/Tokyo")
    assert await read_stored_users(store) == {}
    assert (await read_catalog(store)).variants == {}


async def test_a_type_that_is_removed_or_unreadable_refuses_no_interval(
    client: taskqueue.Client, store: Store
) -> None:
    await raw(store).hset(store.keys("types"), "stock", "no record")
    await client.subscribe("ada", "stock", interval="7m")
    catalog = await read_catalog(store)
    await put_types(store, catalog.version, [replace(catalog.records["orders"], removed=True)])
    await client.subscribe("ada", "orders", interval="7m")
    assert [one.interval_s for one in await read_subscriptions(store, "ada")] == [420, 420]


async def test_concurrent_calls_all_count(client: taskqueue.Client, store: Store) -> None:
    users = [f"u-{number % 40}" for number in range(400)]
    await asyncio.gather(*(client.subscribe(user, name) for user in users for name in TYPES))
    assert len(await read_stored_users(store)) == 40
    assert [each.type for each in await read_subscriptions(store, "u-7")] == sorted(TYPES)


async def test_an_unreadable_neighbour_is_left_as_it_is(client: taskqueue.Client, store: Store) -> None:
    await client.subscribe("ada", "stock")
    await raw(store).hset(store.keys("subscriptions", "ada"), "stock", "no record")
    await client.subscribe("ada", "orders")
    assert await raw(store).hget(store.keys("subscriptions", "ada"), "stock") == b"no record"
    await client.unsubscribe("ada", "stock")
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["orders"]


async def test_a_user_has_a_bounded_number_of_subscriptions(
    client: taskqueue.Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribe_module, "MAX_TASKS", 1)
    await client.subscribe("ada", "orders")
    await client.subscribe("ada", "orders", {"region": "eu"})
    with pytest.raises(TooManySubscriptionsError):
        await client.subscribe("ada", "stock")


async def test_a_publish_leaves_users_of_a_client(client: taskqueue.Client, store: Store) -> None:
    await client.subscribe("ada", "orders")
    users = {
        "ada": UserSubscription("ada", (Subscription("stock"),)),
        "bob": UserSubscription("bob", (Subscription("stock"),)),
    }
    done = await Publisher(store).publish(TYPES, users)
    assert done.of_other_sources == ("ada",)
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["orders"]
    await Publisher(store).publish(TYPES, {}, confirm_removals=True)
    assert list(await read_stored_users(store)) == ["ada"]


async def test_a_client_leaves_users_of_other_sources(client: taskqueue.Client, store: Store) -> None:
    await set_users(store, "import", [UserSubscription("ada", (Subscription("stock"),))])
    with pytest.raises(UserOwnedError, match="Its source is import"):
        await client.subscribe("ada", "orders")
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["stock"]
    await client.subscribe("bob", "orders")
    assert await set_users(store, "import", [UserSubscription("bob", (Subscription("stock"),))]) == ["bob"]


async def test_a_user_of_any_source_is_paused_and_resumed(client: taskqueue.Client, store: Store) -> None:
    await set_users(store, "import", [UserSubscription("ada", (Subscription("stock"),))])
    assert await client.resume(user="ada") is False
    await client.pause(user="ada", for_s=0)
    assert await find_pause(store, "ada")
    await client.pause(user="ada")
    assert await find_pause(store, "ada") == 0
    assert [each.paused for each in await read_subscriptions(store, "ada")] == [True]
    assert await client.resume(user="ada") is True
    assert [each.paused for each in await read_subscriptions(store, "ada")] == [False]
    with pytest.raises(taskqueue.UnknownUserError, match=r"There is no such user: bob"):
        await client.pause(user="bob")


async def test_a_type_is_paused_and_resumed(client: taskqueue.Client, store: Store) -> None:
    assert await client.resume(task_type="orders") is False
    await client.pause(task_type="orders", for_s=60)
    assert "orders" in (await read_catalog(store)).paused
    assert await client.resume(task_type="orders") is True
    assert (await read_catalog(store)).paused == {}
    with pytest.raises(taskqueue.UnknownTypeError):
        await client.pause(task_type="nothing")


async def test_enqueue_counts_an_id_once(client: taskqueue.Client, store: Store) -> None:
    first = await client.enqueue("ada", "orders", {"full": True}, job_id="webhook-1", delay_s=2.5)
    assert await client.enqueue("ada", "orders", job_id="webhook-1") == first
    assert first.startswith("orders|ada|~webhook-1|")


async def test_cancel_ends_named_jobs_and_those_that_are_due(client: taskqueue.Client, store: Store) -> None:
    names = [await client.enqueue("ada", "orders", delay_s=delay_s) for delay_s in (0, 0, 60)]
    assert await client.cancel([]) == 0
    assert await client.cancel([names[0], names[0], "no job"]) == 1
    assert await client.cancel(user="ada", task_type="stock") == 0
    assert await client.cancel(user="ada", running=True) == 1
    assert await client.cancel(names[2:]) == 1
    found = await audit(store)
    assert (found.totals["cancelled"], found.difference) == (3, 0)


REFUSED: dict[str, Callable[[taskqueue.Client], Awaitable[object]]] = {
    "user": lambda client: client.subscribe("a b", "orders"),
    "task_type": lambda client: client.subscribe("ada", "Orders"),
    "params": lambda client: client.enqueue("ada", "orders", {"when": object()}),
    "delay_s": lambda client: client.enqueue("ada", "orders", delay_s=-1),
    "expires_s": lambda client: client.enqueue("ada", "orders", expires_s=float("nan")),
    "job_id": lambda client: client.enqueue("ada", "orders", job_id="a|b"),
    "job_id is empty": lambda client: client.enqueue("ada", "orders", job_id=""),
    "user is a number": lambda client: client.subscribe(cast("str", 7), "orders"),
    "interval": lambda client: client.subscribe("ada", "orders", interval="5"),
    "interval is a number": lambda client: client.subscribe("ada", "orders", interval=cast("str", 60)),
    "interval of 250 ms": lambda client: client.subscribe("ada", "orders", interval="250ms"),
    "time_zone": lambda client: client.subscribe("ada", "orders", time_zone="CEST"),
    "jobs must be given": lambda client: client.cancel(),
    "jobs next to a user": lambda client: client.cancel([], user="ada"),
    "jobs are text": lambda client: client.cancel("orders|ada|1|0|0"),
    "user of cancel": lambda client: client.cancel(user="a b"),
    "task_type of cancel": lambda client: client.cancel(task_type="Orders"),
    "user of a pause": lambda client: client.pause(user="a b"),
    "user of a resume": lambda client: client.resume(user=""),
    "user of a pause, or a type": lambda client: client.pause(),
    "user next to a type": lambda client: client.pause(user="ada", task_type="orders"),
    "task_type of a pause": lambda client: client.pause(task_type="Sync"),
    "user of a resume, or a type": lambda client: client.resume(),
    "task_type of a resume": lambda client: client.resume(user="ada", task_type="Sync"),
    "for_s": lambda client: client.pause(user="ada", for_s=-1),
    "params are text": lambda client: client.subscribe("ada", "orders", cast("dict[str, Any]", "abc")),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_argument_is_refused_with_the_remedy(client: taskqueue.Client, case: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^{case.split(maxsplit=1)[0]}") as refused:
        await REFUSED[case](client)
    assert isinstance(refused.value, taskqueue.TaskqueueError)
    assert isinstance(refused.value, ValueError)


async def test_locked_params_and_unknown_types_are_refused(client: taskqueue.Client) -> None:
    with pytest.raises(LockedParamsError, match="remove token"):
        await client.subscribe("ada", "orders", {"token": "x"})
    with pytest.raises(LockedParamsError, match="remove token"):
        await client.enqueue("ada", "orders", {"token": "x"})
    for call in (client.enqueue, client.subscribe):
        with pytest.raises(taskqueue.UnknownTypeError):
            await call("ada", "nothing")


async def test_a_life_below_a_millisecond_is_no_endless_one(client: taskqueue.Client) -> None:
    assert (await client.enqueue("ada", "orders", expires_s=0.0001)).endswith("|1")


@pytest.mark.parametrize("release", ["a:b", "x}:y{", "", "ä"])
def test_a_release_with_other_characters_is_refused(redis_url: str, release: str) -> None:
    with pytest.raises(ValueRefusedError, match=r"^release must be"):
        taskqueue.Client.open(redis_url, release=release)


async def test_a_silent_store_is_an_error_of_taskqueue() -> None:
    async with taskqueue.Client.open("redis://127.0.0.1:1/0") as client:
        with pytest.raises(taskqueue.TaskqueueError) as failed:
            await client.subscribe("ada", "orders")
    assert isinstance(failed.value, StoreUnavailable)


def test_a_client_in_another_loop_is_refused_with_the_remedy(redis_url: str) -> None:
    client = taskqueue.Client.open(redis_url)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.types())
        with pytest.raises(taskqueue.TaskqueueError, match=r"open another one in each `asyncio\.run`"):
            second.run(client.types())
        first.run(client.close())


def test_import_taskqueue_loads_no_dependency() -> None:
    code = "import sys, taskqueue; print({'redis', 'pydantic', 'msgspec', 'asyncio'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "set()\n"
    assert {name: getattr(taskqueue, name).__name__ for name in taskqueue.__all__ if name != "__version__"}
