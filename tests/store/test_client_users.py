"""Users of an application: replaced, read and removed as a whole, by etag."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

import taskqueue
from taskqueue import Subscription, UserLimit, UserSubscription
from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import put_limits, read_catalog
from taskqueue.store.user_limits import read_user_limits
from taskqueue.store.users import Source, read_stored_users, set_users
from tests.support.store.raw import raw

TYPES = {
    name: TaskType(
        name, Schedule(interval_s=300, intervals_s=(60,)), function="noop", locked_params=("token",)
    )
    for name in ("orders", "stock")
}
LIMITS = [Limit("app", LimitKey.RELEASE, 100), Limit("shop", LimitKey.USER, 2, 40)]
ADA = UserSubscription(
    "ada",
    (Subscription("orders", {"region": "eu"}, interval_s=60), Subscription("stock", suspend=True)),
    limits=(UserLimit("shop", 20.0, 400),),
    time_zone="Asia/Tokyo",
)


@pytest.fixture
async def client(store: Store, redis_url: str, release: str) -> AsyncIterator[taskqueue.Client]:
    await Publisher(store).publish(TYPES, {})
    await put_limits(store, (await read_catalog(store)).version, LIMITS)
    async with taskqueue.Client.open(redis_url, release=release) as opened:
        yield opened


async def put(client: taskqueue.Client, user: UserSubscription, if_match: str | None = None) -> str:
    """Replace a user, and return the etag."""
    done = await client.replace_user(
        user.user_id,
        user.tasks,
        time_zone=user.time_zone,
        limits=user.limits,
        suspend=user.suspend,
        if_match=if_match,
    )
    return done.state.etag


async def etag(client: taskqueue.Client, user: str = "ada") -> str:
    found = await client.read_user(user)
    assert found
    return found.etag


async def test_a_replaced_user_is_read_as_written(client: taskqueue.Client, store: Store) -> None:
    backwards = tuple(reversed(ADA.tasks))
    done = await client.replace_user("ada", backwards, time_zone="Asia/Tokyo", limits=ADA.limits)
    assert done.effect == "created"
    assert done.state == await client.read_user("ada")
    assert (done.state.user, done.state.source) == (ADA, "client")
    numbers = [task.number for task in await read_subscriptions(store, "ada")]
    again = await client.replace_user("ada", [Subscription("stock"), Subscription("orders")])
    assert again.effect == "changed"
    assert again.state.user == UserSubscription("ada", (Subscription("orders"), Subscription("stock")))
    assert again.state == await client.read_user("ada")
    assert [task.number for task in await read_subscriptions(store, "ada")] == numbers
    assert await read_user_limits(store, ["shop"]) == {}


async def test_a_suspended_user_reads_as_suspended_tasks(client: taskqueue.Client) -> None:
    done = await client.replace_user("ada", [Subscription("orders")], suspend=True)
    assert done.state == await client.read_user("ada")
    assert done.state.user.tasks == (Subscription("orders", suspend=True),)
    again = await client.replace_user("ada", done.state.user.tasks)
    assert (again.effect, again.state) == ("unchanged", done.state)


async def test_a_user_as_given_is_not_written(client: taskqueue.Client, store: Store) -> None:
    first = await put(client, ADA)
    await raw(store).hset(store.keys("subscriptions", "ada"), "orders", "11")
    assert await put(client, ADA) == first
    assert await raw(store).hget(store.keys("subscriptions", "ada"), "orders") == b"11"


CHANGES: dict[str, UserSubscription] = {
    "params": UserSubscription("ada", (Subscription("orders", {"region": "us"}),)),
    "interval": UserSubscription("ada", (Subscription("orders", interval_s=60),)),
    "suspend": UserSubscription("ada", (Subscription("orders", suspend=True),)),
    "a further task": UserSubscription("ada", (Subscription("orders"), Subscription("stock"))),
    "zone": UserSubscription("ada", (Subscription("orders"),), time_zone="Asia/Tokyo"),
    "limit": UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("shop", 20.0, 400),)),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_an_etag_changes_with_what_is_declared(client: taskqueue.Client, case: str) -> None:
    plain = UserSubscription("ada", (Subscription("orders"),))
    before = await put(client, plain)
    assert await put(client, CHANGES[case]) != before
    assert await put(client, plain) == before


async def test_an_etag_changes_with_each_subscription(client: taskqueue.Client) -> None:
    etags = [await put(client, ADA)]
    steps: list[Callable[[], Awaitable[None]]] = [
        lambda: client.subscribe("ada", "stock"),
        lambda: client.subscribe("ada", "stock", interval="1m"),
        lambda: client.subscribe("ada", "stock", {"full": True}, interval="1m"),
        lambda: client.subscribe("ada", "stock", {"full": True}, interval="1m", time_zone="UTC"),
        lambda: client.unsubscribe("ada", "stock"),
    ]
    for step in steps:
        await step()
        etags.append(await etag(client))
        await step()
        assert await etag(client) == etags[-1]
    assert len({*etags}) == len(etags)


async def test_pauses_and_jobs_keep_the_etag(client: taskqueue.Client) -> None:
    before = await put(client, ADA)
    await client.pause(user="ada")
    await client.enqueue("ada", "orders")
    assert await etag(client) == before
    await client.resume(user="ada")
    assert await etag(client) == before


async def test_own_values_at_limits_outlive_a_subscription(client: taskqueue.Client, store: Store) -> None:
    await put(client, ADA)
    await client.subscribe("ada", "stock")
    await client.unsubscribe("ada", "orders")
    found = await client.read_user("ada")
    assert found
    assert (found.user.limits, found.user.time_zone) == (ADA.limits, "Asia/Tokyo")
    await client.unsubscribe("ada", "stock")
    assert await client.read_user("ada") is None
    assert await read_user_limits(store, ["shop"]) == {}


async def test_one_of_two_writers_with_one_etag_wins(client: taskqueue.Client) -> None:
    before = await put(client, ADA)
    writes = [
        put(client, UserSubscription("ada", (Subscription("orders", {"writer": number}),)), before)
        for number in range(20)
    ]
    done = await asyncio.gather(*writes, return_exceptions=True)
    won = [one for one in done if isinstance(one, str)]
    assert len(won) == 1
    assert {type(one) for one in done} == {str, taskqueue.PreconditionFailedError}
    assert await etag(client) == won[0]


@pytest.mark.parametrize("tasks", [ADA.tasks, (Subscription("stock"),)], ids=["same", "other"])
@pytest.mark.parametrize(
    ("is_there", "if_match", "only_new", "is_written"),
    [
        (True, None, False, True),
        (False, None, False, True),
        (True, "*", False, True),
        (False, "*", False, False),
        (True, None, True, False),
        (False, None, True, True),
        (True, "another", False, False),
        (False, "another", False, False),
        (True, "", False, False),
    ],
)
async def test_a_write_heeds_its_precondition(
    client: taskqueue.Client,
    tasks: tuple[Subscription, ...],
    *,
    is_there: bool,
    if_match: str | None,
    only_new: bool,
    is_written: bool,
) -> None:
    before = await put(client, UserSubscription("ada", ADA.tasks)) if is_there else None
    call = client.replace_user("ada", tasks, if_match=if_match, only_new=only_new)
    if is_written:
        is_same = is_there and tasks == ADA.tasks
        assert (await call).effect == ("unchanged" if is_same else "changed" if is_there else "created")
        return
    with pytest.raises(taskqueue.PreconditionFailedError, match="ada"):
        await call
    found = await client.read_user("ada")
    assert (found and found.etag) == before


async def test_a_user_is_removed_by_its_etag(client: taskqueue.Client, store: Store) -> None:
    assert await client.remove_user("ada") is False
    for if_match in ("*", "another"):
        with pytest.raises(taskqueue.PreconditionFailedError):
            await client.remove_user("ada", if_match=if_match)
    before = await put(client, ADA)
    with pytest.raises(taskqueue.PreconditionFailedError):
        await client.remove_user("ada", if_match="another")
    assert await client.remove_user("ada", if_match=before) is True
    await put(client, ADA)
    assert await client.remove_user("ada") is True
    assert await read_stored_users(store) == {}


@pytest.mark.parametrize("source", ["folder", "kubernetes", "import"])
async def test_a_user_of_another_source_is_refused_by_name(
    client: taskqueue.Client, store: Store, source: Source
) -> None:
    await set_users(store, source, [ADA])
    for call in (put(client, ADA), put(client, ADA, "another"), client.remove_user("ada")):
        with pytest.raises(taskqueue.UserOwnedError, match=f"Its source is {source}: change the user there"):
            await call
    found = await client.read_user("ada")
    assert found
    assert (found.user, found.source) == (ADA, source)


FAULTS: dict[str, tuple[UserSubscription, type[taskqueue.TaskqueueError], str]] = {
    "unknown type": (
        UserSubscription("ada", (Subscription("order"),)),
        taskqueue.UnknownTypeError,
        "There is no such task type: order",
    ),
    "locked params": (
        UserSubscription("ada", (Subscription("orders", {"token": "x"}),)),
        taskqueue.LockedParamsError,
        "remove token: the task type orders locks it",
    ),
    "interval": (
        UserSubscription("ada", (Subscription("orders", interval_s=420),)),
        taskqueue.ValueRefusedError,
        'interval must be 5m or 1m, which the task type orders offers (was "7m")',
    ),
    "limit of all": (
        UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("app", 20.0),)),
        taskqueue.ValueRefusedError,
        'limits: must be limits with key User (was "app, key Release")',
    ),
    "no task": (
        UserSubscription("ada"),
        taskqueue.ValueRefusedError,
        "tasks must hold at least one Subscription",
    ),
    "type": (
        UserSubscription("ada", (Subscription("orders"), Subscription("A b"))),
        taskqueue.ValueRefusedError,
        "tasks[1].type: must be 1 to 63",
    ),
    "type twice": (
        UserSubscription("ada", (Subscription("orders"), Subscription("orders"))),
        taskqueue.ValueRefusedError,
        "tasks[1].type: remove orders",
    ),
    "task as text": (
        UserSubscription("ada", (cast("Subscription", "orders"),)),
        taskqueue.ValueRefusedError,
        "tasks[0] must be a Subscription (was str)",
    ),
    "501 tasks": (
        UserSubscription("ada", (Subscription("orders"),) * 501),
        taskqueue.ValueRefusedError,
        "tasks must be at most 500 (was 501)",
    ),
    "params": (
        UserSubscription("ada", (Subscription("orders", {"text": "x" * 1_024}),)),
        taskqueue.ValueRefusedError,
        "tasks[0].params: must be at most 1024 bytes",
    ),
    "params of all": (
        UserSubscription("ada", tuple(Subscription(f"t-{n}", {"text": "x" * 1_000}) for n in range(66))),
        taskqueue.ValueRefusedError,
        "tasks must be at most 65536 bytes of params in all",
    ),
    "interval of 0 s": (
        UserSubscription("ada", (Subscription("orders", interval_s=0),)),
        taskqueue.ValueRefusedError,
        "tasks[0].interval_s must be whole seconds, at least 1 (was 0)",
    ),
    "zone": (
        UserSubscription("ada", (Subscription("orders"),), time_zone="CEST"),
        taskqueue.ValueRefusedError,
        "time_zone: must be an IANA time zone",
    ),
    "limit": (
        UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("global", 1.0),)),
        taskqueue.ValueRefusedError,
        "limits[0].name: must be another name",
    ),
    "limit twice": (
        UserSubscription(
            "ada", (Subscription("orders"),), limits=(UserLimit("shop", 1.0), UserLimit("shop", 2.0))
        ),
        taskqueue.ValueRefusedError,
        "limits[1].name: remove shop",
    ),
    "rate": (
        UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("shop", 1e-6),)),
        taskqueue.ValueRefusedError,
        "limits[0].per_second must be from 1 request per 24h",
    ),
    "burst": (
        UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("shop", 1.0, 0),)),
        taskqueue.ValueRefusedError,
        "limits[0].burst must be from 1 to 10000 (was 0)",
    ),
    "51 limits": (
        UserSubscription("ada", (Subscription("orders"),), limits=(UserLimit("shop", 1.0),) * 51),
        taskqueue.ValueRefusedError,
        "limits must be at most 50 (was 51)",
    ),
    "limit as text": (
        UserSubscription("ada", (Subscription("orders"),), limits=(cast("UserLimit", "shop"),)),
        taskqueue.ValueRefusedError,
        "limits[0] must be a UserLimit (was str)",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_a_fault_of_a_user_is_refused_with_its_place(
    client: taskqueue.Client, store: Store, case: str
) -> None:
    user, error, says = FAULTS[case]
    with pytest.raises(error) as refused:
        await put(client, user)
    assert says in str(refused.value)
    assert await read_stored_users(store) == {}


async def test_a_precondition_and_a_new_user_exclude_each_other(client: taskqueue.Client) -> None:
    with pytest.raises(taskqueue.ValueRefusedError, match=r"^if_match must be left out with only_new$"):
        await client.replace_user("ada", ADA.tasks, if_match="*", only_new=True)
