"""Commands about the circuit breaker: who is suspended, since when and why, and how the user is resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from taskqueue import Client
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.store.user_key import escape_user
from tests.support.store.commands import Command, commands_on
from tests.support.store.raw import raw
from tests.support.store.shop import AFTER, Shop, broken

if TYPE_CHECKING:
    from tests.store.conftest import World


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


async def state(taskqueue: Command, user: str = "u0") -> str:
    found = json.loads((await taskqueue("describe", "user", user, "-o", "json")).stdout)
    return str(found["subscriptions"][0]["state"])


async def test_describe_says_since_when_and_why(world: World, taskqueue: Command) -> None:
    await broken(world)
    assert "suspended by the circuit breaker since 2027-01-15T08:00:" in await state(taskqueue)
    assert ": 401; next try 2027-01-16T08:00:" in await state(taskqueue)
    assert "`taskqueue resume sync --user u0`" in await state(taskqueue)
    found = json.loads((await taskqueue("describe", "type", "sync", "-o", "json")).stdout)
    assert (found["suspendAfter"], found["suspendedByBreaker"]) == (AFTER, 1)


async def test_resume_lets_one_job_through(world: World, taskqueue: Command) -> None:
    shop, revoked = await broken(world)
    answer = await taskqueue("resume", "sync", "--user", "u0", "-o", "json")
    assert json.loads(answer.stdout) == {"type": "sync", "user": "u0", "wasSuspended": True}
    assert "its next job decides" in await state(taskqueue)
    revoked.clear()
    await shop.work(20)
    assert await state(taskqueue) == "active"
    answer = await taskqueue("resume", "sync", "--user", "u0", "-o", "json")
    assert json.loads(answer.stdout)["wasSuspended"] is False


async def test_an_application_lets_one_job_through(world: World) -> None:
    shop, revoked = await broken(world)
    client = Client(world.store)
    assert await client.resume(user="u0", task_type="sync") is True
    revoked.clear()
    assert (await shop.work(20)).count("u0") > 1
    assert await client.resume(user="u0", task_type="sync") is False


async def test_a_user_of_any_id_is_described_and_resumed(world: World, taskqueue: Command) -> None:
    user = "auth0|0"
    shop = Shop(world, [user, "u1", "u2"], fails=lambda one, _at_s: one == escape_user(user))
    await shop.open()
    await shop.work(10 * (AFTER + 1))
    assert ": 401; next try 20" in await state(taskqueue, user)
    assert "`taskqueue resume sync --user 'auth0|0'`" in await state(taskqueue, user)
    answer = await taskqueue("resume", "sync", "--user", user, "-o", "json")
    assert json.loads(answer.stdout) == {"type": "sync", "user": user, "wasSuspended": True}


async def test_lists_show_who_is_suspended(world: World, taskqueue: Command) -> None:
    await broken(world)
    types = json.loads((await taskqueue("get", "types", "-o", "json")).stdout)
    assert [(one["subscriptions"], one["suspendedByBreaker"]) for one in types] == [(4, 1)]
    users = json.loads((await taskqueue("get", "users", "-o", "json")).stdout)
    assert {one["user"]: one["suspendedByBreaker"] for one in users} == {
        "u0": ["sync"],
        **{f"u{k}": [] for k in range(1, 5)},
    }


async def test_resume_of_nobody_is_refused(world: World, taskqueue: Command) -> None:
    await broken(world)
    answer = await taskqueue("resume", "sync", "--user", "nobody")
    assert answer.exit_code == ExitCode.NOT_FOUND
    assert "nobody: no subscription to sync" in answer.stderr


async def test_a_suspension_that_cannot_be_read_is_still_one(world: World, taskqueue: Command) -> None:
    await broken(world)
    await raw(world.store).hset(world.store.keys.suspended("sync"), "u0", b"?")
    assert (await state(taskqueue)).startswith("suspended by the circuit breaker; next try")
