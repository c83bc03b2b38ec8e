"""Commands about the circuit breaker: who is suspended, since when and why, and how the user is resumed."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from taskqueue.cli.exit_codes import ExitCode
from tests.support.store.commands import Command, commands_on
from tests.support.store.raw import raw
from tests.support.store.shop import AFTER, Shop, broken

if TYPE_CHECKING:
    from tests.store.conftest import World


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


async def state(taskqueue: Command, user: str = "u0") -> str:
    found = json.loads((await taskqueue("describe", "user", "-o", "json", "--", user)).stdout)
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


@pytest.mark.parametrize("user", ["auth0|5f7c", "a:b", "-x", "50%", "$(id)"])
async def test_an_odd_user_is_suspended_and_resumed(world: World, taskqueue: Command, user: str) -> None:
    revoked = {user}
    shop = Shop(world, [user, "u1", "u2"], fails=lambda one, _: one in revoked)
    await shop.open()
    with capture_logs() as logs:
        await shop.work(10 * (AFTER + 1))
    assert [line["users"] for line in logs if "suspended" in line["event"]] == [[user]]
    told = await state(taskqueue, user)
    assert ": 401; next try 2027-01-16T08:00:" in told
    assert told.endswith(f"`taskqueue resume sync --user {shlex.quote(user)}`")
    answer = await taskqueue("resume", "sync", "--user", user, "-o", "json")
    assert json.loads(answer.stdout) == {"type": "sync", "user": user, "wasSuspended": True}
    revoked.clear()
    await shop.work(20)
    assert await state(taskqueue, user) == "active"
