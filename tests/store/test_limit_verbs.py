"""limit list, get, set, clear, open of limits by name: values set by hand hold at once, and no publish touches them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.values import Limit, LimitKey, Subscription, UserLimit, UserSubscription
from taskqueue.store.changed_limits import follow_limits
from taskqueue.store.limit_times import read_limit_times
from taskqueue.store.limits import clear_limit, override_limit, override_rate
from taskqueue.store.types import put_limits, read_catalog
from taskqueue.store.users import set_users
from tests.store.test_named_limits import APP, ORDERS, SHOP, type_of
from tests.support.store.commands import Command, commands_on
from tests.support.store.drive import backlog, drive
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

SLOW = Limit("slow", LimitKey.RELEASE, 1 / 3_600)
SLOW_SHOP = Limit("slow-shop", LimitKey.USER, 1 / 3_600, burst=1)


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    """Run a command on the store of this test, under its stopped clock."""
    return commands_on(redis_url, release)


async def answer(taskqueue: Command, *arguments: str) -> Any:
    done = await taskqueue(*arguments, "-o", "json")
    assert done.exit_code == ExitCode.OK, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(("limit", "queue"), [(SLOW, "slow"), (SLOW_SHOP, "global")])
async def test_a_rate_set_by_hand_holds_within_a_horizon(world: World, limit: Limit, queue: str) -> None:
    await world.install(type_of("sync", limit.name), limits=[limit])
    await backlog(world, "sync", queue, 200, users=2)
    assert len(await drive(world, 10.0)) <= 2
    await override_limit(world.store, limit.name, 50.0)
    assert not await follow_limits(world.store)
    assert len(await drive(world, 1.0)) >= 25
    await clear_limit(world.store, limit.name)
    assert len(await drive(world, 10.0)) <= 2 * 15
    assert len(await drive(world, 10.0)) == 0
    await world.conserved()


async def test_a_rate_set_by_hand_ends_by_itself_and_outlives_a_publish(world: World) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    await backlog(world, "sync", "app", 2_000)
    await override_limit(world.store, "app", 10.0, for_ms=10_000)
    await put_limits(world.store, (await read_catalog(world.store)).version, [APP])
    assert len(await drive(world, 5.0)) <= 10 * 5 + 2
    await world.clock.advance(s=5)
    assert len(await drive(world, 6.0)) >= 90  # after at most the 5 s at which a busy lane is looked at again


async def test_a_burst_set_by_hand_is_given(world: World) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    await override_limit(world.store, "app", 1.0, burst=20)
    await backlog(world, "sync", "app", 100)
    assert len(await drive(world, 1.0)) in {20, 21}


@pytest.mark.parametrize("text", ["", "x|1|0", "5|0|0", "5|1", "5|1|soon", "1e9||0"])
async def test_an_unreadable_override_leaves_the_limit_as_it_is(world: World, text: str) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    await backlog(world, "sync", "app", 200)
    await raw(world.store).hset(world.store.keys("overrides"), ":limit:app", text)
    assert len(await drive(world, 1.0)) >= 90
    assert (await read_catalog(world.store)).overrides == {}
    assert "overrides :limit:app" in world.store.malformed.locations


@pytest.mark.parametrize("rate", [1_000.0, math.inf])
@pytest.mark.parametrize("name", ["app", "orders", "shop|u0", "slow-shop|u0"])
async def test_free_times_for_people_are_those_of_the_scripts(world: World, name: str, rate: float) -> None:
    """The next job starts at the instant that `limit get` names."""
    kinds = {one.name: one for one in (APP, ORDERS, SHOP, SLOW_SHOP)}
    base, _, user = name.partition("|")
    await world.install(type_of("sync", base), limits=list(kinds.values()), rate=rate)
    await backlog(world, "sync", (kinds[base].within or "global") if user else base, 60, users=1)
    await drive(world, 0.5)
    found = (await read_limit_times(world.store, await read_catalog(world.store), [name]))[name]
    assert found.free_ms > world.clock.now_ms
    await world.clock.advance(us=found.free_ms * 1_000 - world.clock.now_us - 2_000)
    (job, *_) = (await world.claim()).jobs
    assert abs(job.start_us / 1_000 - found.free_ms) <= 1


async def test_limit_list_shows_values_in_force_and_who_waits(world: World, taskqueue: Command) -> None:
    await world.install(type_of("sync", "shop"), type_of("get", "orders"), limits=[APP, ORDERS, SHOP])
    await set_users(
        world.store,
        "folder",
        [UserSubscription("u0", (Subscription("sync"),), limits=(UserLimit("shop", 1.0, 1),))],
    )
    await backlog(world, "sync", "app", 100, users=1)
    await backlog(world, "get", "orders", 50)
    await override_limit(world.store, "orders", 0.5, for_ms=60_000)
    left = 150 - len(await drive(world, 2.0))
    rows = {row["limit"]: row for row in await answer(taskqueue, "limit", "list")}
    assert list(rows) == ["global", "app", "orders", "shop"]
    assert rows["global"]["perSecond"] == 1_000
    assert (rows["orders"]["perSecond"], rows["orders"]["within"]) == (0.5, "app")
    assert str(rows["orders"]["override"]).startswith("2027-01-15T08:01:00")
    assert rows["orders"]["freeAt"] > "2027-01-15T08:00:02"
    assert (rows["shop"]["key"], rows["shop"]["ownValues"], rows["shop"]["burst"]) == ("User", 1, 40)
    assert rows["app"]["waiting"] + rows["orders"]["waiting"] == left
    assert rows["shop"]["waiting"] == rows["app"]["waiting"] > 90
    shown = await answer(taskqueue, "limit", "get", "orders")
    assert shown == rows["orders"]
    shown = await answer(taskqueue, "limit", "get", "shop", "--user", "u0")
    assert (shown["perSecond"], shown["burst"], shown["ownValues"]) == (1.0, 1, True)
    assert shown["waiting"] == rows["shop"]["waiting"]
    assert shown["freeAt"] is not None


async def test_limit_set_and_clear_by_name(world: World, taskqueue: Command) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    shown = await answer(taskqueue, "limit", "set", "app", "30/1m", "--burst", "5", "--for", "1m")
    assert shown == {"limit": "app", "perSecond": 0.5, "burst": 5, "until": "2027-01-15T08:01:00.123Z"}
    shown = await answer(taskqueue, "limit", "get", "app")
    assert (shown["perSecond"], shown["burst"]) == (0.5, 5)
    shown = await answer(taskqueue, "limit", "clear", "app")
    assert shown == {"limit": "app", "wasOverridden": True, "perSecond": 100.0}
    assert (await answer(taskqueue, "limit", "set", "50"))["limit"] == "global"
    assert (await answer(taskqueue, "limit", "get"))["perSecond"] == 50
    assert (await answer(taskqueue, "limit", "clear", "global"))["perSecond"] == 1_000


async def test_limit_open_by_name(world: World, taskqueue: Command) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP])
    until_us = world.clock.now_us + 60_000_000
    closed = dict.fromkeys(("app", "shop|u0"), until_us)
    await raw(world.store).zadd(world.store.keys("limits_closed_until"), closed)
    assert (await answer(taskqueue, "limit", "get", "app"))["closedUntil"] == "2027-01-15T08:01:00.123Z"
    for arguments, limit in [(["app"], "app"), (["shop", "--user", "u0"], "shop|u0")]:
        opened = await answer(taskqueue, "limit", "open", *arguments)
        assert opened == {"limit": limit, "wasClosedUntil": "2027-01-15T08:01:00.123Z"}
    assert await raw(world.store).exists(world.store.keys("limits_closed_until")) == 0


REFUSED = [
    ("open", "ap", ExitCode.NOT_FOUND, "ap: no such limit; there are global, app, shop"),
    ("get", "ap", ExitCode.NOT_FOUND, "ap: no such limit; there are global, app, shop"),
    ("clear", "ap", ExitCode.NOT_FOUND, "ap: no such limit; there are global, app, shop"),
    ("set", "ap 5", ExitCode.NOT_FOUND, "ap: no such limit; there are global, app, shop"),
    ("open", "shop", ExitCode.USAGE, "shop has key User, each user has it to themselves: give --user USER"),
    ("open", "app --user u", ExitCode.USAGE, "app has key Release, all jobs share it: leave --user out"),
    ("open", "--user u", ExitCode.USAGE, "--user needs the NAME of a limit with key User"),
    ("open", "app --type t", ExitCode.USAGE, "--type excludes NAME and --user: give one of them"),
    ("get", "--user u", ExitCode.USAGE, "--user needs the NAME of a limit with key User"),
    (
        "set",
        "5 --burst 2",
        ExitCode.USAGE,
        "--burst needs the NAME of a limit: the global limit has no burst",
    ),
    ("set", "app 0", ExitCode.USAGE, "RATE must be 0.000001 to 1,000,000 starts a second, such as"),
    ("set", "app many", ExitCode.USAGE, "RATE must be 0.000001 to 1,000,000 starts a second, such as"),
    ("set", "app 2/1x", ExitCode.USAGE, "RATE must be a duration"),
]


@pytest.mark.parametrize(("verb", "arguments", "code", "says"), REFUSED)
async def test_limit_names_what_is_wrong(
    world: World, taskqueue: Command, verb: str, arguments: str, code: ExitCode, says: str
) -> None:
    await world.install(type_of("sync", "shop"), limits=[APP, SHOP])
    done = await taskqueue("limit", verb, *arguments.split())
    assert (done.exit_code, done.stderr.startswith(f"taskqueue: {says}")) == (code, True), done.stderr


async def test_the_global_rate_set_by_hand_is_not_that_of_a_limit_by_name(world: World) -> None:
    await world.install(type_of("sync", "app"), limits=[APP])
    await override_rate(world.store, 30)
    catalog = await read_catalog(world.store)
    assert (catalog.rate, set(catalog.overrides), catalog.limits["app"]) == (30, {"global"}, APP)
