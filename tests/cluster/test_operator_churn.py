"""Objects created and deleted without end leave nothing behind: not in the operator, not in the store.

`make soak` runs this for an hour, with more users.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from taskqueue.store.connection import Store
from taskqueue_operator.connection import connect
from tests.support.kubernetes.bulk_objects import Objects
from tests.support.kubernetes.shop import Shop
from tests.support.process.seeded_random import chance
from tests.support.site.site import until
from tests.support.store.raw import raw

SECONDS = float(os.environ.get("TASKQUEUE_SOAK", "10"))
USERS = 60 if SECONDS < 600 else 2_000
EDITS_PER_S = 20
#: From the first third of the time to the last: caches fill, and Python keeps what it was once given.
GROWTH_MB = 10
SPEC = {"schedule": {"interval": "10m"}, "handler": {"function": "record"}}
STEADY = tuple(f"steady-{n}" for n in range(4))
PASSING = tuple(f"passing-{n}" for n in range(4))


@pytest.fixture
async def objects(shop: Shop) -> AsyncIterator[Objects]:
    async with connect(shop.cluster.kubeconfig) as connection:
        yield Objects(connection, shop.namespace)


async def churn(objects: Objects, by: Random, users: set[str]) -> None:
    """Make one change: a user comes, is edited or goes, or a type that many of them refer to."""
    kind = by.random()
    if kind < 0.05:
        await objects.apply("TaskType", [(by.choice(PASSING), {**SPEC, "cost": by.randint(1, 9)})])
    elif kind < 0.1:
        for name in await objects.names("TaskType") & set(PASSING):
            await objects.delete("TaskType", name)
    elif kind < 0.4 and len(users) > USERS // 2:
        name = by.choice(sorted(users))
        users.discard(name)
        await objects.delete("UserSubscription", name)
    else:
        name = f"u-{by.randrange(USERS)}"
        users.add(name)
        await objects.apply("UserSubscription", [(name, user(by))])


def user(by: Random) -> dict[str, Any]:
    tasks = by.sample((*STEADY, *PASSING), by.randint(1, 6))
    return {"tasks": [{"type": name} for name in tasks], "suspend": by.random() < 0.3}


def memory_mb(process: asyncio.subprocess.Process) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


async def keys(store: Store) -> set[str]:
    return {key.decode() async for key in raw(store).scan_iter(match=store.keys("*"), count=1000)}


async def test_without_end_objects_come_and_go_and_nothing_grows(shop: Shop, objects: Objects) -> None:
    by, users, loop = chance(4), set[str](), asyncio.get_running_loop()
    operator = await shop.operator()
    await shop.world.worker()
    await objects.apply("TaskType", [(name, SPEC) for name in STEADY])
    await shop.says("tt", STEADY[0], "Ready", "True", "Scheduled")
    began_s, memory, changes = loop.time(), list[tuple[float, float]](), 0
    while (at_s := loop.time() - began_s) < SECONDS:
        await churn(objects, by, users)
        changes += 1
        memory.append((at_s, memory_mb(operator)))
        await asyncio.sleep(max(0.0, began_s + changes / EDITS_PER_S - loop.time()))

    async def published() -> bool:
        return await shop.owners() == users

    await until("exactly the present users are published", published, 30)
    early = max(mb for at_s, mb in memory if at_s < SECONDS / 3)
    late = max(mb for at_s, mb in memory if at_s > SECONDS * 2 / 3)
    print(f"{changes} changes in {SECONDS:.0f} s: {early:.1f} MB in the first third, {late:.1f} in the last")
    assert late - early < GROWTH_MB
    await shop.world.balanced()

    left = await keys(shop.world.store)
    for name in users:
        await objects.delete("UserSubscription", name)

    async def empty() -> bool:
        return not await shop.owners()

    await until("every user is gone", empty, 30)
    gone = {key for key in await keys(shop.world.store) if any(name in key for name in users)}
    assert gone == set(), "nothing of a user is kept once they are gone"
    assert len(await keys(shop.world.store)) < len(left)
