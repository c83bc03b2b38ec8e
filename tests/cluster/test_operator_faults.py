"""The operator during faults of other parts, on a real API server and a real store.

Outages last seconds in `make test`, and TASKQUEUE_OUTAGE_S seconds in `make faults`, which also has more of them.
"""

import asyncio
import itertools
import os
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from taskqueue.scheduler.recovery_point import LOOK_MAX_S
from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.shop import Shop, subscription, subscriptions, task_type
from tests.support.site.probes import metric, probe
from tests.support.site.site import site, until
from tests.support.store.backlog import Server
from tests.support.store.connections import renew_connections
from tests.support.store.raw import raw

USERS = 60
OUTAGE_S = float(os.environ.get("TASKQUEUE_OUTAGE_S", "3"))
LONG = OUTAGE_S > 30
#: How often leader and standby are killed.
ROUNDS = 4 if LONG else 1


@pytest.fixture
async def store_and_shop(
    defined: Cluster, namespace: str, release: str, tmp_path: Path
) -> AsyncIterator[tuple[Server, Shop]]:
    """A shop on a store of its own, which forgets nothing it acknowledged."""
    with Server(appendonly="yes", appendfsync="always") as valkey:
        async with site(valkey.url, release, tmp_path) as world:
            await set_rate(world.store, 500)
            yield valkey, await asyncio.to_thread(Shop, defined, namespace, world)


@asynccontextmanager
async def churn(shop: Shop) -> AsyncIterator[None]:
    """Add, edit and delete users all the time, and edit the remaining ones; no trace of a deleted user is left."""
    ending = asyncio.Event()

    async def go_on() -> None:
        for number in itertools.count():
            last = ending.is_set()
            edited = subscription(f"u-{number % USERS:03}", tasks=[{"type": "sync", "params": {"n": number}}])
            guests = [] if last else [subscription(f"guest-{number}", "sync")]
            if number:
                guests.append(subscription(f"guest-{number - 1}", "sync", suspend=True))
            await shop.apply(edited, *guests)
            if number > 1:
                await shop.kubectl("delete", "usub", f"guest-{number - 2}")
            if last:
                await shop.kubectl("delete", "usub", f"guest-{number - 1}")
                return

    task = asyncio.create_task(go_on())
    try:
        yield
        ending.set()
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def leader_of(shop: Shop, replicas: list[asyncio.subprocess.Process]) -> asyncio.subprocess.Process:
    found: list[asyncio.subprocess.Process] = []

    async def check() -> bool:
        holder = await shop.holder()
        found[:] = [one for one in replicas if f"-{one.pid}-" in holder]
        return bool(found)

    await until("one of them leads", check, 20)
    return found[0]


async def answers(shop: Shop, process: asyncio.subprocess.Process, path: str, status: int) -> None:
    async def check() -> bool:
        return (await probe(shop.world, process, path))[0] == status

    await until(f"{path} answers {status}", check)


async def test_killing_leader_and_standby_loses_and_doubles_nothing(
    shop: Shop,
) -> None:
    replicas = [await shop.operator() for _ in range(2)]
    await shop.world.worker()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    after_ms = await read_cursor(shop.world.store)
    async with churn(shop):
        for _ in range(ROUNDS):
            for kills_the_leader in (True, False):
                await shop.started(40)
                leader = await leader_of(shop, replicas)
                victim = leader if kills_the_leader else next(one for one in replicas if one is not leader)
                await shop.world.end(victim, signal.SIGKILL)
                replicas.remove(victim)
                await leader_of(shop, replicas)
                replicas.append(await shop.operator())
                await shop.world.says(replicas[-1], "process started")
    await shop.dealt(USERS)
    await shop.statuses_current()
    await shop.exactly_as_planned(after_ms)


