"""Reads of a client: the views of a store, and the reasons why nothing runs for a user."""

from collections.abc import AsyncIterator

import pytest

import taskqueue
from taskqueue import Subscription
from taskqueue.models.values import Schedule, TaskType
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.claim import claim
from taskqueue.store.connection import Store
from taskqueue.store.limits import set_rate
from taskqueue.views.jobs import list_jobs
from taskqueue.views.limits import list_limits
from taskqueue.views.types import list_types
from taskqueue.views.user_detail import read_user_detail
from taskqueue.views.users import list_users
from tests.support.store.script_clock import ScriptClock

TYPES = {
    name: TaskType(name, Schedule(interval_s=300), function="noop", suspend=name == "stock")
    for name in ("orders", "stock")
}


@pytest.fixture
async def client(
    store: Store, clock: ScriptClock, redis_url: str, release: str
) -> AsyncIterator[taskqueue.Client]:
    """Open a client of a store with a user and two jobs, under a stopped clock."""
    await Publisher(store).publish(TYPES, {})
    await set_rate(store, 100)
    async with taskqueue.Client.open(redis_url, release=release) as opened:
        await opened.replace_user("ada", [Subscription("orders"), Subscription("stock")])
        for name in TYPES:
            await opened.enqueue("ada", name, job_id="first")
        yield opened


async def test_a_client_reads_the_views(client: taskqueue.Client, store: Store) -> None:
    assert await client.types() == await list_types(store)
    assert await client.limits() == await list_limits(store)
    assert await client.jobs() == await list_jobs(store)
    assert await client.users() == await list_users(store)
    assert await client.user("ada") == await read_user_detail(store, "ada")
    assert [row.job for row in (await client.jobs(most=1)).jobs] == [(await client.jobs()).jobs[0].job]
    with pytest.raises(taskqueue.UnknownUserError):
        await client.user("bob")


async def test_a_reason_is_given_for_idle_subscriptions_and_waiting_jobs(
    client: taskqueue.Client, store: Store
) -> None:
    found = await client.why_waiting("ada")
    assert [(one.type, one.job is None) for one in found] == [
        ("stock", True),
        ("orders", False),
        ("stock", False),
    ]
    assert "suspended" in found[0].why
    assert {one.why for one in found[1:]} == {"no worker is alive: start one with `taskqueue worker`"}
    assert [one.type for one in await client.why_waiting("ada", "orders")] == ["orders"]
    assert len((await claim(store, "w", 1, 2, 60_000)).jobs) == 2
    assert await client.why_waiting("ada", "orders") == []
    with pytest.raises(taskqueue.UnknownTypeError):
        await client.why_waiting("ada", "ordres")


@pytest.mark.parametrize("most", [0, 10_001])
async def test_a_page_has_bounds(client: taskqueue.Client, most: int) -> None:
    for read in (client.users, client.jobs):
        with pytest.raises(taskqueue.ValueRefusedError, match=r"^most must be from 1 to 10000"):
            await read(most=most)


async def test_a_cursor_that_is_none_is_refused_by_name(client: taskqueue.Client) -> None:
    with pytest.raises(taskqueue.ValueRefusedError, match=r"^after must be a cursor"):
        await client.users(after="junk")
