"""The client of applications: subscribe, unsubscribe, enqueue, and the errors it raises."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

import taskqueue
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Schedule, Task, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.errors import LockedParamsError, StoreUnavailable, UnknownTypeError, UserOwnedError
from taskqueue.store.users import read_stored_users, read_subscriptions, set_users

TYPES = {
    name: TaskType(name, Schedule(interval_s=300), function="noop", locked_params=("token",))
    for name in ("orders", "stock")
}


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


async def test_concurrent_subscribes_of_a_user_all_count(client: taskqueue.Client, store: Store) -> None:
    names = [f"type-{number}" for number in range(12)]
    await asyncio.gather(*(client.subscribe("ada", name) for name in names))
    assert [each.type for each in await read_subscriptions(store, "ada")] == sorted(names)


async def test_a_publish_leaves_users_of_a_client(client: taskqueue.Client, store: Store) -> None:
    await client.subscribe("ada", "orders")
    users = {
        "ada": UserSubscription("ada", (Task("stock"),)),
        "bob": UserSubscription("bob", (Task("stock"),)),
    }
    done = await Publisher(store).publish(TYPES, users)
    assert done.foreign == ("ada",)
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["orders"]
    await Publisher(store).publish(TYPES, {}, confirm_removals=True)
    assert list(await read_stored_users(store)) == ["ada"]


async def test_a_client_leaves_users_of_other_sources(client: taskqueue.Client, store: Store) -> None:
    await set_users(store, "import", [UserSubscription("ada", (Task("stock"),))])
    with pytest.raises(UserOwnedError, match="The source is import"):
        await client.subscribe("ada", "orders")
    assert [each.type for each in await read_subscriptions(store, "ada")] == ["stock"]
    await client.subscribe("bob", "orders")
    assert await set_users(store, "import", [UserSubscription("bob", (Task("stock"),))]) == ["bob"]


async def test_enqueue_counts_an_id_once(client: taskqueue.Client, store: Store) -> None:
    first = await client.enqueue("orders", "ada", {"full": True}, job_id="webhook-1", delay_s=2.5)
    assert await client.enqueue("orders", "ada", job_id="webhook-1") == first
    assert first.startswith("orders|ada|~webhook-1|")


REFUSED = {
    "user": lambda client: client.subscribe("a b", "orders"),
    "type": lambda client: client.subscribe("ada", "Orders"),
    "params": lambda client: client.enqueue("orders", "ada", {"when": object()}),
    "delay": lambda client: client.enqueue("orders", "ada", delay_s=-1),
    "endless delay": lambda client: client.enqueue("orders", "ada", expires_s=float("nan")),
    "job id": lambda client: client.enqueue("orders", "ada", job_id="a|b"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_argument_is_refused_with_the_remedy(client: taskqueue.Client, case: str) -> None:
    with pytest.raises(ValueRefusedError) as refused:
        await REFUSED[case](client)
    assert isinstance(refused.value, taskqueue.TaskqueueError)
    assert isinstance(refused.value, ValueError)


async def test_locked_params_and_unknown_types_are_refused(client: taskqueue.Client) -> None:
    with pytest.raises(LockedParamsError, match="remove token"):
        await client.subscribe("ada", "orders", {"token": "x"})
    with pytest.raises(LockedParamsError, match="remove token"):
        await client.enqueue("orders", "ada", {"token": "x"})
    with pytest.raises(UnknownTypeError):
        await client.enqueue("nothing", "ada")


async def test_a_silent_store_is_an_error_of_taskqueue() -> None:
    async with taskqueue.Client.open("redis://127.0.0.1:1/0") as client:
        with pytest.raises(taskqueue.TaskqueueError) as failed:
            await client.subscribe("ada", "orders")
    assert isinstance(failed.value, StoreUnavailable)


def test_import_taskqueue_loads_no_dependency() -> None:
    code = "import sys, taskqueue; print({'redis', 'pydantic', 'msgspec', 'asyncio'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "set()\n"
    assert {name: getattr(taskqueue, name).__name__ for name in taskqueue.__all__ if name != "__version__"}