async def test_edits_around_an_api_outage_are_seen_and_ticks_go_on(
    shop: Shop, control_plane: ControlPlane
) -> None:
    operator = await shop.operator()
    await shop.world.worker()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    await shop.statuses_current()
    after_ms = await read_cursor(shop.world.store)
    await shop.apply(subscription("early", "sync"))
    control_plane.stop_api()  # before its status is written
    try:
        await asyncio.sleep(OUTAGE_S)
        await shop.started(60)
        for path in ("/livez", "/readyz"):
            await answers(shop, operator, path, 200)
    finally:
        control_plane.start_api()  # not in a thread: the server would end with it
    await shop.kubectl("delete", "usub", "u-000")
    await shop.apply(subscription("u-001", "sync", suspend=True), subscription("late", "sync"))
    await shop.gone({"u-000"})
    await shop.statuses_current()
    await shop.dealt(USERS + 1)
    assert operator.returncode is None
    await shop.kubectl(
        "delete", "usub", "u-001", "early", "late"
    )  # their jobs are not in the plan that is checked below
    await shop.dealt(USERS - 2)
    await shop.exactly_as_planned(after_ms)
    shop.world.logs.clear()  # a new API server refuses all requests until it has read the roles


async def test_a_hanging_store_is_awaited_and_an_emptied_one_refilled(
    store_and_shop: tuple[Server, Shop],
) -> None:
    valkey, shop = store_and_shop
    world = shop.world
    operator = await shop.operator()
    await world.worker()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    after_ms = await read_cursor(world.store)
    await answers(shop, operator, "/readyz", 200)
    ways = [(valkey.freeze, valkey.thaw), (valkey.kill, valkey.start)]
    for goes, comes in ways if LONG else ways[:1]:
        goes()
        await answers(shop, operator, "/readyz", 503)  # that takes 5 s
        await asyncio.sleep(OUTAGE_S - 5 if LONG else 0)
        assert (await probe(world, operator, "/livez"))[0] == 200
        await shop.apply(subscription(f"met-{comes.__name__}", "sync"))
        comes()
        await renew_connections(world.store)
        await answers(shop, operator, "/readyz", 200)
        await shop.statuses_current()
        await shop.kubectl("delete", "usub", f"met-{comes.__name__}")
        await shop.dealt(USERS)
    await shop.exactly_as_planned(after_ms)
    assert operator.returncode is None

    cursor_ms = await read_cursor(world.store)
    keys = [key async for key in raw(world.store).scan_iter(match=world.store.keys("*"))]
    await raw(world.store).unlink(*keys)
    await world.says(operator, "emptied or replaced")
    await shop.dealt(USERS)
    await shop.started(300)
    await shop.without_holes()
    again = defaultdict[tuple[str, str], list[int]](list)
    for start in world.starts():
        again[start.user, start.occurrence].append(start.due_ms)
    set_back_s = await metric(world, operator, "taskqueue_cursor_set_back_seconds_total")
    assert all(max(dues) > cursor_ms - set_back_s * 1000 for dues in again.values() if len(dues) > 1)
    # Two seconds, and the jobs that waited at the operator's last look: one each second, later on a busy machine.
    if "type set back" in world.logs[operator.pid].read_text():  # the last look was older than two seconds
        assert 2 < set_back_s <= 2 + LOOK_MAX_S
    else:
        assert set_back_s == 2
    assert operator.returncode is None


async def test_a_resumed_leader_steps_down_and_keeps_new_objects(
    shop: Shop,
) -> None:
    replicas = [await shop.operator() for _ in range(2)]
    await shop.world.worker()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    old = await leader_of(shop, replicas)
    old.send_signal(signal.SIGSTOP)
    await leader_of(shop, [one for one in replicas if one is not old])
    recreated, other = {f"u-{n:03}" for n in range(10)}, "u-010"
    await shop.kubectl("delete", "usub", *recreated, other)
    await shop.gone({*recreated, other})
    await shop.apply(*(subscription(name, "sync") for name in sorted(recreated)))
    await shop.apply(subscription("other", "sync", userId=other))
    await shop.dealt(USERS)
    await shop.statuses_current()
    users = await shop.owners()
    assert len(users) == USERS

    old.send_signal(signal.SIGCONT)
    await shop.world.says(old, "no longer leading")
    began = Counter(start.user for start in shop.world.starts())
    gone_meanwhile = set[str]()

    async def all_have_run_twice() -> bool:
        gone_meanwhile.update(users - await shop.owners())
        now = Counter(start.user for start in shop.world.starts())
        return all(now[user] >= began[user] + 2 for user in users)

    await until("jobs of every user continue", all_have_run_twice)
    assert gone_meanwhile == set()
    assert await leader_of(shop, replicas) is not old
    await shop.statuses_current()
