"""Odd user ids on a real store: commands take and show them as they are, and names of jobs can be given back."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import (
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.scheduler.repair import Repair
from taskqueue.store.claim import Result
from taskqueue.store.generations import read_sample, read_types_of_users, redeal
from taskqueue.store.job_name import parse
from taskqueue.store.permit import permit
from taskqueue.store.subscribe import subscribe, unsubscribe
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import read_stored_users, set_users
from tests.store.conftest import World
from tests.support.store.commands import Command, commands_on
from tests.support.store.raw import raw

HOUR = Schedule(interval_s=3600)
SYNC = TaskType("sync", HOUR, limits=("shop",))
SHOP = Limit("shop", LimitKey.USER, 100.0)
#: Near each other, or near the syntax of a shell, a table, a search, or a name in the store.
USERS = (
    "auth0|5f7c",
    "auth0%7C5f7c",
    "auth0",
    "5f7c",
    "a:b",
    "a",
    "b",
    "-x",
    "--help",
    "50%",
    "*",
    "?",
    "[red]",
    "[x]",
    "{tag}",
    '"q"',
    "'",
    "$(id)",
    "~1",
    "~",
    ";",
    "\\",
    "global",
    "type:sync",
    "#" * 128,
)
#: One of each sort.
FEW = ("auth0|5f7c", "auth0%7C5f7c", "a:b", "-x", "*", "type:sync", "#" * 128)


@pytest.fixture
def taskqueue(redis_url: str, release: str, world: World) -> Command:
    """Run a command on the store of this test, under its stopped clock."""
    return commands_on(redis_url, release)


async def answer(taskqueue: Command, *arguments: str) -> Any:
    done = await taskqueue(*arguments[:2], "-o", "json", *arguments[2:])
    assert done.exit_code == ExitCode.OK, done.stderr
    return json.loads(done.stdout)


async def users_with(world: World, source: Any = "import", *limits: UserLimit) -> None:
    await world.install(SYNC, limits=[SHOP])
    users = [UserSubscription(user, (Subscription("sync"),), limits=limits) for user in USERS]
    assert await set_users(world.store, source, users) == []


async def started(world: World) -> set[str]:
    """Return the users whose jobs start within some seconds."""
    users = set[str]()
    for _ in range(10):
        users |= {parse(job.lease).user for job in (await world.claim(n=99)).jobs}
        await world.clock.advance(ms=250)
    return users


async def test_lists_show_each_user(world: World, taskqueue: Command) -> None:
    await users_with(world)
    await world.occur("sync")
    assert {row["user"] for row in await answer(taskqueue, "get", "users")} == set(USERS)
    jobs = await answer(taskqueue, "get", "jobs")
    assert {row["user"] for row in jobs} == set(USERS)
    assert {parse(row["job"]).user: row["user"] for row in jobs} == {user: user for user in USERS}
    table = (await taskqueue("get", "users")).stdout
    assert all(user in table for user in USERS)


async def test_a_user_is_described_alone(world: World, taskqueue: Command) -> None:
    await users_with(world)
    await world.occur("sync")
    for user in USERS:
        found = await answer(taskqueue, "describe", "user", "--", user)
        assert (found["user"], found["source"]) == (user, "import")
        assert [task["type"] for task in found["subscriptions"]] == ["sync"]
        assert [parse(job["job"]).user for job in found["jobs"]] == [user]


async def test_a_job_is_added_for_one_user(world: World, taskqueue: Command) -> None:
    await users_with(world)
    names = dict[str, str]()
    for user in USERS * 2:
        done = await taskqueue("run", "-o", "json", "--id", "one", "--", "sync", user)
        name = json.loads(done.stdout)["job"]
        assert (parse(name).user, names.setdefault(user, name)) == (user, name)
    assert await started(world) == set(USERS)


@pytest.mark.parametrize("user", FEW)
async def test_one_user_is_paused_and_resumed(world: World, taskqueue: Command, user: str) -> None:
    await users_with(world)
    assert (await taskqueue("pause", "--user", user)).exit_code == ExitCode.OK
    state = (await answer(taskqueue, "describe", "user", "--", user))["state"]
    assert state.endswith(f"`taskqueue resume --user {shlex.quote(user)}`")
    await world.occur("sync")
    assert await started(world) == set(USERS) - {user}
    assert json.loads((await taskqueue("resume", "-o", "json", "--user", user)).stdout)["wasPaused"]
    await world.occur("sync")
    assert user in await started(world)


async def test_users_are_removed_one_by_one(world: World, taskqueue: Command) -> None:
    await users_with(world)
    for number, user in enumerate(USERS, 1):
        assert (await answer(taskqueue, "users", "remove", "--", user))["removed"] == [user]
        assert (await read_stored_users(world.store)).keys() == set(USERS[number:])
        assert not await raw(world.store).exists(world.store.keys.subscriptions(user))


async def test_dead_jobs_are_given_back_by_their_names(world: World, taskqueue: Command) -> None:
    await users_with(world)
    await world.occur("sync")
    jobs = (await world.claim(n=99)).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.DEAD, 0, "no such order") for job in jobs])
    letters = await answer(taskqueue, "dead", "list")
    assert {parse(letter["job"]).user for letter in letters} == set(USERS)
    for letter in letters:
        assert (await answer(taskqueue, "dead", "show", letter["job"]))["reason"] == "no such order"
        assert await answer(taskqueue, "dead", "retry", letter["job"]) == {"retried": 1}
    await world.conserved()


@pytest.mark.parametrize("user", FEW)
async def test_a_limit_of_one_user_is_shown_and_opened(world: World, taskqueue: Command, user: str) -> None:
    await users_with(world)
    await world.occur("sync")
    jobs = {parse(job.lease).user: job.lease for job in (await world.claim(n=99)).jobs}
    closed = Result(jobs[user], Outcome.LIMITED, 60_000)
    await world.claim(n=0, results=[closed])
    await world.enqueue("sync", *USERS)
    assert await started(world) == set(USERS) - {user}

    shown = await answer(taskqueue, "limit", "get", "shop", "--user", user)
    assert (shown["user"], shown["waiting"], bool(shown["closedUntil"])) == (user, 2, True)
    assert list((await answer(taskqueue, "limit", "get"))["closed"]) == [f"shop|{user}"]
    waiting = (await answer(taskqueue, "describe", "user", "--", user))["jobs"]
    assert {job["where"] for job in waiting} == {f"parked:shop|{user}"}
    for job in waiting:
        assert job["why"].startswith(f"waits for the limit shop of user {user}, 100/s, closed")
        assert job["why"].endswith(f"`taskqueue limit open shop --user {shlex.quote(user)}`")
    assert {row["limit"] for row in await answer(taskqueue, "get", "jobs") if row["user"] == user} == {
        f"shop|{user}"
    }
    opened = await answer(taskqueue, "limit", "open", "shop", "--user", user)
    assert opened["wasClosedUntil"]
    assert await started(world) == {user}


@pytest.mark.parametrize("user", FEW)
async def test_values_of_one_user_count_for_that_user_alone(
    world: World, taskqueue: Command, user: str
) -> None:
    await users_with(world)
    tasks, own = (Subscription("sync"),), (UserLimit("shop", 5.0, 7),)
    assert await set_users(world.store, "import", [UserSubscription(user, tasks, limits=own)]) == []
    for one in (user, USERS[USERS.index(user) - 1]):
        found = await answer(taskqueue, "limit", "get", "shop", "--user", one)
        assert (found["perSecond"], found["ownValues"]) == ((5.0, True) if one == user else (100.0, False))
    permits = [await permit(world.store, 7, 60_000, "sync", user, "shop") for _ in range(2)]
    assert permits[0].wait_s < 0.1
    assert permits[1].wait_s > 1
    assert (await permit(world.store, 1, 60_000, "sync", "other", "shop")).wait_s < 0.1


async def test_a_schedule_takes_odd_users_over(world: World) -> None:
    await users_with(world)
    longer = Schedule(interval_s=7_200)
    record = TypeRecord(
        replace(SYNC, schedule=longer), (Generation(1, HOUR),), building=Generation(2, longer)
    )
    await put_types(world.store, (await read_catalog(world.store)).version, [record])
    assert await redeal(world.store, "sync", 1, 2) == len(USERS)
    assert await read_types_of_users(world.store, {"sync": Generation(2, longer)}, {}) == {
        user: ["sync"] for user in USERS
    }
    assert len(await read_sample(world.store, "sync", 2, 99)) == len(USERS)


async def test_an_application_owns_odd_users(world: World) -> None:
    await world.install(SYNC, limits=[SHOP])
    for user in USERS:
        await subscribe(world.store, user, Subscription("sync"))
    assert {one.source for one in (await read_stored_users(world.store)).values()} == {"client"}
    for number, user in enumerate(USERS, 1):
        await unsubscribe(world.store, user, "sync")
        assert (await read_stored_users(world.store)).keys() == set(USERS[number:])


@pytest.mark.parametrize("user", ["auth0|5f7c", "|" * 128])
async def test_an_unreadable_subscription_is_found_by_its_user(world: World, user: str) -> None:
    task_type = TaskType("a" * 63, HOUR)
    await world.install(task_type)
    await world.subscribe(user, task_type.name)
    await raw(world.store).hset(world.store.keys.subscriptions(user), task_type.name, "junk")
    await world.occur(task_type.name)
    await world.claim()
    repair = Repair(world.store)
    repair.users = {user: UserSubscription(user)}
    assert list(repair.unreadable_users(await repair.notes()).values()) == [repair.users[user]]
