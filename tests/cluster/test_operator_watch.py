"""The operator's watches while they are refused or silent: edits are seen, and no edit waits for kopf."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskqueue_operator.api import PLURALS
from tests.support.kubernetes.flaky_api import Answer, FlakyApi, flaky_api, refusal
from tests.support.kubernetes.shop import ROLE, Shop, subscription, subscriptions, task_type
from tests.support.site.probes import metric, probe
from tests.support.site.site import until

LONG = float(os.environ.get("TASKQUEUE_OUTAGE_S", "3")) > 30
#: kopf gives up after 12 s of refusals, and may then never end.
REFUSED_S = 14.0 if LONG else 3.0
#: It does not end if one watch gives up while the other is still tried again.
APART_S = 2.0 if LONG else 0.0
WATCHES = tuple(f"watch {plural}" for plural in PLURALS.values())
USERS = 3


@dataclass
class Watched:
    """A shop with one operator behind a proxy."""

    shop: Shop
    api: FlakyApi
    operator: asyncio.subprocess.Process

    async def sees(self, number: int, limit_s: float = 10) -> None:
        """Edit a user, and wait for the status that says so."""
        params = {"n": number}
        await self.shop.apply(subscription("u-000", tasks=[{"type": "sync", "params": params}]))
        await self.shop.statuses_current(limit_s)

    async def age_s(self) -> float:
        name = "taskqueue_operator_watch_age_seconds"
        return max([await metric(self.shop.world, self.operator, name, kind=kind) for kind in PLURALS])

    async def young(self) -> None:
        async def check() -> bool:
            return await self.age_s() < 3

        await until("the watches are alive", check, 10)

    async def live(self, status: int) -> None:
        async def check() -> bool:
            return (await probe(self.shop.world, self.operator, "/livez"))[0] == status

        await until(f"/livez answers {status}", check, 20)


@pytest.fixture
async def watched(shop: Shop, tmp_path: Path) -> AsyncIterator[Watched]:
    async with flaky_api(shop.kubeconfig, tmp_path / "proxied.kubeconfig") as (config, api):
        shop.kubeconfig = config
        operator = await shop.operator("--watch-period", "1")
        await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
        await shop.statuses_current()
        yield Watched(shop, api, operator)


async def test_a_refused_empty_or_silent_watch_loses_no_edit(watched: Watched) -> None:
    shop, api = watched.shop, watched.api
    for what in WATCHES:
        api.answers[what] = itertools.repeat(refusal(403, "Forbidden"))
        api.cut(what)
        await asyncio.sleep(APART_S)
    await asyncio.sleep(REFUSED_S)
    assert await watched.age_s() > REFUSED_S
    await watched.sees(1)  # by lists
    await watched.live(200)
    api.answers.clear()
    await watched.young()
    await watched.sees(2)

    for what in WATCHES:  # answered, at once, with nothing
        api.answers[what] = itertools.repeat(Answer(200, ""))
        api.cut(what)
    await watched.sees(5)
    api.answers.clear()
    await watched.young()

    api.watching.clear()
    await watched.sees(3)
    await watched.live(503)
    api.watching.set()
    await watched.live(200)
    await watched.sees(4)

    for what in WATCHES:  # ended at once, without a word
        api.answers[what] = itertools.repeat(Answer(200, ""))
        api.cut(what)
    await watched.sees(5)  # by lists
    api.answers.clear()
    await watched.sees(6)
    assert watched.operator.returncode is None
    shop.world.logs.clear()  # that some were forbidden is not for want of rights


@pytest.mark.skipif(not LONG, reason="costs seconds that `make test` has not: see make faults")
async def test_restored_rights_are_used_again(watched: Watched) -> None:
    shop = watched.shop
    for turn in range(3):
        await shop.kubectl("delete", "rolebinding", "taskqueue-operator")
        await asyncio.sleep(REFUSED_S)
        await shop.kubectl("apply", "-f", str(ROLE))
        await watched.sees(turn, 15)
    assert watched.operator.returncode is None
    shop.world.logs.clear()  # that some were forbidden is what was tried
