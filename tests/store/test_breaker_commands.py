"""Commands about the circuit breaker: who is suspended, since when and why, and how the user is resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from taskqueue.cli.exit_codes import ExitCode
from tests.support.store.commands import Command, commands_on
from tests.support.store.raw import raw
from tests.support.store.shop import AFTER, broken

if TYPE_CHECKING:
    from tests.store.conftest import World


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


async def state(taskqueue: Command) -> str:
    found = json.loads((await taskqueue("describe", "user", "u0", "-o", "json")).stdout)
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


async def test_resume_of_nobody_is_refused(world: World, taskqueue: Command) -> None:
    await broken(world)
    answer = await taskqueue("resume", "sync", "--user", "nobody")
    assert answer.exit_code == ExitCode.NOT_FOUND
    assert "nobody: no subscription to sync" in answer.stderr


async def test_a_suspension_that_cannot_be_read_is_still_one(world: World, taskqueue: Command) -> None:
    await broken(world)
    await raw(world.store).hset(world.store.keys.suspended("sync"), "u0", b"?")
    assert (await state(taskqueue)).startswith("suspended by the circuit breaker; next try")
