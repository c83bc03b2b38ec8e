"""Reasons why jobs wait name the limit, and the time at which it is free."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import RateLimit, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.heartbeat import heartbeat
from tests.store.test_named_limits import APP, HOUR, ORDERS, SHOP, type_of
from tests.support.store.commands import Command, commands_on
from tests.support.store.drive import backlog, drive

if TYPE_CHECKING:
    from tests.store.conftest import World

LIMITS = [APP, ORDERS, SHOP]


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    """Run a command on the store of this test, under its stopped clock."""
    return commands_on(redis_url, release)


async def answer(taskqueue: Command, *arguments: str) -> Any:
    done = await taskqueue(*arguments, "-o", "json")
    assert done.exit_code == ExitCode.OK, done.output
    return json.loads(done.stdout)


async def why(taskqueue: Command, user: str = "u0") -> set[str]:
    """The reasons of the jobs that do not run."""
    jobs = (await answer(taskqueue, "describe", "user", user))["jobs"]
    return {job["why"] for job in jobs if not job["why"].startswith("runs on")}


@pytest.fixture
async def busy(world: World) -> World:
    """A store with a worker. The clock stands still once jobs were started."""
    await heartbeat(world.store, "w-1", 60_000, b"{}", [], [])
    return world


async def test_a_job_waits_for_the_limit_that_is_free_last(busy: World, taskqueue: Command) -> None:
    await busy.install(type_of("sync", "orders"), limits=LIMITS, rate=1_000)
    await backlog(busy, "sync", "orders", 20, users=1)
    await busy.claim()
    assert await why(taskqueue) == {
        "waits its turn in lane normal for the limit orders, 10/s, free in 195 ms"
    }
    shown = await answer(taskqueue, "describe", "type", "sync")
    assert (shown["limits"], shown["waitsFor"]) == (
        ["orders", "app"],
        "the limit orders, 10/s, free in 195 ms",
    )
    rows = await answer(taskqueue, "get", "jobs")
    assert {row["limit"] for row in rows if row["where"] == "normal"} == {"orders"}


async def test_a_job_under_a_slow_root_waits_for_that(busy: World, taskqueue: Command) -> None:
    await busy.install(type_of("sync", "app"), limits=LIMITS, rate=0.5)
    await backlog(busy, "sync", "app", 20, users=1)
    await busy.claim()
    assert await why(taskqueue) == {
        "waits its turn in lane normal for the global limit, 30/min, free in 2.0 s"
    }


async def test_a_parked_job_waits_for_its_users_limit(busy: World, taskqueue: Command) -> None:
    await busy.install(type_of("sync", "shop"), limits=LIMITS)
    await backlog(busy, "sync", "app", 60, users=1)
    await drive(busy, 1.0)
    (reason,) = await why(taskqueue)
    assert reason.startswith("waits for the limit shop of user u0, 2/s, free in ")
    rows = await answer(taskqueue, "get", "jobs")
    assert ("parked:shop|u0", "shop|u0") in {(row["where"], row["limit"]) for row in rows}


CLOSED = [
    (["shop"], "", "waits for the limit shop of user u0, 2/s, closed by a handler", " shop --user u0`"),
    (["orders"], "", "waits its turn in lane normal for the limit orders, 10/s, closed", " orders`"),
    (["orders"], "app", "waits its turn in lane normal for the limit app, 100/s, closed", " app`"),
    (["orders"], "global", "waits its turn in lane normal for the global limit, 1000/s, closed", "open`"),
    ([], "", "waits for the limit of the task type sync, closed by a handler", " --type sync`"),
]


@pytest.mark.parametrize(("limits", "named", "begins", "ends"), CLOSED)
async def test_a_closed_limit_is_named_with_the_command_that_opens_it(
    busy: World, taskqueue: Command, limits: list[str], named: str, begins: str, ends: str
) -> None:
    await busy.install(type_of("sync", *limits), limits=LIMITS)
    await busy.enqueue("sync", "u0")
    (job,) = (await busy.claim()).jobs
    await busy.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, 3_600_000, named)])
    (reason,) = await why(taskqueue)
    assert reason.startswith(begins)
    assert "until 2027-01-15T09:00:00" in reason
    assert reason.endswith(ends)


@pytest.mark.parametrize("rate_limit", [RateLimit(), RateLimit(per_second=5)])
async def test_a_limit_that_nothing_declares_is_named_with_its_remedy(
    busy: World, taskqueue: Command, rate_limit: RateLimit
) -> None:
    await busy.install(TaskType("sync", HOUR, limits=("gone",), rate_limit=rate_limit), limits=LIMITS)
    await busy.enqueue("sync", "u0")
    said = "nothing declares the limit gone: apply a RateLimit of this name, or take it out of the type"
    assert await why(taskqueue) == {said}
    assert (await busy.claim()).jobs == []
    assert {key.partition(":")[0] for key in await busy.waiting()} == {"parked"}
    assert await why(taskqueue) == {said}
    shown = await answer(taskqueue, "describe", "type", "sync")
    assert (shown["limits"], shown["waitsFor"]) == (["gone"], said)
